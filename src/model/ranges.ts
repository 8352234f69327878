/**
 * Sets of whole numbers, for addresses and ports alike: a list of ranges, sorted, neither overlapping nor touching. So
 * there is one way to write a set, and equal sets are equal lists. The end of a range is the number after its last one:
 * so nothing here calculates, and plain numbers, which are many times faster, serve wherever they suffice.
 */
export type Range<N extends number | bigint> = readonly [first: N, end: N];
export type RangeSet<N extends number | bigint> = readonly Range<N>[];

export function normalise<N extends number | bigint>(ranges: readonly Range<N>[]): RangeSet<N> {
  if (ranges.length < 2) return ranges;
  const sorted = ranges.toSorted((a, b) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0));
  const merged: [N, N][] = [];
  for (const [first, end] of sorted) {
    const previous = merged.at(-1);
    if (previous === undefined || first > previous[1]) merged.push([first, end]);
    else if (end > previous[1]) previous[1] = end;
  }
  return merged;
}

/** Both sorted, so one pass: linear also for a block with thousands of holes. */
export function subtract<N extends number | bigint>(set: RangeSet<N>, holes: RangeSet<N>): RangeSet<N> {
  if (areApart(set, holes)) return set;
  const left: Range<N>[] = [];
  let h = 0;
  for (const [first, end] of set) {
    let from = first;
    for (let hole = holes[h]; hole !== undefined && hole[1] <= from; hole = holes[h]) h++;
    for (let i = h; i < holes.length; i++) {
      const hole = holes[i];
      if (hole === undefined || hole[0] >= end) break;
      if (hole[0] > from) left.push([from, hole[0]]);
      if (hole[1] > from) from = hole[1];
    }
    if (from < end) left.push([from, end]);
  }
  return left;
}

/** Have they no number in common? Mostly so, and cheaper to find out than to build what is left. */
function areApart<N extends number | bigint>(a: RangeSet<N>, b: RangeSet<N>): boolean {
  let [i, j] = [0, 0];
  for (;;) {
    const [mine, other] = [a[i], b[j]];
    if (mine === undefined || other === undefined) return true;
    if (mine[1] <= other[0]) i += 1;
    else if (other[1] <= mine[0]) j += 1;
    else return false;
  }
}

export function intersect<N extends number | bigint>(a: RangeSet<N>, b: RangeSet<N>): RangeSet<N> {
  return subtract(a, subtract(a, b));
}

/** Is all of `inner` in `outer`? */
export function isSubset<N extends number | bigint>(inner: RangeSet<N>, outer: RangeSet<N>): boolean {
  return subtract(inner, outer).length === 0;
}

/** How many numbers. */
export function size(set: RangeSet<number | bigint>): bigint {
  return set.reduce((sum, [first, end]) => sum + BigInt(end) - BigInt(first), 0n);
}
