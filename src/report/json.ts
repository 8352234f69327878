import type { LintFinding, LintSummary } from "../linter/finding.ts";
import { fieldPath } from "../model/json.ts";

/**
 * The report as one JSON document, written piece by piece: `{"version": 1, "findings": [...], "summary": {...}}`.
 * docs/lint.md says what each field is; fields may be added, and `version` is raised where one changes or goes.
 */
export const JSON_START = '{"version":1,"findings":[';

export function jsonOf(finding: LintFinding, isFirst: boolean): string {
  const { rule, severity, mode, message, fix, path, place, excerpt, object, ruleset, exception, lapsed } = finding;
  const { file, line, column, length } = place;
  const field = fieldPath(path);
  const source = excerpt.text;
  const judged = { object, ruleset, exception, lapsed };
  const entry = { rule, severity, mode, message, fix, file, line, column, length, path, field, source, ...judged };
  return `${isFirst ? "" : ","}\n${harmless(entry)}`;
}

export function jsonEnd(summary: LintSummary): string {
  return `\n],"summary":${harmless(summary)}}\n`;
}

/** The same values, but what a terminal would act upon is escaped: names and files may hold anything. */
function harmless(value: object): string {
  return JSON.stringify(value).replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, (character) =>
    character
      .split("")
      .map((half) => `\\u${half.charCodeAt(0).toString(16).padStart(4, "0")}`)
      .join(""),
  );
}
