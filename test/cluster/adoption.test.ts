import { afterAll, beforeAll, expect, test, vi } from "vitest";
import type { KubernetesClient } from "../../src/cluster/client.ts";
import { connect } from "../../src/cluster/connect.ts";
import { paths } from "../../src/cluster/paths.ts";
import type { NetworkBaseline } from "../../src/config/baseline.ts";
import type { NetworkBaselineStatus } from "../../src/config/baseline-status.ts";
import type { NetworkPolicy } from "../../src/model/network-policy.ts";
import type { Namespace } from "../../src/model/objects.ts";
import { networkBaseline } from "../helpers/build.ts";
import { eventually } from "../helpers/eventually.ts";
import { auditedCalls, auditEnd } from "./harness/audit.ts";
import { describeCluster } from "./harness/context.ts";
import { type Drawbridge, startDrawbridge } from "./harness/drawbridge.ts";
import { createEstate, isOfDaemonSet, isReady, podsOfAll, type RunningPod } from "./harness/estate.ts";
import { startNodes } from "./harness/nodes.ts";
import { findForTests } from "./harness/programs.ts";
import { looksIn, webhookCalls, writesOf } from "./harness/steady.ts";
import { createNamespace } from "./harness/storm.ts";

const KWOK = await findForTests("kwok");
const SCHEDULER = await findForTests("kube-scheduler");

const OLD = Array.from({ length: 50 }, (_, i) => `old-${String(i).padStart(2, "0")}`);
const [TAKEN, EXCLUDED, IGNORED, MOVING] = ["taken", "excluded", "ignored", "moving"];
const SYSTEM = "drawbridge-system";
const GATE = "pods.drawbridge.dev";

const DENY_INGRESS = "drawbridge-00-default-deny-ingress";
const DENY_EGRESS = "drawbridge-01-default-deny-egress";
const ALLOW_DNS = "drawbridge-10-allow-dns-egress";
const ALLOW_OWN = "drawbridge-allow-same-namespace";
const AT_INGRESS = [DENY_INGRESS, ALLOW_OWN];
const AT_EGRESS = [DENY_INGRESS, DENY_EGRESS, ALLOW_DNS, ALLOW_OWN];

/** Some 120 Pods have to start, and then a third of them elsewhere; on a machine that is busy with other tests. */
const LIMIT = 120_000;
vi.setConfig({ testTimeout: LIMIT, hookTimeout: LIMIT });

describeCluster(
  "namespaces that were there before Drawbridge, with Pods that run",
  (cluster) => {
    let client: KubernetesClient;
    let drawbridge: Drawbridge;
    let nodes: readonly string[];
    let pods: readonly RunningPod[];
    let namespaces: ReadonlyMap<string, string>;
    let begin: number;

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
      drawbridge = await startDrawbridge({ cluster: cluster(), args: [`--namespace=${SYSTEM}`, "--drain-seconds=0"] });
    };

    const policiesByNamespace = async (): Promise<ReadonlyMap<string, readonly NetworkPolicy[]>> => {
      const { items } = await client.get<{ readonly items: readonly NetworkPolicy[] }>(paths.networkPolicies());
      return Map.groupBy(items, ({ metadata }) => metadata?.namespace ?? "");
    };
    const namesOf = (policies: readonly NetworkPolicy[] = []) => policies.map(({ metadata }) => metadata?.name ?? "");
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
    const versionsOfNamespaces = async (): Promise<ReadonlyMap<string, string>> => {
      const { items } = await client.get<{ readonly items: readonly Namespace[] }>(paths.namespaces());
      return new Map(items.map(({ metadata }) => [metadata?.name ?? "", metadata?.resourceVersion ?? ""]));
    };
    const uidsOf = (some: readonly RunningPod[]) => some.map(({ metadata }) => metadata.uid).toSorted();
    const perNamespace = (some: readonly RunningPod[]) =>
      [...Map.groupBy(some, ({ metadata }) => metadata.namespace)].map(([name, all]) => `${name} ${all.length}`).toSorted();
    const allReady = async (count: number): Promise<readonly RunningPod[]> => {
      const now = await podsOfAll(client);
      expect(now.filter((pod) => !isReady(pod)).map(({ metadata }) => metadata.name)).toEqual([]);
      expect(now).toHaveLength(count);
      return now;
    };

    beforeAll(async () => {
      client = await connect({ kubeconfig: cluster().kubeconfigs.admin, userAgent: "test" });
      nodes = await startNodes(cluster(), { count: 3, kwok: KWOK ?? "", scheduler: SCHEDULER ?? "" });
      await createEstate(client, [...OLD, TAKEN, EXCLUDED], { estate: "old" });
      await createEstate(client, [IGNORED], { estate: "ignored" });
      await createEstate(client, [MOVING], { estate: "moving" });
      await createNamespace(client, SYSTEM);
      await client.create(paths.networkPolicies(TAKEN), {
        apiVersion: "networking.k8s.io/v1",
        kind: "NetworkPolicy",
        metadata: { name: DENY_INGRESS },
        spec: { podSelector: { matchLabels: { app: "x" } }, policyTypes: ["Ingress"] },
      });
      // 54 Deployments of 2, 5 StatefulSets of 2, 6 DaemonSets of which one is in `taken`... see createEstate().
      pods = await eventually(async () => {
        await cluster().ok(["wait", "deployment", "--all", "-A", "--for=condition=Available", "--timeout=60s"]);
        const now = await podsOfAll(client);
        return allReady(now.length);
      }, LIMIT);
      namespaces = await versionsOfNamespaces();
    });
    afterAll(async () => {
      await drawbridge?.stop();
      await client?.close();
    });

    test("drain only", async () => {
      console.log(perNamespace(pods).join(), nodes);
      const evicted = pods.filter((pod) => pod.spec.nodeName === nodes[1] && !isOfDaemonSet(pod));
      const t = performance.now();
      console.log(await cluster().ok(["drain", nodes[1] ?? "", "--ignore-daemonsets", "--timeout=100s"]));
      console.log("drained", evicted.length, performance.now() - t);
      const after = await eventually(() => allReady(pods.length), LIMIT);
      console.log("back", performance.now() - t);
      expect(perNamespace(after)).toEqual(perNamespace(pods));
    });
  },
  { controllerManager: true, auditPolicy: true, needs: [KWOK, SCHEDULER] },
);
