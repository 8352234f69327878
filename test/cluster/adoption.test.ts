import { afterAll, beforeAll, expect, test, vi } from "vitest";
import type { KubernetesClient } from "../../src/cluster/client.ts";
import { connect } from "../../src/cluster/connect.ts";
import { paths } from "../../src/cluster/paths.ts";
import type { NetworkBaseline } from "../../src/config/baseline.ts";
import type { NetworkBaselineStatus } from "../../src/config/baseline-status.ts";
import type { NetworkPolicy } from "../../src/model/network-policy.ts";
import type { Namespace, ObjectMeta } from "../../src/model/objects.ts";
import { networkBaseline } from "../helpers/build.ts";
import { eventually } from "../helpers/eventually.ts";
import { auditedCalls, auditEnd, isOfDrawbridge, isWrite } from "./harness/audit.ts";
import { describeCluster } from "./harness/context.ts";
import { type Drawbridge, startDrawbridge } from "./harness/drawbridge.ts";
import { createEstate, isOfDaemonSet, isReady, podsOfAll, type RunningPod } from "./harness/estate.ts";
import { freePort } from "./harness/net.ts";
import { startNodes } from "./harness/nodes.ts";
import { findForTests } from "./harness/programs.ts";
import { looksIn, webhookCalls, writesOf } from "./harness/steady.ts";
import { createNamespace } from "./harness/storm.ts";

const KWOK = await findForTests("kwok");
const SCHEDULER = await findForTests("kube-scheduler");

const OLD = Array.from({ length: 50 }, (_, i) => `old-${String(i).padStart(2, "0")}`);
/** Each with the same labels as others, but for what is said of it. */
const [TAKEN, EXCLUDED, IGNORED, MOVING] = ["taken", "excluded", "ignored", "moving"] as const;
const SYSTEM = "drawbridge-system";
const GATE = "gate.pods.drawbridge.dev";

const DENY_INGRESS = "drawbridge-00-default-deny-ingress";
const DENY_EGRESS = "drawbridge-01-default-deny-egress";
const ALLOW_DNS = "drawbridge-10-allow-dns-egress";
const ALLOW_OWN = "drawbridge-allow-same-namespace";
const AT_INGRESS = [DENY_INGRESS, ALLOW_OWN];
const AT_EGRESS = [DENY_INGRESS, DENY_EGRESS, ALLOW_DNS, ALLOW_OWN];

/** Two at a time, and so one each second. */
const SLOW = { atOnce: 2, pauseSeconds: 2 };

interface Event {
  readonly reason: string;
  readonly message: string;
}

interface Workload {
  readonly metadata?: ObjectMeta;
  readonly spec: { readonly replicas?: number };
  readonly status: { readonly availableReplicas?: number; readonly numberAvailable?: number };
}

/** A DaemonSet has no replicas, but one Pod on each of the 3 nodes. */
function isAvailable({ spec, status }: Workload): boolean {
  return (status.availableReplicas ?? status.numberAvailable ?? 0) === (spec.replicas ?? NODES);
}

const NODES = 3;

/** Some 120 Pods have to start, and then a third of them elsewhere; on a machine that is busy with other tests. */
const LIMIT = 120_000;
vi.setConfig({ testTimeout: LIMIT, hookTimeout: LIMIT });

describeCluster(
  "namespaces that were there before Drawbridge, with Pods that run",
  (cluster) => {
    let client: KubernetesClient;
    let drawbridge: Drawbridge;
    let ports: { readonly webhook: number; readonly health: number };
    let nodes: readonly string[];
    /** As they were before Drawbridge: all Pods, and the resourceVersion of each Namespace. */
    let pods: readonly RunningPod[];
    let versions: ReadonlyMap<string, string>;
    /** Where the audit log ended before the stage egress. */
    let egressBegin: number;

    type Spec = Partial<Omit<NetworkBaseline["spec"], "templates">>;
    const setBaseline = (spec: Spec, name = "estate", label = "old") =>
      client.apply(
        paths.networkBaselines(name),
        networkBaseline(name, {
          namespaceSelector: { matchLabels: { estate: label } },
          templates: [
            "00-default-deny-ingress",
            "01-default-deny-egress",
            "10-allow-dns-egress",
            "allow-same-namespace",
          ],
          ...spec,
        }),
        { fieldManager: "test", force: true },
      );
    const estate = (spec: Spec) => setBaseline({ excludedNamespaces: [EXCLUDED], ...spec });
    const statusOf = async (name = "estate"): Promise<NetworkBaselineStatus | undefined> =>
      (await client.get<{ readonly status?: NetworkBaselineStatus }>(paths.networkBaselines(name))).status;
    const start = async (): Promise<void> => {
      const args = [`--namespace=${SYSTEM}`, "--drain-seconds=0"];
      drawbridge = await startDrawbridge({ cluster: cluster(), args, ports });
    };

    const policiesByNamespace = async (): Promise<ReadonlyMap<string, readonly NetworkPolicy[]>> => {
      const { items } = await client.get<{ readonly items: readonly NetworkPolicy[] }>(paths.networkPolicies());
      return Map.groupBy(items, ({ metadata }) => metadata?.namespace ?? "");
    };
    const namesOf = (policies: readonly NetworkPolicy[] = []) => policies.map(({ metadata }) => metadata?.name ?? "");
    /** Of these namespaces, and nothing else. */
    const haveAll = async (names: readonly string[], expected: readonly string[]): Promise<void> => {
      const there = await policiesByNamespace();
      expect(names.filter((name) => String(namesOf(there.get(name)).toSorted()) !== String(expected))).toEqual([]);
    };
    /** In how many egress is denied. */
    const closed = async (): Promise<number> =>
      [...(await policiesByNamespace()).values()].filter((policies) => namesOf(policies).includes(DENY_EGRESS)).length;
    /** What Drawbridge has written of policies and Namespaces since then: for each namespace the policies, in order. */
    const writtenSince = (from: number): ReadonlyMap<string, readonly string[]> => {
      const writes = writesOf(auditedCalls(cluster(), from))
        .filter(({ objectRef }) => ["networkpolicies", "namespaces"].includes(objectRef?.resource ?? ""))
        .toSorted((a, b) => (a.requestReceivedTimestamp < b.requestReceivedTimestamp ? -1 : 1))
        .map(({ objectRef }) => objectRef ?? {});
      const byNamespace = Map.groupBy(writes, ({ namespace = "" }) => namespace);
      return new Map([...byNamespace].map(([name, refs]) => [name, refs.map((ref) => ref.name ?? "")]));
    };
    /** Between the change of a namespace and that of the one that comes in its place, in seconds. */
    const shortestRest = (): number => {
      const denied = auditedCalls(cluster(), egressBegin)
        .filter((event) => isOfDrawbridge(event) && isWrite(event) && event.objectRef?.name === DENY_EGRESS)
        .map(({ requestReceivedTimestamp }) => Date.parse(requestReceivedTimestamp) / 1_000)
        .toSorted((a, b) => a - b);
      const rests = denied.slice(SLOW.atOnce).map((time, i) => time - (denied[i] ?? 0));
      return Math.min(...rests);
    };
    const versionsOfNamespaces = async (): Promise<ReadonlyMap<string, string>> => {
      const { items } = await client.get<{ readonly items: readonly Namespace[] }>(paths.namespaces());
      return new Map(items.map(({ metadata }) => [metadata?.name ?? "", metadata?.resourceVersion ?? ""]));
    };
    const uidsOf = (some: readonly RunningPod[]) => some.map(({ metadata }) => metadata.uid).toSorted();
    const perNamespace = (some: readonly RunningPod[]): readonly string[] =>
      [...Map.groupBy(some, ({ metadata }) => metadata.namespace)]
        .map(([name, all]) => `${name} ${all.length}`)
        .toSorted();
    /** Workloads that lack Pods. */
    const unavailable = async (): Promise<readonly string[]> => {
      const lists = ["deployments", "statefulsets", "daemonsets"].map(async (resource) => {
        const { items } = await client.get<{ readonly items: readonly Workload[] }>(`/apis/apps/v1/${resource}`);
        return items.filter((one) => !isAvailable(one)).map(({ metadata }) => `${metadata?.namespace} ${resource}`);
      });
      return (await Promise.all(lists)).flat();
    };
    const eventsWhere = async (path: string): Promise<readonly Event[]> =>
      (await client.get<{ readonly items: readonly Event[] }>(path)).items;
    const reasonsIn = async (namespace: string) =>
      (await eventsWhere(paths.events(namespace))).map(({ reason }) => reason);
    const failedCreations = async () =>
      (await eventsWhere("/api/v1/events")).filter(({ reason }) => reason === "FailedCreate");
    const stands = (counts: Partial<NetworkBaselineStatus["namespaces"]>, name?: string) =>
      eventually(async () => expect((await statusOf(name))?.namespaces).toMatchObject(counts), LIMIT);

    /** Each of its Pods is back when it resolves, on another node; no other Pod was touched. */
    const drain = async (node: string): Promise<void> => {
      const before = await podsOfAll(client);
      const evicted = before.filter((pod) => pod.spec.nodeName === node && !isOfDaemonSet(pod));
      expect(evicted.length).toBeGreaterThan(OLD.length / 2);
      await cluster().ok(["drain", node, "--ignore-daemonsets", "--timeout=100s"]);
      const after = await eventually(async () => {
        const now = await podsOfAll(client);
        expect(now.filter((pod) => !isReady(pod)).map(({ metadata }) => metadata)).toEqual([]);
        expect(perNamespace(now)).toEqual(perNamespace(pods));
        return now;
      }, LIMIT);
      expect(await unavailable()).toEqual([]);
      expect(after.filter((pod) => pod.spec.nodeName === node && !isOfDaemonSet(pod))).toEqual([]);
      const left = new Set(uidsOf(after));
      const gone = before.filter(({ metadata }) => !left.has(metadata.uid));
      expect(uidsOf(gone)).toEqual(uidsOf(evicted));
    };

    beforeAll(async () => {
      client = await connect({ kubeconfig: cluster().kubeconfigs.admin, userAgent: "test" });
      ports = { webhook: await freePort(), health: await freePort() };
      nodes = await startNodes(cluster(), { count: NODES, kwok: KWOK ?? "", scheduler: SCHEDULER ?? "" });
      await createEstate(client, [...OLD, TAKEN, EXCLUDED], { estate: "old" });
      await createEstate(client, [IGNORED], { estate: "ignored" });
      await createEstate(client, [MOVING], { estate: "moving" });
      await client.create(paths.networkPolicies(TAKEN), {
        apiVersion: "networking.k8s.io/v1",
        kind: "NetworkPolicy",
        metadata: { name: DENY_INGRESS },
        spec: { podSelector: { matchLabels: { app: "x" } }, policyTypes: ["Ingress"] },
      });
      await createNamespace(client, SYSTEM);
      await eventually(async () => expect(await unavailable()).toEqual([]), LIMIT);
      pods = await podsOfAll(client);
      versions = await versionsOfNamespaces();
    });
    afterAll(async () => {
      await drawbridge?.stop();
      await client?.close();
    });

    test("audit: what they would get is told, and nothing is written", async () => {
      await estate({ existingNamespaces: "audit" });
      await setBaseline({ existingNamespaces: "ignore" }, "ignoring", IGNORED);
      const begin = auditEnd(cluster());
      await start();
      await eventually(async () =>
        expect(await statusOf()).toMatchObject({
          namespaces: { governed: 0, existing: OLD.length + 1 },
          ungoverned: OLD.slice(0, 5).map((name) => ({ name, state: "existing" })),
        }),
      );
      expect(await drawbridge.metrics()).toMatch(/^drawbridge_.*\{baseline="estate",state="existing"\} 51$/m);
      await eventually(async () =>
        expect(await statusOf("ignoring")).toMatchObject({ namespaces: { governed: 0, existing: 0 }, ungoverned: [] }),
      );
      expect(writtenSince(begin)).toEqual(new Map());
    });

    test("stage ingress: each gets what allows and then what denies, and no Pod notices", async () => {
      const begin = auditEnd(cluster());
      await estate({ existingNamespaces: "adopt", stage: "ingress" });
      await eventually(() => haveAll(OLD, AT_INGRESS), LIMIT);
      await stands({ governed: 51, finished: 50, pending: 0, conflict: 1, existing: 0 });
      const written = writtenSince(begin);
      expect(OLD.filter((name) => String(written.get(name)) !== `${ALLOW_OWN},${DENY_INGRESS}`)).toEqual([]);
      expect([...written.keys()].filter((name) => !OLD.includes(name) && name !== TAKEN)).toEqual([]);
      // Not one Pod was replaced or restarted.
      expect(uidsOf(await podsOfAll(client))).toEqual(uidsOf(pods));
    });

    test("somebody's policy in the way is told of, and left as it is", async () => {
      expect((await statusOf())?.unfinished).toMatchObject([
        { name: TAKEN, state: "conflict", message: expect.stringContaining(DENY_INGRESS) },
      ]);
      await eventually(async () => expect(await reasonsIn(TAKEN)).toContain("BaselineConflict"));
      const theirs = await client.get<NetworkPolicy>(paths.networkPolicies(TAKEN, DENY_INGRESS));
      expect(theirs.spec).toMatchObject({ podSelector: { matchLabels: { app: "x" } } });
    });

    test("stage egress, and in the middle of it a node is drained: every Pod comes back", async () => {
      egressBegin = auditEnd(cluster());
      // Slow enough that it goes on before, while and after Pods are replaced.
      await estate({ existingNamespaces: "adopt", stage: "egress", rollout: SLOW });
      await eventually(async () => expect(await closed()).toBeGreaterThanOrEqual(4), LIMIT);
      const draining = drain(nodes[1] ?? "");
      const known = new Set(uidsOf(pods));
      await eventually(
        async () => expect(uidsOf(await podsOfAll(client)).filter((uid) => !known.has(uid))).not.toEqual([]),
        LIMIT,
      );
      await draining;
      expect(await closed()).toBeLessThan(OLD.length);
      expect(shortestRest()).toBeGreaterThan(0.95 * SLOW.pauseSeconds);
    });

    test("with Drawbridge gone in the middle too; when it is back it goes on where it was", async () => {
      // Killed, so that the API server goes on asking for it.
      await drawbridge.stop("SIGKILL");
      await cluster().ok(["uncordon", nodes[1] ?? ""]);
      const reached = await closed();
      await drain(nodes[2] ?? "");
      expect(await closed()).toBe(reached);
      await start();
      // As fast as it may.
      await estate({ existingNamespaces: "adopt", stage: "egress" });
      await eventually(() => haveAll(OLD, AT_EGRESS), LIMIT);
      await stands({ governed: 51, finished: 50, pending: 0, conflict: 1 });
    });

    test("what allows egress was there before it was denied, in each of them, and each was denied it once", () => {
      const written = writtenSince(egressBegin);
      const wrong = OLD.filter((name) => {
        const [denial, ...allows] = (written.get(name) ?? []).toReversed();
        return denial !== DENY_EGRESS || allows.includes(DENY_EGRESS) || !allows.includes(ALLOW_DNS);
      });
      expect(wrong).toEqual([]);
    });

    test("nobody was refused a Pod or marked: the gate was not even asked", async () => {
      expect(await failedCreations()).toEqual([]);
      expect((await webhookCalls(cluster())).get(GATE)).toEqual({ total: 0, timed: 0 });
      // No write at all, of anybody, so neither of the marker.
      const now = await versionsOfNamespaces();
      expect([...OLD, TAKEN, EXCLUDED].filter((name) => now.get(name) !== versions.get(name))).toEqual([]);
      // It would have been seen here.
      await createEstate(client, ["young"], { estate: "old" });
      await eventually(async () => expect((await webhookCalls(cluster())).get(GATE)?.total).toBeGreaterThan(0));
    });

    test("what is excluded or ignored has nothing, and nobody tells of it", async () => {
      const there = await policiesByNamespace();
      for (const name of [EXCLUDED, IGNORED]) {
        expect(namesOf(there.get(name))).toEqual([]);
        expect(await reasonsIn(name)).not.toContainEqual(expect.stringMatching(/^Baseline/));
        expect(JSON.stringify(drawbridge.log)).not.toContain(`"namespace":"${name}"`);
      }
      expect(await statusOf("ignoring")).toMatchObject({ namespaces: { governed: 0, existing: 0 } });
    });

    test("with the conflict gone all of them are finished, and another look writes nothing", async () => {
      await client.delete(paths.networkPolicies(TAKEN, DENY_INGRESS));
      await eventually(() => haveAll([...OLD, TAKEN, "young"], AT_EGRESS), LIMIT);
      await cluster().ok(["wait", "networkbaseline/estate", "--for=condition=Ready", "--timeout=60s"]);
      await stands({ governed: 52, finished: 52, existing: 0 });
      await drawbridge.stop();
      const begin = auditEnd(cluster());
      await start();
      await eventually(() => expect(looksIn(drawbridge.log)).not.toEqual([]), LIMIT);
      await createEstate(client, ["later"], { estate: "old" });
      await eventually(() => haveAll(["later"], AT_EGRESS), LIMIT);
      expect([...writtenSince(begin).keys()].filter((name) => name !== "later")).toEqual([]);
    });

    test("a namespace moves on to the next stage by its label", async () => {
      await setBaseline({ existingNamespaces: "adopt", stage: "ingress" }, "first-wave", MOVING);
      await setBaseline({ existingNamespaces: "adopt", stage: "egress" }, "second-wave", "nobody");
      await eventually(() => haveAll([MOVING], AT_INGRESS), LIMIT);
      await stands({ governed: 1, finished: 1 }, "first-wave");
      await cluster().ok(["label", "namespace", MOVING, "drawbridge.dev/baseline=second-wave"]);
      await eventually(() => haveAll([MOVING], AT_EGRESS), LIMIT);
      await stands({ governed: 1, finished: 1 }, "second-wave");
      await stands({ governed: 0, finished: 0 }, "first-wave");
      const policies = (await policiesByNamespace()).get(MOVING) ?? [];
      expect(new Set(policies.map(({ metadata }) => metadata?.labels?.["drawbridge.dev/baseline"]))).toEqual(
        new Set(["second-wave"]),
      );
    });
  },
  { controllerManager: true, auditPolicy: true, needs: [KWOK, SCHEDULER] },
);
