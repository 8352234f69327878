import { beforeEach, expect, test } from "vitest";
import { ApiError } from "../../../src/cluster/api-error.ts";
import { Tries } from "../../../src/controllers/baseline/tries.ts";

let news = 0;
let tries: Tries;
beforeEach(() => {
  news = 0;
  tries = new Tries(() => {
    news += 1;
  });
});
const away = new ApiError({ status: 0, reason: "Timeout", message: "no\nanswer" });

test("the beginning is over when everything that there was has been tried, whatever became of it", () => {
  tries.begin(["a", "b"]);
  expect(tries.isBeginning).toBe(true);
  tries.succeeded("a");
  tries.failed("other", away);
  expect(tries.isBeginning).toBe(true);
  tries.failed("b", away);
  expect(tries.isBeginning).toBe(false);
  tries.begin([]);
  expect(tries.isBeginning).toBe(false);
});

test("a failure is known until the next success, and bounded", () => {
  tries.failed("a", away);
  expect(tries.failureOf("a")).toBe("no?answer");
  tries.failed("a", new Error("x".repeat(100_000)));
  expect(tries.failureOf("a")).toHaveLength(256);
  tries.succeeded("a");
  expect(tries.failureOf("a")).toBeUndefined();
});

test("only what is new is told of", () => {
  tries.failed("a", away);
  tries.failed("a", away);
  expect(news).toBe(1);
  tries.failed("a", new Error("another"));
  tries.succeeded("a");
  expect(news).toBe(3);
  tries.succeeded("a");
  expect(news).toBe(3);
});

test("cleared, it knows of nothing", () => {
  tries.begin(["a"]);
  tries.failed("b", away);
  tries.clear();
  expect([tries.isBeginning, tries.failureOf("b")]).toEqual([false, undefined]);
});
