import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { coalesce, within } from "../../../src/controllers/loops/coalesce.ts";

/** Work that ends when it is told to, and says which run it was. */
function controlled(everyMs?: number) {
  const runs: { readonly key: string; readonly end: () => void; readonly fail: () => void }[] = [];
  const ask = coalesce((key: string) => {
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    const number = runs.length + 1;
    runs.push({ key, end: () => resolve(number), fail: () => reject(new Error(`run ${number}`)) });
    return promise;
  }, everyMs);
  return { runs, ask };
}

describe("coalesce", () => {
  test("who asks while it runs shares the next run, which begins after they asked", async () => {
    const { runs, ask } = controlled();
    const first = ask("a");
    const others = [ask("a"), ask("a"), ask("a")];
    expect(runs).toHaveLength(1);
    runs[0]?.end();
    expect(await first).toBe(1);
    await expect.poll(() => runs.length).toBe(2);
    const later = ask("a");
    runs[1]?.end();
    expect(await Promise.all(others)).toEqual([2, 2, 2]);
    await expect.poll(() => runs.length).toBe(3);
    runs[2]?.end();
    expect(await later).toBe(3);
  });

  test("a run that fails fails those who asked for it, and nobody else", async () => {
    const { runs, ask } = controlled();
    const first = ask("a");
    const second = ask("a");
    runs[0]?.fail();
    await expect(first).rejects.toThrow("run 1");
    await expect.poll(() => runs.length).toBe(2);
    runs[1]?.end();
    expect(await second).toBe(2);
  });

  test("keys do not wait for each other, and nothing is kept of those that are done", async () => {
    const { runs, ask } = controlled();
    const [a, b] = [ask("a"), ask("b")];
    expect(runs.map(({ key }) => key)).toEqual(["a", "b"]);
    for (const { end } of runs) end();
    expect(await Promise.all([a, b])).toEqual([1, 2]);
    const again = ask("a");
    expect(runs).toHaveLength(3);
    runs[2]?.end();
    expect(await again).toBe(3);
  });

  test("the next run begins no sooner than it may, and after a failure likewise", async () => {
    const { runs, ask } = controlled(100);
    const asked = performance.now();
    const first = ask("a");
    runs[0]?.fail();
    await expect(first).rejects.toThrow("run 1");
    const others = [ask("a"), ask("a")];
    await expect.poll(() => runs.length).toBe(2);
    expect(performance.now() - asked).toBeGreaterThanOrEqual(95);
    runs[1]?.end();
    expect(await Promise.all(others)).toEqual([2, 2]);
  });

  test("who has rested begins at once", async () => {
    const { runs, ask } = controlled(20);
    const first = ask("a");
    runs[0]?.end();
    await first;
    await sleep(60);
    void ask("a");
    expect(runs).toHaveLength(2);
  });
});

describe("within", () => {
  test("is the answer, or its failure, where that comes in time", async () => {
    expect(await within(Promise.resolve(1), 1_000, "too late")).toBe(1);
    await expect(within(Promise.reject(new Error("no")), 1_000, "too late")).rejects.toThrow("no");
  });

  test("says so where it does not", async () => {
    await expect(within(new Promise(() => {}), 10, "too late")).rejects.toThrow("too late");
  });
});
