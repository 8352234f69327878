import type { LintFinding, LintSummary } from "../../src/linter/finding.ts";

/** A finding of shop/web.yaml, plus what the test is about. */
export function lintFinding(more: Partial<LintFinding> = {}): LintFinding {
  return {
    rule: "no-broad-cidr",
    severity: "critical",
    mode: "enforce",
    message: "egress to every IPv4 address",
    path: "/spec/egress/0/to/0/ipBlock/cidr",
    fix: "list only the networks that are needed",
    place: { file: "shop/web.yaml", line: 12, column: 19, length: 9 },
    excerpt: { text: "            cidr: 0.0.0.0/0", column: 19, length: 9 },
    object: { kind: "NetworkPolicy", namespace: "shop", name: "web" },
    ruleset: "default",
    ...more,
  };
}

/** Of one file in which nothing was found, plus what the test is about. */
export function lintSummary(more: Partial<LintSummary> = {}): LintSummary {
  const findings = { enforce: 0, warn: 0, audit: 0 };
  return { files: 1, judged: 1, exempt: 0, others: 0, notObjects: 0, ...findings, notRead: [], governing: [], ...more };
}

/** What a terminal obeys: it clears the screen, turns text around, breaks lines, and hides in no font. */
export const HOSTILE = "a\u001b[2J\u009b31m\u202e\u2028\u2029\r\n\u{e0001}b";
