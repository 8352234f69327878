import { fieldPath } from "../model/json.ts";
import { printableUpTo } from "../model/printable.ts";
import { type ObjectRef, titleOf } from "../model/objects.ts";
import type { Finding } from "./evaluate.ts";

/** What the API server is told, and through it the person at the terminal. */
export interface Decision {
  readonly allowed: boolean;
  readonly message?: string;
  /** Shown by kubectl, one a line. None on a refused request: its message says it all. */
  readonly warnings: readonly string[];
  /** For the API server's audit log. */
  readonly auditAnnotations: Readonly<Record<string, string>>;
}

export const ALLOWED: Decision = { allowed: true, warnings: [], auditAnnotations: {} };

export function decide(object: ObjectRef, rulesetName: string, findings: readonly Finding[]): Decision {
  if (findings.length === 0) return ALLOWED;
  const refused = findings.filter(({ mode }) => mode === "enforce");
  const auditAnnotations = { findings: auditText(findings) };
  if (refused.length > 0) {
    return { allowed: false, message: refusal(object, rulesetName, refused), warnings: [], auditAnnotations };
  }
  const warnings = findings.filter(({ mode }) => mode === "warn").map((finding) => `drawbridge: ${line(finding)}`);
  return { allowed: true, warnings: boundWarnings(warnings), auditAnnotations };
}

/**
 * One line a finding:
 *
 *     NetworkPolicy shop/web breaks 1 rule of ruleset default:
 *       no-open-egress: spec.egress[0]: a clause without `to` allows ... Fix: name the peers under `to`, or ...
 */
function refusal(object: ObjectRef, rulesetName: string, findings: readonly Finding[]): string {
  const rules = new Set(findings.map(({ rule }) => rule)).size;
  return boundLines([
    `${titleOf(object)} breaks ${rules} rule${rules === 1 ? "" : "s"} of ruleset ${rulesetName}:`,
    ...findings.map((finding) => `  ${line(finding)}`),
  ]);
}

/** A heading and what is under it, as a terminal can show it: names and keys of an object may be anything, in any number. */
export function boundLines(lines: readonly string[]): string {
  const shown = lines.slice(0, 1 + MOST_LINES).map((text) => printableUpTo(text, LINE_CHARACTERS));
  if (lines.length > 1 + MOST_LINES) shown.push(`  and ${lines.length - 1 - MOST_LINES} more`);
  return shown.join("\n");
}

const MOST_LINES = 40;
const LINE_CHARACTERS = 1024;

/** What an exception has to do with it comes before the fix, as the end of a long warning is cut off. */
function line({ rule, path, message, fix, lapsed }: Finding): string {
  return `${rule}: ${fieldPath(path)}: ${message}${lapsed === undefined ? "" : ` (${lapsed})`}. Fix: ${fix}.`;
}

/** Enough to find the objects of a rule in an audit log; the whole text is in our own log. */
function auditText(findings: readonly Finding[]): string {
  const texts = findings.map(
    ({ mode, rule, path, exception }) =>
      `${mode} ${rule} ${fieldPath(path)}${exception === undefined ? "" : ` by ${exception}`}`,
  );
  return printableUpTo(texts.join("; "), 2048);
}

/** The API server cuts a warning at 256 characters, and drops what goes beyond 4,096 together. */
const WARNING_CHARACTERS = 256;
const WARNINGS_CHARACTERS = 4096;

export function boundWarnings(warnings: readonly string[]): string[] {
  const cut = warnings.map((text) => printableUpTo(text, WARNING_CHARACTERS));
  const kept: string[] = [];
  let total = 0;
  for (const text of cut) {
    const more = `drawbridge: and ${cut.length - kept.length} more`;
    const isLast = kept.length === cut.length - 1;
    if (total + text.length + (isLast ? 0 : more.length) > WARNINGS_CHARACTERS) return [...kept, more];
    kept.push(text);
    total += text.length;
  }
  return kept;
}
