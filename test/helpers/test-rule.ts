import { describe, expect, test } from "vitest";
import type { Mode } from "../../src/config/mode.ts";
import { policySubject } from "../../src/engine/subject.ts";
import { parseManifest } from "../../src/manifest/read.ts";
import type { NetworkPolicy } from "../../src/model/network-policy.ts";
import { type AnyRule, contextOf, defaultsOf, type Violation } from "../../src/rules/rule.ts";

export interface RuleCase {
  readonly name: string;
  /** An object, or YAML. */
  readonly policy: NetworkPolicy | string;
  /** As its author wrote it; unknown if left out. */
  readonly written?: NetworkPolicy;
  /** Over the rule's defaults. */
  readonly options?: object;
}

export interface FailingCase extends RuleCase {
  /** The path of each violation, in order. */
  readonly at: string | readonly string[];
  /** What every message says. */
  readonly says?: string | RegExp;
  /** What every violation is lowered to; if left out, nothing is lowered. */
  readonly atMost?: Mode;
}

/** Runs one rule, and no other, on objects that it must pass and objects that it must report. */
export function testRule(
  rule: AnyRule,
  cases: { readonly passes: readonly RuleCase[]; readonly fails: readonly FailingCase[] },
): void {
  describe(`${rule.id} passes`, () => {
    test.each(cases.passes)("$name", (one) => {
      expect(check(rule, one)).toEqual([]);
    });
  });
  describe(`${rule.id} reports`, () => {
    test.each(cases.fails)("$name", (one) => {
      const violations = check(rule, one);
      expect(violations.map(({ path }) => path)).toEqual(typeof one.at === "string" ? [one.at] : one.at);
      for (const violation of violations) {
        expectWellFormed(violation);
        expect(violation.message).toMatch(one.says ?? "");
        expect(violation.atMost).toBe(one.atMost);
      }
    });
  });
}

export function check(rule: AnyRule, { policy, written, options }: Omit<RuleCase, "name">): readonly Violation[] {
  const object = typeof policy === "string" ? parsePolicy(policy) : policy;
  return rule.check(policySubject(object, written), contextOf(rule, { ...defaultsOf(rule), ...options }));
}

/** The only document of a YAML text. */
export function parsePolicy(yaml: string): NetworkPolicy {
  const documents = parseManifest(yaml, "policy.yaml");
  expect(documents).toHaveLength(1);
  return documents[0]?.value as NetworkPolicy;
}

/** What every message has in common, whatever the rule: it must fit a terminal and a JSON log. */
export function expectWellFormed({ message, path, fix }: Violation): void {
  expect(message.length, message).toBeLessThanOrEqual(120);
  expect(message).toMatch(/^[^\p{Cc}\u2028\u2029]+[^.\s:]$/u);
  expect(fix).toMatch(/^[^\p{Cc}\u2028\u2029]+[^.\s:]$/u);
  expect(path).toMatch(/^\/(spec|metadata)\//);
}
