import type { LogLine } from "../test/cluster/harness/drawbridge.ts";
import { bold, dim, green, indented, red } from "./terminal.ts";
import type { Expectation, Step, TourCommand } from "./tour.ts";

/** What came back, as a program sees it. */
export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** The line of the server's log about this command, where one was waited for. */
  readonly logged?: LogLine;
}

/** Where commands are carried out: in a cluster, or with what was recorded from one. */
export interface Stage {
  /** As a person types it, e.g. `tenant $ kubectl apply ...` */
  readonly prompt: (command: TourCommand) => string;
  readonly perform: (command: TourCommand) => Promise<Outcome>;
}

export type Print = (text: string) => void;

/** Shows the steps one by one. Returns how many commands did not do as told. */
export async function runTour(steps: readonly Step[], stage: Stage, print: Print): Promise<number> {
  let failures = 0;
  for (const [index, { title, why, commands }] of steps.entries()) {
    print(`\n${bold(`${index + 1}  ${title}`)}`);
    print(`   ${dim(why)}`);
    for (const command of commands) {
      print(`\n   ${stage.prompt(command)}`);
      const outcome = await stage.perform(command);
      print(shown(outcome));
      const problem = judge(command.expect, outcome);
      if (problem !== undefined) failures += 1;
      const told = describe(command.expect);
      print(problem === undefined ? green(`   ✓ ${told}`) : red(`   ✗ not as told (${told}): ${problem}`));
    }
  }
  return failures;
}

/** What is not as it was told, if anything. */
export function judge(expect: Expectation, outcome: Outcome): string | undefined {
  switch (expect.verdict) {
    case "refused":
      if (outcome.code === 0) return "it was accepted";
      return difference("the refusal names", expect.rules, refusedBy(outcome.stderr));
    case "accepted":
      return refusalOrWarning(outcome) ?? missingText(expect.says, outcome.stdout);
    case "audited":
      return refusalOrWarning(outcome) ?? difference("the log names", expect.rules, auditedBy(outcome.logged));
    case "listed":
      if (outcome.code !== 0) return "it failed";
      return difference("there are", expect.names, firstColumn(outcome.stdout));
    case "absent":
    default:
      if (outcome.code === 0) return "it is there";
      return outcome.stderr.includes("NotFound") ? undefined : "it cannot be looked for";
  }
}

function describe(expect: Expectation): string {
  switch (expect.verdict) {
    case "refused":
      return `refused, by ${expect.rules.join(", ")}`;
    case "accepted":
      return "accepted, without a warning";
    case "audited":
      return `accepted, without a warning; recorded: ${expect.rules.join(", ")}`;
    case "listed":
      return `these ${expect.names.length}, and no other`;
    case "absent":
    default:
      return "it was not stored";
  }
}

function shown({ stdout, stderr, logged }: Outcome): string {
  const text = `${stdout}${stderr}`.trimEnd();
  const log = logged === undefined ? [] : [`Drawbridge's log: ${logText(logged)}`];
  return indented([...(text === "" ? [] : [text]), ...log].join("\n"));
}

/** `verdict=audited rules=no-broad-cidr=audit ...`: what matters of a line that has a dozen fields. */
function logText(line: LogLine): string {
  const fields = ["verdict", "rules", "namespace", "name", "user"] as const;
  return fields.map((field) => `${field}=${[line[field]].flat().join(",")}`).join(" ");
}

/** A refusal has a line for each finding: `  no-broad-cidr: spec.egress[0]...: ...` */
function refusedBy(stderr: string): string[] {
  return unique(Array.from(stderr.matchAll(/^ {2}([a-z-]+): /gm), ([, rule]) => rule ?? ""));
}

/** `rules: ["no-broad-cidr=audit"]` */
function auditedBy(logged: LogLine | undefined): string[] {
  const rules = logged?.["rules"];
  return unique(Array.isArray(rules) ? rules.map((rule) => String(rule).replace(/=audit$/, "")) : []);
}

function firstColumn(table: string): string[] {
  const [, ...rows] = table.trim().split("\n");
  return rows.map((row) => row.split(/\s/)[0] ?? "");
}

/** kubectl shows warnings on stderr, and nothing else when all is well. */
function refusalOrWarning({ code, stderr }: Outcome): string | undefined {
  if (code !== 0) return "it was refused, or failed";
  return stderr.trim() === "" ? undefined : "there is a warning";
}

function missingText(says: string | undefined, stdout: string): string | undefined {
  return says === undefined || stdout.trim() === says ? undefined : `it does not say "${says}"`;
}

function difference(what: string, expected: readonly string[], found: readonly string[]): string | undefined {
  const isSame = expected.toSorted().join() === found.toSorted().join();
  return isSame ? undefined : `${what} ${found.join(", ") || "none"}`;
}

function unique(texts: readonly string[]): string[] {
  return [...new Set(texts)];
}
