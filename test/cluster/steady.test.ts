import { afterAll, beforeAll, expect, test } from "vitest";
import type { KubernetesClient } from "../../src/cluster/client.ts";
import { connect } from "../../src/cluster/connect.ts";
import { paths } from "../../src/cluster/paths.ts";
import { eventually } from "../helpers/eventually.ts";
import { auditedCalls, auditEnd, isOfDrawbridge, resourceOf } from "./harness/audit.ts";
import { describeCluster } from "./harness/context.ts";
import { type Replicas, startReplicas } from "./harness/replicas.ts";
import {
  countPending,
  createNamespaces,
  createPods,
  GATE,
  looksIn,
  touchRuleset,
  webhookCalls,
  WORKLOADS,
  writesByNamespace,
  writesOf,
} from "./harness/steady.ts";
import { BASELINE_NAMES, createPod } from "./harness/storm.ts";

const NAMESPACE = "drawbridge-system";
const NAMES = Array.from({ length: 20 }, (_, i) => `steady-${i}`);

describeCluster(
  "the steady state of two servers, as the API server counts",
  (cluster) => {
    let client: KubernetesClient;
    let replicas: Replicas;
    beforeAll(async () => {
      client = await connect({ kubeconfig: cluster().kubeconfigs.admin, userAgent: "test" });
      await cluster().ok(["create", "namespace", NAMESPACE]);
      replicas = await startReplicas({ cluster: cluster(), namespace: NAMESPACE, drainSeconds: 1 });
      await eventually(() => client.get(paths.mutatingWebhookConfigurations("drawbridge")), 30_000);
      await eventually(() => expect(said("admission policies written")).not.toEqual([]), 30_000);
    }, 120_000);
    afterAll(async () => {
      await replicas?.stop();
      await client?.close();
    });

    const said = (msg: string) => replicas.log().filter((line) => line["msg"] === msg);
    const looks = (): number => looksIn(replicas.log()).length;
    const written = (from: number): string[] =>
      writesOf(auditedCalls(cluster(), from)).map((event) => `${event.verb} ${resourceOf(event)}`);

    test("a new namespace costs one write a policy, and one for the marker", async () => {
      await createNamespaces({ client, names: NAMES, clients: 8 });
      await eventually(async () => expect(await countPending(client)).toBe(0), 30_000);
      const calls = auditedCalls(cluster());
      expect(writesByNamespace(calls, NAMES)).toEqual(new Map(NAMES.map((name) => [name, BASELINE_NAMES.length + 1])));
      const [first = ""] = NAMES;
      expect(
        writesOf(calls)
          .filter(({ objectRef }) => objectRef?.namespace === first || objectRef?.name === first)
          .map((event) => `${event.verb} ${resourceOf(event)}`),
      ).toEqual([...BASELINE_NAMES.map(() => "patch networkpolicies"), "patch namespaces"]);
    });

    test("Pods of finished namespaces call no gate, and those of workloads no webhook at all", async () => {
      const before = await webhookCalls(cluster());
      // Else a name that is mistyped would prove it.
      expect([...before.keys()]).toEqual(expect.arrayContaining([GATE, WORKLOADS]));
      await createPods({ client, names: NAMES, clients: 8 }, 5);
      expect(await webhookCalls(cluster())).toEqual(before);
      for (const name of NAMES.slice(0, 5)) expect((await createPod(client, name, 0)).refusals).toEqual([]);
      const after = await webhookCalls(cluster());
      const asked = [...after].filter(([name, { total }]) => total !== before.get(name)?.total);
      expect(asked).toEqual([[WORKLOADS, { total: 5, timed: 5 }]]);
    });

    test("a configuration that is touched makes every namespace looked at, and nothing written", async () => {
      const [from, before] = [auditEnd(cluster()), looks()];
      await touchRuleset(client, 0);
      await eventually(() => expect(looks()).toBe(before + 1));
      await touchRuleset(client, 1);
      await eventually(() => expect(looks()).toBe(before + 2));
      expect(written(from)).toEqual([]);
    });

    test("restarts of both, each leading once, write nothing", { timeout: 120_000 }, async () => {
      const [from, before] = [auditEnd(cluster()), looks()];
      await replicas.restart(0);
      await replicas.restart(1);
      await replicas.restart(0);
      await eventually(() => expect(looks()).toBeGreaterThanOrEqual(before + 2), 30_000);
      const calls = auditedCalls(cluster(), from).filter(isOfDrawbridge);
      // They were there, and have listed it.
      expect(calls.filter((event) => resourceOf(event) === "networkpolicies" && event.verb === "list")).toHaveLength(3);
      expect(written(from)).toEqual([]);
    });
  },
  { auditPolicy: "everything" },
);
