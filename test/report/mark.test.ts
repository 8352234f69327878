import { expect, test } from "vitest";
import { markOf } from "../../src/report/mark.ts";

/** A line with its mark in guillemets, and what stands under it. */
test.each([
  ["a word", "cidr: «0.0.0.0/0»", "      ^^^^^^^^^"],
  ["the start of a line", "«kind»: A", "^^^^"],
  ["nothing, as at the end of a line", "kind:«»", "     ^"],
  ["what is behind a tab, which is as wide as in the line above", "\ta:\t«b»", "\t  \t^"],
  ["what is behind wide characters, two columns each", "名前: «b»", "      ^"],
  ["wide characters", "a: «名前！💥»", "   ^^^^^^^^"],
  ["letters of one column that are no ASCII", "é: «üß–Ω»", "   ^^^^"],
  ["what is behind an accent of its own, which takes no column", "e\u0301: «e\u0301»", "   ^"],
  ["what is no character at all", "a: «\ud800»", "   ^"],
])("%s", (_what, line, under) => {
  const column = line.indexOf("«") + 1;
  const excerpt = { text: line.replaceAll(/[«»]/g, ""), column, length: line.indexOf("»") - column };
  const { indent, mark } = markOf(excerpt);
  expect(indent + mark).toBe(under);
});

test("a mark that begins or ends behind the line is one caret", () => {
  expect(markOf({ text: "ab", column: 9, length: 4 })).toEqual({ indent: "  ", mark: "^" });
  expect(markOf({ text: "ab", column: 2, length: 400 })).toEqual({ indent: " ", mark: "^" });
});
