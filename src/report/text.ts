import type { Mode } from "../config/mode.ts";
import type { Excerpt } from "../linter/excerpt.ts";
import type { Governing, LintFinding, LintSummary } from "../linter/finding.ts";
import { titleOf } from "../model/objects.ts";
import { printableUpTo } from "../model/printable.ts";
import { markOf } from "./mark.ts";

const LEVELS: Readonly<Record<Mode, string>> = {
  enforce: "error",
  warn: "warning",
  audit: "note",
  disabled: "note",
};

/** Marks what a finding of this mode is recognised by, where there are colours. */
export type Style = (mode: Mode, text: string) => string;

export const PLAIN: Style = (_mode, text) => text;

/**
 * One finding, as compilers show theirs, so that editors can jump to it:
 *
 *     shop/web.yaml:12:19: error: no-broad-cidr: egress to every IPv4 address
 *        12 |             cidr: 0.0.0.0/0
 *           |                   ^^^^^^^^^
 *             NetworkPolicy shop/web, ruleset default
 *             Fix: list only the networks that are needed; use selectors for Pods.
 */
export function textOf(finding: LintFinding, style: Style): string {
  const { place, rule, mode, message, fix, object, ruleset, exception, lapsed } = finding;
  const details = [
    ...(object === undefined ? [] : [`${titleOf(object)}${ruleset === undefined ? "" : `, ruleset ${ruleset}`}`]),
    ...(lapsed === undefined ? [] : [`${lapsed}.`]),
    exception === undefined ? `Fix: ${fix}.` : `Excepted by ${exception}.`,
  ];
  return [
    `${shown(place.file)}:${place.line}:${place.column}: ${style(mode, LEVELS[mode])}: ${rule}: ${message}`,
    ...excerptLines(place.line, finding.excerpt, (mark) => style(mode, mark)),
    ...details.map((line) => `${" ".repeat(MARGIN + 3)}${shown(line)}`),
    "",
    "",
  ].join("\n");
}

const MARGIN = 5;

function excerptLines(line: number, excerpt: Excerpt, style: (mark: string) => string): string[] {
  const number = String(line).padStart(MARGIN);
  const { indent, mark } = markOf(excerpt);
  return [`${number} | ${excerpt.text}`, `${" ".repeat(number.length)} | ${indent}${style(mark)}`];
}

/**
 *     4 objects judged in 3 files: 1 error, 0 warnings, 0 notes.
 *     Not judged: 2 objects in system namespaces, 14 objects of other kinds.
 *     The verdict rests on what these files say themselves; whoever may change it, changes the verdict:
 *       shop/namespace.yaml:1: Namespace shop: drawbridge.dev/mode=warn
 */
export function summaryText(summary: LintSummary): string {
  const { files, judged, exempt, others, notObjects, enforce, warn, audit, notRead, governing } = summary;
  const found = `${count(enforce, "error")}, ${count(warn, "warning")}, ${count(audit, "note")}`;
  const inFiles = `in ${count(files, "file")}`;
  const isNothing = judged + exempt + enforce + warn + audit === 0;
  const notJudged = [
    ...(exempt === 0 ? [] : [`${count(exempt, "object")} in system namespaces`]),
    ...(others === 0 ? [] : [`${count(others, "object")} of other kinds`]),
    ...(notObjects === 0
      ? []
      : [
          `${count(notObjects, "document")} that ${notObjects === 1 ? "is no object" : "are no objects"} of Kubernetes`,
        ]),
  ];
  return [
    isNothing
      ? `Nothing to judge ${inFiles}: no NetworkPolicy, Namespace or workload.`
      : `${count(judged, "object")} judged ${inFiles}: ${found}.`,
    ...(notJudged.length === 0 ? [] : [`Not judged: ${notJudged.join(", ")}.`]),
    ...(notRead.length === 0 ? [] : [`Not read: ${listed(notRead.map(shown)).join(", ")}.`]),
    ...(governing.length === 0 ? [] : [GOVERNED, ...listed(governing.map(governingText)).map((line) => `  ${line}`)]),
    "",
  ].join("\n");
}

const GOVERNED = "The verdict rests on what these files say themselves; whoever may change it, changes the verdict:";

function governingText({ object, file, line, labels = {}, counts }: Governing): string {
  const says = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
  const how = says.length === 0 ? "" : `: ${says.join(", ")}`;
  return shown(`${file}:${line}: ${titleOf(object)}${how}${counts ? "" : ": does not count beside --policies"}`);
}

const MOST_LISTED = 10;

function listed(texts: readonly string[]): readonly string[] {
  if (texts.length <= MOST_LISTED) return texts;
  return [...texts.slice(0, MOST_LISTED), `and ${texts.length - MOST_LISTED} more`];
}

/** One line, of limited length. */
function shown(text: string): string {
  return printableUpTo(text, MOST_CHARACTERS);
}

const MOST_CHARACTERS = 400;

function count(number: number, noun: string): string {
  // The first number that is written by a locale takes a tenth of the whole run of one small file.
  const text = number < 1_000 ? String(number) : number.toLocaleString("en");
  return `${text} ${noun}${number === 1 ? "" : "s"}`;
}
