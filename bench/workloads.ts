/**
 * `node bench/workloads.ts`: what the creation of a Pod costs with Drawbridge registered. Prints a table; half a minute.
 * docs/workloads.md has the results.
 */
import { assertNodeVersion } from "../src/node-version.ts";
import { findBinaries } from "../test/cluster/harness/binaries.ts";
import { startCluster } from "../test/cluster/harness/cluster.ts";
import { startDrawbridge } from "../test/cluster/harness/drawbridge.ts";
import { type Api, create, openApi, readConnection } from "./api.ts";
import { sumOf } from "../test/helpers/metrics.ts";
import { percentile } from "./statistics.ts";
import { until } from "./until.ts";

const NAMESPACE = "bench";
const ROUNDS = 3_000;
const WARM_UP = 500;

/** All with the same API server, which is asked in turn, so that who else uses the machine slows all of them alike. */
const CASES = [
  // Excluded by the registration's namespaceSelector.
  { name: "a Pod that the registration is not for (kube-system)", namespace: "kube-system", isOwned: false },
  { name: "a Pod of a Deployment", namespace: NAMESPACE, isOwned: true },
  { name: "a bare Pod", namespace: NAMESPACE, isOwned: false },
] as const;

assertNodeVersion();
// Without these the servers that were started would outlive a Ctrl+C: they end with the "exit" event.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(1));
await main();

async function main(): Promise<void> {
  const binaries = await findBinaries({ log: console.error });
  if (binaries === undefined) throw new Error("there is no API server to measure with (see above)");
  const cluster = await startCluster({ binaries });
  const api = openApi(readConnection(cluster.kubeconfigs.admin));
  const drawbridge = await startDrawbridge({ cluster });
  const judged = async () => sumOf(await drawbridge.metrics(), "drawbridge_admission_reviews_total", { kind: "Pod" });
  try {
    const labels = { environment: "bench", domain: "bench", tenant: "bench" };
    const metadata = { name: NAMESPACE, labels };
    await create(api, "/api/v1/namespaces", { apiVersion: "v1", kind: "Namespace", metadata });
    const isAsked = async () => {
      const before = await judged();
      await createPod(api, NAMESPACE, false);
      return (await judged()) > before;
    };
    await until("Drawbridge is asked about Pods", isAsked, { limitMs: 30_000, everyMs: 50 });
    const before = await judged();
    const latencies = await measure(api);
    const asked = (await judged()) - before;
    // Else something else would have been measured.
    if (asked !== WARM_UP + ROUNDS) throw new Error(`Drawbridge was asked ${asked} times, not ${WARM_UP + ROUNDS}`);
    print(latencies);
  } finally {
    await drawbridge.stop();
    await api.close();
    await cluster.stop();
  }
}

/** Milliseconds, by case. */
async function measure(api: Api): Promise<number[][]> {
  const latencies: number[][] = CASES.map(() => []);
  for (let round = 0; round < WARM_UP + ROUNDS; round += 1) {
    for (const [i, { namespace, isOwned }] of CASES.entries()) {
      const ms = await createPod(api, namespace, isOwned);
      if (round >= WARM_UP) latencies[i]?.push(ms);
    }
  }
  return latencies;
}

async function createPod(api: Api, namespace: string, isOwned: boolean): Promise<number> {
  const start = performance.now();
  await create(api, `/api/v1/namespaces/${namespace}/pods?dryRun=All`, podOf(isOwned));
  return performance.now() - start;
}

/** As a ReplicaSet makes it, or as a person does. */
function podOf(isOwned: boolean): object {
  const owner = { apiVersion: "apps/v1", kind: "ReplicaSet", name: "web-5d4f", uid: "6f1c0a52", controller: true };
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: "web",
      labels: { "app.kubernetes.io/name": "web", "app.kubernetes.io/part-of": "shop" },
      ...(isOwned && { ownerReferences: [owner] }),
    },
    spec: { containers: [{ name: "web", image: "registry.example.com/web:1.0", ports: [{ containerPort: 8080 }] }] },
  };
}

function print(latencies: readonly (readonly number[])[]): void {
  const [least = []] = latencies;
  console.log("| creation of | p50 | more than the first | p99 |\n|---|---|---|---|");
  for (const [i, { name }] of CASES.entries()) {
    const [p50, p99] = [50, 99].map((percent) => percentile(latencies[i] ?? [], percent));
    const more = (p50 ?? 0) - percentile(least, 50);
    console.log(`| ${name} | ${p50?.toFixed(2)} ms | ${more.toFixed(2)} ms | ${p99?.toFixed(1)} ms |`);
  }
}
