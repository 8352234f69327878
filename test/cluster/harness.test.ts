import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, inject, test } from "vitest";
import type { Binaries } from "./harness/binaries.ts";
import { startCluster } from "./harness/cluster.ts";
import { describeCluster } from "./harness/context.ts";
import type { UserName } from "./harness/files.ts";

describeCluster(
  "a test cluster",
  (cluster) => {
    test.each<[UserName, string, string, string, boolean]>([
      ["admin", "create", "rbac.authorization.k8s.io", "clusterroles", true],
      ["platform", "create", "", "namespaces", true],
      ["platform", "delete", "networking.k8s.io", "networkpolicies", true],
      ["platform", "bind", "drawbridge.dev", "networkrulesets", true],
      ["platform", "list", "admissionregistration.k8s.io", "validatingwebhookconfigurations", true],
      ["platform", "update", "admissionregistration.k8s.io", "validatingwebhookconfigurations", false],
      ["platform", "create", "apps", "deployments", false],
      ["tenant", "create", "networking.k8s.io", "networkpolicies", true],
      ["tenant", "create", "apps", "deployments", true],
      ["tenant", "list", "", "namespaces", true],
      ["tenant", "update", "", "namespaces", false],
      ["tenant", "get", "drawbridge.dev", "networkrulesets", false],
      ["tenant", "bind", "drawbridge.dev", "networkrulesets", false],
    ])("may %s %s %s/%s? %s", async (as, verb, group, resource, expected) => {
      // Not `kubectl auth can-i`, which only knows kinds that are installed.
      const spec = { resourceAttributes: { verb, group, resource } };
      const review = { apiVersion: "authorization.k8s.io/v1", kind: "SelfSubjectAccessReview", spec };
      const question = ["create", "--validate=false", "-f=-", "-o=jsonpath={.status.allowed}"];
      expect(await cluster().ok(question, { as, input: JSON.stringify(review) })).toBe(String(expected));
    });

    test("a refusal names the user", async () => {
      const { code, stderr } = await cluster().kubectl(["create", "namespace", "mine"], { as: "tenant" });
      expect(code).toBe(1);
      expect(stderr).toContain('User "tenant" cannot create resource "namespaces"');
      await expect(cluster().ok(["create", "namespace", "mine"], { as: "tenant" })).rejects.toThrow(/cannot create/);
    });

    test("DNS and the API server are where real clusters have them", async () => {
      const dns = ["get", "service", "-n=kube-system", "-l=k8s-app=kube-dns", "-o=jsonpath={.items[*].spec.ports[*]}"];
      const ports = await cluster().ok(dns);
      expect(ports).toContain('"port":53,"protocol":"UDP"');
      expect(ports).toContain('"port":53,"protocol":"TCP"');
      const endpoints = await cluster().ok([
        "get",
        "endpointslice",
        "kubernetes",
        "-o=jsonpath={.endpoints[*].addresses}",
      ]);
      expect(endpoints).toBe('["192.0.2.10"]');
    });

    test("the audit log has namespaces, and not everything", async () => {
      await cluster().ok(["create", "namespace", "audited"], { as: "platform" });
      await cluster().ok(["create", "configmap", "unseen", "-n=audited"]);
      const log = readFileSync(cluster().auditLog ?? "", "utf8");
      expect(log).toContain('"objectRef":{"resource":"namespaces","name":"audited"');
      expect(log).not.toContain("unseen");
    });

    test("the controller manager works: a deleted namespace goes away, with its policies", async () => {
      const policy = policyIn("short-lived");
      await cluster().ok(["create", "namespace", "short-lived"]);
      await cluster().ok(["create", "-f", "-"], { as: "tenant", input: JSON.stringify(policy) });
      await cluster().ok(["delete", "namespace", "short-lived", "--timeout=25s"]);
      const { stderr } = await cluster().kubectl(["get", "namespace", "short-lived"]);
      expect(stderr).toContain("not found");
    });

    test.each(["SIGTERM", "SIGKILL"] as const)(
      "a restart of the API server (%s) keeps port and data",
      async (signal) => {
        const name = `before-${signal.toLowerCase()}`;
        await cluster().ok(["create", "configmap", name]);
        await cluster().stopApiServer(signal);
        const down = await cluster().kubectl(["get", "configmap", name]);
        expect(down.stderr).toContain("connection refused");
        await cluster().startApiServer();
        expect(await cluster().ok(["get", "configmap", name, "-o=name"])).toBe(`configmap/${name}\n`);
      },
    );

    test("kubectl leaves no cache, and reads none of the person's settings", async () => {
      const HOME = mkdtempSync(join(tmpdir(), "drawbridge-home-"));
      try {
        await cluster().ok(["get", "namespaces"], { env: { HOME } });
        expect(readdirSync(HOME)).toEqual([]);
      } finally {
        rmSync(HOME, { recursive: true });
      }
    });
  },
  { controllerManager: true, auditPolicy: true },
);

const binaries = inject("binaries");

describe.skipIf(!binaries)("the end of a cluster", () => {
  test("stop() removes everything, and may be called twice", async () => {
    const cluster = await startCluster({ binaries: need(binaries), crds: false, dns: false });
    expect(processesOf(cluster.directory)).toHaveLength(2);
    await cluster.stop();
    await cluster.stop();
    expect(processesOf(cluster.directory)).toEqual([]);
    expect(existsSync(cluster.directory)).toBe(false);
  });

  test("a process that ends at its start is an error with the end of its log, and leaves nothing", async () => {
    const broken = { ...need(binaries), etcd: "/bin/false" };
    await expect(startCluster({ binaries: broken })).rejects.toThrow(/etcd ended \(exit code 1\)/);
    const missing = { ...need(binaries), kubeApiserver: "/nowhere/kube-apiserver" };
    await expect(startCluster({ binaries: missing })).rejects.toThrow(/kube-apiserver ended \(spawn .* ENOENT\)/);
  });
});

// /proc is Linux's.
describe.skipIf(!binaries || process.platform !== "linux")("when the owner dies", () => {
  test.each<[NodeJS.Signals, string]>([
    ["SIGKILL", "ready"],
    ["SIGINT", "ready"],
    ["SIGTERM", "starting"],
    ["SIGKILL", "starting"],
  ])("of %s while its cluster is %s, nothing stays", async (signal, state) => {
    // The folder of the cluster is in there, so its name is in all command lines and environments.
    const temporary = mkdtempSync(join(tmpdir(), "drawbridge-orphan-"));
    const owner = startOwner(temporary);
    try {
      if (state === "ready") {
        await once(owner.stdout ?? owner, "data");
        expect(processesOf(temporary).length).toBeGreaterThan(3);
      } else {
        await eventually(() => processesOf(temporary).some((line) => line.includes("--etcd-servers")));
      }
      owner.kill(signal);
      await once(owner, "exit");
      await eventually(() => processesOf(temporary).length === 0);
      expect(readdirSync(temporary)).toEqual([]);
    } finally {
      owner.kill("SIGKILL");
      rmSync(temporary, { recursive: true, force: true });
    }
  });

  test("the end of the supervisor itself ends the cluster too", async () => {
    const temporary = mkdtempSync(join(tmpdir(), "drawbridge-orphan-"));
    const owner = startOwner(temporary);
    try {
      await once(owner.stdout ?? owner, "data");
      const supervisor = processesOf(temporary).find((line) => line.includes("supervisor.ts"));
      process.kill(Number.parseInt(supervisor ?? "", 10), "SIGKILL");
      await eventually(() => processesOf(temporary).every((line) => line.startsWith(`${owner.pid} `)));
      await eventually(() => readdirSync(temporary).length === 0);
    } finally {
      owner.kill("SIGKILL");
      rmSync(temporary, { recursive: true, force: true });
    }
  });
});

/** A process that starts a cluster, writes its folder, and then waits for its death. */
function startOwner(temporary: string): ChildProcess {
  const code = `
    const { startCluster } = await import(process.argv[1]);
    const cluster = await startCluster({ binaries: JSON.parse(process.argv[2]), controllerManager: !!process.argv[3] });
    console.log(cluster.directory);
    setInterval(() => {}, 1000);`;
  const known = need(binaries);
  const args = [new URL("harness/cluster.ts", import.meta.url).href, JSON.stringify(known)];
  const all = known.kubeControllerManager ? [...args, "controllers"] : args;
  return spawn(process.execPath, ["--input-type=module", "--eval", code, ...all], {
    env: { ...process.env, TMPDIR: temporary },
    stdio: ["ignore", "pipe", "inherit"],
  });
}

/** `4711 /path/to/etcd --name=test ...`: all that name the folder in their command line or environment. */
function processesOf(folder: string): string[] {
  const ids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return ids.flatMap((id) => {
    const commandLine = readProc(id, "cmdline");
    const isOurs = commandLine.includes(folder) || readProc(id, "environ").includes(folder);
    return isOurs ? `${id} ${commandLine.replaceAll("\0", " ")}` : [];
  });
}

/** Empty for a process that has ended meanwhile, or that is somebody else's. */
function readProc(id: string, name: string): string {
  try {
    return readFileSync(`/proc/${id}/${name}`, "utf8");
  } catch {
    return "";
  }
}

async function eventually(isSo: () => boolean): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!isSo()) {
    if (Date.now() > deadline) throw new Error("This did not happen within 10 s");
    await sleep(50);
  }
}

function need(found: Binaries | undefined): Binaries {
  if (!found) throw new Error("This test is skipped without binaries");
  return found;
}

function policyIn(namespace: string): object {
  return {
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    metadata: { name: "default-deny", namespace },
    spec: { podSelector: {}, policyTypes: ["Ingress", "Egress"] },
  };
}
