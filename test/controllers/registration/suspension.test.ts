import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { suspensionOf, watchSuspension } from "../../../src/controllers/registration/suspension.ts";
import type { KubernetesObject } from "../../../src/model/objects.ts";
import { createLogger } from "../../../src/telemetry/log.ts";

const KEY = "drawbridge.dev/suspended-until";
const NOW = Date.parse("2026-11-21T12:00:00Z");

function annotated(value: string | undefined, writtenAt?: string): KubernetesObject {
  const fieldsV1 = { "f:metadata": { "f:annotations": { ".": {}, [`f:${KEY}`]: {} } } };
  return {
    metadata: {
      name: "drawbridge",
      annotations: value === undefined ? {} : { [KEY]: value },
      ...(writtenAt !== undefined && {
        managedFields: [
          { manager: "drawbridge", time: "2026-11-21T11:59:00Z", fieldsV1: { "f:webhooks": {} } },
          { manager: "kubectl-annotate", time: writtenAt, fieldsV1 },
        ],
      }),
    },
  };
}

describe("suspensionOf", () => {
  test.each([
    ["2026-11-21T18:00:00Z", "2026-11-21T18:00:00Z"],
    ["2026-11-21T19:30:00.5+01:30", "2026-11-21T18:00:00.500Z"],
    ["2026-11-22T12:00:00Z", "2026-11-22T12:00:00Z"],
    ["2026-11-21T08:00:00Z", "2026-11-21T08:00:00Z"],
  ])("%s is a time", (value, time) => {
    expect(suspensionOf(annotated(value), NOW)).toEqual({ until: Date.parse(time) });
  });

  test.each(["", "true", "2026-11-21", "18:00", "2026-02-30T00:00:00Z", "2026-11-21T18:00:00", "1795284000"])(
    "'%s' is none",
    (value) => {
      expect(suspensionOf(annotated(value), NOW)).toEqual({ problem: expect.stringContaining("not a time") });
    },
  );

  test("more than a day ahead does not count, nor by and by: it is measured from when it was written", () => {
    const problem = { problem: expect.stringContaining("24 hours") };
    expect(suspensionOf(annotated("2026-11-22T12:00:01Z"), NOW)).toEqual(problem);
    expect(suspensionOf(annotated("2026-11-21T18:00:00Z", "2026-11-20T17:00:00Z"), NOW)).toEqual(problem);
    expect(suspensionOf(annotated("2026-11-21T18:00:00Z", "2026-11-20T18:00:00Z"), NOW)).toHaveProperty("until");
    // A clock that is ahead, or a forged entry, grants no more than a day from now.
    expect(suspensionOf(annotated("2026-12-21T18:00:00Z", "2026-12-21T17:00:00Z"), NOW)).toEqual(problem);
  });

  test("without the annotation there is none", () => {
    expect(suspensionOf(annotated(undefined), NOW)).toBeUndefined();
  });
});

describe("a server that watches", () => {
  let lines: { level: number; msg: string; problem?: string }[] = [];
  beforeEach(() => {
    lines = [];
    vi.useFakeTimers({ now: NOW });
  });
  afterEach(() => vi.useRealTimers());
  const started = () =>
    watchSuspension(createLogger("info", { write: (line: string) => void lines.push(JSON.parse(line)) }), Date.now);

  test("is suspended until the time has come, and says so twice", () => {
    const { see, until } = started();
    see(annotated("2026-11-21T12:30:00Z"));
    see(annotated("2026-11-21T12:30:00Z"));
    expect(until()).toBe(Date.parse("2026-11-21T12:30:00Z"));
    vi.advanceTimersByTime(30 * 60_000 - 1);
    expect(until()).toBeDefined();
    vi.advanceTimersByTime(1);
    expect(until()).toBeUndefined();
    expect(lines.map(({ level, msg }) => [level, msg])).toEqual([
      [40, "suspended: until then nothing is refused"],
      [40, "the suspension has ended: what breaks rules is refused again"],
    ]);
  });

  test.each([
    ["the annotation is removed", annotated(undefined)],
    ["the configuration is deleted", undefined],
    ["the annotation is spoilt", annotated("never")],
    ["the time is set back", annotated("2026-11-21T11:00:00Z")],
  ])("it ends at once when %s", (_what, configuration) => {
    const { see, until } = started();
    see(annotated("2026-11-21T12:30:00Z"));
    see(configuration);
    expect(until()).toBeUndefined();
    expect(lines.map(({ msg }) => msg)).toContain("the suspension has ended: what breaks rules is refused again");
  });

  test("what does not count is said once", () => {
    const { see, until } = started();
    see(annotated("2027-11-21T12:30:00Z"));
    see(annotated("2027-11-21T12:30:00Z"));
    vi.advanceTimersByTime(60_000);
    expect(until()).toBeUndefined();
    expect(lines).toMatchObject([{ level: 50, problem: "it is more than 24 hours ahead" }]);
  });

  test("a longer one takes the place of a shorter one", () => {
    const { see, until } = started();
    see(annotated("2026-11-21T12:30:00Z"));
    see(annotated("2026-11-21T13:30:00Z"));
    vi.advanceTimersByTime(45 * 60_000);
    expect(until()).toBe(Date.parse("2026-11-21T13:30:00Z"));
  });
});
