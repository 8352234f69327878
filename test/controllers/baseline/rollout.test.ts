import { afterEach, describe, expect, test, vi } from "vitest";
import { ROLLOUT_DEFAULTS, type RolloutSettings } from "../../../src/config/baseline.ts";
import { Rollout } from "../../../src/controllers/baseline/rollout.ts";

const NAMES = Array.from({ length: 10 }, (_, i) => `n${i}`);

afterEach(() => vi.useRealTimers());

function start(changes: Partial<RolloutSettings> = {}) {
  let settings: RolloutSettings = { ...ROLLOUT_DEFAULTS, ...changes };
  let isThere = true;
  const begun: string[] = [];
  const told: string[] = [];
  const ended: string[] = [];
  const rollout = new Rollout({
    settings: (name) => (isThere && name !== "gone" ? settings : undefined),
    begin: (namespace) => begun.push(namespace),
    onEnd: (namespace) => ended.push(namespace),
    onHalt: (baseline, { waiting, failed }) => told.push(`${baseline} halted: ${waiting}, ${failed.length}`),
    onResume: (baseline) => told.push(`${baseline} goes on`),
  });
  const addAll = (names: readonly string[] = NAMES, baseline = "web") =>
    names.forEach((name) => rollout.add(name, baseline));
  const set = (others: Partial<RolloutSettings>): void => {
    settings = { ...settings, ...others };
    rollout.reconsider();
  };
  const replace = (): void => {
    isThere = false;
    rollout.reconsider();
    isThere = true;
    rollout.reconsider();
  };
  return { rollout, begun, ended, told, addAll, set, replace };
}

describe("Rollout", () => {
  test("so many at a time; when one has ended the next begins, and each has one turn", () => {
    const { rollout, begun, ended, addAll } = start({ atOnce: 2 });
    addAll();
    addAll();
    expect(begun).toEqual(["n0", "n1"]);
    for (let i = 0; i < NAMES.length; i++) {
      expect(begun.length - ended.length).toBeLessThanOrEqual(2);
      rollout.succeeded(`n${i}`);
    }
    expect(begun).toEqual(NAMES);
    expect(ended).toEqual(NAMES);
    rollout.succeeded("n0");
    expect(ended).toEqual(NAMES);
  });

  test("whether it is its turn: while it is changed, and while that is tried again", () => {
    const { rollout, addAll } = start({ atOnce: 1 });
    addAll(["a", "b"]);
    expect(["a", "b"].map((name) => rollout.isTurnOf(name))).toEqual([true, false]);
    rollout.failed("a");
    expect(["a", "b"].map((name) => rollout.isTurnOf(name))).toEqual([true, true]);
    rollout.succeeded("a");
    expect(rollout.isTurnOf("a")).toBe(false);
  });

  test("halts when so many have failed, and goes on when one of them has succeeded", () => {
    const { rollout, begun, told, addAll } = start({ atOnce: 2, maxFailures: 2 });
    addAll();
    rollout.failed("n0");
    expect(begun).toEqual(["n0", "n1", "n2"]);
    rollout.failed("n1");
    rollout.succeeded("n2");
    expect(begun).toEqual(["n0", "n1", "n2"]);
    expect(rollout.standstillOf("web")).toEqual({ reason: "Halted", waiting: 7, failed: ["n0", "n1"] });
    rollout.failed("n1");
    rollout.succeeded("n0");
    expect(begun).toEqual(["n0", "n1", "n2", "n3", "n4"]);
    expect(rollout.standstillOf("web")).toBeUndefined();
    expect(told).toEqual(["web halted: 7, 2", "web goes on"]);
  });

  test("goes on when what has failed is gone, or nothing is to be done there any more", () => {
    const { rollout, begun, addAll } = start({ atOnce: 1, maxFailures: 1 });
    addAll(["a", "b", "c"]);
    rollout.failed("a");
    expect(begun).toEqual(["a"]);
    rollout.remove("a");
    expect(begun).toEqual(["a", "b"]);
  });

  test("paused, it begins nothing; what has begun goes on; and then the others follow", () => {
    const { rollout, begun, addAll, set } = start({ atOnce: 1 });
    addAll(["a", "b"]);
    set({ paused: true });
    rollout.succeeded("a");
    expect(begun).toEqual(["a"]);
    expect(rollout.standstillOf("web")).toEqual({ reason: "Paused", waiting: 1, failed: [] });
    set({ paused: false });
    expect(begun).toEqual(["a", "b"]);
  });

  test("a namespace rests before the next has its turn, and is then looked at again", () => {
    vi.useFakeTimers();
    const { rollout, begun, ended, addAll } = start({ atOnce: 1, pauseSeconds: 60 });
    addAll(["a", "b"]);
    rollout.succeeded("a");
    rollout.remove("a");
    vi.advanceTimersByTime(59_000);
    expect([begun, ended]).toEqual([["a"], []]);
    vi.advanceTimersByTime(1_000);
    expect([begun, ended]).toEqual([["a", "b"], ["a"]]);
  });

  test("one that rests and goes over to another baseline waits there when its rest has ended", () => {
    vi.useFakeTimers();
    const { rollout, begun, addAll } = start({ atOnce: 1, pauseSeconds: 60 });
    addAll(["a"]);
    addAll(["b"], "db");
    rollout.succeeded("a");
    vi.advanceTimersByTime(30_000);
    addAll(["a"], "db");
    vi.advanceTimersByTime(30_000);
    rollout.succeeded("b");
    vi.advanceTimersByTime(60_000);
    expect(begun).toEqual(["a", "b", "a"]);
    expect(rollout.isTurnOf("a")).toBe(true);
  });

  test("another pause holds for those that rest already", () => {
    vi.useFakeTimers();
    const { rollout, begun, addAll, set } = start({ atOnce: 1, pauseSeconds: 86_400 });
    addAll(["a", "b", "c"]);
    rollout.succeeded("a");
    vi.advanceTimersByTime(20_000);
    set({ pauseSeconds: 30 });
    vi.advanceTimersByTime(9_000);
    expect(begun).toEqual(["a"]);
    vi.advanceTimersByTime(1_000);
    expect(begun).toEqual(["a", "b"]);
    rollout.succeeded("b");
    set({ pauseSeconds: 0 });
    expect(begun).toEqual(["a", "b", "c"]);
  });

  test("what rests goes on resting while its baseline is deleted and created again", () => {
    vi.useFakeTimers();
    const { rollout, begun, addAll, replace } = start({ atOnce: 1, pauseSeconds: 60 });
    addAll(["a", "b"]);
    rollout.succeeded("a");
    replace();
    expect(begun).toEqual(["a"]);
    vi.advanceTimersByTime(60_000);
    expect(begun).toEqual(["a", "b"]);
  });

  test("one that goes to another baseline and back while it rests has its turn there after it", () => {
    vi.useFakeTimers();
    const { rollout, begun, ended, addAll } = start({ atOnce: 1, pauseSeconds: 60 });
    addAll(["a", "b"]);
    rollout.succeeded("a");
    rollout.add("a", "db");
    rollout.add("a", "web");
    expect([begun, rollout.isTurnOf("a")]).toEqual([["a", "a"], false]);
    rollout.remove("a");
    vi.advanceTimersByTime(60_000);
    expect([begun, ended]).toEqual([["a", "a", "b"], ["a"]]);
    rollout.add("a", "web");
    expect(rollout.standstillOf("web")).toBeUndefined();
    rollout.succeeded("b");
    vi.advanceTimersByTime(60_000);
    expect(begun).toEqual(["a", "a", "b", "a"]);
  });

  test("each baseline has its own; a namespace that goes over to another waits there", () => {
    const { rollout, begun, addAll } = start({ atOnce: 1 });
    addAll(["a", "b", "c"]);
    addAll(["d", "e"], "db");
    expect(begun).toEqual(["a", "d"]);
    rollout.add("b", "db");
    rollout.succeeded("a");
    expect(begun).toEqual(["a", "d", "c"]);
    rollout.succeeded("d");
    rollout.succeeded("e");
    expect(begun).toEqual(["a", "d", "c", "e", "b"]);
  });

  test("of a baseline that is gone nothing begins", () => {
    const { rollout, begun, addAll } = start();
    addAll(["a"], "gone");
    expect(begun).toEqual([]);
    expect(rollout.standstillOf("gone")).toBeUndefined();
  });

  test("cleared, it knows nothing and no timer is left", () => {
    vi.useFakeTimers();
    const { rollout, addAll } = start({ atOnce: 1, pauseSeconds: 60 });
    addAll(["a", "b"]);
    rollout.succeeded("a");
    rollout.clear();
    expect(vi.getTimerCount()).toBe(0);
    expect(rollout.standstillOf("web")).toBeUndefined();
  });
});
