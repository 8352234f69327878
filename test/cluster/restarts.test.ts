import { afterAll, beforeAll, expect, test } from "vitest";
import type { Lives } from "../../src/certs/lives.ts";
import type { KubernetesClient } from "../../src/cluster/client.ts";
import { connect } from "../../src/cluster/connect.ts";
import { paths } from "../../src/cluster/paths.ts";
import type { KubernetesObject } from "../../src/model/objects.ts";
import { eventually } from "../helpers/eventually.ts";
import { type Failure, isOfWebhook, startAdmissionLoad } from "./harness/admission-load.ts";
import { describeCluster } from "./harness/context.ts";
import { type Replicas, startReplicas } from "./harness/replicas.ts";

const NAMESPACE = "drawbridge-system";
/** Certificates are renewed after 6 s. A CA that ended in an outage of the API server could not be. */
const BRIEF: Lives = { caMs: 3_600_000, leafMs: 9_000, settleMs: 2_000, backdateMs: 3_600_000 };
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

  test("restarts, also of the API server, a new CA with its certificates and a change of the configuration lose no admission", async () => {
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
    const killedAt = new Date();
    await cluster().stopApiServer("SIGKILL");
    await cluster().startApiServer();
    const backAt = new Date();
    // Who has lost the Lease meanwhile leads again within 18 s, or another does.
    await cluster().ok(["delete", "secret", "drawbridge-ca", "-n", NAMESPACE]);
    await eventually(() => expect(steps()).toContain("switch"), 60_000);
    const issued = said("certificate issued").length;
    await eventually(() => expect(said("certificate issued").length).toBeGreaterThan(issued + 1), 20_000);

    const { failures, writes, perSecond } = await load.stop();
    expect({ failures: failures.filter(isOfWebhook), refused: proxy.refused }).toEqual({ failures: [], refused: 0 });
    // Those that found no API server: from when it was killed until the last that was on its way to it.
    const isOfOutage = ({ at }: Failure) => at >= killedAt && at.getTime() <= backAt.getTime() + 1_000;
    expect(failures.filter((failure) => !isOfOutage(failure))).toEqual([]);
    expect(failures).not.toEqual([]);
    expect(perSecond).toBeGreaterThan(0.9 * PER_SECOND);
    // Each that it took was asked about.
    const judged = () => said("admission").filter((line) => line["namespace"] === "busy");
    await eventually(() => expect(judged().length).toBeGreaterThanOrEqual(writes - failures.length));
    expect(said("configuration changed").map(({ name }) => name)).toContain("strict");
    expect(said("leading").length).toBeGreaterThan(1);
    expect(Math.min(...proxy.connections.values())).toBeGreaterThan(1);
  }, 240_000);
});
