import type { LintFinding, LintSummary } from "../linter/finding.ts";
import { fieldPath } from "../model/json.ts";

/**
 * The report as one JSON document, written piece by piece: `{"version": 1, "findings": [...], "summary": {...}}`.
 * docs/lint.md says what each field is; fields may be added, and `version` is raised where one changes or goes.
 */
export const JSON_START = '{"version":1,"findings":[';

export function jsonOf(finding: LintFinding, isFirst: boolean): string {
  const { rule, severity, mode, message, fix, path, file, position, object, ruleset, exception, lapsed } = finding;
  const { line, column, length } = position;
  const entry = {
    rule,
    severity,
    mode,
    message,
    fix,
    file,
    line,
    column,
    length,
    path,
    field: fieldPath(path),
    object,
    ruleset,
    exception,
    lapsed,
  };
  return `${isFirst ? "" : ","}\n${JSON.stringify(entry)}`;
}

export function jsonEnd(summary: LintSummary): string {
  return `\n],"summary":${JSON.stringify(summary)}}\n`;
}
