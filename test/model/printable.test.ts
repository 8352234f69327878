import { expect, test } from "vitest";
import { printable, printableUpTo, printableWithTabs } from "../../src/model/printable.ts";

const ODD = ["\u0000", "\u001b", "\u007f", "\u0085", "\u009b", "\u2028", "\u2029", "\u202e", "\ud800", "\n"];

test.each(ODD)("%j steers no terminal", (odd) => {
  expect(printable(`a${odd}b`)).toBe("a?b");
  expect(printableWithTabs(`\ta${odd}b`)).toBe("\ta?b");
  expect(printableUpTo(`a${odd}b`, 3)).toBe("a?b");
});

test("what can be read stays", () => {
  for (const text of ["", " plain: [text] ~", "tür.kube-system/é💥"]) expect(printable(text)).toBe(text);
  expect(printable("a\tb")).toBe("a?b");
});

test("there are as many characters as before", () => {
  const text = "a\u{e0001}b\u202ec";
  expect(printable(text)).toBe("a??b?c");
  expect(printable(text)).toHaveLength(text.length);
});

test("a long text is cut, not within a character", () => {
  expect(printableUpTo("x".repeat(10), 10)).toBe("x".repeat(10));
  expect(printableUpTo("x".repeat(11), 10)).toBe(`${"x".repeat(7)}...`);
  expect(printableUpTo(`xxxxxx💥xxx`, 10)).toBe("xxxxxx?...");
});
