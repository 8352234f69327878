import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Mode } from "../../src/config/mode.ts";
import { ALLOWED, boundLines, boundWarnings, decide } from "../../src/engine/decide.ts";
import type { Finding } from "../../src/engine/evaluate.ts";

const WEB = { kind: "NetworkPolicy", namespace: "shop", name: "web" };

function finding(mode: Mode, tweak: Partial<Finding> = {}): Finding {
  return {
    rule: "no-open-egress",
    severity: "critical",
    mode,
    message: "it is open",
    path: "/spec/egress/0",
    fix: "close it",
    ...tweak,
  };
}

test("no findings: allowed, and not a word", () => {
  expect(decide(WEB, "default", [])).toEqual({ allowed: true, warnings: [], auditAnnotations: {} });
  expect(decide(WEB, "default", [])).toBe(ALLOWED);
});

describe("refused", () => {
  test("one line a finding: rule, path, what, fix", () => {
    expect(decide(WEB, "default", [finding("enforce")]).message).toBe(
      [
        "NetworkPolicy shop/web breaks 1 rule of ruleset default:",
        "  no-open-egress: spec.egress[0]: it is open. Fix: close it.",
      ].join("\n"),
    );
  });
  test("rules are counted once; what only warns is left out, and no warning goes with it", () => {
    const decision = decide(WEB, "restricted", [
      finding("enforce"),
      finding("warn", { rule: "no-broad-cidr" }),
      finding("enforce", { path: "/spec/egress/1" }),
      finding("enforce", { rule: "no-dead-clause", path: "/spec/egress" }),
      finding("audit", { rule: "no-unstable-label" }),
    ]);
    expect(decision.allowed).toBe(false);
    expect(decision.warnings).toEqual([]);
    expect(decision.message?.split("\n")).toEqual([
      "NetworkPolicy shop/web breaks 2 rules of ruleset restricted:",
      "  no-open-egress: spec.egress[0]: it is open. Fix: close it.",
      "  no-open-egress: spec.egress[1]: it is open. Fix: close it.",
      "  no-dead-clause: spec.egress: it is open. Fix: close it.",
    ]);
    expect(decision.auditAnnotations["findings"]).toBe(
      "enforce no-open-egress spec.egress[0]; warn no-broad-cidr spec.egress[0]; enforce no-open-egress spec.egress[1]; " +
        "enforce no-dead-clause spec.egress; audit no-unstable-label spec.egress[0]",
    );
  });
  test("an object without a namespace", () => {
    const { message } = decide({ kind: "NetworkPolicy", name: "web" }, "default", [finding("enforce")]);
    expect(message).toMatch(/^NetworkPolicy web breaks/);
  });
  test.each([
    [40, 41, /egress\[39\]/],
    [41, 42, /^ {2}and 1 more$/],
    [5000, 42, /^ {2}and 4960 more$/],
  ])("%i findings are %i lines", (count, lines, last) => {
    const findings = Array.from({ length: count }, (_, i) => finding("enforce", { path: `/spec/egress/${i}` }));
    const message = decide(WEB, "default", findings).message?.split("\n") ?? [];
    expect(message).toHaveLength(lines);
    expect(message.at(-1)).toMatch(last);
  });
});

describe("allowed", () => {
  test("what warns is shown, what is only recorded is not", () => {
    expect(decide(WEB, "default", [finding("audit"), finding("warn", { rule: "no-broad-cidr" })])).toEqual({
      allowed: true,
      warnings: ["drawbridge: no-broad-cidr: spec.egress[0]: it is open. Fix: close it."],
      auditAnnotations: { findings: "audit no-open-egress spec.egress[0]; warn no-broad-cidr spec.egress[0]" },
    });
  });
  test("what is only recorded", () => {
    const decision = decide(WEB, "default", [finding("audit")]);
    expect(decision).toEqual({
      allowed: true,
      warnings: [],
      auditAnnotations: { findings: expect.any(String) as unknown },
    });
  });
});

test.each(["enforce", "warn", "audit"] as const)("the audit annotation is bounded: %s", (mode) => {
  const findings = Array.from({ length: 5000 }, (_, i) => finding(mode, { path: `/spec/egress/${i}` }));
  const text = decide(WEB, "default", findings).auditAnnotations["findings"] ?? "";
  expect(text).toHaveLength(2048);
  expect(text).toMatch(new RegExp(`^${mode} no-open-egress spec.egress\\[0\\]; .*\\.\\.\\.$`));
});

describe("boundLines", () => {
  test("a heading and forty lines are kept, the others are counted", () => {
    const lines = Array.from({ length: 41 }, (_, i) => `  ${i}`);
    expect(boundLines(lines)).toBe(lines.join("\n"));
    expect(boundLines([...lines, "x", "y"])).toBe([...lines, "  and 2 more"].join("\n"));
  });
  test("each is one line of at most 1,024 characters", () => {
    expect(boundLines(["a\nb\u001b[1m", "x".repeat(2_000)])).toBe(`a?b?[1m\n${"x".repeat(1_021)}...`);
  });
});

describe("boundWarnings", () => {
  test("each is one line that steers no terminal", () => {
    expect(boundWarnings(["a\nb\u2028c\u202e"])).toEqual(["a?b?c?"]);
  });

  test("few and short stay as they are", () => {
    expect(boundWarnings([])).toEqual([]);
    expect(boundWarnings(["a", "b"])).toEqual(["a", "b"]);
  });
  test("256 characters are kept, a 257th is not", () => {
    expect(boundWarnings(["x".repeat(256)])).toEqual(["x".repeat(256)]);
    expect(boundWarnings(["x".repeat(257)])).toEqual([`${"x".repeat(253)}...`]);
  });
  test("4,096 characters are kept, one more is counted", () => {
    const full = Array.from({ length: 16 }, () => "x".repeat(256));
    expect(boundWarnings(full)).toEqual(full);
    expect(boundWarnings([...full, "y"])).toEqual([...full.slice(0, 15), "drawbridge: and 2 more"]);
  });
  test("never more than the API server takes, and none is lost without a word", () => {
    const texts = fc.array(fc.string({ maxLength: 400, size: "max" }), { maxLength: 120, size: "max" });
    fc.assert(
      fc.property(texts, (warnings) => {
        const bounded = boundWarnings(warnings);
        expect(bounded.join("").length).toBeLessThanOrEqual(4096);
        for (const text of bounded) expect(text.length).toBeLessThanOrEqual(256);
        if (bounded.length === warnings.length) return;
        const more = /^drawbridge: and (\d+) more$/.exec(bounded.at(-1) ?? "");
        expect(bounded.length - 1 + Number(more?.[1])).toBe(warnings.length);
        expect(bounded.slice(0, -1).every((text, i) => warnings[i]?.startsWith(text.slice(0, 253)))).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
  test("is not stingy: what would fit is there", () => {
    const many = Array.from({ length: 100 }, (_, i) => `warning ${String(i).padStart(3, "0")} ${"x".repeat(88)}`);
    expect(boundWarnings(many)).toHaveLength(41);
  });
});
