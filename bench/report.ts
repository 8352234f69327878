import { type Measured, type Plan, type Round, SCENARIO_IDS, type ScenarioId } from "./admission.ts";
import type { EvaluationResult } from "./evaluate.ts";
import type { InjectionResult } from "./inject.ts";
import type { Machine } from "./machine.ts";
import { SCENARIOS } from "./scenarios.ts";
import { median } from "./statistics.ts";
import { table } from "./table.ts";

export interface Results {
  readonly date: Date;
  readonly machine: Machine;
  /** "v1.36.3" */
  readonly kubernetes: string;
  readonly plan: Plan;
  readonly rounds: readonly Round[];
  readonly evaluation: readonly EvaluationResult[];
  readonly injection: InjectionResult;
}

/** Of the empty webhook's rate, at least. */
const RATE_GOAL = 0.85;
/** Evaluation of one object on average, at most. */
const EVALUATION_GOAL_US = 50;
/** The fastest round without admission by the slowest: beyond it somebody else had the machine, and no ratio can be trusted. */
const CALM = 1.5;

/** All of it as Markdown, which reads well in a terminal too. */
export function report(results: Results): string {
  return [
    "# Benchmark results",
    "Written by `npm run bench -- --write`. What is measured, and what that does not tell: [README.md](README.md).",
    "Measured each by itself: [lint](LINT.md), [storms of namespaces](STORM.md), [restarts under load](RESTARTS.md), [the steady state](STEADY.md) and [how a change comes to 2,000 namespaces](ROLLOUT.md).",
    machineText(results),
    "## Goals",
    table(["goal", "measured", "met"], goals(results)),
    ...(unrest(results.rounds) > CALM ? [unrestText(results.rounds)] : []),
    "## Admission",
    admissionText(results.plan),
    table(
      ADMISSION_HEAD,
      SCENARIO_IDS.map((id) => admissionRow(id, results.rounds)),
    ),
    "## Evaluation alone",
    "From a parsed object to its decision, default ruleset in mode enforce; no HTTP, no JSON, no log.",
    table(["objects", "refused", "warned", "mean", "p99"], results.evaluation.map(evaluationRow)),
    "## Baseline",
    `${results.injection.namespaces} namespaces one after another, from the answer to the creation of each until the ` +
      "three policies of the default baseline are there.",
    table(["p50", "p99", "writes to the API server per namespace"], [injectionRow(results.injection)]),
  ].join("\n\n");
}

function machineText({ machine, kubernetes, date }: Results): string {
  const { cpu, cores, memoryGiB, system, node, loadBefore } = machine;
  return [
    `- Machine: ${cores} cores of ${cpu}, ${memoryGiB} GiB; ${system}`,
    `- Node.js ${node}, Kubernetes ${kubernetes.replace(/^v/, "")} (API server and etcd without fsync, on the same machine)`,
    `- ${date.toISOString().slice(0, 10)}; load average before the run ${loadBefore.toFixed(2)}`,
  ].join("\n");
}

function goals({ rounds, evaluation }: Results): string[][] {
  const rate = median(ratios("drawbridge", rounds));
  const rateVerdict = unrest(rounds) > CALM ? "not known" : rate >= RATE_GOAL ? "yes" : "**no**";
  const slowest = Math.max(...evaluation.map(({ meanUs }) => meanUs));
  return [
    [`at least ${RATE_GOAL} of the empty webhook's rate`, rate.toFixed(3), rateVerdict],
    [
      `evaluation under ${EVALUATION_GOAL_US} µs on average, whatever the objects`,
      `${slowest.toFixed(1)} µs`,
      slowest < EVALUATION_GOAL_US ? "yes" : "**no**",
    ],
  ];
}

function unrest(rounds: readonly Round[]): number {
  const rates = rounds.map((round) => round.noAdmission.perSecond);
  return Math.max(...rates) / Math.min(...rates);
}

function unrestText(rounds: readonly Round[]): string {
  return (
    `**Others used this machine meanwhile**: without any admission the fastest round was ${unrest(rounds).toFixed(1)} ` +
    "times as fast as the slowest, so the ratios say little. Run it again."
  );
}

function admissionText({ rounds, requests, concurrency }: Plan): string {
  return (
    `POST of a NetworkPolicy with dryRun=All through the API server at concurrency ${concurrency}; rounds: ${rounds}, with ` +
    `${requests.toLocaleString("en")} requests to each in turn. Medians over the rounds; ratios are taken within ` +
    "each round, and their smallest and largest are in brackets. CPU is what the webhook's own process spends on one " +
    "review, memory what it holds at the end."
  );
}

const ADMISSION_HEAD = ["admission", "requests/s", "of the empty webhook's", "p50", "p99", "CPU", "memory"];

function admissionRow(id: ScenarioId, rounds: readonly Round[]): string[] {
  const middle = (of: (measured: Measured) => number) => median(rounds.map((round) => of(round[id])));
  const ratio = ratios(id, rounds);
  const range = `${Math.min(...ratio).toFixed(2)}..${Math.max(...ratio).toFixed(2)}`;
  const hasProcess = rounds.every((round) => round[id].process !== undefined);
  return [
    SCENARIOS[id].name,
    String(Math.round(middle(({ perSecond }) => perSecond))),
    id === "emptyWebhook" ? "1" : `${median(ratio).toFixed(2)} (${range})`,
    `${middle(({ p50Ms }) => p50Ms).toFixed(1)} ms`,
    `${middle(({ p99Ms }) => p99Ms).toFixed(1)} ms`,
    hasProcess ? `${Math.round(middle(({ process }) => process?.cpuMicroseconds ?? Number.NaN))} µs` : "",
    hasProcess ? `${Math.round((rounds.at(-1)?.[id].process?.memoryBytes ?? Number.NaN) / 2 ** 20)} MiB` : "",
  ];
}

function ratios(id: ScenarioId, rounds: readonly Round[]): number[] {
  return rounds.map((round) => round[id].perSecond / round.emptyWebhook.perSecond);
}

function evaluationRow({ of, objects, refused, warned, meanUs, p99Us }: EvaluationResult): string[] {
  return [`${objects} ${of}`, `${refused}`, `${warned}`, `${meanUs.toFixed(1)} µs`, `${p99Us.toFixed(1)} µs`];
}

function injectionRow({ p50Ms, p99Ms, writesPerNamespace }: InjectionResult): string[] {
  return [`${p50Ms.toFixed(1)} ms`, `${p99Ms.toFixed(1)} ms`, `${writesPerNamespace}`];
}
