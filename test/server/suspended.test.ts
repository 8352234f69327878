import { expect, test } from "vitest";
import { suspended } from "../../src/server/suspended.ts";

const UNTIL = Date.parse("2026-11-21T18:00:00Z");

test("a refusal becomes warnings that say the same, and until when", () => {
  const message =
    "NetworkPolicy shop/web breaks 1 rule of ruleset default:\n  no-open-egress: spec.egress[0]: x. Fix: y.";
  expect(suspended({ allowed: false, code: 403, message, auditAnnotations: { findings: "enforce x" } }, UNTIL)).toEqual(
    {
      allowed: true,
      warnings: [
        "drawbridge: not refused only because Drawbridge is suspended until 2026-11-21T18:00:00.000Z:",
        "drawbridge: NetworkPolicy shop/web breaks 1 rule of ruleset default:",
        "drawbridge: no-open-egress: spec.egress[0]: x. Fix: y.",
      ],
      auditAnnotations: { findings: "enforce x", suspended: "2026-11-21T18:00:00.000Z" },
    },
  );
});

test("the warnings are bounded, however long the refusal", () => {
  const message = Array.from({ length: 60 }, (_, i) => `line ${i} ${"x".repeat(500)}`).join("\n");
  const { warnings = [] } = suspended({ allowed: false, message }, UNTIL);
  expect(warnings.join("").length).toBeLessThanOrEqual(4096);
  expect(Math.max(...warnings.map(({ length }) => length))).toBeLessThanOrEqual(256);
  expect(warnings.at(-1)).toMatch(/and \d+ more/);
});
