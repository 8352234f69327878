import { describe, expect, test } from "vitest";
import { parseManifest } from "../../src/manifest/read.ts";
import { InputError } from "../../src/model/errors.ts";

const parse = (...lines: string[]) => parseManifest(lines.join("\n"), "policy.yaml");

/** The error of a text; fails where there is none. */
function errorOf(...lines: string[]): InputError {
  try {
    parse(...lines);
  } catch (error) {
    if (error instanceof InputError) return error;
    throw error;
  }
  throw new Error("it could be read");
}

describe("documents", () => {
  test.each([
    ["one", ["a: 1"], [{ value: { a: 1 }, line: 1 }]],
    [
      "several",
      ["a: 1", "---", "b: 2", "---", "c: 3"],
      [
        { value: { a: 1 }, line: 1 },
        { value: { b: 2 }, line: 3 },
        { value: { c: 3 }, line: 5 },
      ],
    ],
    ["after a marker, comments and empty lines", ["---", "# hello", "", "a: 1"], [{ value: { a: 1 }, line: 4 }]],
    [
      "an end marker",
      ["a: 1", "...", "---", "b: 2"],
      [
        { value: { a: 1 }, line: 1 },
        { value: { b: 2 }, line: 4 },
      ],
    ],
    ["empty ones between", ["---", "---", "# nothing", "---", "a: 1", "---"], [{ value: { a: 1 }, line: 5 }]],
    ["null ones", ["null", "---", "~", "---", "a: 1"], [{ value: { a: 1 }, line: 5 }]],
    ["nothing", [""], []],
    ["only comments", ["# nothing", "", "# at all"], []],
    ["JSON", ['{"a":', " [1, null]}"], [{ value: { a: [1, null] }, line: 1 }]],
    [
      "lines that end as on Windows",
      ["a: 1\r", "---\r", "b: 2\r", ""],
      [
        { value: { a: 1 }, line: 1 },
        { value: { b: 2 }, line: 3 },
      ],
    ],
    ["a text", ["hello"], [{ value: "hello", line: 1 }]],
    ["a list", ["- 1", "- 2"], [{ value: [1, 2], line: 1 }]],
    ["false, which is not nothing", ["false"], [{ value: false, line: 1 }]],
  ])("%s", (_, lines, expected) => {
    expect(parse(...lines)).toEqual(expected);
  });

  test("words that YAML 1.1 would take for booleans stay words", () => {
    expect(parse("a: off", "b: no", "c: true")[0]?.value).toEqual({ a: "off", b: "no", c: true });
  });
  test("dates stay texts", () => {
    expect(parse("reviewed: 2026-11-01")[0]?.value).toEqual({ reviewed: "2026-11-01" });
  });
  test("an alias stands for what it names", () => {
    expect(parse("a: &x {b: 1}", "c: *x")[0]?.value).toEqual({ a: { b: 1 }, c: { b: 1 } });
  });
  test("`__proto__` is a key like any other", () => {
    const value = parse("__proto__: {polluted: true}", "constructor: 1")[0]?.value as object;
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect(Object.keys(value)).toEqual(["__proto__", "constructor"]);
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
  });
});

describe("what cannot be read is an InputError with file, line and column", () => {
  test.each([
    ["a bracket that is not closed", ["a: 1", "b: [1, 2"], /^policy\.yaml:2:\d+: /],
    ["wrong indentation", ["a:", "  - b", " c: d"], /^policy\.yaml:3:1: /],
    ["a tab", ["a:", "\tb: 1"], /^policy\.yaml:2:1: .*[Tt]ab/],
    ["a key twice", ["a: 1", "b: 2", "a: 3"], /^policy\.yaml:3:1: .*unique/],
    ["a mapping in a mapping", ["a: b: c"], /^policy\.yaml:1:4: /],
    ["an alias that names nothing", ["a: 1", "---", "b: *nothing"], /^policy\.yaml:3:\d+: .*nothing/],
    ["the second document", ["a: 1", "---", "b: }"], /^policy\.yaml:3:4: /],
    ["JSON", ['{"a": 1,', '"b" 2}'], /^policy\.yaml:2:/],
  ])("%s", (_, lines, message) => {
    const error = errorOf(...lines);
    expect(error.code).toBe("invalid-yaml");
    expect(error.message).toMatch(message);
    expect(error.message).toMatch(/^[^\n]+ Correct it and try again\.$/);
  });
});

describe("aliases of aliases", () => {
  /** Nine lines of nine aliases each: four hundred million texts. */
  const bomb = [
    'a0: &a0 ["lol"]',
    ...Array.from({ length: 9 }, (_, i) => `a${i + 1}: &a${i + 1} [${Array(9).fill(`*a${i}`).join(", ")}]`),
  ];
  test("that would fill the memory are refused", () => {
    const error = errorOf(...bomb);
    expect(error.code).toBe("invalid-yaml");
    expect(error.message).toMatch(/^policy\.yaml:1:1: .*alias/i);
  });
  test("are refused in a second document, too", () => {
    expect(errorOf("a: 1", "---", ...bomb).message).toMatch(/^policy\.yaml:3:1: /);
  });
  test("in numbers that a person writes are fine", () => {
    const many = ["ports: &ports [80, 443]", ...Array.from({ length: 90 }, (_, i) => `w${i}: *ports`)];
    expect(Object.keys(parse(...many)[0]?.value as object)).toHaveLength(91);
  });
});
