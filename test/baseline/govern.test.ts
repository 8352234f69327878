import { describe, expect, test } from "vitest";
import { governingBaseline, selectingBaselines } from "../../src/baseline/govern.ts";
import { BASELINE_LABEL, SYSTEM_NAMESPACES } from "../../src/model/names.ts";
import { resolvedBaseline } from "../helpers/build.ts";

const everyone = resolvedBaseline("everyone");
const shops = resolvedBaseline("shops", { namespaceSelector: { matchLabels: { tenant: "shop" } } });
const production = resolvedBaseline("a-production", {
  namespaceSelector: { matchExpressions: [{ key: "environment", operator: "In", values: ["production"] }] },
});
const ALL = [shops, everyone, production];

const of = (labels: Record<string, string>, baselines = ALL) =>
  governingBaseline("shop", labels, baselines)?.metadata.name;

describe("by selector", () => {
  test.each([
    ["the only one that matches", { environment: "test" }, "everyone"],
    ["the first by name of two, whatever their order", { tenant: "shop" }, "everyone"],
    ["the first by name of three", { tenant: "shop", environment: "production" }, "a-production"],
  ])("%s", (_, labels, expected) => {
    expect(of(labels)).toBe(expected);
    expect(of(labels, ALL.toReversed())).toBe(expected);
  });
  test("none matches", () => {
    expect(of({}, [shops, production])).toBeUndefined();
    expect(of({}, [])).toBeUndefined();
  });
  test("NotIn matches a namespace without the label", () => {
    const matchExpressions = [{ key: "environment", operator: "NotIn" as const, values: ["sandbox"] }];
    const but = resolvedBaseline("but", { namespaceSelector: { matchExpressions } });
    expect(of({}, [but])).toBe("but");
    expect(of({ environment: "sandbox" }, [but])).toBeUndefined();
  });
});

describe("by label", () => {
  test("the one that it names, whether its selector matches or not", () => {
    expect(of({ [BASELINE_LABEL]: "shops" })).toBe("shops");
    expect(of({ [BASELINE_LABEL]: "everyone", environment: "production" })).toBe("everyone");
  });
  test.each(["shop", "", "Shops"])("none, where it names what is not there: %j", (name) => {
    expect(of({ [BASELINE_LABEL]: name })).toBeUndefined();
  });
});

describe("all that select a namespace", () => {
  const selecting = (labels: Record<string, string>) =>
    selectingBaselines("shop", labels, ALL).map(({ metadata }) => metadata.name);
  test.each([
    ["one", { environment: "test" }, ["everyone"]],
    ["three, by name", { tenant: "shop", environment: "production" }, ["a-production", "everyone", "shops"]],
    ["none, where it names one", { tenant: "shop", [BASELINE_LABEL]: "shops" }, []],
  ])("%s", (_, labels, expected) => {
    expect(selecting(labels)).toEqual(expected);
  });
});

test.each(SYSTEM_NAMESPACES)("never %s", (name) => {
  expect(selectingBaselines(name, {}, ALL)).toEqual([]);
  expect(governingBaseline(name, {}, ALL)).toBeUndefined();
  expect(governingBaseline(name, { [BASELINE_LABEL]: "everyone" }, ALL)).toBeUndefined();
});

test("the system's namespaces, kube-system and our own among them", () => {
  expect(SYSTEM_NAMESPACES).toEqual(["kube-system", "kube-public", "kube-node-lease", "drawbridge-system"]);
});
