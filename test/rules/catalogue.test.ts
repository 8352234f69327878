import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { Ajv } from "ajv";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { evaluate } from "../../src/engine/evaluate.ts";
import { resolveRuleset, type Ruleset } from "../../src/engine/ruleset.ts";
import { toSubject } from "../../src/engine/subject.ts";
import { readEmbeddedPolicies } from "../../src/files/policies.ts";
import type { KubernetesObject } from "../../src/model/objects.ts";
import { groupOf } from "../../src/model/workload.ts";
import { RULES } from "../../src/rules/index.ts";
import {
  type AnyRule,
  defaultsOf,
  type Example,
  type OptionSchema,
  type SubjectKind,
  type Unbound,
} from "../../src/rules/rule.ts";
import { oddAmong, oddNamespaces, oddPolicies, oddUnbound, oddWorkloads } from "../helpers/odd.ts";
import { check, expectWellFormed, type Judged, parseObject, snapshotFor } from "../helpers/test-rule.ts";

const TOP = new URL("../../", import.meta.url);
const { rulesets } = await readEmbeddedPolicies();

function shipped(name: string) {
  const document = rulesets.get(name);
  if (document === undefined) throw new Error(`ruleset ${name} is missing`);
  return { document, resolved: resolveRuleset(document, rulesets) };
}

/** What each kind of rule may be given, as nobody should write it. */
const ODD: Readonly<Record<SubjectKind, () => fc.Arbitrary<Judged>>> = {
  NetworkPolicy: () =>
    fc.record({ policy: oddPolicies(), written: oddPolicies(), among: oddAmong() }, { requiredKeys: ["policy"] }),
  Workload: () => oddWorkloads().map((object) => ({ object })),
  Namespace: () => fc.record({ object: oddNamespaces(), unbound: oddUnbound() }),
};

test("every file in src/rules is a rule that is in the catalogue", async () => {
  const files = (await readdir(new URL("src/rules", TOP))).filter((file) => /^(no|require)-/.test(file));
  expect(files.toSorted()).toEqual(RULES.map(({ id }) => `${id}.ts`).toSorted());
});

test("every page in docs/rules is of a rule", async () => {
  const files = (await readdir(new URL("docs/rules", TOP))).filter((file) => file !== "README.md");
  expect(files.toSorted()).toEqual(RULES.map(({ id }) => `${id}.md`).toSorted());
});

test("every id is there once", () => {
  expect(new Set(RULES.map(({ id }) => id)).size).toBe(RULES.length);
});

describe.each(RULES.map((rule) => [rule.id, rule] as const))("%s", (id, rule) => {
  test("is named as its file, its page and its test", async () => {
    expect(id).toMatch(/^(no|require)-[a-z-]+$/);
    const source = await readFile(new URL(`src/rules/${id}.ts`, TOP), "utf8");
    expect(source).toContain(`id: "${id}"`);
    expect(existsSync(new URL(`docs/rules/${id}.md`, TOP))).toBe(true);
    const ownTest = await readFile(new URL(`test/rules/${id}.test.ts`, TOP), "utf8");
    expect(ownTest).toContain("testRule(");
  });

  test.each(["default", "restricted"])("has a mode in ruleset %s", (name) => {
    expect(shipped(name).document.spec.rules?.[id]?.mode).toMatch(/^(enforce|warn|audit|disabled)$/);
  });

  test("says what it does, why, and what to do instead", () => {
    const verb = id.startsWith("no-") ? "forbids" : "demands";
    expect(`This rule ${rule.title}`).toMatch(new RegExp(`^This rule ${verb} [^\n]+[^.]\\.$`));
    expect(rule.why).toMatch(/^\S[^\n]{40,}\.$/);
    expect(rule.remedy).toMatch(/^\S[^\n]{20,}\.$/);
    expect(["critical", "high", "medium", "low"]).toContain(rule.severity);
  });

  test("has options whose defaults they accept", () => {
    const options = rule.options as Record<string, OptionSchema>;
    for (const [name, schema] of Object.entries(options)) {
      const validate = new Ajv({ strict: true }).compile(schema);
      expect(validate(schema.default), `${name}: ${JSON.stringify(validate.errors)}`).toBe(true);
      expect(validate(undefined), `${name} must not accept everything`).toBe(false);
      expect(schema.description).toMatch(/^[A-Z][^\n]+\.$/);
    }
    expect(Object.keys(defaultsOf(rule))).toEqual(Object.keys(options));
  });

  test("has examples", () => {
    expect(rule.examples.length).toBeGreaterThan(0);
    expect(new Set(rule.examples.map(({ title }) => title)).size).toBe(rule.examples.length);
  });

  describe.each(rule.examples.map((example) => [example.title, example] as const))("example: %s", (_, example) => {
    test("bad is reported, and points into it", () => {
      const violations = judge(rule, example, "bad");
      expect(violations.length).toBeGreaterThan(0);
      for (const violation of violations) expectWellFormed(violation);
    });

    test("bad is found by ruleset default, or by restricted where that is the one that has the rule", () => {
      const isInDefault = shipped("default").document.spec.rules?.[id]?.mode !== "disabled";
      const ruleset = shipped(isInDefault ? "default" : "restricted").resolved;
      const found = foundIn(example, "bad", ruleset);
      expect(found.map((finding) => finding.rule)).toContain(id);
    });

    test("good is clean of this rule, and of every rule that enforces", () => {
      expect(judge(rule, example, "good")).toEqual([]);
      const found = foundIn(example, "good", shipped("default").resolved);
      expect(found.filter(({ mode }) => mode === "enforce")).toEqual([]);
    });

    test("there is something among which it is bad, where the rule looks at more than one object", () => {
      expect(example.among !== undefined).toBe(rule.isCrossObject === true);
      if (example.among !== undefined) expect(judge(rule, { ...example, among: "" }, "bad")).toEqual([]);
    });

    test("good and bad are of the same object", () => {
      expect(metadataOf(example, "good").name).toBe(metadataOf(example, "bad").name);
    });
  });

  test("judges anything without throwing, and changes nothing of it", () => {
    fc.assert(
      fc.property(ODD[rule.on](), (judged) => {
        const before = JSON.stringify(judged);
        const violations = check(rule, deepFrozen(judged));
        for (const violation of violations) expectWellFormed(violation);
        expect(JSON.stringify(judged)).toBe(before);
        expect(check(rule, judged)).toEqual(violations);
      }),
      { numRuns: 1000 },
    );
  });
});

test("odd input reaches every rule", () => {
  const reported = new Set<string>();
  const all = fc.record({ NetworkPolicy: oddPolicies(), Workload: oddWorkloads(), Namespace: oddNamespaces() });
  fc.assert(
    fc.property(all, oddUnbound(), oddAmong(), (objects, unbound, among) => {
      for (const rule of RULES) {
        const judged = { ...asWritten(rule.on, objects[rule.on], unbound), among };
        if (check(rule, judged).length > 0) reported.add(rule.id);
      }
    }),
    { numRuns: 5000 },
  );
  expect([...reported].toSorted()).toEqual(RULES.map(({ id }) => id).toSorted());
});

/** In an example, what is shown is what its author wrote. What its author lacks, who wrote `good` does not. */
function judge(rule: AnyRule, { among, unbound, ...example }: Example, which: "bad" | "good") {
  const object = parseObject(example[which]);
  const judged = asWritten(rule.on, object, which === "bad" ? unbound : undefined);
  return check(rule, among === undefined ? judged : { ...judged, among });
}

function asWritten(kind: SubjectKind, object: KubernetesObject, unbound?: Unbound): Judged {
  return kind === "NetworkPolicy" ? { policy: object, written: object } : { object, unbound };
}

function foundIn({ among, unbound, ...example }: Example, which: "bad" | "good", ruleset: Ruleset) {
  const subject = subjectOf(parseObject(example[which]), which === "bad" ? unbound : undefined);
  return evaluate(subject, ruleset, "enforce", among === undefined ? undefined : snapshotFor(subject, among));
}

function subjectOf(object: KubernetesObject, unbound?: Unbound) {
  const subject = toSubject({ group: groupOf(object.apiVersion ?? ""), kind: object.kind ?? "" }, object, object);
  if (subject === undefined) throw new Error("an example is of a kind that no rule is on");
  return subject.kind === "Namespace" && unbound !== undefined ? { ...subject, unbound } : subject;
}

function metadataOf(example: Example, which: "good" | "bad") {
  return parseObject(example[which]).metadata ?? {};
}

function deepFrozen<T>(value: T): T {
  if (typeof value === "object" && value !== null) for (const inner of Object.values(value)) deepFrozen(inner);
  return Object.freeze(value);
}
