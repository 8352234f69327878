/**
 * `npm run bench:steady`: what a cluster that stands still costs, and a restart in it: 2,000 namespaces that have their
 * baseline, 20,000 Pods, two servers. About six minutes. `-- --write` writes the results to STEADY.md, `--namespaces` and
 * `--pods` take other numbers. Exit code 1 when a Pod called the gate, or anything was written where nothing had changed.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { paths } from "../src/cluster/paths.ts";
import { assertNodeVersion } from "../src/node-version.ts";
import { auditedCalls, auditEnd, countCalls, isOfDrawbridge } from "../test/cluster/harness/audit.ts";
import { findBinaries } from "../test/cluster/harness/binaries.ts";
import {
  countPending,
  createNamespaces,
  createPods,
  looksIn,
  touchRuleset,
  webhookCalls,
  writesByNamespace,
  writesOf,
} from "../test/cluster/harness/steady.ts";
import { inParallel } from "../test/cluster/harness/storm.ts";
import { sumOf } from "../test/helpers/metrics.ts";
import { describeMachine } from "./machine.ts";
import { ALLOWED_POLICY } from "./policies.ts";
import { type ProcessUse, useOf } from "./process.ts";
import { isAsItShouldBe, type Restart, type Results, steadyReport, type Touch } from "./steady-report.ts";
import { startSteadySite } from "./steady-site.ts";
import { until } from "./until.ts";

const CLIENTS = 8;
const POLICIES = 3;
const REST_SECONDS = 60;
const LIMIT = { limitMs: 300_000, everyMs: 20 };
/** So that what comes late, say an Event, is counted too. */
const SETTLE_MS = 2_000;

assertNodeVersion();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(1));
const { values } = parseArgs({
  options: {
    write: { type: "boolean" },
    namespaces: { type: "string", default: "2000" },
    pods: { type: "string", default: "20000" },
  },
});
const machine = describeMachine();
const binaries = await findBinaries({ log: progress });
if (binaries === undefined)
  throw new Error("there is no API server to measure with; CONTRIBUTING.md says how to get one");
progress("packing and installing");
const site = await startSteadySite(binaries);
const { cluster, client, replicas, leader, pids } = site;

const names = Array.from({ length: Number(values.namespaces) }, (_, i) => `team-${i}`);
const crowd = { client, names, clients: CLIENTS };
const perNamespace = Math.round(Number(values.pods) / names.length);

const creation = await create();
const gate = await fill();
const afterWork = pids().map(useOf);
const restarts = [
  await restart("the leader is stopped (SIGTERM) and started again", [await leader()], "SIGTERM"),
  await restart("the leader is killed (-9) and started again", [await leader()], "SIGKILL"),
  await restart("both are killed (-9) and started again", [0, 1], "SIGKILL"),
];
const rest = await atRest();
const touches = [
  await touch("a NetworkRuleset is applied", () => touchRuleset(client, 0)),
  await touch("its mode of a rule is changed", () => touchRuleset(client, 1)),
];
const results: Results = {
  machine,
  date: new Date(),
  kubernetes: (await client.get<{ readonly gitVersion: string }>("/version")).gitVersion,
  namespaces: names.length,
  pods: perNamespace * names.length,
  clients: CLIENTS,
  userPolicies: POLICIES,
  creation,
  gate,
  afterWork,
  restarts,
  rest,
  touches,
};
const text = steadyReport(results);
console.log(text);
if (values.write) writeFileSync(join(import.meta.dirname, "STEADY.md"), text);
await site.stop();
process.exit(isAsItShouldBe(results) ? 0 : 1);

function progress(line: string): void {
  console.error(`bench: ${line}`);
}

async function create(): Promise<Results["creation"]> {
  progress(`${names.length} namespaces`);
  const from = auditEnd(cluster);
  const begin = performance.now();
  await createNamespaces(crowd);
  const createdSeconds = (performance.now() - begin) / 1000;
  await until("all namespaces are finished", async () => (await countPending(client)) === 0, LIMIT);
  const finishedSeconds = (performance.now() - begin) / 1000;
  await sleep(SETTLE_MS);
  const calls = auditedCalls(cluster, from).filter(isOfDrawbridge);
  const writes = [...writesByNamespace(calls, names).values()];
  const others = writesOf(calls).length - writes.reduce((sum, count) => sum + count, 0);
  return { createdSeconds, finishedSeconds, writes, otherWrites: others, calls: countCalls(calls) };
}

/** Policies as teams have them, then Pods, which is what is counted. */
async function fill(): Promise<Results["gate"]> {
  progress(`${names.length * POLICIES} policies of their own`);
  const places = names.flatMap((name) => Array.from({ length: POLICIES }, (_, i) => ({ name, i })));
  await inParallel(CLIENTS, places, ({ name, i }) => client.create(paths.networkPolicies(name), policyOf(i)));
  progress(`${names.length * perNamespace} Pods`);
  const before = await webhookCalls(cluster);
  const begin = performance.now();
  await createPods(crowd, perNamespace);
  const seconds = (performance.now() - begin) / 1000;
  const after = await webhookCalls(cluster);
  const calls = [...after].map(([name, { total, timed }]) => {
    const { total: was = 0, timed: wasTimed = 0 } = before.get(name) ?? {};
    return { name, total: total - was, timed: timed - wasTimed };
  });
  return { seconds, calls };
}

/** As `kubectl apply` leaves them. */
function policyOf(i: number): object {
  const policy = { ...ALLOWED_POLICY, metadata: { ...ALLOWED_POLICY.metadata, name: `web-${i}` } };
  const annotations = {
    ...policy.metadata.annotations,
    "kubectl.kubernetes.io/last-applied-configuration": JSON.stringify(policy),
  };
  return { ...policy, metadata: { ...policy.metadata, annotations } };
}

/** From before the end of the old processes until the new ones are ready, somebody leads and has looked at everything. */
async function restart(what: string, which: readonly number[], signal: "SIGTERM" | "SIGKILL"): Promise<Restart> {
  progress(what);
  const [from, looks] = [auditEnd(cluster), looksIn(replicas.log()).length];
  await Promise.all(which.map((index) => replicas.end(index, signal)));
  const begin = Date.now();
  const times = await Promise.all(which.map(readyAgain));
  await until("somebody has looked at everything", async () => looksIn(replicas.log()).length > looks, LIMIT);
  const look = looksIn(replicas.log()).at(-1);
  await sleep(SETTLE_MS);
  const calls = auditedCalls(cluster, from).filter(isOfDrawbridge);
  return {
    what,
    ready: times,
    lookedMs: Date.parse(String(look?.["time"])) - begin,
    lookMs: Number(look?.["ms"]),
    calls: countCalls(calls),
    writes: writesOf(calls).length,
  };
}

async function readyAgain(index: number): Promise<Restart["ready"][number]> {
  const begin = performance.now();
  const started = replicas.start(index);
  const { healthUrl = "" } = replicas.current[index] ?? {};
  const isReady = () =>
    fetch(`${healthUrl}/readyz`).then(
      ({ status }) => status === 200,
      () => false,
    );
  await until("it is ready", isReady, { ...LIMIT, everyMs: 5 });
  const ms = performance.now() - begin;
  await started;
  return { ms, use: useOf(pids()[index] ?? 0) };
}

async function atRest(): Promise<Results["rest"]> {
  progress(`at rest for ${REST_SECONDS} s`);
  const from = auditEnd(cluster);
  const before = pids().map(useOf);
  await sleep(REST_SECONDS * 1000);
  const after = pids().map(useOf);
  const calls = auditedCalls(cluster, from).filter(isOfDrawbridge);
  const leads = await leader();
  return {
    seconds: REST_SECONDS,
    servers: after.map((use: ProcessUse, i) => ({
      leads: i === leads,
      use,
      cpu: (use.cpuSeconds - (before[i]?.cpuSeconds ?? Number.NaN)) / REST_SECONDS,
    })),
    calls: countCalls(calls),
    writes: writesOf(calls).length,
  };
}

async function touch(what: string, change: () => Promise<unknown>): Promise<Touch> {
  progress(what);
  const server = replicas.current[await leader()];
  if (server === undefined) throw new Error("the leader has gone");
  const [from, looks] = [auditEnd(cluster), looksIn(replicas.log()).length];
  // The delay is the longest since somebody has asked for it.
  await server.metrics();
  const begin = performance.now();
  await change();
  await until("everything is looked at again", async () => looksIn(replicas.log()).length > looks, LIMIT);
  const ms = performance.now() - begin;
  await sleep(SETTLE_MS);
  const delayMs = sumOf(await server.metrics(), "nodejs_eventloop_lag_max_seconds") * 1000;
  const calls = auditedCalls(cluster, from).filter(isOfDrawbridge);
  const lookMs = Number(looksIn(replicas.log()).at(-1)?.["ms"]);
  return { what, ms, lookMs, delayMs, calls: countCalls(calls), writes: writesOf(calls).length };
}
