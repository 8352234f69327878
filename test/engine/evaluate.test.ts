import { describe, expect, test } from "vitest";
import { CAPS, MODES, type Mode } from "../../src/config/mode.ts";
import { evaluate } from "../../src/engine/evaluate.ts";
import { resolveRuleset, type Ruleset } from "../../src/engine/ruleset.ts";
import { policySubject } from "../../src/engine/subject.ts";
import type { NetworkPolicy } from "../../src/model/network-policy.ts";
import type { Snapshot } from "../../src/model/snapshot.ts";
import type { PolicySubject, Rule, RuleContext, Violation } from "../../src/rules/rule.ts";
import { egressTo, networkPolicy, networkRuleset } from "../helpers/build.ts";

const VIOLATION: Violation = { message: "it is there", path: "/spec", fix: "remove it" };

function rule(id: string, check: Rule["check"]): Rule {
  const words = { title: "forbids it.", why: "Why.", remedy: "Remove it." };
  return { id, on: "NetworkPolicy", severity: "high", ...words, options: {}, examples: [], check };
}

function rulesetOf(...settings: readonly (readonly [rule: Rule, mode: Mode, options?: object])[]): Ruleset {
  return {
    name: "test",
    settings: settings.map(([one, mode, options = {}]) => ({ rule: one, mode, options })),
    exceptions: { rules: [], maxDays: 0, permanent: [] },
  };
}

const subject = policySubject(networkPolicy());

describe("the mode of a finding is the weakest of the rule's, the cap and what the violation deserves", () => {
  const cases = MODES.slice(1).flatMap((mode) =>
    CAPS.flatMap((cap) => [undefined, ...CAPS].map((atMost) => ({ mode, cap, atMost }))),
  );
  test.each(cases)("rule $mode, cap $cap, at most $atMost", ({ mode, cap, atMost }) => {
    const one = rule("no-x", () => [{ ...VIOLATION, ...(atMost !== undefined && { atMost }) }]);
    const [finding] = evaluate(subject, rulesetOf([one, mode]), cap);
    const order = ["audit", "warn", "enforce"];
    const expected = Math.min(...[mode, cap, atMost ?? "enforce"].map((each) => order.indexOf(each)));
    expect(finding?.mode).toBe(order[expected]);
  });
});

describe("what a rule finds among several objects", () => {
  const seen: unknown[] = [];
  const isThere: Rule["check"] = (_subject, { snapshot }) => {
    seen.push(snapshot);
    return snapshot === undefined ? [] : [VIOLATION];
  };
  const across: Rule = { ...rule("no-x", isThere), isCrossObject: true };
  const snapshot = (isWhole: boolean): Snapshot => ({ isWhole, backends: [], policies: () => [] });
  const modesOf = (one: Rule, mode: Mode, cap: Mode, among?: Snapshot) =>
    evaluate(subject, rulesetOf([one, mode]), cap, among).map((finding) => finding.mode);

  test("counts in full where it has all of them, and warns at most where they come one by one", () => {
    for (const mode of CAPS) {
      for (const cap of CAPS) {
        const full = CAPS[Math.min(CAPS.indexOf(mode), CAPS.indexOf(cap))];
        expect(modesOf(across, mode, cap, snapshot(true))).toEqual([full]);
        expect(modesOf(across, mode, cap, snapshot(false))).toEqual([full === "enforce" ? "warn" : full]);
      }
    }
  });

  test("is nothing where nothing is known", () => {
    seen.length = 0;
    expect(modesOf(across, "enforce", "enforce")).toEqual([]);
    expect(seen).toEqual([undefined]);
  });

  test("lowers nothing that a rule finds in the object alone", () => {
    const alone = rule("no-y", () => [VIOLATION]);
    expect(modesOf(alone, "enforce", "enforce", snapshot(false))).toEqual(["enforce"]);
  });
});

test("a finding is the violation, its rule and how bad it is", () => {
  const findings = evaluate(subject, rulesetOf([rule("no-x", () => [VIOLATION]), "enforce"]), "enforce");
  expect(findings).toEqual([{ ...VIOLATION, rule: "no-x", severity: "high", mode: "enforce" }]);
});

test("findings come in the order of the rules, each with all of its own", () => {
  const twice = rule("no-b", () => [VIOLATION, { ...VIOLATION, path: "/spec/egress" }]);
  const ruleset = rulesetOf(
    [twice, "warn"],
    [rule("no-c", () => []), "warn"],
    [rule("no-a", () => [VIOLATION]), "warn"],
  );
  const findings = evaluate(subject, ruleset, "enforce");
  expect(findings.map(({ rule: id, path }) => [id, path])).toEqual([
    ["no-b", "/spec"],
    ["no-b", "/spec/egress"],
    ["no-a", "/spec"],
  ]);
});

test("a rule gets its options, and the object as stored, as read and as written", () => {
  const seen: [PolicySubject, RuleContext<object>][] = [];
  const spy = rule("no-x", (...given) => {
    seen.push(given);
    return [];
  });
  const object = networkPolicy();
  const written: NetworkPolicy = { spec: {} };
  evaluate(policySubject(object, written), rulesetOf([spy, "audit", { limit: 3 }]), "enforce");
  const [given, context] = seen[0] ?? [];
  expect(given?.object).toBe(object);
  expect(given?.written).toBe(written);
  expect(given?.policy.ref).toEqual({ kind: "NetworkPolicy", namespace: "shop", name: "web" });
  expect(context).toEqual({ options: { limit: 3 } });
});

test("where it is not known what was written, the subject does not have it", () => {
  expect(Object.keys(policySubject(networkPolicy()))).not.toContain("written");
});

test("a rule that is disabled is not run", () => {
  const base = networkRuleset("default", { rules: { "no-broad-cidr": { mode: "enforce" } } });
  const bases = new Map([["default", base]]);
  const off = networkRuleset("off", { rules: { "no-broad-cidr": { mode: "disabled" } } });
  const broad = policySubject(egressTo("0.0.0.0/0"));
  expect(evaluate(broad, resolveRuleset(base, bases), "enforce")).toHaveLength(1);
  expect(evaluate(broad, resolveRuleset(off, bases), "enforce")).toEqual([]);
});

describe("a policy that is too large to be judged", () => {
  const ruleset = rulesetOf([rule("no-x", () => [VIOLATION]), "enforce"]);
  const policyOf = (ports: number) =>
    policySubject(
      networkPolicy({
        spec: { egress: [{ to: [{ podSelector: {} }], ports: Array.from({ length: ports }, () => ({ port: 1 })) }] },
      }),
    );

  test("addresses that a peer excepts count, too", () => {
    const ipBlock = { cidr: "10.0.0.0/8", except: Array.from({ length: 20_000 }, () => "10.0.0.1/32") };
    const one = policySubject(networkPolicy({ spec: { egress: [{ to: [{ ipBlock }] }] } }));
    expect(evaluate(one, ruleset, "enforce").map((finding) => finding.rule)).toEqual(["invalid-manifest"]);
  });

  test("is judged up to the limit", () => {
    expect(evaluate(policyOf(19_998), ruleset, "enforce").map((finding) => finding.rule)).toEqual(["no-x"]);
  });

  test.each(CAPS)("is one finding beyond it, in mode %s as everything else", (cap) => {
    expect(evaluate(policyOf(19_999), ruleset, cap)).toEqual([
      expect.objectContaining({ rule: "invalid-manifest", mode: cap, path: "/spec" }),
    ]);
  });
});
