/** Numbers that look random and are the same for the same seed, on every machine and in every version of anything. */
export interface Random {
  /** A whole number from 0 to n - 1. */
  readonly below: (n: number) => number;
  /** True once in n times. */
  readonly oneIn: (n: number) => boolean;
  /** An item of a list that is not empty. */
  readonly pick: <T>(items: readonly T[]) => T;
  /** An item of any list; undefined of an empty one. */
  readonly from: <T>(items: readonly T[]) => T | undefined;
}

/** Of a seed and the number of a case, so that one case can be made again without those before it. (mulberry32) */
export function createRandom(seed: number, number = 0): Random {
  let state = (Math.imul(seed, 0x9e3779b1) ^ Math.imul(number + 1, 0x85ebca6b)) >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
  const below = (n: number): number => next() % n;
  return {
    below,
    oneIn: (n) => below(n) === 0,
    pick: <T>(items: readonly T[]) => {
      if (items.length === 0) throw new Error("there is nothing to pick from");
      return items[below(items.length)] as T;
    },
    from: (items) => items[below(Math.max(items.length, 1))],
  };
}
