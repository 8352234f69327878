import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { at, canonical, fieldPath, isEqual, isRecord, items, pointer, stepsOf, text } from "../../src/model/json.ts";

test.each([
  [{}, true],
  [Object.create(null), true],
  [[], false],
  [null, false],
  [undefined, false],
  ["{}", false],
  [0, false],
])("isRecord(%j) is %s", (value, expected) => {
  expect(isRecord(value)).toBe(expected);
});

test("items of a list; of anything else, none", () => {
  expect(items([1, null])).toEqual([1, null]);
  for (const value of [null, undefined, {}, "abc", { length: 1 }]) expect(items(value)).toEqual([]);
});

test.each([
  ["x", "x"],
  [0, "0"],
  [false, "false"],
  [null, ""],
  [undefined, ""],
  [{}, ""],
  [["x"], ""],
])("text(%j) is %j", (value, expected) => {
  expect(text(value)).toBe(expected);
});

describe("pointers", () => {
  test.each([
    ["/spec", ["matchLabels", "a/b"], "/spec/matchLabels/a~1b"],
    ["", ["~", "/", "~1", ""], "/~0/~1/~01/"],
    ["/spec/egress", [0, "to", 12], "/spec/egress/0/to/12"],
    ["/x", [], "/x"],
  ])("%s and %j", (base, steps, expected) => {
    expect(pointer(base, ...steps)).toBe(expected);
  });

  test("stepsOf undoes pointer", () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.string(), fc.stringMatching(/^[~/01]*$/))), (steps) => {
        expect(stepsOf(pointer("", ...steps))).toEqual(steps);
      }),
      { numRuns: 1000 },
    );
  });

  test("at finds every value where its pointer says", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
        for (const [path, expected] of everythingIn(value, "")) expect(at(value, path)).toBe(expected);
      }),
      { numRuns: 500 },
    );
  });

  const value: unknown = JSON.parse('{"a": [{"b": 1}, null], "": 2, "~": {"/": 3}, "__proto__": {"x": 4}}');
  test.each([
    ["", value],
    ["/a/0/b", 1],
    ["/a/1", null],
    ["/", 2],
    ["/~0/~1", 3],
    ["/__proto__/x", 4],
    ["/a/2", undefined],
    ["/a/-", undefined],
    ["/a/", undefined],
    ["/a/01", undefined],
    ["/a/0x0", undefined],
    ["/a/length", undefined],
    ["/a/1/b", undefined],
    ["/constructor", undefined],
    ["/a/0/b/c", undefined],
    ["/a/0/toString", undefined],
  ])("at %s", (path, expected) => {
    expect(at(value, path)).toBe(expected);
  });
});

test.each([
  ["", ""],
  ["/spec", "spec"],
  ["/spec/policyTypes", "spec.policyTypes"],
  [
    "/spec/egress/0/to/1/podSelector/matchLabels/app.kubernetes.io~1name",
    "spec.egress[0].to[1].podSelector.matchLabels[app.kubernetes.io/name]",
  ],
  ["/metadata/annotations/owner", "metadata.annotations.owner"],
  ["/spec/rules/no-broad-cidr/options", "spec.rules.no-broad-cidr.options"],
  ["/spec/a~0b", "spec[a~b]"],
])("fieldPath(%s) is %s", (path, expected) => {
  expect(fieldPath(path)).toBe(expected);
});

describe("isEqual", () => {
  test("says the same as canonical texts do", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 3 }), fc.jsonValue({ maxDepth: 3 }), (a, b) => {
        expect(isEqual(a, reversed(a))).toBe(true);
        expect(isEqual(a, b)).toBe(canonical(a) === canonical(b));
        expect(isEqual({ a, b }, { a: b, b: a })).toBe(canonical(a) === canonical(b));
      }),
      { numRuns: 500 },
    );
  });
  test.each<[unknown, unknown]>([
    [{ a: 1 }, { a: 1, b: null }],
    [
      { a: 1, b: 1 },
      { a: 1, c: 1 },
    ],
    [
      [1, 2],
      [2, 1],
    ],
    [[1], [1, 2]],
    [[], {}],
    [{ toString: 1 }, {}],
    [null, {}],
    ["1", 1],
  ])("%j is not %j", (a, b) => {
    expect([isEqual(a, b), isEqual(b, a)]).toEqual([false, false]);
  });
  test("of a value that is too deep for a stack only so much is looked at as the other has", () => {
    const deep = JSON.parse(`${'{"a":['.repeat(20_000)}1${"]}".repeat(20_000)}`) as unknown;
    expect(isEqual(deep, { a: [{ a: [1] }] })).toBe(false);
  });
});

describe("canonical", () => {
  test("is the same whatever the order of keys, at every depth", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
        expect(canonical(reversed(value))).toBe(canonical(value));
      }),
      { numRuns: 500 },
    );
  });
  test("is JSON of the same value, so different values differ", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
        expect(JSON.parse(canonical(value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
      { numRuns: 500 },
    );
  });
  test("nesting of any depth has a text", () => {
    const nested = `${'{"a":['.repeat(20_000)}1${"]}".repeat(20_000)}`;
    expect(canonical(JSON.parse(nested))).toBe(nested);
  });
  test.each<[unknown, string]>([
    [{ a: undefined, b: [undefined] }, '{"b":[null]}'],
    [[[], {}, [{}]], "[[],{},[{}]]"],
    [{ toJSON: 1, toString: 2 }, '{"toJSON":1,"toString":2}'],
  ])("as JSON.stringify has it: %j", (value, expected) => {
    expect(canonical(value)).toBe(expected);
    expect(JSON.stringify(value)).toBe(expected);
  });
  test("the order of a list counts", () => {
    expect(canonical([1, 2])).not.toBe(canonical([2, 1]));
  });
  test.each([
    [{ b: 1, a: { d: 2, c: [{ f: 3, e: null }] } }, '{"a":{"c":[{"e":null,"f":3}],"d":2},"b":1}'],
    [JSON.parse('{"__proto__": 1, "Z": 2}'), '{"Z":2,"__proto__":1}'],
    [null, "null"],
    [undefined, "null"],
    ["x", '"x"'],
  ])("%j", (value, expected) => {
    expect(canonical(value)).toBe(expected);
  });
});

function everythingIn(value: unknown, path: string): [path: string, value: unknown][] {
  const inner = Array.isArray(value) ? [...value.entries()] : isRecord(value) ? Object.entries(value) : [];
  return [[path, value], ...inner.flatMap(([step, next]) => everythingIn(next, pointer(path, step)))];
}

/** The same value, the keys of its objects the other way round. */
function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([key, inner]) => [key, reversed(inner)]),
  );
}
