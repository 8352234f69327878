import { describe, expect, test } from "vitest";
import type { Mode } from "../../src/config/mode.ts";
import { policySubject, subjectOf } from "../../src/engine/subject.ts";
import { parseManifest } from "../../src/manifest/read.ts";
import { findBackends } from "../../src/model/backends.ts";
import type { NetworkPolicy } from "../../src/model/network-policy.ts";
import type { KubernetesObject } from "../../src/model/objects.ts";
import { type Snapshot, snapshotOf } from "../../src/model/snapshot.ts";
import { groupOf } from "../../src/model/workload.ts";
import {
  type AnyRule,
  contextOf,
  defaultsOf,
  type Subject,
  type Unbound,
  type Violation,
} from "../../src/rules/rule.ts";

/** What is judged: an object, or YAML. */
export type Judged =
  | {
      readonly policy: NetworkPolicy | string;
      /** As its author wrote it; unknown if left out. */
      readonly written?: NetworkPolicy;
      /** What else there is, which is all of it; nothing is known of it if left out. */
      readonly among?: string | readonly KubernetesObject[];
    }
  /** Of a rule on another kind: it must say which by `apiVersion` and `kind`. */
  | {
      readonly object: KubernetesObject | string;
      /** What its author may not, of a Namespace. */
      readonly unbound?: Unbound | undefined;
    };

export type RuleCase = Judged & {
  readonly name: string;
  /** Over the rule's defaults. */
  readonly options?: object;
};

export type FailingCase = RuleCase & {
  /** The path of each violation, in order. */
  readonly at: string | readonly string[];
  /** What every message says. */
  readonly says?: string | RegExp;
  /** What every violation is lowered to; if left out, nothing is lowered. */
  readonly atMost?: Mode;
};

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

export function check(rule: AnyRule, judged: Judged & { readonly options?: object }): readonly Violation[] {
  const subject = subjectFor(judged);
  expect(subject.kind, "what the rule is on").toBe(rule.on);
  const snapshot = "policy" in judged && judged.among !== undefined ? snapshotFor(subject, judged.among) : undefined;
  return rule.check(subject, { ...contextOf(rule, { ...defaultsOf(rule), ...judged.options }), snapshot });
}

/** As in a set of files, in which the subject is one among these. */
export function snapshotFor({ ref, object }: Subject, among: string | readonly KubernetesObject[]): Snapshot {
  const documents = typeof among === "string" ? parseManifest(among, "among.yaml").map(({ value }) => value) : among;
  const policies = [object, ...(documents as KubernetesObject[]).filter(({ kind }) => kind === "NetworkPolicy")];
  return snapshotOf({
    isWhole: true,
    backends: findBackends(documents).filter(({ namespace }) => namespace === ref.namespace),
    policies: () => policies.filter(({ metadata }) => metadata?.namespace === ref.namespace),
  });
}

function subjectFor(judged: Judged): Subject {
  if ("policy" in judged) return policySubject(parsed(judged.policy), judged.written);
  const object = parsed(judged.object);
  const subject = subjectOf({ group: groupOf(object.apiVersion ?? ""), kind: object.kind ?? "" }, object);
  if (subject === undefined) throw new Error(`no rule is on ${object.apiVersion} ${object.kind}`);
  return judged.unbound === undefined || subject.kind !== "Namespace"
    ? subject
    : { ...subject, unbound: judged.unbound };
}

function parsed<T extends KubernetesObject>(object: T | string): T | KubernetesObject {
  return typeof object === "string" ? parseObject(object) : object;
}

/** The only document of a YAML text. */
export function parseObject(yaml: string): KubernetesObject {
  const documents = parseManifest(yaml, "object.yaml");
  expect(documents).toHaveLength(1);
  return documents[0]?.value as KubernetesObject;
}

/** What every message has in common, whatever the rule: it must fit a terminal and a JSON log. */
export function expectWellFormed({ message, path, fix }: Violation): void {
  expect(message.length, message).toBeLessThanOrEqual(120);
  expect(message).toMatch(/^[^\p{Cc}\u2028\u2029]+[^.\s:]$/u);
  expect(fix).toMatch(/^[^\p{Cc}\u2028\u2029]+[^.\s:]$/u);
  expect(path).toMatch(/^\/(spec|metadata)\//);
}
