/**
 * `npm run bench:storm`: namespaces that are created together with a Pod, in great number, while the server is there, is
 * killed, and is away. `-- --write` writes the results to STORM.md, `-- --namespaces N` takes another number than 300.
 * Exit code 1 when a Pod was admitted before the policies of its namespace.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { connect } from "../src/cluster/connect.ts";
import { paths } from "../src/cluster/paths.ts";
import { assertNodeVersion } from "../src/node-version.ts";
import { findBinaries } from "../test/cluster/harness/binaries.ts";
import { startCluster } from "../test/cluster/harness/cluster.ts";
import { type Drawbridge, startDrawbridge } from "../test/cluster/harness/drawbridge.ts";
import { freePort } from "../test/cluster/harness/net.ts";
import { type Arrival, BASELINE_NAMES, podOf, podsOf, stateOf, storm } from "../test/cluster/harness/storm.ts";
import { describeMachine } from "./machine.ts";
import { percentile } from "./statistics.ts";
import { table } from "./table.ts";
import { until } from "./until.ts";

const CLIENTS = 8;
const LIMIT = { limitMs: 300_000, everyMs: 50 };

interface Result {
  readonly what: string;
  readonly seconds: number;
  readonly arrivals: readonly Arrival[];
  readonly slipped: number;
}

assertNodeVersion();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(1));
const { values } = parseArgs({
  options: { write: { type: "boolean" }, namespaces: { type: "string", default: "300" } },
});
const count = Number(values.namespaces);
const machine = describeMachine();
const binaries = await findBinaries({ log: (line) => console.error(line) });
if (binaries === undefined)
  throw new Error("there is no API server to measure with; CONTRIBUTING.md says how to get one");
const cluster = await startCluster({ binaries, controllerManager: true });
const client = await connect({ kubeconfig: cluster.kubeconfigs.admin });
const ports = { webhook: await freePort(), health: await freePort() };
const start = (): Promise<Drawbridge> => startDrawbridge({ cluster, ports });

const calm = await whileItRuns();
const killed = await whileItIsKilled();
const away = await whileItIsAway();
const text = report([calm, killed, away.result], away);
console.log(text);
if (values.write) writeFileSync(join(import.meta.dirname, "STORM.md"), text);
await client.close();
await cluster.stop();
process.exit([calm, killed, away.result].some(({ slipped }) => slipped > 0) ? 1 : 0);

async function whileItRuns(): Promise<Result> {
  const drawbridge = await start();
  const result = await measured("the server is there", "calm", () =>
    storm({ client, names: names("calm"), clients: CLIENTS, tryPodsMs: 60_000 }),
  );
  await drawbridge.stop("SIGKILL");
  return result;
}

async function whileItIsKilled(): Promise<Result> {
  let drawbridge = await start();
  const result = await measured("it is killed (-9) and started again, twice", "killed", async () => {
    const arriving = storm({ client, names: names("killed"), clients: CLIENTS, tryPodsMs: 120_000 });
    for (let i = 0; i < 2; i += 1) {
      await sleep(1_000);
      await drawbridge.stop("SIGKILL");
      drawbridge = await start();
    }
    return arriving;
  });
  await drawbridge.stop("SIGKILL");
  return result;
}

interface Away {
  readonly result: Result;
  readonly finishedSeconds: number;
  readonly startedSeconds: number;
}

/** Each namespace also gets a Deployment, whose controller has been refused for a minute and more when it is back. */
async function whileItIsAway(): Promise<Away> {
  const all = names("away");
  const arrivals = await storm({ client, names: all, clients: CLIENTS, tryPodsMs: 0 });
  const admitted = arrivals.filter(({ podVersion }) => podVersion !== undefined).length;
  for (const name of all) await client.create(paths.workloads("apps/v1", name, "deployments"), deployment(name));
  await sleep(60_000);
  const begin = performance.now();
  const drawbridge = await start();
  await until("all are finished", () => areAll(all, isFinished), LIMIT);
  const finishedSeconds = (performance.now() - begin) / 1000;
  await until("all have Pods", () => areAll(all, hasPods), LIMIT);
  const startedSeconds = (performance.now() - begin) / 1000;
  await drawbridge.stop("SIGKILL");
  const result = { what: "it is away all the time", seconds: finishedSeconds, arrivals, slipped: admitted };
  return { result, finishedSeconds, startedSeconds };
}

async function measured(what: string, prefix: string, run: () => Promise<readonly Arrival[]>): Promise<Result> {
  console.error(what);
  const begin = performance.now();
  const arrivals = await run();
  await until("all are finished", () => areAll(names(prefix), isFinished), LIMIT);
  const seconds = (performance.now() - begin) / 1000;
  let slipped = 0;
  for (const { namespace, podVersion } of arrivals) {
    const { newestPolicy } = await stateOf(client, namespace);
    if (podVersion === undefined || podVersion <= newestPolicy) slipped += 1;
  }
  return { what, seconds, arrivals, slipped };
}

function names(prefix: string): readonly string[] {
  return Array.from({ length: count }, (_, i) => `${prefix}-${i}`);
}

async function areAll(all: readonly string[], is: (name: string) => Promise<boolean>): Promise<boolean> {
  for (const name of all) if (!(await is(name))) return false;
  return true;
}

async function isFinished(name: string): Promise<boolean> {
  const { isPending, policies } = await stateOf(client, name);
  return !isPending && policies.length === BASELINE_NAMES.length;
}

async function hasPods(name: string): Promise<boolean> {
  return (await client.get<{ readonly items: readonly object[] }>(podsOf(name))).items.length > 0;
}

function deployment(namespace: string): object {
  const { metadata, spec } = podOf({}) as { metadata: { labels: object }; spec: object };
  const template = { metadata, spec };
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "web", namespace },
    spec: { replicas: 1, selector: { matchLabels: metadata.labels }, template },
  };
}

function report(results: readonly Result[], { startedSeconds }: Away): string {
  const rows = results.map(({ what, seconds, arrivals, slipped }) => {
    const times = arrivals.filter(({ podVersion }) => podVersion !== undefined).map(({ ms }) => ms);
    const ms = (part: number) => (times.length === 0 ? "" : `${percentile(times, part).toFixed(0)} ms`);
    const refused = arrivals.reduce((sum, { refusals }) => sum + refusals.length, 0);
    return [what, `${slipped}`, `${refused}`, ms(50), ms(99), `${seconds.toFixed(1)} s`];
  });
  const head = ["while", "Pods before their policies", "tries refused", "Pod p50", "Pod p99", "all finished after"];
  return [
    "# Storms of namespaces",
    "Written by `npm run bench:storm -- --write`.",
    [
      `- Machine: ${machine.cores} cores of ${machine.cpu}, ${machine.memoryGiB} GiB; ${machine.system}`,
      `- Node.js ${machine.node}, Kubernetes 1.36.3 (API server, etcd without fsync, controller manager, on the same machine)`,
      `- Load average before the run ${machine.loadBefore.toFixed(2)}`,
    ].join("\n"),
    `${count} namespaces, each created and given a Pod in the same instant, by ${CLIENTS} clients. A Pod that is refused is tried again every 50 ms, from its first try to its admission is its time; in the last row it is tried once, and the time counts from the start of the server.`,
    table(head, rows),
    `While the server was away each namespace also got a Deployment, and for a minute its controller was refused. All had their Pods ${startedSeconds.toFixed(1)} s after the server was started.`,
  ]
    .join("\n\n")
    .concat("\n");
}
