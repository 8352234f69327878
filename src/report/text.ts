import type { Mode } from "../config/mode.ts";
import type { LintFinding, LintSummary } from "../linter/finding.ts";
import type { ObjectRef } from "../model/objects.ts";

const LEVELS: Readonly<Record<Mode, string>> = {
  enforce: "error",
  warn: "warning",
  audit: "note",
  disabled: "note",
};

/** Wider lines are cut around the mark. */
const WIDTH = 120;

/**
 * One finding, as compilers show theirs, so that editors can jump to it:
 *
 *     shop/web.yaml:12:19: error: no-broad-cidr: egress to every IPv4 address
 *        12 |             cidr: 0.0.0.0/0
 *           |                   ^^^^^^^^^
 *           NetworkPolicy shop/web, ruleset default
 *           Fix: list only the networks that are needed; use selectors for Pods.
 */
export function textOf(finding: LintFinding, style: Style): string {
  const { file, position, rule, mode, message, fix, exception, lapsed } = finding;
  const level = style(mode, LEVELS[mode]);
  const number = String(position.line).padStart(5);
  const margin = `${" ".repeat(number.length)} |`;
  const { text, mark } = marked(finding);
  const details = [
    who(finding.object, finding.ruleset),
    ...(exception === undefined ? [] : [`Excepted by ${exception}.`]),
    ...(lapsed === undefined ? [] : [`${lapsed}.`]),
    ...(exception === undefined ? [`Fix: ${fix}.`] : []),
  ].filter((line) => line !== "");
  return [
    `${file}:${position.line}:${position.column}: ${level}: ${rule}: ${message}`,
    `${number} | ${text}`,
    `${margin} ${style(mode, mark)}`,
    ...details.map((line) => `${" ".repeat(number.length + 2)} ${line}`),
    "",
    "",
  ].join("\n");
}

/** Marks what a finding of this mode is recognised by, where there are colours. */
export type Style = (mode: Mode, text: string) => string;

export const PLAIN: Style = (_mode, text) => text;

/** `NetworkPolicy shop/web, ruleset default` */
function who(object: ObjectRef | undefined, ruleset: string | undefined): string {
  if (object === undefined) return "";
  const { kind, namespace, name } = object;
  const title = `${kind} ${namespace === undefined ? "" : `${namespace}/`}${name}`;
  return ruleset === undefined ? title : `${title}, ruleset ${ruleset}`;
}

/** The line and the caret under it; of a long line the part around the mark. */
function marked({ excerpt, position }: LintFinding): { text: string; mark: string } {
  const start = Math.max(0, excerpt.column - 1);
  const from = excerpt.text.length > WIDTH && start > WIDTH / 2 ? start - WIDTH / 2 : 0;
  const text = excerpt.text.slice(from, from + WIDTH);
  const before = text.slice(0, start - from).replaceAll(/[^\t]/g, " ");
  const length = Math.max(1, Math.min(position.length, text.length - before.length));
  return { text, mark: `${before}${"^".repeat(length)}` };
}

export function summaryText({ files, judged, exempt, enforce, warn, audit }: LintSummary): string {
  const exempted = exempt === 0 ? "" : ` ${count(exempt, "object")} in system namespaces not judged.`;
  const inFiles = `in ${count(files, "file")}`;
  if (judged === 0 && enforce + warn + audit === 0) {
    return `Nothing to judge ${inFiles}: no NetworkPolicy, Namespace or workload.${exempted}\n`;
  }
  const found = `${count(enforce, "error")}, ${count(warn, "warning")}, ${count(audit, "note")}`;
  return `${count(judged, "object")} judged ${inFiles}: ${found}.${exempted}\n`;
}

function count(number: number, noun: string): string {
  return `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;
}
