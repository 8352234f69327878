import { describe, expect, test } from "vitest";
import { LIVES, renewAt } from "../../src/certs/lives.ts";
import {
  bundleOf,
  type Generations,
  nextStep,
  type Situation,
  signerFor,
  whyUntrusted,
} from "../../src/certs/rotation.ts";
import { DAY_MS, HOUR_MS, leafBy, observed, signer, UNREGISTERED } from "./build.ts";

const MINUTE_MS = 60 * 1000;
const NOW = Date.UTC(2026, 10, 21);
const A = signer("A", NOW, LIVES);
const B = signer("B", NOW, LIVES);
const C = signer("C", NOW, LIVES);
const fresh = signer("fresh", NOW, LIVES);
const { key: _, ...A_CERT } = A;
const only: Generations = { ca: A, previous: [], since: NOW };
const both: Generations = { ...only, next: B };

test("two thirds of a life are counted from when it was made", () => {
  expect(renewAt(A, LIVES)).toBe(NOW + (LIVES.caMs * 2) / 3);
  expect(renewAt({ notBefore: NOW, notAfter: NOW + MINUTE_MS }, LIVES)).toBe(NOW + MINUTE_MS);
});

describe("what the leader does next", () => {
  interface Case extends Partial<Situation> {
    readonly at?: number;
    readonly does: string | undefined;
    readonly becomes?: Partial<Generations>;
  }
  test.each<[string, Case]>([
    ["at first: a CA", { does: "issue", becomes: { ca: fresh, previous: [], since: NOW } }],
    [
      "without a Secret, where the webhooks trust another: that stays in the bundle",
      { observed: observed([A_CERT, HOUR_MS]), does: "issue", becomes: { ca: fresh, previous: [A_CERT] } },
    ],
    ["nothing, in the first two thirds", { stored: only, at: 243 * DAY_MS, does: undefined }],
    ["then another CA beside it", { stored: only, at: 244 * DAY_MS, does: "prepare", becomes: { ca: A, next: fresh } }],
    ["that waits until it is published", { stored: both, observed: observed([A, DAY_MS]), does: undefined }],
    [
      "and until that has settled",
      { stored: both, observed: observed([A, DAY_MS], [B, 5 * MINUTE_MS - 1]), does: undefined },
    ],
    [
      "then it signs, and the old key is forgotten",
      {
        stored: both,
        observed: observed([A, DAY_MS], [B, 5 * MINUTE_MS]),
        does: "switch",
        becomes: { ca: B, previous: [A_CERT], since: NOW },
      },
    ],
    ["where nobody verifies it signs at once", { stored: both, does: "switch" }],
    [
      "what the old one signed lives a week, and servers hear of it within the settling",
      { stored: { ...only, previous: [C] }, at: 7 * DAY_MS + 4 * MINUTE_MS, does: undefined },
    ],
    [
      "then it leaves",
      {
        stored: { ...only, previous: [C] },
        at: 7 * DAY_MS + 5 * MINUTE_MS,
        does: "drop",
        becomes: { ca: A, previous: [] },
      },
    ],
    [
      "a deleted Secret asks for another CA, in good order",
      { remembered: only, does: "prepare", becomes: { ca: A, next: fresh } },
    ],
    ["which may be there already", { remembered: both, does: "restore", becomes: both }],
    [
      "a Secret of another CA: those in use stay in the bundle",
      {
        stored: { ...only, ca: C },
        observed: observed([A_CERT, DAY_MS]),
        does: "adopt",
        becomes: { ca: C, previous: [A_CERT], since: NOW },
      },
    ],
    [
      "who takes an old one out in an emergency is not overruled",
      { stored: only, observed: observed([A_CERT, DAY_MS], [C, DAY_MS]), does: undefined },
    ],
    [
      "a CA that has ended is replaced at once",
      { stored: only, at: 366 * DAY_MS, does: "issue", becomes: { previous: [] } },
    ],
    [
      "by the next one, where there is one",
      { stored: { ...only, next: signer("B", NOW + 300 * DAY_MS, LIVES) }, at: 366 * DAY_MS, does: "switch" },
    ],
    [
      "a next one that has ended is replaced",
      { stored: { ...only, ca: signer("Z", NOW + 360 * DAY_MS, LIVES), next: A }, at: 366 * DAY_MS, does: "prepare" },
    ],
    [
      "one that has not begun, by our clock, too, but stays trusted",
      { stored: only, at: -2 * HOUR_MS, does: "issue", becomes: { ca: fresh, previous: [A_CERT] } },
    ],
  ])("%s", (_name, { at = 0, does, becomes = {}, ...situation }) => {
    const step = nextStep(
      { stored: undefined, remembered: situation.stored, observed: UNREGISTERED, ...situation },
      NOW + at,
      LIVES,
    );
    expect(step?.what).toBe(does);
    if (step !== undefined) expect(step.make(fresh)).toMatchObject(becomes);
  });

  test("no private key outlives its CA's turn", () => {
    const step = nextStep({ stored: both, remembered: both, observed: UNREGISTERED }, NOW, LIVES);
    expect(JSON.stringify(step?.make(fresh))).not.toContain("key A");
  });
});

test("the bundle holds all three", () => {
  expect(bundleOf({ ...both, previous: [C] })).toBe("certificate A\ncertificate B\ncertificate C\n");
});

describe("who signs a server's certificate", () => {
  const byA = leafBy(A, NOW, LIVES);
  const rotated: Generations = { ca: B, previous: [A], since: NOW };
  test.each([
    ["a server that starts has none", only, undefined, observed([A, 0]), 0, A],
    ["one of two thirds of its life stays", only, byA, observed([A, 0]), 4.6 * DAY_MS, undefined],
    ["then it is renewed", only, byA, observed([A, 0]), 4.7 * DAY_MS, A],
    ["who waits to sign does not sign", both, byA, observed([A, 0], [B, 0]), 4.7 * DAY_MS, A],
    ["after a switch all sign anew", rotated, byA, observed([A, DAY_MS], [B, DAY_MS]), 0, B],
    ["a CA that the webhooks don't carry waits", rotated, byA, observed([A, DAY_MS]), 0, undefined],
    ["as long as the certificate lives", rotated, byA, observed([A, DAY_MS]), 7 * DAY_MS, B],
    ["or while they carry it only since now", rotated, byA, observed([A, DAY_MS], [B, 1]), 0, undefined],
    ["but not for one that they don't carry either", rotated, byA, observed([C, DAY_MS]), 0, B],
    ["nor where nobody verifies", rotated, byA, UNREGISTERED, 0, B],
    ["a CA that has ended signs nothing", only, byA, observed([A, DAY_MS]), 365 * DAY_MS, undefined],
    ["made by a clock that was ahead, it is made again", only, leafBy(A, NOW + DAY_MS, LIVES), observed([A, 0]), 0, A],
  ] as const)("%s", (_name, generations, leaf, seen, at, signs) => {
    expect(signerFor(generations, leaf, seen, NOW + at, LIVES)?.id).toBe(signs?.id);
  });
});

describe("whether a server may be asked", () => {
  const leaf = leafBy(A, NOW, LIVES);
  test.each([
    ["no certificate", undefined, observed([A, 0]), 0, /^there is none yet/],
    ["its CA is carried", leaf, observed([A, 0], [B, 0]), 0, undefined],
    ["its CA is not", leaf, observed([B, 0]), 0, /^the webhook configurations do not carry the CA/],
    ["nobody was told of it yet", leaf, UNREGISTERED, 0, undefined],
    ["it has ended", leaf, observed([A, 0]), 7 * DAY_MS, /^it ended at 2026-11-28T00:00:00\.000Z$/],
  ] as const)("%s", (_name, certificate, seen, at, why) => {
    const answer = whyUntrusted(certificate, seen, NOW + at);
    if (why === undefined) expect(answer).toBeUndefined();
    else expect(answer).toMatch(why);
  });
});
