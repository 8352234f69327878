import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { connectInCluster, namespaceOf } from "../../src/cluster/service-account.ts";

const ENV = { KUBERNETES_SERVICE_HOST: "127.0.0.1", KUBERNETES_SERVICE_PORT: "1" };

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "drawbridge-service-account-"));
  await writeFile(join(folder, "token"), "token\n");
  await writeFile(join(folder, "ca.crt"), "-----BEGIN CERTIFICATE-----\n");
});
afterEach(() => rm(folder, { recursive: true }));

describe("where it is no Pod, or one without a service account, it says what to do", () => {
  test.each([
    [{}, /KUBERNETES_SERVICE_HOST is not set, so this is no Pod. Outside a cluster name it by --kubeconfig/],
    [{ KUBERNETES_SERVICE_HOST: "10.96.0.1" }, /KUBERNETES_SERVICE_PORT is not set/],
    [{ ...ENV, KUBERNETES_SERVICE_HOST: "no address" }, /make no address: https:\/\/no address:1/],
  ])("%j", async (env, message) => {
    const connecting = connectInCluster(folder, env);
    await expect(connecting).rejects.toThrow(message);
    await expect(connecting).rejects.toMatchObject({ code: "invalid-service-account" });
  });

  test.each(["token", "ca.crt"])("%s is missing, or empty", async (name) => {
    await writeFile(join(folder, name), "\n");
    await expect(connectInCluster(folder, ENV)).rejects.toThrow(`${join(folder, name)} is empty`);
    await rm(join(folder, name));
    const connecting = connectInCluster(folder, ENV);
    await expect(connecting).rejects.toThrow(join(folder, name));
    await expect(connecting).rejects.toThrow(/automountServiceAccountToken: true\?$/);
    await expect(connecting).rejects.toMatchObject({ code: "invalid-service-account" });
  });
});

test("an IPv6 address of the API server is put in brackets", async () => {
  const client = await connectInCluster(folder, { ...ENV, KUBERNETES_SERVICE_HOST: "::1" });
  await expect(client.get("/version")).rejects.toThrow("::1:1");
  await client.close();
});

describe("the namespace that the Pod is in", () => {
  test("is read from beside the token", async () => {
    await writeFile(join(folder, "namespace"), "drawbridge-system\n");
    expect(await namespaceOf(folder)).toBe("drawbridge-system");
  });

  test("where it can't be read, it says what to do", async () => {
    const reading = namespaceOf(folder);
    await expect(reading).rejects.toThrow(/--in-cluster: .*Name the namespace by --namespace$/);
    await expect(reading).rejects.toMatchObject({ code: "invalid-service-account" });
  });
});
