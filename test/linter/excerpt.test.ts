import { expect, test } from "vitest";
import { excerptsOf } from "../../src/linter/excerpt.ts";

test("the line of a position, counted from where the text begins", () => {
  const excerptOf = excerptsOf("kind: A\nspec: {}\r\n", 10, 1);
  expect(excerptOf({ line: 10, column: 7, length: 1 })).toEqual({ text: "kind: A", column: 7, length: 1 });
  expect(excerptOf({ line: 11, column: 1, length: 4 })).toEqual({ text: "spec: {}", column: 1, length: 4 });
});

test("the second JSON object of a line", () => {
  const excerptOf = excerptsOf('{"kind":"B"}', 1, 13);
  expect(excerptOf({ line: 1, column: 21, length: 3 })).toEqual({ text: '{"kind":"B"}', column: 9, length: 3 });
});

test("of a long line the part around the mark, of whole characters", () => {
  const line = `${"💥".repeat(500_000)}MARK${"x".repeat(500_000)}`;
  const { text, column, length } = excerptsOf(line, 1, 1)({ line: 1, column: 1_000_001, length: 4 });
  expect(text.length).toBeLessThanOrEqual(121);
  expect(text.isWellFormed()).toBe(true);
  expect(text.slice(column - 1, column - 1 + length)).toBe("MARK");
});

test("what a terminal would act upon is shown as so many question marks", () => {
  const line = "a: \u001b[2J\u009b\u202e\u2028\u{e0001}\tMARK";
  const { text, column } = excerptsOf(line, 1, 1)({ line: 1, column: line.indexOf("MARK") + 1, length: 4 });
  expect(text).toBe("a: ?[2J?????\tMARK");
  expect(text.slice(column - 1)).toBe("MARK");
});

test("a position beside the text does not throw", () => {
  expect(excerptsOf("a", 1, 1)({ line: 7, column: 9, length: 5 })).toEqual({ text: "", column: 9, length: 1 });
});
