import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { paths } from "../../src/cluster/paths.ts";
import type { Namespace } from "../../src/model/objects.ts";
import { eventually } from "../helpers/eventually.ts";
import { describeCluster } from "./harness/context.ts";
import { serve } from "./harness/served.ts";
import {
  type Arrival,
  BASELINE_NAMES,
  createNamespace,
  createPod,
  MARKER,
  podOf,
  podsOf,
  stateOf,
  storm,
} from "./harness/storm.ts";

const GATE = "gate.pods.drawbridge.dev";

describeCluster("the Pod gate on a real API server", (cluster) => {
  const served = serve(cluster);

  const dryNamespace = (): Promise<Namespace> =>
    served.client.create(
      paths.namespaces(),
      { apiVersion: "v1", kind: "Namespace", metadata: { name: "dry" } },
      { dryRun: true },
    );
  const names = (prefix: string, count: number) => Array.from({ length: count }, (_, i) => `${prefix}-${i}`);

  const finished = (namespace: string, limitMs = 20_000) =>
    eventually(async () => {
      const state = await stateOf(served.client, namespace);
      expect(state).toMatchObject({ isPending: false, policies: BASELINE_NAMES });
      return state;
    }, limitMs);

  /** No Pod is older than the youngest of its namespace's three policies. */
  const expectNoneSlipped = async (arrivals: readonly Arrival[]): Promise<void> => {
    for (const { namespace, podVersion } of arrivals) {
      const { newestPolicy } = await finished(namespace);
      expect(podVersion).toBeDefined();
      expect({ namespace, slipped: Number(podVersion) <= newestPolicy }).toEqual({ namespace, slipped: false });
    }
  };

  test("64 namespaces, each with a Pod in the same instant: every Pod is admitted at once, and after its policies", async () => {
    const arrivals = await storm({ client: served.client, names: names("storm", 64), clients: 8, tryPodsMs: 0 });
    expect(arrivals.flatMap(({ refusals }) => refusals.map(String))).toEqual([]);
    await expectNoneSlipped(arrivals);
    const admitted = /^drawbridge_gate_decisions_total\{decision="admitted"\} (\d+)$/m.exec(
      await served.drawbridge.metrics(),
    );
    expect(Number(admitted?.[1])).toBeGreaterThan(0);
  });

  test("the same while the server is killed and started again, twice", { timeout: 90_000 }, async () => {
    const arriving = storm({ client: served.client, names: names("killed", 64), clients: 8, tryPodsMs: 60_000 });
    for (let i = 0; i < 2; i++) {
      await sleep(150);
      await served.drawbridge.stop("SIGKILL");
      await served.start();
    }
    const arrivals = await arriving;
    expect(arrivals.some(({ refusals }) => refusals.length > 0)).toBe(true);
    await expectNoneSlipped(arrivals);
  });

  test("while no server runs namespaces are marked and take no Pods; when it is back, all finish", async () => {
    await served.drawbridge.stop("SIGKILL");
    // The API server takes a policy into use a moment after it has stored it.
    await eventually(async () => expect((await dryNamespace()).metadata?.labels).toHaveProperty([MARKER]));
    const all = names("outage", 64);
    const refused = await storm({ client: served.client, names: all, clients: 8, tryPodsMs: 0 });
    expect(refused.filter(({ podVersion }) => podVersion !== undefined)).toEqual([]);
    for (const { refusals } of refused) expect(refusals.at(-1)?.message).toContain(`failed calling webhook "${GATE}"`);
    for (const name of all) expect(await stateOf(served.client, name)).toMatchObject({ isPending: true, policies: [] });
    await served.start();
    await expectNoneSlipped(await Promise.all(all.map((name) => createPod(served.client, name, 30_000))));
  });

  test("many Pods at once in one namespace share the work", async () => {
    await createNamespace(served.client, "crowd");
    await Promise.all(Array.from({ length: 30 }, () => createPod(served.client, "crowd", 0))).then(expectNoneSlipped);
    const writes = served.drawbridge.log.filter(({ msg, namespace }) => msg === "admission" && namespace === "crowd");
    // The loop and the gate may each have applied them once; nothing is applied for each Pod.
    expect(writes.filter(({ kind }) => kind === "NetworkPolicy").length).toBeLessThanOrEqual(3 * 3);
  });

  test("finished namespaces never ask: neither their Pods nor those of others", async () => {
    await createNamespace(served.client, "steady");
    await finished("steady");
    const calls = async (): Promise<number> => {
      const text = await cluster().ok(["get", "--raw", "/metrics"]);
      const lines = text.split("\n").filter((line) => line.startsWith("apiserver_admission_webhook_request_total{"));
      return lines
        .filter((line) => line.includes(`name="${GATE}"`))
        .reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
    };
    const before = await calls();
    expect(before).toBeGreaterThan(0);
    for (let i = 0; i < 20; i++) expect((await createPod(served.client, "steady", 0)).refusals).toEqual([]);
    await served.client.create(podsOf("default"), podOf());
    expect(await calls()).toBe(before);
  });

  describe("a namespace that cannot be finished", () => {
    const foreign = (namespace: string, spec: object) => ({
      apiVersion: "networking.k8s.io/v1",
      kind: "NetworkPolicy",
      metadata: { name: BASELINE_NAMES[0], namespace },
      spec,
    });
    /** Somebody's policies are there before the namespace is governed. */
    const govern = async (name: string, spec: object): Promise<void> => {
      await createNamespace(served.client, name, { "drawbridge.dev/mode": "audit" });
      await served.client.create(paths.networkPolicies(name), foreign(name, spec));
      await served.client.patch(paths.namespaces(name), [
        { op: "replace", path: "/metadata/labels/drawbridge.dev~1mode", value: "enforce" },
        { op: "add", path: "/metadata/labels/drawbridge.dev~1baseline-pending", value: "true" },
      ]);
    };
    const OTHER = { podSelector: { matchLabels: { app: "x" } }, policyTypes: ["Ingress"] };

    test("takes no Pods, and says which policies are in the way and what to do", async () => {
      await govern("blocked", OTHER);
      const { podVersion, refusals } = await createPod(served.client, "blocked", 0);
      expect(podVersion).toBeUndefined();
      expect(refusals[0]).toMatchObject({ status: 403, reason: "Forbidden" });
      expect(refusals[0]?.message).toBe(
        [
          `admission webhook "${GATE}" denied the request: namespace blocked takes no Pods yet: NetworkBaseline default is not complete: these NetworkPolicies are in its way, since they have its names, are`,
          "not Drawbridge's, and say something else:",
          `  ${BASELINE_NAMES[0]}`,
          `Rename or delete them (kubectl delete networkpolicy NAME -n blocked). Then the baseline is completed, the label ${MARKER} goes, and Pods start.`,
        ].join("\n"),
      );
      await served.client.delete(paths.networkPolicies("blocked", BASELINE_NAMES[0]));
      await expectNoneSlipped([await createPod(served.client, "blocked", 10_000)]);
    });

    test("admits a dry run, and writes nothing for it", async () => {
      await govern("dry", OTHER);
      // By now the loop has done what it could.
      await eventually(async () =>
        expect(await stateOf(served.client, "dry")).toMatchObject({ isPending: true, policies: BASELINE_NAMES }),
      );
      const before = await stateOf(served.client, "dry");
      await served.client.create(podsOf("dry"), podOf(), { dryRun: true });
      expect(await stateOf(served.client, "dry")).toEqual(before);
      expect(await served.drawbridge.metrics()).toContain('drawbridge_gate_decisions_total{decision="dry_run"} 1');
      await served.client.patch(paths.namespaces("dry"), [
        { op: "replace", path: "/metadata/labels/drawbridge.dev~1mode", value: "audit" },
      ]);
    });

    test("a Pod of one that is going away is refused, and nothing is written there", async () => {
      await createNamespace(served.client, "leaving");
      // Without a controller manager it stays, terminating.
      await served.client.delete(paths.namespaces("leaving"));
      const before = await stateOf(served.client, "leaving");
      const { refusals } = await createPod(served.client, "leaving", 0);
      expect(refusals[0]).toMatchObject({ status: 403 });
      expect(await stateOf(served.client, "leaving")).toEqual(before);
    });
  });
});
