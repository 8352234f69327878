/**
 * `npm run bench:rollout`: how a change of a NetworkBaseline comes to 2,000 namespaces: they are adopted, a template
 * comes, says something else, goes again, comes and is refused in the middle. About ten minutes. `-- --write` writes the
 * results to ROLLOUT.md, `--namespaces N` takes another number. Exit code 1 when one namespace cost another number of
 * writes than what it got, or a rollout that should have halted went on.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { ROLLOUT_DEFAULTS } from "../src/config/baseline.ts";
import type { NetworkPolicy } from "../src/model/network-policy.ts";
import { assertNodeVersion } from "../src/node-version.ts";
import { findBinaries } from "../test/cluster/harness/binaries.ts";
import {
  applyBaseline,
  type Followers,
  follow,
  halt,
  mend,
  policiesByNamespace,
} from "../test/cluster/harness/rollout.ts";
import { createNamespaces } from "../test/cluster/harness/steady.ts";
import { describeMachine } from "./machine.ts";
import { useOf } from "./process.ts";
import { isAsItShouldBe, type Results, rolloutReport, type Step } from "./rollout-report.ts";
import { startSteadySite } from "./steady-site.ts";

const CLIENTS = 8;
const TEMPLATE = "allow-same-namespace";
const THREE = ["00-default-deny-ingress", "01-default-deny-egress", "10-allow-dns-egress"] as const;
const STAND_MS = 30_000;

assertNodeVersion();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(1));
const { values } = parseArgs({
  options: { write: { type: "boolean" }, namespaces: { type: "string", default: "2000" } },
});
const count = Number(values.namespaces);
// In the order of their numbers, as a rollout takes them.
const names = Array.from({ length: count }, (_, i) => `team-${String(i).padStart(5, "0")}`);
const machine = describeMachine();
const binaries = await findBinaries({ log: progress });
if (binaries === undefined)
  throw new Error("there is no API server to measure with; CONTRIBUTING.md says how to get one");
progress(`packing and installing, and ${count} namespaces before it`);
const site = await startSteadySite(binaries, (client) => createNamespaces({ client, names, clients: CLIENTS }));
const { cluster, client, leader, pids } = site;
const followers: Followers = { cluster, client, names, limitMs: 600_000 };

const put = (...templates: NonNullable<Parameters<typeof applyBaseline>[1]>["templates"] & object) =>
  applyBaseline(client, { templates: [...THREE, ...templates] });
const policyIn = (policies: readonly NetworkPolicy[] = []) =>
  policies.find(({ metadata }) => metadata?.name === `drawbridge-${TEMPLATE}`);
const hasIt = (policies?: readonly NetworkPolicy[]): boolean => policyIn(policies) !== undefined;

const before = pids().map(useOf);
const steps = [
  await step(
    "namespaces that were there are adopted",
    3,
    () => put(),
    (all) => all?.length === 3,
  ),
  await step(`a template comes: ${TEMPLATE}`, 1, () => put(TEMPLATE), hasIt),
  await step("it is confined to a port", 1, () => put({ name: TEMPLATE, ports: [8080] }), isConfined),
  await step(
    "it goes again",
    1,
    () => put(),
    (all) => all?.length === 3,
  ),
];
const halted = await haltInTheMiddle();
const results: Results = {
  machine,
  date: new Date(),
  kubernetes: (await client.get<{ readonly gitVersion: string }>("/version")).gitVersion,
  namespaces: count,
  before,
  steps,
  halted,
};
const text = rolloutReport(results);
console.log(text);
if (values.write) writeFileSync(join(import.meta.dirname, "ROLLOUT.md"), text);
await site.stop();
process.exit(isAsItShouldBe(results) ? 0 : 1);

function progress(line: string): void {
  console.error(`bench: ${line}`);
}

async function step(
  what: string,
  wanted: number,
  change: () => Promise<void>,
  isThere: (policies: readonly NetworkPolicy[] | undefined) => boolean,
): Promise<Step> {
  progress(what);
  const followed = await follow(followers, change);
  const all = await policiesByNamespace(followers);
  const followedBy = names.filter((name) => isThere(all.get(name))).length;
  return { what, wanted, ...followed, followedBy, use: await leaderUse() };
}

function isConfined(policies: readonly NetworkPolicy[] = []): boolean {
  return JSON.stringify(policyIn(policies)?.spec ?? {}).includes("8080");
}

/** The template comes once more, and is refused where half of them have it. */
async function haltInTheMiddle(): Promise<Results["halted"]> {
  const half = Math.floor(count / 2);
  const failing = names.slice(half, half + ROLLOUT_DEFAULTS.maxFailures);
  progress(`${failing.length} in the middle refuse it`);
  const stood = await halt(followers, failing, () => put(TEMPLATE), { hasFollowed: hasIt, standMs: STAND_MS });
  const mended = await step("the three in the middle are mended", 1, () => mend(followers, failing), hasIt);
  return { ...stood, failing: failing.length, ahead: half, mended };
}

async function leaderUse(): Promise<Step["use"]> {
  return useOf(pids()[await leader()] ?? 0);
}
