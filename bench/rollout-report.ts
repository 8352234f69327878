import { ROLLOUT_DEFAULTS } from "../src/config/baseline.ts";
import type { Followed, Halt } from "../test/cluster/harness/rollout.ts";
import { callsTable, described, megabytes, number, perNamespace, sum } from "./format.ts";
import type { Machine } from "./machine.ts";
import type { ProcessUse } from "./process.ts";
import { table } from "./table.ts";

export interface Step extends Followed {
  readonly what: string;
  /** Policies that each namespace gets by it, or loses, or has rewritten. */
  readonly wanted: number;
  /** Namespaces that have what they should have, by what is stored afterwards. */
  readonly followedBy: number;
  /** Of the leader, afterwards. */
  readonly use: ProcessUse;
}

export interface Results {
  readonly machine: Machine;
  readonly date: Date;
  readonly kubernetes: string;
  readonly namespaces: number;
  /** Of both servers, before anything was given. */
  readonly before: readonly ProcessUse[];
  readonly steps: readonly Step[];
  readonly halted: Halt & {
    readonly failing: number;
    /** Namespaces before those that fail. */
    readonly ahead: number;
    readonly mended: Step;
  };
}

interface Goal {
  readonly what: string;
  readonly measured: string;
  readonly isMet: boolean;
}

/** What does not depend on the machine. */
export function isAsItShouldBe(results: Results): boolean {
  return goals(results).every(({ isMet }) => isMet);
}

/** All of it as Markdown. */
export function rolloutReport(results: Results): string {
  const { machine, date, kubernetes, namespaces, before, steps, halted } = results;
  const { mended, standing, followed, failing } = halted;
  const { atOnce, maxFailures } = ROLLOUT_DEFAULTS;
  return [
    "# How a change comes to all namespaces",
    "Written by `npm run bench:rollout -- --write`.",
    described(machine, kubernetes, date),
    ...(machine.loadBefore > machine.cores ? [BUSY] : []),
    `${number(namespaces)} namespaces that were there before Drawbridge, and a NetworkBaseline with its defaults: ${atOnce} at once, halt at ${maxFailures} failures. Two servers of the packed package share a Lease and a CA, with the service account and the environment of deploy/. Calls and writes are counted by the API server's audit log of the user agent \`drawbridge\`; times are by its clock, from the request that changed the NetworkBaseline to the answer to the last write of a policy. MB are 1,000,000 bytes.`,
    "## Goals",
    table(
      ["goal", "measured", "met"],
      goals(results).map(({ what, measured, isMet }) => [what, measured, isMet ? "yes" : "**no**"]),
    ),
    "## Until all have followed",
    "The status of the NetworkBaseline is written at most once a second. The memory is the leader's, its peak since its start.",
    table(HEAD, steps.map(row)),
    `Before the first both servers held ${before.map(({ memory }) => megabytes(memory)).join(" and ")}. Calls for a namespace on average, those that are rarer than one in a hundred left out (Events are at most 100 at once and 2 a second):`,
    ...steps.flatMap(({ what, calls }) => [`${capital(what)}:`, table(PER, perNamespace(calls, namespaces))]),
    "## A halt in the middle",
    `The template comes once more, and a ResourceQuota refuses it in ${failing} namespaces after the first ${number(halted.ahead)}. When the status said \`Halted\`, ${number(followed)} of ${number(namespaces)} had followed. In ${standing.seconds} s after that the API server was called ${sum(standing.calls)} times for those that had failed:`,
    callsTable(standing.calls),
    "and for everything else:",
    callsTable(standing.otherCalls),
    "Then the quotas were deleted. A namespace that has failed is tried again ever later, after 30 s at most, and with the first that succeeds the others go on.",
    table(HEAD, [row(mended)]),
  ]
    .join("\n\n")
    .concat("\n");
}

const BUSY =
  "**Others had the machine, too: what is counted holds, times are longer and rates lower than they should be.**";

const PER = ["call", "for a namespace"];

const HEAD = [
  "",
  "all follow after",
  "the status says so after",
  "writes of policies",
  "a second",
  "calls",
  "memory",
  "peak",
];

function row({ what, seconds, saidSeconds, writes, calls, use }: Step): string[] {
  const written = total(writes);
  return [
    what,
    `${seconds.toFixed(1)} s`,
    `${saidSeconds.toFixed(1)} s`,
    number(written),
    (written / seconds).toFixed(0),
    number(sum(calls)),
    megabytes(use.memory),
    megabytes(use.peak),
  ];
}

function goals({ namespaces, steps, halted }: Results): readonly Goal[] {
  const all = [...steps, halted.mended];
  const least = Math.min(...all.map(({ followedBy }) => followedBy));
  const surplus = steps.flatMap(({ writes, wanted }) => writes.filter((count) => count !== wanted)).length;
  const { atOnce } = ROLLOUT_DEFAULTS;
  return [
    { what: "every namespace follows every change", measured: number(least), isMet: least === namespaces },
    {
      what: "a policy costs one write in each namespace: others",
      measured: `${surplus}`,
      isMet: surplus === 0,
    },
    {
      what: `a halt stops all but those that have begun: at most ${2 * atOnce} after those ahead, then none`,
      measured: `${halted.followed - halted.ahead}, then ${halted.standing.followed - halted.followed}`,
      isMet:
        halted.followed >= halted.ahead &&
        halted.followed <= halted.ahead + 2 * atOnce &&
        halted.standing.followed === halted.followed,
    },
  ];
}

function total(counts: readonly number[]): number {
  return counts.reduce((all, count) => all + count, 0);
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
