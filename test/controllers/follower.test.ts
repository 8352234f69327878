import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Located, Server } from "../../src/baseline/peers.ts";
import { Follower } from "../../src/controllers/follower.ts";

const GONE_MS = 60_000;

function server(address: string): Server {
  return { source: address, peers: [{ address }], ports: [{ port: 53, protocol: "UDP" }] };
}

const [a, b, c] = [server("10.0.0.1"), server("10.0.0.2"), server("10.0.0.3")];
const nothing = (why: string): Located => ({ isKnown: false, why });

let found: Located;
let told: string[];
let follower: Follower;

function look(...servers: readonly Server[]): void {
  lookAt({ isKnown: true, servers });
}

function lookAt(located: Located): void {
  found = located;
  follower.look();
}

beforeEach(() => {
  vi.useFakeTimers();
  told = [];
  follower = new Follower({
    find: () => found,
    onChange: (located) => {
      told.push(
        located.isKnown
          ? located.servers
              .map(({ source }) => source)
              .toSorted()
              .join(" ")
          : located.why,
      );
    },
    narrowAfterMs: GONE_MS,
  });
});
afterEach(() => {
  follower.stop();
  vi.useRealTimers();
});

test("what is found is told once, what comes beside it at once", () => {
  look(a);
  look(a);
  look(a, b);
  look(b, a);
  expect(told).toEqual(["10.0.0.1", "10.0.0.1 10.0.0.2"]);
});

test("what is gone stays open until it has been gone for long", () => {
  look(a, b);
  look(b);
  vi.advanceTimersByTime(GONE_MS - 1);
  follower.look();
  expect(told).toEqual(["10.0.0.1 10.0.0.2"]);
  vi.advanceTimersByTime(1);
  expect(told).toEqual(["10.0.0.1 10.0.0.2", "10.0.0.2"]);
});

test("what comes in the place of something else is open at once, beside it", () => {
  look(a);
  look(b);
  expect(told).toEqual(["10.0.0.1", "10.0.0.1 10.0.0.2"]);
  vi.advanceTimersByTime(GONE_MS);
  expect(told.at(-1)).toBe("10.0.0.2");
});

test("what comes back in time is never closed", () => {
  look(a, b);
  look(b);
  vi.advanceTimersByTime(GONE_MS / 2);
  look(a, b);
  vi.advanceTimersByTime(2 * GONE_MS);
  expect(told).toEqual(["10.0.0.1 10.0.0.2"]);
});

test("each that goes has its own time", () => {
  look(a, b, c);
  look(b, c);
  vi.advanceTimersByTime(GONE_MS - 1);
  look(c);
  vi.advanceTimersByTime(1);
  expect(told).toEqual(["10.0.0.1 10.0.0.2 10.0.0.3", "10.0.0.2 10.0.0.3"]);
  vi.advanceTimersByTime(GONE_MS - 2);
  expect(told).toHaveLength(2);
  vi.advanceTimersByTime(1);
  expect(told.at(-1)).toBe("10.0.0.3");
});

test("what is gone is closed in its time also where something else goes every minute", () => {
  const addresses = Array.from({ length: 50 }, (_, i) => server(`10.0.1.${i}`));
  for (const one of addresses) {
    look(one);
    vi.advanceTimersByTime(GONE_MS / 2);
  }
  expect(told.at(-1)?.split(" ").length).toBeLessThanOrEqual(3);
  vi.advanceTimersByTime(GONE_MS);
  expect(told.at(-1)).toBe("10.0.1.49");
});

test("as long as nothing is found nothing's time passes", () => {
  look(a, b);
  look(b);
  vi.advanceTimersByTime(GONE_MS - 1);
  lookAt(nothing("it is gone"));
  vi.advanceTimersByTime(GONE_MS);
  look(b);
  vi.advanceTimersByTime(GONE_MS - 1);
  expect(told).toEqual(["10.0.0.1 10.0.0.2"]);
  vi.advanceTimersByTime(1);
  expect(told.at(-1)).toBe("10.0.0.2");
});

test("where nothing is found any more the last answer stays, for ever", () => {
  look(a, b);
  look(a);
  lookAt(nothing("it is gone"));
  vi.advanceTimersByTime(10 * GONE_MS);
  expect(told).toEqual(["10.0.0.1 10.0.0.2"]);
});

test("as long as nothing was found ever, why not is told", () => {
  lookAt(nothing("there is none"));
  lookAt(nothing("there is none"));
  lookAt(nothing("it has no endpoints"));
  look(a);
  expect(told).toEqual(["there is none", "it has no endpoints", "10.0.0.1"]);
});

test("nothing is closed after the stop", () => {
  look(a, b);
  look(a);
  follower.stop();
  vi.advanceTimersByTime(2 * GONE_MS);
  expect(told).toEqual(["10.0.0.1 10.0.0.2"]);
});

test("what is recalled is open from the first look on, and closed when it is not found for long", () => {
  follower.recall([a, b]);
  look(b, c);
  expect(told).toEqual(["10.0.0.1 10.0.0.2 10.0.0.3"]);
  vi.advanceTimersByTime(GONE_MS);
  expect(told.at(-1)).toBe("10.0.0.2 10.0.0.3");
});

test("what is recalled is the answer where nothing is found", () => {
  follower.recall([a]);
  lookAt(nothing("it is gone"));
  vi.advanceTimersByTime(10 * GONE_MS);
  expect(told).toEqual(["10.0.0.1"]);
});

test("as long as it cannot be told of something where it answers, nothing is closed", () => {
  look(a, b);
  lookAt({ isKnown: true, servers: [b], isPart: true });
  vi.advanceTimersByTime(10 * GONE_MS);
  expect(told).toEqual(["10.0.0.1 10.0.0.2"]);
  look(b);
  vi.advanceTimersByTime(GONE_MS);
  expect(told.at(-1)).toBe("10.0.0.2");
});
