/**
 * `npm run bench:restarts`: NetworkPolicy writes that fail when their webhook does, at a constant rate, while two servers
 * are restarted in turn, CAs are renewed, the configuration changes and the API server is killed and started again; then
 * while servers are killed. `-- --write` writes the results to RESTARTS.md; `--restarts`, `--rotations`, `--api-servers`
 * and `--kills` take other numbers than 20, 3, 2 and 4. Exit code 1 when a write failed because of its webhook though no
 * server was killed.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import type { Lives } from "../src/certs/lives.ts";
import { connect } from "../src/cluster/connect.ts";
import { paths } from "../src/cluster/paths.ts";
import { assertNodeVersion } from "../src/node-version.ts";
import { isOfWebhook, type LoadResult, startAdmissionLoad } from "../test/cluster/harness/admission-load.ts";
import { findBinaries } from "../test/cluster/harness/binaries.ts";
import { startCluster } from "../test/cluster/harness/cluster.ts";
import { startReplicas } from "../test/cluster/harness/replicas.ts";
import { touchRuleset } from "../test/cluster/harness/steady.ts";
import { describeMachine } from "./machine.ts";
import { table } from "./table.ts";
import { until } from "./until.ts";

const PER_SECOND = 100;
const DRAIN_SECONDS = 2;
/** A CA is renewed after 60 s, certificates after 20 s; after a kill of the leader nobody leads for up to 18 s. */
const LIVES: Lives = { caMs: 90_000, leafMs: 30_000, settleMs: 5_000, backdateMs: 3_600_000 };
const NAMESPACE = "drawbridge-system";

interface Phase extends LoadResult {
  readonly what: string;
  readonly restarts: number;
  readonly rotations: number;
  readonly apiServers: number;
  readonly certificates: number;
  readonly changes: number;
}

assertNodeVersion();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(1));
const { values } = parseArgs({
  options: {
    write: { type: "boolean" },
    restarts: { type: "string", default: "20" },
    rotations: { type: "string", default: "3" },
    "api-servers": { type: "string", default: "2" },
    kills: { type: "string", default: "4" },
  },
});
const machine = describeMachine();
const binaries = await findBinaries({ log: (line) => console.error(line) });
if (binaries === undefined)
  throw new Error("there is no API server to measure with; CONTRIBUTING.md says how to get one");
const cluster = await startCluster({ binaries });
const client = await connect({ kubeconfig: cluster.kubeconfigs.admin });
await cluster.ok(["create", "namespace", NAMESPACE]);
await cluster.ok(["create", "namespace", "busy"]);
const replicas = await startReplicas({ cluster, namespace: NAMESPACE, lives: LIVES, drainSeconds: DRAIN_SECONDS });
await until("the webhooks are registered", isRegistered, { limitMs: 30_000, everyMs: 100 });

const rolled = await phase("restarted (SIGTERM)", "SIGTERM", {
  restarts: Number(values.restarts),
  rotations: Number(values.rotations),
  apiServers: Number(values["api-servers"]),
});
const killed = await phase("killed (-9) and started again", "SIGKILL", {
  restarts: Number(values.kills),
  rotations: 0,
  apiServers: 0,
});
const text = report([rolled, killed]);
console.log(text);
if (values.write) writeFileSync(join(import.meta.dirname, "RESTARTS.md"), text);
for (const { at, error } of rolled.failures) console.error(at.toISOString(), error);
await replicas.stop();
await client.close();
await cluster.stop();
process.exit(rolled.failures.some(isOfWebhook) ? 1 : 0);

async function isRegistered(): Promise<boolean> {
  return client.get(paths.validatingWebhookConfigurations("drawbridge")).then(
    () => true,
    () => false,
  );
}

interface Events {
  /** Of servers, in turn. */
  readonly restarts: number;
  /** CAs that have begun to sign, at least. */
  readonly rotations: number;
  /** How often the API server is killed and started again, after one of the first restarts each. */
  readonly apiServers: number;
}

async function phase(what: string, signal: "SIGTERM" | "SIGKILL", events: Events): Promise<Phase> {
  const { restarts, rotations, apiServers } = events;
  const before = { rotations: count("step", "switch"), certificates: count("msg", "certificate issued") };
  const load = startAdmissionLoad({ client, namespace: "busy", perSecond: PER_SECOND });
  const rotated = () => count("step", "switch") - before.rotations;
  await sleep(1_000);
  for (let i = 0; i < restarts; i++) {
    console.error(`${what}: ${i + 1} of ${restarts}, ${rotated()} rotations, ${load.failures.length} failures`);
    await replicas.restart(i % 2, signal);
    await touchRuleset(client, i);
    if (i < apiServers) {
      await cluster.stopApiServer("SIGKILL");
      await cluster.startApiServer();
    }
  }
  await until("CAs are renewed", async () => rotated() >= rotations, { limitMs: rotations * 120_000, everyMs: 100 });
  await sleep(1_000);
  const result = await load.stop();
  const certificates = count("msg", "certificate issued") - before.certificates;
  return { what, restarts, rotations: rotated(), apiServers, certificates, changes: restarts, ...result };
}

function count(field: string, value: string): number {
  return replicas.log().filter((line) => line[field] === value).length;
}

function report(phases: readonly Phase[]): string {
  const rows = phases.map((one) => [
    one.what,
    `${one.restarts}`,
    `${one.rotations}`,
    `${one.apiServers}`,
    `${one.certificates}`,
    `${one.changes}`,
    `${one.writes}`,
    one.perSecond.toFixed(0),
    `${one.failures.filter(isOfWebhook).length}`,
    `${one.failures.filter((failure) => !isOfWebhook(failure)).length}`,
    `${(one.slowestMs / 1000).toFixed(1)} s`,
  ]);
  const head = [
    "servers are",
    "times",
    "CAs renewed",
    "API server restarts",
    "certificates",
    "configuration changes",
    "writes",
    "a second",
    "failed by the webhook",
    "found no API server",
    "slowest",
  ];
  return [
    "# Admissions while servers come and go",
    "Written by `npm run bench:restarts -- --write`.",
    [
      `- Machine: ${machine.cores} cores of ${machine.cpu}, ${machine.memoryGiB} GiB; ${machine.system}`,
      `- Node.js ${machine.node}, Kubernetes 1.36.3 (API server, etcd without fsync, on the same machine)`,
      `- Load average before the run ${machine.loadBefore.toFixed(2)}`,
    ].join("\n"),
    `NetworkPolicy writes, ${PER_SECOND} a second, each of which fails when its webhook does. They come to two servers through a TCP proxy, which asks both for their readiness every 0.1 s and sends new connections to those that are ready. The servers are restarted in turn, each when the other is ready; ${DRAIN_SECONDS} s of draining (10 to 15 s are usual). CAs live for ${LIVES.caMs / 1000} s, certificates for ${LIVES.leafMs / 1000} s. What was in flight when a server was killed breaks: that no server can help. While the API server is away no write finds anybody to ask; what counts is that none fails because of its webhook.`,
    table(head, rows),
  ]
    .join("\n\n")
    .concat("\n");
}
