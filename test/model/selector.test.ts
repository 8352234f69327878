import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Labels } from "../../src/model/objects.ts";
import {
  isUnbounded,
  matches,
  mayMatch,
  selectsEveryNamespace,
  toSelector,
  valuesOf,
} from "../../src/model/selector.ts";
import { expression, selector } from "../helpers/build.ts";

const NAME = "kubernetes.io/metadata.name";

describe("toSelector", () => {
  test("folds both notations into one list, with the path of each requirement", () => {
    const raw = selector({ app: "web", "a/b": "c" }, expression("tier", "In", ["x", "y"]), expression("z", "Exists"));
    expect(toSelector(raw, "/spec/podSelector")).toEqual({
      path: "/spec/podSelector",
      requirements: [
        { key: "app", operator: "In", values: ["web"], path: "/spec/podSelector/matchLabels/app" },
        { key: "a/b", operator: "In", values: ["c"], path: "/spec/podSelector/matchLabels/a~1b" },
        { key: "tier", operator: "In", values: ["x", "y"], path: "/spec/podSelector/matchExpressions/0" },
        { key: "z", operator: "Exists", values: [], path: "/spec/podSelector/matchExpressions/1" },
      ],
    });
  });
  test.each([
    ["missing", undefined],
    ["null", null],
    ["{}", {}],
    ["matchLabels: {}", { matchLabels: {} }],
    ["null in it", { matchLabels: null, matchExpressions: null }],
    ["a list", []],
    ["a text", "app=web"],
  ])("%s selects everything", (_, raw) => {
    expect(toSelector(raw, "/p")).toEqual({ requirements: [], path: "/p" });
  });
  test("a null expression asks for what nothing can have, and does not throw", () => {
    const parsed = toSelector({ matchExpressions: [null] }, "");
    expect(parsed.requirements).toEqual([{ key: "", operator: "", values: [], path: "/matchExpressions/0" }]);
    expect(matches(parsed, {})).toBe(false);
  });
});

describe("matches", () => {
  const web: Labels = { app: "web", tier: "front", empty: "" };
  test.each([
    ["everything", {}, true],
    ["a label", selector({ app: "web" }), true],
    ["another value", selector({ app: "api" }), false],
    ["a label that is not there", selector({ version: "1" }), false],
    ["both", selector({ app: "web", tier: "front" }), true],
    ["one of two", selector({ app: "web", tier: "back" }), false],
    ["In", selector({}, expression("app", "In", ["api", "web"])), true],
    ["In without the value", selector({}, expression("app", "In", ["api"])), false],
    ["In without the key", selector({}, expression("x", "In", ["web"])), false],
    ["In with no value", selector({}, expression("app", "In", [])), false],
    ["NotIn", selector({}, expression("app", "NotIn", ["api"])), true],
    ["NotIn with the value", selector({}, expression("app", "NotIn", ["web"])), false],
    ["NotIn without the key", selector({}, expression("x", "NotIn", ["web"])), true],
    ["Exists", selector({}, expression("app", "Exists")), true],
    ["Exists of an empty value", selector({}, expression("empty", "Exists")), true],
    ["Exists without the key", selector({}, expression("x", "Exists")), false],
    ["DoesNotExist", selector({}, expression("x", "DoesNotExist")), true],
    ["DoesNotExist with the key", selector({}, expression("empty", "DoesNotExist")), false],
    ["an unknown operator", selector({}, expression("app", "Equals", ["web"])), false],
    ["a label and an expression that fails", selector({ app: "web" }, expression("tier", "NotIn", ["front"])), false],
    ["a key that every JavaScript object has", selector({}, expression("constructor", "Exists")), false],
    ["`__proto__`", selector({}, expression("__proto__", "Exists")), false],
  ])("%s", (_, raw, expected) => {
    expect(matches(toSelector(raw, ""), web)).toBe(expected);
  });

  test("as an independent reading of the specification", () => {
    const key = fc.constantFrom("a", "b", "constructor", "__proto__");
    const value = fc.constantFrom("x", "y", "");
    const labels = fc
      .array(fc.tuple(key, value), { maxLength: 4 })
      .map((entries): Labels => Object.fromEntries(entries));
    const one = fc.record({
      key,
      operator: fc.constantFrom("In", "NotIn", "Exists", "DoesNotExist"),
      values: fc.array(value, { maxLength: 2 }),
    });
    const raw = fc.record({ matchLabels: labels, matchExpressions: fc.array(one, { maxLength: 3 }) });
    fc.assert(
      fc.property(raw, labels, (wanted, actual) => {
        const has = new Map(Object.entries(actual));
        const fulfilled = (r: { key: string; operator: string; values: string[] }) => {
          const isListed = has.has(r.key) && r.values.some((listed) => listed === has.get(r.key));
          const table: Record<string, boolean> = {
            In: isListed,
            NotIn: !isListed,
            Exists: has.has(r.key),
            DoesNotExist: !has.has(r.key),
          };
          return table[r.operator];
        };
        const expected =
          Object.entries(wanted.matchLabels).every(([k, v]) => has.get(k) === v) &&
          wanted.matchExpressions.every(fulfilled);
        expect(matches(toSelector(wanted, ""), actual)).toBe(expected);
      }),
      { numRuns: 2000 },
    );
  });
});

describe("isUnbounded: nothing in it names what must be there", () => {
  test.each([
    ["everything", {}, true],
    ["NotIn", selector({}, expression("a", "NotIn", ["x"])), true],
    ["DoesNotExist", selector({}, expression("a", "DoesNotExist")), true],
    ["both", selector({}, expression("a", "NotIn", ["x"]), expression("b", "DoesNotExist")), true],
    ["a label", selector({ a: "x" }), false],
    ["In", selector({}, expression("a", "In", ["x"])), false],
    ["Exists", selector({}, expression("a", "Exists")), false],
    ["NotIn and a label", selector({ a: "x" }, expression("b", "NotIn", ["y"])), false],
    ["an unknown operator, which matches nothing", selector({}, expression("a", "notin", ["x"])), false],
    ["the name of a namespace that exists", selector({}, expression(NAME, "Exists")), false],
  ])("%s: %s", (_, raw, expected) => {
    expect(isUnbounded(toSelector(raw, ""))).toBe(expected);
  });

  test("an unbounded selector matches what has none of its keys", () => {
    const negative = fc.record({
      key: fc.string(),
      operator: fc.constantFrom("NotIn", "DoesNotExist"),
      values: fc.array(fc.string(), { maxLength: 2 }),
    });
    fc.assert(
      fc.property(fc.array(negative, { maxLength: 4 }), (matchExpressions) => {
        const parsed = toSelector({ matchExpressions }, "");
        expect(isUnbounded(parsed)).toBe(true);
        expect(matches(parsed, {})).toBe(true);
      }),
    );
  });

  test("one that is not matches nothing without labels", () => {
    const positive = fc.record({ key: fc.string(), operator: fc.constantFrom("In", "Exists", "") });
    fc.assert(
      fc.property(fc.array(positive, { minLength: 1, maxLength: 4 }), (matchExpressions) => {
        const parsed = toSelector({ matchExpressions }, "");
        expect(isUnbounded(parsed)).toBe(false);
        expect(matches(parsed, {})).toBe(false);
      }),
    );
  });
});

describe("selectsEveryNamespace", () => {
  test.each([
    ["everything", {}, true],
    ["a name that exists", selector({}, expression(NAME, "Exists")), true],
    ["that and NotIn", selector({}, expression(NAME, "Exists"), expression("a", "NotIn", ["x"])), true],
    ["a name", selector({ [NAME]: "shop" }), false],
    ["a name In", selector({}, expression(NAME, "In", ["shop"])), false],
    ["another label that exists", selector({}, expression("tenant", "Exists")), false],
    ["a name that exists, and a label", selector({ tenant: "shop" }, expression(NAME, "Exists")), false],
  ])("%s: %s", (_, raw, expected) => {
    expect(selectsEveryNamespace(toSelector(raw, ""))).toBe(expected);
  });
});

describe("valuesOf", () => {
  test.each([
    ["nothing on the key", selector({ tier: "x" }), undefined],
    ["a label", selector({ app: "a" }), ["a"]],
    ["a list", selector({}, expression("app", "In", ["a", "b"])), ["a", "b"]],
    ["an empty list", selector({}, expression("app", "In", [])), []],
    [
      "a list, but for one",
      selector({}, expression("app", "In", ["a", "b"]), expression("app", "NotIn", ["a"])),
      ["b"],
    ],
    ["two lists", selector({}, expression("app", "In", ["a", "b"]), expression("app", "In", ["b", "c"])), ["b"]],
    ["two labels that contradict", selector({ app: "a" }, expression("app", "In", ["b"])), []],
    ["a label that must not be there", selector({ app: "a" }, expression("app", "DoesNotExist")), []],
    ["that it is there", selector({}, expression("app", "Exists")), undefined],
    ["what it is not", selector({}, expression("app", "NotIn", ["a"])), undefined],
    ["an operator that nobody knows", selector({ app: "a" }, expression("app", "is", ["a"])), []],
  ])("%s", (_, raw, values) => {
    expect(valuesOf(toSelector(raw, ""), "app")).toEqual(values);
  });
  test("thousands of values against thousands of requirements are judged in time", () => {
    const values = Array.from({ length: 40_000 }, (_, i) => `v${i}`);
    const others = values.slice(1).map((value) => expression("app", "NotIn", [value]));
    expect(valuesOf(toSelector(selector({}, expression("app", "In", values), ...others), ""), "app")).toEqual(["v0"]);
  });
  test("a key that every JavaScript object has", () => {
    const raw = JSON.parse('{"matchLabels": {"__proto__": "a"}}') as object;
    expect(valuesOf(toSelector(raw, ""), "__proto__")).toEqual(["a"]);
    expect(valuesOf(toSelector({}, ""), "constructor")).toBeUndefined();
  });
});

describe("mayMatch: what has these labels, and perhaps others", () => {
  const labels: Labels = { app: "web", tier: "front" };
  test.each([
    ["everything", selector({}), true],
    ["a label that it has", selector({ app: "web" }), true],
    ["a label that it has otherwise", selector({ app: "db" }), false],
    ["a label of which nothing is known", selector({ app: "web", team: "shop" }), true],
    ["one of which nothing is known beside one that is otherwise", selector({ app: "db", team: "shop" }), false],
    ["the absence of one that it has", selector({}, expression("app", "DoesNotExist")), false],
    ["the absence of another", selector({}, expression("team", "DoesNotExist")), true],
    ["a value that it has not", selector({}, expression("tier", "NotIn", ["front"])), false],
  ])("%s", (_what, raw, expected) => {
    expect(mayMatch(toSelector(raw, ""), labels)).toBe(expected);
  });

  test("whatever matches with more labels may match", () => {
    const key = fc.constantFrom("a", "b", "c");
    const value = fc.constantFrom("x", "y");
    const operator = fc.constantFrom("In", "NotIn", "Exists", "DoesNotExist");
    const requirement = fc.tuple(key, operator, fc.array(value, { maxLength: 2 }));
    const known = fc.dictionary(key, value);
    fc.assert(
      fc.property(fc.array(requirement, { maxLength: 4 }), known, known, (requirements, few, more) => {
        const one = toSelector(selector({}, ...requirements.map((each) => expression(...each))), "");
        if (matches(one, { ...more, ...few })) expect(mayMatch(one, few)).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });
});
