import { describe, expect, test } from "vitest";
import type { NetworkRuleset } from "../../src/config/ruleset.ts";
import { resolveRuleset } from "../../src/engine/ruleset.ts";
import { readEmbeddedPolicies } from "../../src/files/policies.ts";
import { RULES } from "../../src/rules/index.ts";
import { noBroadCidr } from "../../src/rules/no-broad-cidr.ts";
import { defaultsOf } from "../../src/rules/rule.ts";
import { networkRuleset } from "../helpers/build.ts";

const base = networkRuleset("default", {
  rules: {
    "no-open-egress": { mode: "enforce" },
    "require-metadata": { mode: "warn", options: { reviewed: "base/reviewed" } },
    "no-broad-cidr": { mode: "enforce", options: { publicIPv4: { enforceAbove: 20 } } },
  },
});
const strict = networkRuleset("restricted", { rules: { "require-metadata": { mode: "enforce" } } });
const BASES = new Map([base, strict].map((document) => [document.metadata.name, document]));

function resolved(spec: NetworkRuleset["spec"], bases: ReadonlyMap<string, NetworkRuleset> = BASES) {
  const { settings } = resolveRuleset(networkRuleset("own", spec), bases);
  return Object.fromEntries(settings.map(({ rule, mode, options }) => [rule.id, { mode, options }]));
}

function modes(spec: NetworkRuleset["spec"], bases?: ReadonlyMap<string, NetworkRuleset>) {
  return Object.fromEntries(Object.entries(resolved(spec, bases)).map(([id, { mode }]) => [id, mode]));
}

const AS_BASE = { "no-broad-cidr": "enforce", "no-open-egress": "enforce", "require-metadata": "warn" };

describe("modes", () => {
  test("without a word: those of ruleset default", () => {
    expect(modes({})).toEqual(AS_BASE);
    expect(modes({ base: "default" })).toEqual(AS_BASE);
    expect(modes({ rules: {} })).toEqual(AS_BASE);
  });
  test("of another base, and of that alone", () => {
    expect(modes({ base: "restricted" })).toEqual({ "require-metadata": "enforce" });
  });
  test("one is changed, the others stay", () => {
    expect(modes({ rules: { "no-open-egress": { mode: "audit" } } })).toEqual({
      ...AS_BASE,
      "no-open-egress": "audit",
    });
  });
  test("one is added", () => {
    expect(modes({ rules: { "no-dead-clause": { mode: "warn" } } })).toEqual({ ...AS_BASE, "no-dead-clause": "warn" });
  });
  test("one is taken out", () => {
    expect(modes({ rules: { "no-open-egress": { mode: "disabled" } } })).not.toHaveProperty("no-open-egress");
  });
  test("only options are changed: the mode stays", () => {
    expect(modes({ rules: { "require-metadata": { options: { annotations: [] } } } })).toEqual(AS_BASE);
  });
  test("options alone switch no rule on", () => {
    expect(modes({ rules: { "no-unstable-label": { options: { labels: ["x"] } } } })).toEqual(AS_BASE);
  });
  test("of its own name, where it has the name of a shipped one and says nothing else", () => {
    const own = resolveRuleset(networkRuleset("restricted", { rules: {} }), BASES);
    expect(own.settings.map(({ rule, mode }) => [rule.id, mode])).toEqual([["require-metadata", "enforce"]]);
  });
  test("a base that is not there is nothing", () => {
    expect(modes({ rules: { "no-open-egress": { mode: "warn" } } }, new Map())).toEqual({ "no-open-egress": "warn" });
    expect(modes({}, new Map())).toEqual({});
  });
  test("what every JavaScript object has is no rule's setting", () => {
    const rules = JSON.parse('{"__proto__": {"mode": "enforce"}, "constructor": {"mode": "enforce"}}') as object;
    expect(modes({ rules: { ...rules } })).toEqual(AS_BASE);
  });
  test("the base itself, resolved, is itself", () => {
    expect(resolveRuleset(base, BASES).settings.map(({ rule, mode }) => [rule.id, mode])).toEqual([
      ["no-broad-cidr", "enforce"],
      ["no-open-egress", "enforce"],
      ["require-metadata", "warn"],
    ]);
  });
});

describe("options", () => {
  test("one option replaces that of the base, the others stay", () => {
    const { options } = resolved({ rules: { "require-metadata": { options: { annotations: ["owner"] } } } })[
      "require-metadata"
    ] ?? { options: undefined };
    expect(options).toEqual({ annotations: ["owner"], reviewed: "base/reviewed" });
  });
  test("an option that is an object is changed field by field, so that no limit goes unnoticed", () => {
    const rules = { "no-broad-cidr": { options: { publicIPv4: { warnAbove: 28 } } } };
    expect(resolved({ rules })["no-broad-cidr"]?.options).toEqual({
      ...defaultsOf(noBroadCidr),
      publicIPv4: { enforceAbove: 20, warnAbove: 28 },
    });
  });
  test("what nobody says is the rule's default", () => {
    const { options } = resolved({ rules: { "no-unstable-label": { mode: "warn" } } })["no-unstable-label"] ?? {};
    expect(options).toEqual({ labels: expect.arrayContaining(["pod-template-hash"]) as unknown });
  });
  test("the rule's own defaults stay as they are", () => {
    const before = JSON.stringify(RULES);
    resolved({ rules: { "no-broad-cidr": { options: { publicIPv4: {}, exposure: { label: "x", value: "y" } } } } });
    expect(JSON.stringify(RULES)).toBe(before);
  });
});

describe("the shipped rulesets", async () => {
  const { rulesets } = await readEmbeddedPolicies();
  const modesOf = (name: string) => {
    const document = rulesets.get(name);
    if (document === undefined) throw new Error(`${name} is missing`);
    return new Map(resolveRuleset(document, rulesets).settings.map(({ rule, mode }) => [rule.id, mode]));
  };
  test.each(["default", "restricted"])("%s names every rule", (name) => {
    expect(Object.keys(rulesets.get(name)?.spec.rules ?? {})).toEqual(RULES.map(({ id }) => id));
  });
  test("restricted is nowhere weaker than default", () => {
    for (const [id, mode] of modesOf("default")) {
      if (mode === "enforce") expect(modesOf("restricted").get(id)).toBe("enforce");
    }
  });
});
