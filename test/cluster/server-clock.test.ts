import { expect, test } from "vitest";
import { serverClock } from "../../src/cluster/server-clock.ts";

const START = Date.UTC(2026, 10, 21, 18);
const HOUR_MS = 60 * 60 * 1000;

/** A clock of a process that was started at START by the API server's, and by its own an hour later. */
function clock() {
  let elapsed = 0;
  const { hear, now } = serverClock(
    () => elapsed,
    () => START + elapsed + HOUR_MS,
  );
  return {
    after: (ms: number) => (elapsed += ms),
    /** An API server whose clock is so far ahead answers. */
    answer: (aheadMs = 0) => hear(new Date(START + elapsed + aheadMs).toUTCString()),
    hear,
    /** How far it is from the API server's. */
    error: () => now() - START - elapsed,
  };
}

test("before the first answer it is the machine's own, then the API server's", () => {
  const { answer, after, error } = clock();
  expect(error()).toBe(HOUR_MS);
  answer();
  expect(Math.abs(error())).toBeLessThanOrEqual(500);
  after(40 * 24 * HOUR_MS);
  expect(Math.abs(error())).toBeLessThanOrEqual(500);
});

test("it runs evenly though answers have whole seconds", () => {
  const { answer, after, error } = clock();
  answer();
  const first = error();
  for (let i = 0; i < 100; i++) {
    after(137);
    answer();
    expect(error()).toBe(first);
  }
});

test("it follows an API server whose clock is set, as soon as none says otherwise for a minute", () => {
  const { answer, after, error } = clock();
  answer();
  for (let i = 0; i < 40; i++) {
    after(2_000);
    answer(HOUR_MS);
  }
  expect(Math.abs(error() - HOUR_MS)).toBeLessThanOrEqual(1_000);
});

test("of several API servers one whose clock is wrong changes nothing", () => {
  const { answer, after, error } = clock();
  answer();
  for (let i = 0; i < 100; i++) {
    after(2_000);
    answer(i % 3 === 0 ? 0 : 24 * HOUR_MS);
    expect(Math.abs(error())).toBeLessThanOrEqual(500);
  }
});

test("after a silence the first answer counts, as the machine may have been suspended", () => {
  const { answer, after, error } = clock();
  answer();
  after(90_000);
  answer(HOUR_MS);
  expect(Math.abs(error() - HOUR_MS)).toBeLessThanOrEqual(1_000);
});

test.each([[undefined], [["Sat, 21 Nov 2026 18:00:00 GMT"]], ["yesterday"], [""]])("%j tells nothing", (date) => {
  const { hear, error } = clock();
  hear(date);
  expect(error()).toBe(HOUR_MS);
});
