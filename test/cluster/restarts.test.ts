import { afterAll, beforeAll, expect, test } from "vitest";
import type { Lives } from "../../src/certs/lives.ts";
import type { KubernetesClient } from "../../src/cluster/client.ts";
import { connect } from "../../src/cluster/connect.ts";
import { paths } from "../../src/cluster/paths.ts";
import type { KubernetesObject } from "../../src/model/objects.ts";
import { eventually } from "../helpers/eventually.ts";
import { startAdmissionLoad } from "./harness/admission-load.ts";
import { describeCluster } from "./harness/context.ts";
import { type Replicas, startReplicas } from "./harness/replicas.ts";

const NAMESPACE = "drawbridge-system";
/** A CA is renewed after 16 s, certificates after 4 s. */
const BRIEF: Lives = { caMs: 24_000, leafMs: 6_000, settleMs: 2_000, backdateMs: 3_600_000 };
const PER_SECOND = 100;

describeCluster("two servers under load", (cluster) => {
  let client: KubernetesClient;
  let replicas: Replicas | undefined;
  beforeAll(async () => {
    client = await connect({ kubeconfig: cluster().kubeconfigs.admin });
    await cluster().ok(["create", "namespace", NAMESPACE]);
    await cluster().ok(["create", "namespace", "busy"]);
  });
  afterAll(async () => {
    await replicas?.stop();
    await client?.close();
  });

  const said = (msg: string) => (replicas?.log() ?? []).filter((line) => line["msg"] === msg);
  const steps = () => (replicas?.log() ?? []).map(({ step }) => step);

  test("restarts, a new CA with its certificates and a change of the configuration lose no admission", async () => {
    replicas = await startReplicas({ cluster: cluster(), namespace: NAMESPACE, lives: BRIEF, drainSeconds: 1 });
    const { proxy } = replicas;
    await eventually(() => client.get<KubernetesObject>(paths.validatingWebhookConfigurations("drawbridge")));
    const load = startAdmissionLoad({ client, namespace: "busy", perSecond: PER_SECOND });
    await replicas.restart(0);
    await client.apply(
      paths.networkRulesets("strict"),
      {
        apiVersion: "drawbridge.dev/v1alpha1",
        kind: "NetworkRuleset",
        metadata: { name: "strict" },
        spec: { rules: { "no-open-egress": { mode: "warn" } } },
      },
      { fieldManager: "test" },
    );
    await replicas.restart(1);
    await eventually(() => expect(steps()).toContain("switch"), 40_000);
    const issued = said("certificate issued").length;
    await eventually(() => expect(said("certificate issued").length).toBeGreaterThan(issued + 1), 20_000);

    const { failures, writes, perSecond } = await load.stop();
    expect({ failures, refused: proxy.refused }).toEqual({ failures: [], refused: 0 });
    expect(perSecond).toBeGreaterThan(0.9 * PER_SECOND);
    // Each was asked about.
    const judged = () => said("admission").filter((line) => line["namespace"] === "busy");
    await eventually(() => expect(judged().length).toBeGreaterThanOrEqual(writes));
    expect(said("configuration changed").map(({ name }) => name)).toContain("strict");
    expect(said("leading").length).toBeGreaterThan(1);
    expect(Math.min(...proxy.connections.values())).toBeGreaterThan(1);
  }, 120_000);
});
