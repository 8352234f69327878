import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import { ApiError } from "../../../src/cluster/api-error.ts";
import { startLoop } from "../../../src/controllers/loops/loop.ts";
import { eventually } from "../../helpers/eventually.ts";

describe("a loop that looks how things are", () => {
  let stopping = new AbortController();
  afterEach(() => {
    stopping.abort();
    stopping = new AbortController();
  });
  const HOUR_MS = 60 * 60 * 1000;
  const BACKOFF_MS = 200;
  const start = (look: () => Promise<void>, everyMs = HOUR_MS, errors: unknown[] = []) =>
    startLoop({
      look,
      everyMs,
      onError: (error) => errors.push(error),
      backoff: { minMs: BACKOFF_MS, maxMs: BACKOFF_MS },
      signal: stopping.signal,
    });

  test("looks at once, and again when it is woken", async () => {
    let looks = 0;
    const loop = start(async () => void (looks += 1));
    await eventually(() => expect(looks).toBe(1));
    loop.wake();
    await eventually(() => expect(looks).toBe(2));
    await sleep(30);
    expect(looks).toBe(2);
  });

  test("by itself as often as it was told to", async () => {
    let looks = 0;
    start(async () => void (looks += 1), 5);
    await eventually(() => expect(looks).toBeGreaterThan(3));
  });

  test("what wakes it while it looks is not missed, and never looks twice at once", async () => {
    let looks = 0;
    let running = 0;
    const { promise, resolve } = Promise.withResolvers<void>();
    const loop = start(async () => {
      looks += 1;
      running += 1;
      expect(running).toBe(1);
      await promise;
      running -= 1;
    });
    loop.wake();
    loop.wake();
    resolve();
    await eventually(() => expect(looks).toBe(2));
  });

  test("a failure is told, waited for whatever wakes it, and not the end", async () => {
    const errors: unknown[] = [];
    const looks: number[] = [];
    const loop = start(
      async () => {
        looks.push(performance.now());
        if (looks.length === 1) throw new Error("no");
      },
      HOUR_MS,
      errors,
    );
    await eventually(() => expect(errors).toHaveLength(1));
    loop.wake();
    await eventually(() => expect(looks).toHaveLength(2));
    const [first = 0, second = 0] = looks;
    // Half of the wait is random. At least: a busy machine only makes it longer.
    expect(second - first).toBeGreaterThan(BACKOFF_MS / 2 - 5);
    expect(errors).toHaveLength(1);
  });

  test("what the API server asks for is waited for", async () => {
    const waits: number[] = [];
    const busy = new ApiError({ status: 429, reason: "TooManyRequests", message: "busy", retryAfterMs: 5_000 });
    startLoop({
      look: () => Promise.reject(busy),
      everyMs: HOUR_MS,
      onError: (_error, retryInMs) => waits.push(retryInMs),
      backoff: { minMs: BACKOFF_MS, maxMs: BACKOFF_MS },
      signal: stopping.signal,
    });
    await eventually(() => expect(waits).toHaveLength(1));
    expect(waits[0]).toBeGreaterThanOrEqual(5_000);
  });

  test("ends with its signal, without a word of what that broke off", async () => {
    const errors: unknown[] = [];
    const loop = start(
      async () => {
        await sleep(HOUR_MS, undefined, { signal: stopping.signal });
      },
      HOUR_MS,
      errors,
    );
    stopping.abort();
    await loop.ended;
    expect(errors).toEqual([]);
  });
});
