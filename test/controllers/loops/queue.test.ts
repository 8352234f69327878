import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import { ApiError } from "../../../src/cluster/api-error.ts";
import { KeyedQueue } from "../../../src/controllers/loops/queue.ts";
import { eventually } from "../../helpers/eventually.ts";

const queues: KeyedQueue[] = [];
afterEach(async () => {
  await Promise.all(queues.splice(0).map((queue) => queue.stop()));
});

function start(handle: (key: string) => Promise<void>, concurrency = 2) {
  const errors: string[] = [];
  const queue = new KeyedQueue({
    handle,
    onError: (key, error) => errors.push(`${key}: ${String(error)}`),
    concurrency,
    backoff: { minMs: 10, maxMs: 40 },
  });
  queues.push(queue);
  return { queue, errors };
}

/** Work that goes on until it is let go. */
function held() {
  const begun: string[] = [];
  const ends = new Map<string, () => void>();
  const handle = (key: string) =>
    new Promise<void>((resolve) => {
      begun.push(key);
      ends.set(key, resolve);
    });
  return { begun, handle, end: (key: string) => ends.get(key)?.() };
}

describe("KeyedQueue", () => {
  test("handles no more keys at once than it may, and never one twice at once", async () => {
    const { begun, handle, end } = held();
    const { queue } = start(handle);
    for (const key of ["a", "b", "c", "a"]) queue.add(key);
    expect(begun).toEqual(["a", "b"]);
    end("b");
    await eventually(() => expect(begun).toEqual(["a", "b", "c"]));
    end("a");
    // It was added again while it ran, so it is looked at again.
    await eventually(() => expect(begun).toEqual(["a", "b", "c", "a"]));
    end("a");
    end("c");
  });

  test("what adds its own key as it begins is handled once more, not twice at once", async () => {
    const begun: string[] = [];
    const ended: string[] = [];
    const { queue } = start(async (key) => {
      begun.push(key);
      if (begun.length === 1) queue.add(key);
      await sleep(5);
      expect(begun.length - ended.length).toBe(1);
      ended.push(key);
    });
    queue.add("a");
    await eventually(() => expect(ended).toEqual(["a", "a"]));
  });

  test("what waits already is one piece of work, however often it is added", async () => {
    const { begun, handle, end } = held();
    const { queue } = start(handle, 1);
    queue.add("a");
    for (let i = 0; i < 5; i++) queue.add("b");
    end("a");
    await eventually(() => expect(begun).toEqual(["a", "b"]));
    end("b");
    await sleep(20);
    expect(begun).toEqual(["a", "b"]);
  });

  test("what fails is tried again later, without holding up the others", async () => {
    const calls: string[] = [];
    const { queue, errors } = start(async (key) => {
      calls.push(key);
      if (key === "bad" && calls.filter((call) => call === "bad").length < 4) throw new Error("no");
    }, 1);
    queue.add("bad");
    queue.add("good");
    await eventually(() => expect(calls.filter((call) => call === "bad")).toHaveLength(4));
    expect(calls.slice(0, 2)).toEqual(["bad", "good"]);
    expect(errors).toEqual(["bad: Error: no", "bad: Error: no", "bad: Error: no"]);
  });

  test("a failure counts anew after a success, so the wait starts small again", async () => {
    const waits: number[] = [];
    let fail = true;
    const queue = new KeyedQueue({
      handle: async () => {
        if (fail) throw new Error("no");
      },
      onError: (_key, _error, retryInMs) => waits.push(retryInMs),
      concurrency: 1,
      backoff: { minMs: 10, maxMs: 1_000 },
    });
    queues.push(queue);
    queue.add("a");
    await eventually(() => expect(waits.length).toBeGreaterThanOrEqual(4));
    fail = false;
    queue.add("a");
    await sleep(20);
    fail = true;
    const before = waits.length;
    queue.add("a");
    await eventually(() => expect(waits.length).toBeGreaterThan(before));
    expect(Math.max(...waits.slice(0, before))).toBeGreaterThan(30);
    expect(waits[before]).toBeLessThanOrEqual(10);
  });

  test("where many keys fail, each waits longer: retries are bounded by time, not by the number of keys", async () => {
    const calls: number[] = [];
    const begun = performance.now();
    const { queue } = start(async () => {
      calls.push(performance.now() - begun);
      throw new Error("no");
    }, 8);
    for (let i = 0; i < 100; i++) queue.add(`key-${i}`);
    await sleep(1_000);
    await queue.stop();
    const retries = calls.slice(100);
    expect(retries.length).toBeGreaterThan(10);
    // By their own backoff of at most 40 ms it were thousands.
    expect(retries.length).toBeLessThan(200);
  });

  test("what the API server asks for is waited for", async () => {
    const waits: number[] = [];
    const busy = new ApiError({ status: 429, reason: "TooManyRequests", message: "busy", retryAfterMs: 5_000 });
    const queue = new KeyedQueue({
      handle: () => Promise.reject(busy),
      onError: (_key, _error, retryInMs) => waits.push(retryInMs),
      concurrency: 1,
      backoff: { minMs: 10, maxMs: 1_000 },
    });
    queues.push(queue);
    queue.add("a");
    await eventually(() => expect(waits).toHaveLength(1));
    expect(waits[0]).toBeGreaterThanOrEqual(5_000);
  });

  test("stop() waits for what runs, and nothing runs after it", async () => {
    const { begun, handle, end } = held();
    const { queue } = start(handle, 1);
    queue.add("a");
    queue.add("b");
    let stopped = false;
    const stop = queue.stop().then(() => {
      stopped = true;
    });
    await sleep(5);
    expect(stopped).toBe(false);
    end("a");
    await stop;
    queue.add("c");
    await sleep(5);
    expect(begun).toEqual(["a"]);
  });
});
