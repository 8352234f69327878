import { describe, expect, test } from "vitest";
import {
  givenBack,
  heldBy,
  isFree,
  type Lease,
  type LeaseSpec,
  microTime,
  see,
} from "../../src/cluster/lease-record.ts";

const record = (spec: LeaseSpec, version = "7"): Lease => ({ metadata: { resourceVersion: version }, spec });
const HELD = record({ holderIdentity: "other", leaseDurationSeconds: 15, leaseTransitions: 3 });

describe("since when a record is as it is", () => {
  test.each<[string, Lease | undefined, ReturnType<typeof see> | undefined, number]>([
    ["seen for the first time: since now", HELD, undefined, 100],
    ["the same version: since it was first seen", HELD, { version: "7", at: 40 }, 40],
    ["another version: since now", HELD, { version: "6", at: 40 }, 100],
    ["gone: since now", undefined, { version: "7", at: 40 }, 100],
    ["still gone", undefined, { version: undefined, at: 40 }, 40],
    ["back again: since now", HELD, { version: undefined, at: 40 }, 100],
    ["never there: for ever", undefined, undefined, Number.NEGATIVE_INFINITY],
  ])("%s", (_name, lease, before, at) => {
    expect(see(lease, before, 100)).toEqual({ version: lease?.metadata?.resourceVersion, at });
  });
});

describe("who may take a record", () => {
  const LATER = 14_999;
  const OVER = 15_000;
  test.each<[string, Lease | undefined, number, boolean]>([
    ["another's, renewed lately", HELD, LATER, false],
    ["another's, that was not renewed in time", HELD, OVER, true],
    ["one that was given back", record({ holderIdentity: "" }), 0, true],
    ["one that never had a holder", record({}), 0, true],
    ["our own", record({ holderIdentity: "we" }), 0, true],
    ["one that vanished lately: its holder may not know", undefined, LATER, false],
    ["one that vanished long ago", undefined, OVER, true],
    ["another's who asked for longer", record({ holderIdentity: "other", leaseDurationSeconds: 60 }), 59_999, false],
    ["the same, over", record({ holderIdentity: "other", leaseDurationSeconds: 60 }), 60_000, true],
    ["another's who asked for less", record({ holderIdentity: "other", leaseDurationSeconds: 1 }), LATER, false],
    [
      "another's whose clock says that it ended years ago",
      record({ holderIdentity: "other", leaseDurationSeconds: 15, renewTime: "2001-01-01T00:00:00.000000Z" }),
      LATER,
      false,
    ],
    [
      "another's whose clock says that it was renewed in the future",
      record({ holderIdentity: "other", leaseDurationSeconds: 15, renewTime: "2101-01-01T00:00:00.000000Z" }),
      OVER,
      true,
    ],
  ])("%s", (_name, lease, now, free) => {
    expect(isFree(lease, { version: "7", at: 0 }, { identity: "we", leaseMs: 15_000, now })).toBe(free);
  });
});

describe("what is written", () => {
  const now = new Date("2026-11-21T16:10:33.120Z");
  const NOW = "2026-11-21T16:10:33.120000Z";
  const EARLIER = "2026-11-21T16:00:00.000000Z";
  const OTHERS = { strategy: "OldestEmulationVersion" };
  const fresh = { holderIdentity: "we", leaseDurationSeconds: 15, acquireTime: NOW, renewTime: NOW };

  test.each<[string, LeaseSpec | undefined, LeaseSpec]>([
    ["the first leader is no change of leaders", undefined, { ...fresh, leaseTransitions: 0 }],
    ["a takeover is", HELD.spec, { ...fresh, leaseTransitions: 4 }],
    [
      "a renewal keeps when it was acquired, and what others have put there",
      { ...OTHERS, holderIdentity: "we", acquireTime: EARLIER, leaseTransitions: 4 },
      { ...OTHERS, ...fresh, acquireTime: EARLIER, leaseTransitions: 4 },
    ],
  ])("%s", (_name, before, after) => {
    expect(heldBy("we", before, 15_000, now)).toEqual(after);
  });

  test("part of a second is rounded up to a whole one, which is what a Lease holds", () => {
    expect(heldBy("we", undefined, 1_200, now).leaseDurationSeconds).toBe(2);
  });

  test("given back it is nobody's, and how often it changed hands is kept", () => {
    expect(givenBack({ ...fresh, leaseTransitions: 4 }, now)).toMatchObject({
      holderIdentity: "",
      leaseTransitions: 4,
    });
  });

  test("times have the six digits that the API server asks for", () => {
    expect(microTime(new Date(0))).toBe("1970-01-01T00:00:00.000000Z");
  });
});
