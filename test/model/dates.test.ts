import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DAY_MS, dayAfter, endOf } from "../../src/model/dates.ts";

describe("the end of what is dated", () => {
  test.each([
    ["2027-01-31", "2027-02-01T00:00:00Z"],
    ["2028-02-29", "2028-03-01T00:00:00Z"],
    ["2026-12-31", "2027-01-01T00:00:00Z"],
    ["2027-01-31T18:00:00Z", "2027-01-31T18:00:00Z"],
    ["2027-01-31T00:00:00Z", "2027-01-31T00:00:00Z"],
    ["2027-01-31T23:59:59Z", "2027-01-31T23:59:59Z"],
  ])("%s ends at %s", (text, end) => {
    expect(endOf(text)).toBe(Date.parse(end));
  });
  test.each([
    "2027-02-29",
    "2027-02-31",
    "2027-04-31",
    "2027-13-01",
    "2027-00-10",
    "2027-01-00",
    "2027-01-31T24:00:00Z",
    "2027-01-31T23:59:60Z",
    "2027-02-31T12:00:00Z",
    "2027-01-31T18:00:00",
    "2027-01-31T18:00:00+01:00",
    "2027-01-31T18:00:00.5Z",
    "2027-1-31",
    " 2027-01-31",
    "2027-01-31\n",
    "tomorrow",
    "",
  ])("%j is no day and no time", (text) => {
    expect(endOf(text)).toBeUndefined();
  });
});

describe("the day so many days after a moment", () => {
  test.each([
    ["2026-11-01T09:00:00Z", 30, "2026-12-01"],
    ["2026-11-01T00:00:00Z", 1, "2026-11-02"],
    ["2026-11-01T23:59:59Z", 1, "2026-11-02"],
    ["2027-12-31T12:00:00Z", 0, "2027-12-31"],
    ["2027-02-27T12:00:00Z", 2, "2027-03-01"],
  ])("%s and %i days", (moment, days, day) => {
    expect(dayAfter(Date.parse(moment), days)).toEqual({ day, end: endOf(day) });
  });
  test("ends less than a day after exactly so many days, and never before", () => {
    const moment = fc.integer({ min: 0, max: Date.parse("9000-01-01") });
    fc.assert(
      fc.property(moment, fc.integer({ min: 0, max: 3650 }), (at, days) => {
        const rest = dayAfter(at, days).end - (at + days * DAY_MS);
        expect(rest).toBeGreaterThan(0);
        expect(rest).toBeLessThanOrEqual(DAY_MS);
      }),
    );
  });
});
