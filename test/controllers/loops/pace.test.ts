import { expect, test } from "vitest";
import { Pace } from "../../../src/controllers/loops/pace.ts";

const pace = () => new Pace({ minMs: 1_000, maxMs: 60_000, forgetMs: 600_000 });

test("the first time at once, then twice as late each time, up to a limit", () => {
  const ours = pace();
  const waits: number[] = [];
  let now = 0;
  for (let i = 0; i < 9; i++) {
    waits.push(ours.waitMs("a", now));
    now += ours.waitMs("a", now);
    ours.took("a", now);
  }
  expect(waits).toEqual([0, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]);
});

test("what has passed of a wait counts", () => {
  const ours = pace();
  ours.took("a", 5_000);
  expect(ours.waitMs("a", 5_400)).toBe(600);
  expect(ours.waitMs("a", 7_000)).toBe(0);
});

test("keys do not wait for each other", () => {
  const ours = pace();
  ours.took("a", 0);
  expect(ours.waitMs("b", 0)).toBe(0);
});

test("who has been quiet for long begins anew, whoever was not", () => {
  const ours = pace();
  for (const key of ["a", "b"]) for (let i = 0; i < 5; i++) ours.took(key, i);
  ours.took("a", 500_000);
  ours.took("b", 700_000);
  ours.took("a", 700_000);
  expect([ours.waitMs("a", 700_000), ours.waitMs("b", 700_000)]).toEqual([60_000, 1_000]);
});
