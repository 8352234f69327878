import { type Mode, weakest } from "../config/mode.ts";
import { items } from "../model/json.ts";
import type { Policy } from "../model/policy.ts";
import type { Snapshot } from "../model/snapshot.ts";
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

/**
 * Every finding of a ruleset on one object; none is stronger than `cap`.
 * @param snapshot what rules may look at beside the object; without it those that must are silent
 */
export function evaluate(subject: Subject, ruleset: Ruleset, cap: Mode, snapshot?: Snapshot): Finding[] {
  if (subject.kind === "NetworkPolicy" && partsOf(subject.policy) > MOST_PARTS) return [tooLarge(cap)];
  const findings: Finding[] = [];
  for (const { rule, mode, options, prepared } of ruleset.settings) {
    if (rule.on !== subject.kind) continue;
    const violations = rule.check(subject, { options, prepared, snapshot });
    if (violations.length === 0) continue;
    // What is missing may come next: were it refused, nobody could apply `01-default-deny` before `10-allow`.
    const strongest =
      rule.isCrossObject && snapshot?.isWhole !== true ? weakest(mode, cap, "warn") : weakest(mode, cap);
    for (const violation of violations) {
      findings.push({
        ...violation,
        rule: rule.id,
        severity: rule.severity,
        mode: weakest(strongest, violation.atMost ?? "enforce"),
      });
    }
  }
  return findings;
}

/**
 * Clauses, peers, what they except, and ports of one policy. An API server takes some hundred thousand of them in its 3 MiB, which to judge
 * would keep everybody else waiting for many seconds; this many take a quarter of a second, and nobody reads as many.
 */
const MOST_PARTS = 20_000;

function partsOf({ clauses }: Policy): number {
  let sum = 0;
  for (const { peers, ports } of clauses) {
    sum += 1 + items(ports).length;
    if (peers !== "anyone") for (const peer of peers) sum += 1 + (peer.kind === "addresses" ? peer.except.length : 0);
  }
  return sum;
}

function tooLarge(cap: Mode): Finding {
  return {
    rule: "invalid-manifest",
    severity: "critical",
    mode: weakest("enforce", cap),
    path: "/spec",
    message: `has more than ${MOST_PARTS.toLocaleString("en")} clauses, peers and ports: too many to be judged`,
    fix: "split it into several policies, which add up to the same",
  };
}
