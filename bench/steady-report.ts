import { GATE } from "../test/cluster/harness/steady.ts";
import { BASELINE_NAMES } from "../test/cluster/harness/storm.ts";
import { type Calls, callsTable, described, megabytes, number, perNamespace, sum } from "./format.ts";
import type { Machine } from "./machine.ts";
import type { ProcessUse } from "./process.ts";
import { table } from "./table.ts";

export interface Restart {
  readonly what: string;
  /** Of each server that was started: from its start to the first 200 of /readyz, and what it then used. */
  readonly ready: readonly { readonly ms: number; readonly use: ProcessUse }[];
  /** From the start to the end of the first look at everything, by whoever led; below 0 where another was quicker. */
  readonly lookedMs: number;
  /** How long that look took. */
  readonly lookMs: number;
  readonly calls: Calls;
  readonly writes: number;
}

export interface Touch {
  readonly what: string;
  /** From the change to the end of the look. */
  readonly ms: number;
  readonly lookMs: number;
  readonly delayMs: number;
  readonly calls: Calls;
  readonly writes: number;
}

export interface Results {
  readonly machine: Machine;
  readonly date: Date;
  readonly kubernetes: string;
  readonly namespaces: number;
  readonly pods: number;
  readonly clients: number;
  readonly userPolicies: number;
  readonly creation: {
    readonly createdSeconds: number;
    readonly finishedSeconds: number;
    /** For each namespace. */
    readonly writes: readonly number[];
    /** To what is of no one namespace, such as the status of NetworkBaselines. */
    readonly otherWrites: number;
    readonly calls: Calls;
  };
  readonly gate: {
    readonly seconds: number;
    readonly calls: readonly { readonly name: string; readonly total: number; readonly timed: number }[];
  };
  /** Of both, after all that was created. */
  readonly afterWork: readonly ProcessUse[];
  readonly restarts: readonly Restart[];
  readonly rest: {
    readonly seconds: number;
    readonly servers: readonly { readonly leads: boolean; readonly use: ProcessUse; readonly cpu: number }[];
    readonly calls: Calls;
    readonly writes: number;
  };
  readonly touches: readonly Touch[];
}

const READY_GOAL_S = 10;
/** Of 1,000,000 bytes. */
const MEMORY_GOAL_MB = 300;
const WRITES_GOAL = BASELINE_NAMES.length + 1;

interface Goal {
  readonly what: string;
  readonly measured: string;
  readonly isMet: boolean;
}

/** What does not depend on the machine. */
export function isAsItShouldBe(results: Results): boolean {
  return counted(results).every(({ isMet }) => isMet);
}

/** All of it as Markdown. */
export function steadyReport(results: Results): string {
  const { machine, date, kubernetes, namespaces, pods, clients, userPolicies, creation, gate, rest } = results;
  const goals = [...timed(results), ...counted(results)];
  const least = Math.min(...creation.writes);
  const most = Math.max(...creation.writes);
  return [
    "# The steady state",
    "Written by `npm run bench:steady -- --write`.",
    described(machine, kubernetes, date),
    `${number(namespaces)} namespaces with the default baseline, ${userPolicies} NetworkPolicies of their own in each, ${number(pods)} Pods (objects: nothing runs them). Two servers of the packed package share a Lease and a CA, with the service account and the environment of deploy/. Calls and writes are counted by the API server: its audit log of the user agent \`drawbridge\`, and its metrics of webhooks. Writes are what asks for something to be stored, without the renewals of the Lease. MB are 1,000,000 bytes.`,
    "## Goals",
    table(
      ["goal", "measured", "met"],
      goals.map(({ what, measured, isMet }) => [what, measured, isMet ? "yes" : "**no**"]),
    ),
    "## Creation",
    `By ${clients} clients, created in ${creation.createdSeconds.toFixed(1)} s, all finished ${creation.finishedSeconds.toFixed(1)} s after the first was begun; ${least === most ? `${most}` : `${least} to ${most}`} writes for each, and ${creation.otherWrites} in all to what is of no one namespace (the status of the NetworkBaseline, at most once a second). Calls for a namespace on average, those that are rarer than one in a hundred left out:`,
    table(["call", "for a namespace"], perNamespace(creation.calls, namespaces)),
    "## Pods of finished namespaces",
    `${number(pods)} Pods as ReplicaSets make them, in ${gate.seconds.toFixed(0)} s (${(pods / gate.seconds).toFixed(0)} a second). How often the API server has called each webhook meanwhile, by \`apiserver_admission_webhook_request_total\` and by the count of \`apiserver_admission_webhook_admission_duration_seconds\`:`,
    table(
      ["webhook", "calls", "timed"],
      gate.calls.map(({ name, total, timed: count }) => [`\`${name}\``, `${total}`, `${count}`]),
    ),
    "## Restarts",
    "From the start of a process to the first 200 of `/readyz`; calls and writes of both servers from the end of the old process until a leader has looked at every namespace, and 2 s more. Where nobody is left to lead, the Lease has to end first: up to 18 s.",
    table(
      ["", "ready after", "memory then", "peak", "looked at everything after", "which took", "calls", "writes"],
      results.restarts.map(restartRow),
    ),
    "The calls of the last:",
    callsTable(results.restarts.at(-1)?.calls ?? new Map()),
    "## At rest",
    `After ${rest.seconds} s in which nothing happened; each is asked for its readiness every second.`,
    table(
      ["server", "memory", "peak", "CPU of one core"],
      rest.servers.map(({ leads, use, cpu }) => [
        leads ? "leader" : "follower",
        megabytes(use.memory),
        megabytes(use.peak),
        `${(cpu * 100).toFixed(1)} %`,
      ]),
    ),
    `The processes that had been there for all that was created held ${results.afterWork.map(({ memory }) => megabytes(memory)).join(" and ")} after it, ${results.afterWork.map(({ peak }) => megabytes(peak)).join(" and ")} at most. Calls of both in a minute:`,
    callsTable(new Map([...rest.calls].map(([call, count]) => [call, (count * 60) / rest.seconds]))),
    "## Everything is looked at again",
    "When the configuration changes the leader looks at every namespace; how long, and the longest that anything else had to wait for it (the event loop's delay in those seconds; 10 ms is how exact that is).",
    table(
      ["", "done after", "the look", "longest delay", "calls", "writes"],
      results.touches.map(({ what, ms, lookMs, delayMs, calls, writes }) => [
        what,
        `${ms.toFixed(0)} ms`,
        `${lookMs} ms`,
        `${delayMs.toFixed(0)} ms`,
        `${sum(calls)}`,
        `${writes}`,
      ]),
    ),
  ]
    .join("\n\n")
    .concat("\n");
}

function timed({ restarts, rest, afterWork }: Results): readonly Goal[] {
  const seconds = Math.max(...restarts.flatMap(({ ready }) => ready.map(({ ms }) => ms))) / 1000;
  const uses = [...restarts.flatMap(({ ready }) => ready), ...rest.servers].map(({ use }) => use);
  const held = Math.max(...[...uses, ...afterWork].map(({ memory }) => memory));
  const peak = Math.max(...[...uses, ...afterWork].map(({ peak: most }) => most));
  return [
    {
      what: `ready less than ${READY_GOAL_S} s after a restart`,
      measured: `${seconds.toFixed(1)} s`,
      isMet: seconds < READY_GOAL_S,
    },
    {
      what: `less than ${MEMORY_GOAL_MB} MB resident, at any time`,
      measured: `${megabytes(held)} when looked at, ${megabytes(peak)} at the peak`,
      isMet: peak < MEMORY_GOAL_MB * 1e6,
    },
  ];
}

function counted({ creation, gate, restarts, rest, touches }: Results): readonly Goal[] {
  const most = Math.max(...creation.writes);
  const gateCalls = gate.calls.filter(({ name }) => name === GATE).map(({ total, timed: count }) => total + count);
  const idleWrites = [...restarts, ...touches, rest].reduce((total, { writes }) => total + writes, 0);
  return [
    {
      what: `a namespace costs one write a policy and one more: ${WRITES_GOAL}`,
      measured: `${most} at most`,
      isMet: most === WRITES_GOAL && Math.min(...creation.writes) === WRITES_GOAL,
    },
    {
      what: "Pods of finished namespaces call the gate 0 times",
      measured: gateCalls.length === 1 ? `${gateCalls[0]}` : "no gate",
      isMet: gateCalls.length === 1 && gateCalls[0] === 0,
    },
    {
      what: "restarts, rest and touched configurations write nothing",
      measured: `${idleWrites}`,
      isMet: idleWrites === 0,
    },
  ];
}

function restartRow({ what, ready, lookedMs, lookMs, calls, writes }: Restart): string[] {
  const each = (of: (one: Restart["ready"][number]) => string) => ready.map(of).join(", ");
  return [
    what,
    each(({ ms }) => `${(ms / 1000).toFixed(1)} s`),
    each(({ use }) => megabytes(use.memory)),
    each(({ use }) => megabytes(use.peak)),
    lookedMs < 0 ? "by the other, before" : `${(lookedMs / 1000).toFixed(1)} s`,
    `${lookMs} ms`,
    `${sum(calls)}`,
    `${writes}`,
  ];
}
