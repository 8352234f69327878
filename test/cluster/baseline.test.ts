import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ApiError } from "../../src/cluster/api-error.ts";
import type { KubernetesClient } from "../../src/cluster/client.ts";
import { connect } from "../../src/cluster/connect.ts";
import { paths } from "../../src/cluster/paths.ts";
import { type BaselineDeps, ensurePolicies, reconcileBaseline } from "../../src/controllers/baseline/reconcile.ts";
import { configure } from "../../src/engine/configuration.ts";
import { readEmbeddedPolicies } from "../../src/files/policies.ts";
import type { NetworkPolicy } from "../../src/model/network-policy.ts";
import { describeCluster } from "./harness/context.ts";
import { BASELINE_NAMES, createNamespace, MARKER, stateOf } from "./harness/storm.ts";

const [DENY_INGRESS = ""] = BASELINE_NAMES;
const configuration = configure("enforce", await readEmbeddedPolicies(), {
  rulesets: new Map(),
  baselines: new Map(),
});

describeCluster("a baseline on a real API server, with nobody else at work", (cluster) => {
  let client: KubernetesClient;
  beforeAll(async () => {
    client = await connect({ kubeconfig: cluster().kubeconfigs.admin });
  });
  afterAll(() => client?.close());

  const depsOf = (tweak: Partial<BaselineDeps["client"]> = {}) => {
    const writes: string[] = [];
    const methods = {
      get: client.get.bind(client),
      pages: client.pages.bind(client),
      apply: client.apply.bind(client),
      replace: client.replace.bind(client),
      patch: client.patch.bind(client),
    };
    const deps: BaselineDeps = {
      client: { ...methods, ...tweak },
      configuration: () => configuration,
      onWrite: (what) => writes.push(what),
    };
    return { deps, writes };
  };
  /** The first look finds nothing, as one does that comes a moment before somebody's write. */
  const blindAtFirst = (): Partial<BaselineDeps["client"]> => {
    const seen = new Set<string>();
    return {
      get: async (path, options) => {
        if (!path.includes("/networkpolicies/") || seen.has(path)) return client.get(path, options);
        seen.add(path);
        throw new ApiError({ status: 404, reason: "NotFound", message: path });
      },
    };
  };
  const marked = (name: string) => createNamespace(client, name, { [MARKER]: "true" });
  const foreign = (namespace: string, spec: object): Promise<NetworkPolicy> =>
    client.create(
      paths.networkPolicies(namespace),
      { apiVersion: "networking.k8s.io/v1", kind: "NetworkPolicy", metadata: { name: DENY_INGRESS, namespace }, spec },
      { fieldManager: "somebody" },
    );
  const policy = (namespace: string) => client.get<NetworkPolicy>(paths.networkPolicies(namespace, DENY_INGRESS));

  test("is complete after one call, and the second writes nothing", async () => {
    await marked("once");
    const first = depsOf();
    expect(await ensurePolicies("once", first.deps)).toMatchObject({ outcome: "complete", baseline: "default" });
    expect(first.writes).toEqual(["policy", "policy", "policy"]);
    const before = await stateOf(client, "once");
    const second = depsOf();
    expect(await ensurePolicies("once", second.deps)).toMatchObject({ outcome: "complete", applied: [] });
    expect(second.writes).toEqual([]);
    expect(await stateOf(client, "once")).toEqual({ ...before, isPending: true, policies: BASELINE_NAMES });
    expect(await reconcileBaseline("once", depsOf().deps)).toMatchObject({ outcome: "finished" });
    expect(await ensurePolicies("once", depsOf().deps)).toEqual({ outcome: "unmarked" });
  });

  test("five at once make it once", async () => {
    await marked("five");
    const results = await Promise.all(Array.from({ length: 5 }, () => ensurePolicies("five", depsOf().deps)));
    expect(results.map(({ outcome }) => outcome)).toEqual(Array.from({ length: 5 }, () => "complete"));
    expect((await policy("five")).metadata?.generation).toBe(1);
  });

  test("a namespace that is not there, and one that nothing is wanted in", async () => {
    expect(await ensurePolicies("nowhere", depsOf().deps)).toEqual({ outcome: "absent" });
    await createNamespace(client, "free", { [MARKER]: "true", "drawbridge.dev/mode": "audit" });
    expect(await ensurePolicies("free", depsOf().deps)).toMatchObject({ outcome: "ungoverned" });
    expect(await stateOf(client, "free")).toMatchObject({ isPending: true, policies: [] });
  });

  test("one that has a policy of a NetworkBaseline that is not valid keeps what it has, and waits for nothing", async () => {
    await marked("held");
    const labels = { "app.kubernetes.io/managed-by": "drawbridge", "drawbridge.dev/baseline": "broken" };
    const metadata = { name: "drawbridge-allow-same-namespace", namespace: "held", labels };
    const spec = { podSelector: {}, policyTypes: ["Ingress"] };
    const given = { apiVersion: "networking.k8s.io/v1", kind: "NetworkPolicy", metadata, spec };
    await client.create(paths.networkPolicies("held"), given);
    const { deps, writes } = depsOf();
    const broken = { ...deps, configuration: () => ({ ...configuration, unusable: new Set(["broken"]) }) };
    expect(await ensurePolicies("held", broken)).toMatchObject({
      outcome: "unarmed",
      why: expect.stringContaining("NetworkBaseline broken, which is not valid"),
    });
    expect(await reconcileBaseline("held", broken)).toMatchObject({ outcome: "finished", applied: [] });
    expect(writes).toEqual(["marker"]);
    expect(await stateOf(client, "held")).toMatchObject({ isPending: false, policies: [metadata.name] });

    await marked("not-held");
    expect(await reconcileBaseline("not-held", broken)).toMatchObject({ outcome: "finished", baseline: "default" });
  });

  describe("somebody's policy that comes under a name of ours between the look and the write", () => {
    test.each([
      ["with other Pods", "other", { podSelector: { matchLabels: { app: "x" } }, policyTypes: ["Ingress"] }],
      [
        "that would merge with ours, since it only says more",
        "more",
        { podSelector: {}, policyTypes: ["Ingress"], ingress: [{ ports: [{ port: 80, protocol: "TCP" }] }] },
      ],
    ])("%s stays as it is, and is a conflict", async (_name, namespace, spec) => {
      await marked(namespace);
      const before = await foreign(namespace, spec);
      expect(await ensurePolicies(namespace, depsOf(blindAtFirst()).deps)).toEqual({
        outcome: "conflict",
        baseline: "default",
        conflicts: [DENY_INGRESS],
      });
      const after = await policy(namespace);
      expect(after.spec).toEqual(before.spec);
      expect([after.metadata?.labels, after.metadata?.annotations]).toEqual([undefined, undefined]);
      expect(after.metadata?.managedFields?.map(({ manager }) => manager)).toEqual(["somebody"]);
    });

    test("and says the same is adopted", async () => {
      await marked("same");
      const { metadata } = await foreign("same", { podSelector: {}, policyTypes: ["Ingress"] });
      expect(await ensurePolicies("same", depsOf(blindAtFirst()).deps)).toMatchObject({ outcome: "complete" });
      expect((await policy("same")).metadata).toMatchObject({
        uid: metadata?.uid,
        labels: { "drawbridge.dev/baseline": "default" },
      });
    });
  });

  test("what somebody writes between the look and the write is looked at again, not written over unseen", async () => {
    await marked("late");
    await foreign("late", { podSelector: {}, policyTypes: ["Ingress"] });
    const mine = { podSelector: { matchLabels: { app: "mine" } }, policyTypes: ["Ingress"] };
    let applies = 0;
    const { deps } = depsOf({
      apply: async (path, object, options) => {
        if (path.endsWith(DENY_INGRESS) && applies++ === 0) {
          await client.replace(path, { ...(await policy("late")), spec: mine }, { fieldManager: "somebody" });
        }
        return client.apply(path, object, options);
      },
    });
    expect(await ensurePolicies("late", deps)).toMatchObject({ outcome: "conflict", conflicts: [DENY_INGRESS] });
    expect((await policy("late")).spec).toEqual(mine);
  });
});
