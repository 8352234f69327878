import { describe, expect, test } from "vitest";
import { checkDocument } from "../../src/engine/check-document.ts";
import { RULES } from "../../src/rules/index.ts";
import type { OptionSchema } from "../../src/rules/rule.ts";
import { networkBaseline, networkException, networkRuleset } from "../helpers/build.ts";

const problems = (raw: unknown) => checkDocument(raw).problems ?? [];
/** A NetworkRuleset with these rules, as a file may hold them. */
const withRules = (json: string): unknown => ({ ...networkRuleset("x"), spec: { rules: JSON.parse(json) as unknown } });

describe("valid", () => {
  test.each([
    ["a ruleset of nothing", networkRuleset("x")],
    ["a baseline", networkBaseline()],
    ["a mode", withRules('{"no-open-egress": {"mode": "warn"}}')],
    ["nothing about a rule", withRules('{"no-open-egress": {}}')],
    ["options", withRules('{"no-broad-cidr": {"options": {"publicIPv4": {"enforceAbove": 20}}}}')],
    ["options of a rule that has none, empty", withRules('{"no-open-egress": {"options": {}}}')],
  ])("%s", (_, raw) => {
    expect(checkDocument(raw)).toEqual({ document: raw });
  });
  test("every rule, with its defaults", () => {
    const rules = Object.fromEntries(
      RULES.map((rule) => [
        rule.id,
        {
          mode: "enforce",
          options: Object.fromEntries(
            Object.entries(rule.options as Record<string, OptionSchema>).map(([name, schema]) => [
              name,
              schema.default,
            ]),
          ),
        },
      ]),
    );
    expect(problems(withRules(JSON.stringify(rules)))).toEqual([]);
  });
});

describe("each problem says where, what, and what is allowed", () => {
  const all = RULES.map(({ id }) => id).join(", ");
  test.each([
    [
      "a rule that is not there",
      '{"no-open-egres": {"mode": "warn"}}',
      "/spec/rules/no-open-egres",
      `is not a rule; the rules are ${all}`,
    ],
    [
      "`constructor`",
      '{"constructor": {"mode": "warn"}}',
      "/spec/rules/constructor",
      `is not a rule; the rules are ${all}`,
    ],
    ["`__proto__`", '{"__proto__": {"mode": "warn"}}', "/spec/rules/__proto__", `is not a rule; the rules are ${all}`],
    ["a rule with a slash in its name", '{"a/b": {}}', "/spec/rules/a~1b", `is not a rule; the rules are ${all}`],
    [
      "a mode that is not there",
      '{"no-open-egress": {"mode": "off"}}',
      "/spec/rules/no-open-egress/mode",
      'is "off"; allowed: disabled, audit, warn, enforce',
    ],
    [
      "what YAML makes of `off`",
      '{"no-open-egress": {"mode": false}}',
      "/spec/rules/no-open-egress/mode",
      "is false; allowed: disabled, audit, warn, enforce",
    ],
    [
      "a misspelt field",
      '{"no-open-egress": {"moed": "warn"}}',
      "/spec/rules/no-open-egress/moed",
      "is not a field of this; allowed: mode, options",
    ],
    [
      "a mode where an object belongs",
      '{"no-open-egress": "warn"}',
      "/spec/rules/no-open-egress",
      'is "warn"; must be of type object',
    ],
    [
      "null where an object belongs",
      '{"no-open-egress": null}',
      "/spec/rules/no-open-egress",
      "is null; must be of type object",
    ],
    [
      "an option that the rule does not have",
      '{"require-metadata": {"options": {"anotations": []}}}',
      "/spec/rules/require-metadata/options/anotations",
      "is not a field of this; allowed: annotations, reviewed",
    ],
    [
      "an option of a rule that has none",
      '{"no-open-egress": {"options": {"limit": 1}}}',
      "/spec/rules/no-open-egress/options/limit",
      "is not a field of this; nothing is allowed here",
    ],
    [
      "an option `__proto__`",
      '{"no-open-egress": {"options": {"__proto__": 1}}}',
      "/spec/rules/no-open-egress/options/__proto__",
      "is not a field of this; nothing is allowed here",
    ],
    [
      "an option of the wrong type",
      '{"require-metadata": {"options": {"annotations": "owner"}}}',
      "/spec/rules/require-metadata/options/annotations",
      'is "owner"; must be of type array',
    ],
    [
      "an option that is out of range",
      '{"no-broad-cidr": {"options": {"publicIPv4": {"enforceAbove": 33}}}}',
      "/spec/rules/no-broad-cidr/options/publicIPv4/enforceAbove",
      "is 33; must be <= 32",
    ],
    [
      "a prefix length as people write it",
      '{"no-broad-cidr": {"options": {"publicIPv4": {"enforceAbove": "/16"}}}}',
      "/spec/rules/no-broad-cidr/options/publicIPv4/enforceAbove",
      'is "/16"; must be of type integer',
    ],
    [
      "a misspelt field in an option",
      '{"no-broad-cidr": {"options": {"publicIPv4": {"enforce": 16}}}}',
      "/spec/rules/no-broad-cidr/options/publicIPv4/enforce",
      "is not a field of this; allowed: enforceAbove, warnAbove",
    ],
    [
      "a field that is missing in an option",
      '{"no-broad-cidr": {"options": {"exposure": {"label": "x"}}}}',
      "/spec/rules/no-broad-cidr/options/exposure/value",
      "is missing",
    ],
    [
      "an empty text in a list",
      '{"no-unstable-label": {"options": {"labels": ["version", ""]}}}',
      "/spec/rules/no-unstable-label/options/labels/1",
      'is ""; must NOT have fewer than 1 characters',
    ],
  ])("%s", (_, rules, path, message) => {
    expect(problems(withRules(rules))).toEqual([{ path, message }]);
  });

  test("all problems at once", () => {
    const raw = withRules('{"no-x": {}, "require-metadata": {"options": {"annotations": 1, "reviewed": 2}}}');
    expect(problems(raw).map(({ path }) => path)).toEqual([
      "/spec/rules/no-x",
      "/spec/rules/require-metadata/options/annotations",
      "/spec/rules/require-metadata/options/reviewed",
    ]);
  });
  test("a document of another kind is not looked into", () => {
    expect(problems({ kind: "NetworkPolicy", spec: { rules: { x: 1 } } }).map(({ path }) => path)).toEqual(["/kind"]);
  });
});

describe("the rules that exceptions name", () => {
  const permanent = (rules: string[]) =>
    networkRuleset("x", {
      exceptions: { permanent: [{ rules, namespaces: { names: ["a"] }, reason: "r", owner: "o" }] },
    });
  test.each([
    ["in an exception", (rules: string[]) => networkException({ rules }), "/spec/rules"],
    [
      "that may be excepted",
      (rules: string[]) => networkRuleset("x", { exceptions: { rules } }),
      "/spec/exceptions/rules",
    ],
    ["that are excepted for good", permanent, "/spec/exceptions/permanent/0/rules"],
  ])("%s", (_, document, path) => {
    expect(problems(document(["no-open-egress"]))).toEqual([]);
    for (const id of ["no-open-egres", "constructor", "__proto__", "*"]) {
      expect(problems(document(["no-open-egress", id]))).toEqual([
        {
          path: `${path}/1`,
          message: expect.stringContaining(`is ${id}, which is not a rule; the rules are `) as unknown,
        },
      ]);
    }
  });
});
