import { type Mode, weakest } from "../config/mode.ts";
import type { NetworkPolicy } from "../model/network-policy.ts";
import { toPolicy } from "../model/network-policy.ts";
import type { Rule, Severity, Subject, Violation } from "../rules/rule.ts";
import type { Ruleset } from "./ruleset.ts";

/** A violation, and what is to be done about it. Findings are data: they are never thrown. */
export interface Finding extends Violation {
  readonly rule: Rule["id"];
  readonly severity: Severity;
  readonly mode: Mode;
}

/** `written`: as its author wrote it, where that is known. */
export function policySubject(object: NetworkPolicy, written?: NetworkPolicy): Subject {
  return { kind: "NetworkPolicy", object, policy: toPolicy(object), ...(written !== undefined && { written }) };
}

/** Every finding of a ruleset on one object; none is stronger than `cap`. */
export function evaluate(subject: Subject, ruleset: Ruleset, cap: Mode): Finding[] {
  return ruleset.settings.flatMap(({ rule, mode, options }) => {
    if (rule.on !== subject.kind) return [];
    return rule.check(subject, { options }).map((violation) => ({
      ...violation,
      rule: rule.id,
      severity: rule.severity,
      mode: weakest(mode, cap, violation.atMost ?? "enforce"),
    }));
  });
}
