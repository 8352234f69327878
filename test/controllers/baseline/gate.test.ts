import { expect, test } from "vitest";
import { CONVENTIONAL } from "../../../src/baseline/resolve.ts";
import type { KubernetesClient } from "../../../src/cluster/client.ts";
import type { BaselineDeps } from "../../../src/controllers/baseline/reconcile.ts";
import { createGate } from "../../../src/controllers/baseline/gate.ts";
import { configure } from "../../../src/engine/configuration.ts";
import { readEmbeddedPolicies } from "../../../src/files/policies.ts";
import { PENDING_LABEL } from "../../../src/model/names.ts";
import { networkPolicy } from "../../helpers/build.ts";

const configuration = configure("enforce", await readEmbeddedPolicies(), {
  rulesets: new Map(),
  baselines: new Map(),
});
const never = (): never => {
  throw new Error("nothing else is called");
};
function gateOn(get: KubernetesClient["get"], current = configuration) {
  const client: BaselineDeps["client"] = { get, apply: never, replace: never, patch: never };
  return createGate({ client, configuration: () => current, onWrite: never });
}

test("who cannot wait any longer is told, and those who can still get the answer", async () => {
  const { promise, resolve } = Promise.withResolvers<unknown>();
  const ensure = gateOn(async <T>() => (await promise) as T);
  const patient = ensure("shop", 10_000);
  await expect(ensure("shop", 1)).rejects.toThrow("its policies were not in place within 1 ms");
  resolve({ metadata: { name: "shop" } });
  expect(await patient).toEqual({ outcome: "unmarked" });
});

test("the API server's own error is the reason", async () => {
  const ensure = gateOn(() => Promise.reject(new Error("etcd is away")));
  await expect(ensure("shop", 1_000)).rejects.toThrow("etcd is away");
});

test("a namespace that is going away is left alone", async () => {
  const namespace = { metadata: { name: "shop", deletionTimestamp: "2026-11-21T12:00:00Z" } };
  const ensure = gateOn(async <T>() => namespace as T);
  expect(await ensure("shop", 1_000)).toEqual({ outcome: "absent" });
});

test("a marked namespace whose policies cannot be made here is not one that has nothing to wait for", async () => {
  const noDns = configure(
    "enforce",
    await readEmbeddedPolicies(),
    { rulesets: new Map(), baselines: new Map() },
    { ...CONVENTIONAL, dns: { isKnown: false, why: "there is none" } },
  );
  const namespace = { metadata: { name: "shop", labels: { [PENDING_LABEL]: "true" } } };
  const ensure = gateOn(async <T>() => namespace as T, noDns);
  expect(await ensure("shop", 1_000)).toMatchObject({
    outcome: "unarmed",
    why: expect.stringContaining("there is none"),
  });
});

test("nor is one that has something of a baseline that is not valid, which holds its place", async () => {
  const namespace = { metadata: { name: "shop", labels: { [PENDING_LABEL]: "true" } } };
  const labels = { "app.kubernetes.io/managed-by": "drawbridge", "drawbridge.dev/baseline": "web" };
  const given = networkPolicy({ metadata: { name: "drawbridge-any", namespace: "shop", labels } });
  const get = async <T>(path: string) => (path.endsWith("/networkpolicies") ? { items: [given] } : namespace) as T;
  const ensure = gateOn(get, { ...configuration, unusable: new Set(["web"]) });
  expect(await ensure("shop", 1_000)).toMatchObject({
    outcome: "unarmed",
    why: "it has policies of NetworkBaseline web, which is not valid, and keeps them as they are until that is mended",
  });
});
