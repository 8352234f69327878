import { type Mode, weakest } from "../config/mode.ts";
import type { AnyRule, Severity, Subject, Violation } from "../rules/rule.ts";
import type { Ruleset } from "./ruleset.ts";

/** A violation, and what is to be done about it. Findings are data: they are never thrown. */
export interface Finding extends Violation {
  readonly rule: AnyRule["id"];
  readonly severity: Severity;
  readonly mode: Mode;
  /** The exception by which it is only recorded: `NetworkException legacy of team-db until 2027-01-31`. */
  readonly exception?: string;
  /** An exception that is there for it but does not count, and why. */
  readonly lapsed?: string;
}

/** Every finding of a ruleset on one object; none is stronger than `cap`. */
export function evaluate(subject: Subject, ruleset: Ruleset, cap: Mode): Finding[] {
  const findings: Finding[] = [];
  for (const { rule, mode, options, prepared } of ruleset.settings) {
    if (rule.on !== subject.kind) continue;
    for (const violation of rule.check(subject, { options, prepared })) {
      findings.push({
        ...violation,
        rule: rule.id,
        severity: rule.severity,
        mode: weakest(mode, cap, violation.atMost ?? "enforce"),
      });
    }
  }
  return findings;
}
