import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { intersect, isSubset, normalise, type Range, type RangeSet, size, subtract } from "../../src/model/ranges.ts";

describe.each<[string, (n: number) => number | bigint]>([
  ["numbers", (n) => n],
  ["big integers", BigInt],
])("sets of %s, in a small world", (_name, of) => {
  const WORLD = 48;
  const range = fc
    .tuple(fc.nat(WORLD - 1), fc.nat(WORLD - 1))
    .map(([a, b]): Range<number | bigint> => [of(Math.min(a, b)), of(Math.max(a, b) + 1)]);
  const ranges = fc.array(range, { maxLength: 8 });
  const set = ranges.map(normalise);

  const members = (all: readonly Range<number | bigint>[]) =>
    Array.from({ length: WORLD }, (_, i) => i).filter((i) => all.some(([first, end]) => first <= i && i < end));
  const expectNormal = (result: RangeSet<number | bigint>) => {
    for (const [i, [first, end]] of result.entries()) {
      expect(first).toBeLessThan(end);
      const next = result[i + 1];
      if (next !== undefined) expect(next[0]).toBeGreaterThan(end);
    }
  };

  test("normalise keeps the members, in one way of writing them", () => {
    fc.assert(
      fc.property(ranges, (all) => {
        const result = normalise(all);
        expectNormal(result);
        expect(members(result)).toEqual(members(all));
        expect(normalise(result)).toEqual(result);
        expect(normalise(all.toReversed())).toEqual(result);
        expect(normalise([...all, ...all])).toEqual(result);
      }),
      { numRuns: 1000 },
    );
  });

  test("subtract", () => {
    fc.assert(
      fc.property(set, set, (a, b) => {
        const result = subtract(a, b);
        expectNormal(result);
        const holes = new Set(members(b));
        expect(members(result)).toEqual(members(a).filter((i) => !holes.has(i)));
      }),
      { numRuns: 2000 },
    );
  });

  test("intersect", () => {
    fc.assert(
      fc.property(set, set, (a, b) => {
        const result = intersect(a, b);
        expectNormal(result);
        const both = new Set(members(b));
        expect(members(result)).toEqual(members(a).filter((i) => both.has(i)));
        expect(intersect(b, a)).toEqual(result);
        expect(isSubset(result, a) && isSubset(result, b)).toBe(true);
        expect(isSubset(a, b)).toBe(members(a).every((i) => both.has(i)));
      }),
      { numRuns: 2000 },
    );
  });

  test("size", () => {
    fc.assert(
      fc.property(set, (a) => {
        expect(size(a)).toBe(BigInt(members(a).length));
      }),
    );
    expect(size([])).toBe(0n);
  });

  test("what is taken away and what is kept make up the whole", () => {
    fc.assert(
      fc.property(set, set, (a, b) => {
        expect(normalise([...subtract(a, b), ...intersect(a, b)])).toEqual(a);
        expect(size(subtract(a, b)) + size(intersect(a, b))).toBe(size(a));
      }),
    );
  });
});
