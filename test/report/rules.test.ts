import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { readEmbeddedPolicies } from "../../src/files/policies.ts";
import { catalogueText, ruleText } from "../../src/report/rules.ts";
import { RULES } from "../../src/rules/index.ts";
import { networkRuleset } from "../helpers/build.ts";

const { rulesets } = await readEmbeddedPolicies();

describe("the catalogue", () => {
  const lines = catalogueText(rulesets).split("\n");

  test("a line for each rule, in columns", () => {
    const [header = "", ...rows] = lines.slice(0, RULES.length + 1);
    expect(header.split(/ +/)).toEqual(["RULE", "ON", "SEVERITY", "DEFAULT", "RESTRICTED"]);
    expect(rows.map((row) => row.slice(0, header.indexOf("ON")).trimEnd())).toEqual(RULES.map(({ id }) => id));
    for (const [i, { on, severity }] of RULES.entries()) {
      const row = rows[i] ?? "";
      expect(row.slice(header.indexOf("ON"), header.indexOf("SEVERITY")).trimEnd()).toBe(on);
      expect(row.slice(header.indexOf("SEVERITY"), header.indexOf("DEFAULT")).trimEnd()).toBe(severity);
    }
    expect(rows.filter((row) => row.endsWith(" "))).toEqual([]);
  });

  test("ends with how to hear more", () => {
    expect(lines.slice(RULES.length + 1)).toEqual(["", "drawbridge rules ID says more about one of them.", ""]);
  });

  test("says the mode in each ruleset, also where it comes from the ruleset's base", () => {
    const own = new Map([
      ["default", networkRuleset("default", { rules: { "no-open-egress": { mode: "warn" } } })],
      ["team", networkRuleset("team", { base: "default", rules: { "require-ports": { mode: "audit" } } })],
    ]);
    const rows = catalogueText(own).split("\n");
    expect(rows[0]).toMatch(/ DEFAULT +TEAM$/);
    expect(rows.find((row) => row.startsWith("no-open-egress"))).toMatch(/ warn +warn$/);
    expect(rows.find((row) => row.startsWith("require-ports"))).toMatch(/ disabled +audit$/);
  });
});

describe("one rule", () => {
  test.each(RULES.map((rule) => [rule.id, rule] as const))("%s: all that there is to say", (id, rule) => {
    const text = ruleText(id, rulesets);
    expect(text.startsWith(`${id}\n\nThis rule ${rule.title}\n\nOn ${rule.on}; severity ${rule.severity}; `)).toBe(
      true,
    );
    expect(text).toMatch(/; \w+ in ruleset default, \w+ in ruleset restricted\.\n/);
    expect(text).toContain(`\n\nWhy: ${rule.why}\n\nWhat to do: ${rule.remedy}\n\n`);
    for (const { title, among } of rule.examples) {
      expect(text).toContain(
        `\n\nExample: ${title}\n\n${among === undefined ? "Reported" : "Where there are"}:\n\n    `,
      );
    }
    expect(text.includes("there it warns at most")).toBe(rule.isCrossObject === true);
    for (const [option, { description, default: value }] of Object.entries(rule.options)) {
      expect(text).toContain(`\n  ${option}: ${description}\n    Default: ${JSON.stringify(value)}`);
    }
    expect(text.endsWith("\nOptions: none.\n")).toBe(Object.keys(rule.options).length === 0);
    expect(text).toMatch(/[^\n]\n$/);
  });

  test("examples can be copied: indented alike, they are YAML still", () => {
    const [example] = RULES.find(({ id }) => id === "no-open-egress")?.examples ?? [];
    const [, bad = ""] = /Reported:\n\n(.*?)\n\nFine:/s.exec(ruleText("no-open-egress", rulesets)) ?? [];
    expect(parse(bad)).toEqual(parse(example?.bad ?? ""));
  });
});

test.each([
  ["no-open-egres", "no-open-egres is not a rule. Did you mean no-open-egress? drawbridge rules lists them."],
  ["No-Open-Egress", "No-Open-Egress is not a rule. Did you mean no-open-egress? drawbridge rules lists them."],
  ["latency", "latency is not a rule. drawbridge rules lists them."],
  ["", " is not a rule. drawbridge rules lists them."],
  ["toString", "toString is not a rule. drawbridge rules lists them."],
])("%o is no rule", (id, message) => {
  expect(() => ruleText(id, rulesets)).toThrow(expect.objectContaining({ code: "unknown-rule", message }));
});
