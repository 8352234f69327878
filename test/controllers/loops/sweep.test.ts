import { setImmediate } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { Sweep } from "../../../src/controllers/loops/sweep.ts";
import { eventually } from "../../helpers/eventually.ts";

function start(look: (key: string) => void = () => {}) {
  const [looked, errors, ends]: [string[], string[], number[]] = [[], [], []];
  const sweep = new Sweep({
    look: (key) => {
      looked.push(key);
      look(key);
    },
    onError: (key, error) => errors.push(`${key}: ${String(error)}`),
    onEnd: (keys) => ends.push(keys),
  });
  return { sweep, looked, errors, ends };
}

function work(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

describe("Sweep", () => {
  test("looks at every key once, in order, and says how many they were", () => {
    const { sweep, looked, ends } = start();
    sweep.add(["a", "b", "a"]);
    expect({ looked, ends }).toEqual({ looked: ["a", "b"], ends: [2] });
    sweep.add(["a"]);
    expect({ looked, ends }).toEqual({ looked: ["a", "b", "a"], ends: [2, 1] });
  });

  test("lets others go on in between", async () => {
    const { sweep, looked, ends } = start(() => work(4));
    sweep.add(Array.from({ length: 20 }, (_, i) => `n${i}`));
    expect(looked.length).toBeLessThan(20);
    const seen = new Set([looked.length]);
    while (ends.length === 0) {
      await setImmediate();
      seen.add(looked.length);
    }
    expect(ends).toEqual([20]);
    expect(seen.size).toBeGreaterThan(3);
  });

  test("what is added meanwhile belongs to it: what waits once more not, what has had its turn again", async () => {
    const { sweep, looked, ends } = start(() => work(11));
    sweep.add(["a", "b", "c"]);
    sweep.add(["a", "b", "d"]);
    await eventually(() => expect(ends).toEqual([5]));
    expect(looked).toEqual(["a", "b", "c", "a", "d"]);
  });

  test("cleared, it looks at nothing more, and may begin anew", async () => {
    const { sweep, looked, ends } = start(() => work(11));
    sweep.add(["a", "b", "c"]);
    sweep.clear();
    await eventually(() => expect(ends).toEqual([1]));
    sweep.add(["d"]);
    await eventually(() => expect(looked).toEqual(["a", "d"]));
  });

  test("one that throws does not keep the others from their turn", () => {
    const { sweep, looked, errors } = start((key) => {
      if (key === "a") throw new Error("odd");
    });
    sweep.add(["a", "b"]);
    expect({ looked, errors }).toEqual({ looked: ["a", "b"], errors: ["a: Error: odd"] });
  });
});
