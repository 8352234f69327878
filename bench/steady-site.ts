import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { KubernetesClient } from "../src/cluster/client.ts";
import { connect } from "../src/cluster/connect.ts";
import { installPackage } from "../scripts/package.ts";
import type { Binaries } from "../test/cluster/harness/binaries.ts";
import { type Cluster, startCluster } from "../test/cluster/harness/cluster.ts";
import { podOfAccount } from "../test/cluster/harness/pod.ts";
import { type Replicas, startReplicas } from "../test/cluster/harness/replicas.ts";
import { sumOf } from "../test/helpers/metrics.ts";
import { until } from "./until.ts";

/** A cluster with Drawbridge as deploy/ installs it, as nearly as processes can be Pods. */
export interface SteadySite {
  readonly cluster: Cluster;
  /** Of somebody else, by the audit log. */
  readonly client: KubernetesClient;
  readonly replicas: Replicas;
  readonly pids: () => readonly number[];
  /** Index of the one that leads. */
  readonly leader: () => Promise<number>;
  readonly stop: () => Promise<void>;
}

const NAMESPACE = "drawbridge-system";
const TOP = join(import.meta.dirname, "..");

/** @param before what there is before it is installed */
export async function startSteadySite(
  binaries: Binaries,
  before: (client: KubernetesClient) => Promise<void> = async () => {},
): Promise<SteadySite> {
  const folder = mkdtempSync(join(tmpdir(), "drawbridge-bench-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  await installPackage(folder);
  const cluster = await startCluster({ binaries, auditPolicy: "everything" });
  const client = await connect({ kubeconfig: cluster.kubeconfigs.admin, userAgent: "bench" });
  await before(client);
  await cluster.ok(["apply", "-k", join(TOP, "deploy")]);
  await cluster.ok(["apply", "-f", join(TOP, "policies/baselines")]);
  const pod = await podOfAccount(cluster, { namespace: NAMESPACE, account: "drawbridge", folder: "service-account" });
  const replicas = await startReplicas({
    cluster,
    namespace: NAMESPACE,
    drainSeconds: 2,
    // Type stripping takes memory, which no installation has.
    cli: join(folder, "node_modules/drawbridge/dist/cli.js"),
    pod: { ...pod, env: { ...pod.env, ...(await deployedEnv(cluster)) } },
    probeEveryMs: 1_000,
  });
  const isRegistered = async () => replicas.log().some(({ msg }) => msg === "admission policies written");
  await until("everything is registered", isRegistered, { limitMs: 60_000, everyMs: 20 });
  return {
    cluster,
    client,
    replicas,
    pids: () => replicas.current.map(({ pid }) => pid),
    leader: async () => {
      const metrics = await Promise.all(replicas.current.map((server) => server.metrics()));
      const index = metrics.findIndex((text) => sumOf(text, "drawbridge_leader") === 1);
      if (index < 0) throw new Error("none of the servers leads");
      return index;
    },
    stop: async () => {
      await replicas.stop();
      await client.close();
      await cluster.stop();
    },
  };
}

/** What deploy/ gives to the container. */
async function deployedEnv(cluster: Cluster): Promise<Record<string, string>> {
  const output = "jsonpath={.spec.template.spec.containers[0].env}";
  const text = await cluster.ok(["get", "deployment", "drawbridge", "-n", NAMESPACE, "-o", output]);
  const variables = JSON.parse(text) as readonly { readonly name: string; readonly value: string }[];
  return Object.fromEntries(variables.map(({ name, value }) => [name, value]));
}
