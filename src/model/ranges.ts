/**
 * Sets of whole numbers, for addresses and ports alike: a list of ranges, inclusive, sorted, neither overlapping nor
 * touching. So there is one way to write a set, and equal sets are equal lists.
 */
export type Range = readonly [first: bigint, last: bigint];
export type RangeSet = readonly Range[];

export function normalise(ranges: readonly Range[]): RangeSet {
  const sorted = ranges.toSorted((a, b) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0));
  const merged: [bigint, bigint][] = [];
  for (const [first, last] of sorted) {
    const previous = merged.at(-1);
    if (previous === undefined || first > previous[1] + 1n) merged.push([first, last]);
    else if (last > previous[1]) previous[1] = last;
  }
  return merged;
}

/** Both sorted, so one pass: linear also for a block with thousands of holes. */
export function subtract(set: RangeSet, holes: RangeSet): RangeSet {
  const left: Range[] = [];
  let h = 0;
  for (const [first, last] of set) {
    let from = first;
    while (h < holes.length && (holes[h]?.[1] ?? 0n) < from) h++;
    for (let i = h; i < holes.length; i++) {
      const hole = holes[i];
      if (hole === undefined || hole[0] > last) break;
      if (hole[0] > from) left.push([from, hole[0] - 1n]);
      if (hole[1] + 1n > from) from = hole[1] + 1n;
    }
    if (from <= last) left.push([from, last]);
  }
  return left;
}

export function intersect(a: RangeSet, b: RangeSet): RangeSet {
  return subtract(a, subtract(a, b));
}

/** How many numbers. */
export function size(set: RangeSet): bigint {
  return set.reduce((sum, [first, last]) => sum + (last - first + 1n), 0n);
}
