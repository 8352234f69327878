import { refusalsOf } from "../../src/apiserver/refusals.ts";
import { toSubject } from "../../src/engine/subject.ts";
import type { LintFinding } from "../../src/linter/finding.ts";
import { itemsOf } from "../../src/linter/objects.ts";
import { setOf } from "../../src/linter/set.ts";
import { readManifest } from "../../src/manifest/read.ts";
import { canonical, isRecord } from "../../src/model/json.ts";
import { groupOf } from "../../src/model/workload.ts";
import { jsonOf } from "../../src/report/json.ts";
import { PLAIN, textOf } from "../../src/report/text.ts";
import { RULES } from "../../src/rules/index.ts";
import { contextIn, type LintedSet, lintedIn } from "../linter/linted.ts";

export interface Answered extends LintedSet {
  /** Of each finding. */
  readonly texts: readonly string[];
  readonly json: string;
}

const FILE = "a.yaml";

/** Of what has no documents of ours, as most texts: to make the configuration of one takes longer than all the rest. */
const BARE = contextIn(setOf([], "default"));

/** What the linter and the two reports make of a file. */
export function lint(text: string): Answered {
  const set = setOf([{ file: FILE, text }], "default");
  const isBare = set.documents.size + set.callers.length === 0;
  const context = isBare ? { ...BARE, set } : contextIn(set);
  const linted = lintedIn(context, { [FILE]: text });
  return {
    ...linted,
    texts: linted.findings.map((finding) => textOf(finding, PLAIN)),
    json: `[${linted.findings.map((finding, i) => jsonOf(finding, i === 0)).join("")}]`,
  };
}

/** What is wrong with that; undefined if it is as it must be. */
export function faultOf(text: string, { findings, objects, texts, json }: Answered): string | undefined {
  const lines = text.split("\n");
  const faults = findings.map((finding, i) => findingFault(finding, lines) ?? textFault(texts[i] ?? "", finding));
  return faults.find((fault) => fault !== undefined) ?? jsonFault(findings, json) ?? passFault(text, findings, objects);
}

const KNOWN: ReadonlySet<string> = new Set([...RULES.map(({ id }) => id), "invalid-manifest"]);
/** All that a terminal acts upon, and what breaks a line. */
const ODD = /[\p{C}\p{Zl}\p{Zp}]/u;
/** One line of a terminal, or nearly. */
const LONGEST = { message: 120, fix: 300, exception: 300, lapsed: 300 };

function findingFault(finding: LintFinding, lines: readonly string[]): string | undefined {
  const { rule, place, excerpt, object } = finding;
  if (!KNOWN.has(rule)) return `a rule called ${rule}`;
  for (const field of ["message", "fix", "exception", "lapsed"] as const) {
    const said = finding[field];
    if (said === undefined && field !== "message" && field !== "fix") continue;
    if (said === undefined || said.trim() === "") return `no ${field}`;
    if (ODD.test(said)) return `control characters in ${field}: ${JSON.stringify(said)}`;
    if (said.length > LONGEST[field]) return `a ${field} of ${said.length} characters`;
  }
  if ((object?.name.length ?? 0) > 300) return "a name without an end";
  const { file, line, column, length } = place;
  if (file !== FILE) return "another file";
  if (![line, column, length].every((number) => Number.isSafeInteger(number) && number >= 1))
    return "a place before all";
  const written = lines[line - 1];
  if (written === undefined) return `line ${line} of ${lines.length}`;
  if (column > written.length + 1) return `column ${column} of ${written.length}`;
  if (ODD.test(excerpt.text.replaceAll("\t", ""))) return "control characters in the excerpt";
  return excerpt.column > excerpt.text.length + 1 ? "a mark behind the excerpt" : undefined;
}

/** Where, the line, the mark, then details, and an empty line. */
function textFault(text: string, { message, place }: LintFinding): string | undefined {
  const lines = text.split("\n");
  if (lines.length < 5 || lines.length > 8 || ODD.test(lines.join("").replaceAll("\t", ""))) {
    return `an odd report: ${JSON.stringify(text.slice(0, 400))}`;
  }
  const start = /^a\.yaml:(\d+):(\d+): (?:error|warning|note): [\w-]+: (?=\S)/.exec(text);
  const isThere = Number(start?.[1]) === place.line && Number(start?.[2]) === place.column;
  return isThere && text.startsWith(message, start?.[0].length) ? undefined : "a report that no editor reads";
}

function jsonFault(findings: readonly LintFinding[], json: string): string | undefined {
  if (ODD.test(json.replaceAll("\n", ""))) return "control characters in the JSON";
  const entries = JSON.parse(json) as readonly { message: string; line: number }[];
  const isSame = ({ message, place }: LintFinding, i: number) =>
    message === entries[i]?.message && place.line === entries[i].line;
  return entries.length === findings.length && findings.every(isSame) ? undefined : "other findings in the JSON";
}

/** What is passed must be readable, and be what the API server takes; what rules are about must have been judged. */
function passFault(text: string, findings: readonly LintFinding[], objects: readonly string[]): string | undefined {
  if (findings.some(({ rule }) => rule === "invalid-manifest")) return undefined;
  const documents = [...readManifest(text)];
  if (documents.some(({ kind }) => kind === "problem")) return "an unreadable document is passed";
  const values = documents.flatMap((read) => (read.kind === "document" ? itemsOf(read.value) : []));
  if (values.length !== objects.length) return `${objects.length} objects of ${values.length}`;
  for (const [i, { value }] of values.entries()) {
    if (refusalsOf(value).length > 0) return "an object is passed that the API server refuses";
    if (!isRecord(value) || typeof value["apiVersion"] !== "string" || typeof value["kind"] !== "string") continue;
    const subject = toSubject({ group: groupOf(value["apiVersion"]), kind: value["kind"] }, value);
    const isJudged = objects[i] === "judged" || objects[i] === "exempt";
    if (subject !== undefined && !isJudged) return `a ${subject.kind} is passed over`;
  }
  const [first] = documents;
  return first?.kind === "document" ? misreadFault(text, first.value) : undefined;
}

/** What is JSON says to the linter what it says to everybody. */
function misreadFault(text: string, value: unknown): string | undefined {
  // Numbers that are too large are something else to YAML.
  if (!text.startsWith("{") || /\d[eE]|\d{16}/.test(text)) return undefined;
  try {
    return canonical(JSON.parse(text)) === canonical(value) ? undefined : "JSON is read as something else";
  } catch {
    return undefined;
  }
}
