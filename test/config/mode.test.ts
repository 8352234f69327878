import { describe, expect, test } from "vitest";
import { CAPS, isCap, MODES, weakest } from "../../src/config/mode.ts";

test("modes are ordered, weakest first", () => {
  expect(MODES).toEqual(["disabled", "audit", "warn", "enforce"]);
});

describe.each(MODES.flatMap((a, i) => MODES.map((b, j) => [a, b, i, j] as const)))("%s and %s", (a, b, i, j) => {
  test("the weaker and the stronger", () => {
    expect(weakest(a, b)).toBe(MODES[Math.min(i, j)]);
  });
});

test("of one, and of many", () => {
  expect(weakest("warn")).toBe("warn");
  expect(weakest("enforce", "warn", "audit", "warn")).toBe("audit");
});

test("a cap lowers, it does not switch off", () => {
  expect(CAPS.every(isCap)).toBe(true);
  for (const value of ["disabled", "Enforce", "", undefined, null, 1, ["warn"]]) expect(isCap(value)).toBe(false);
});
