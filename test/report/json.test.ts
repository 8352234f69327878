import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { LintFinding, LintSummary } from "../../src/linter/finding.ts";
import { JSON_START, jsonEnd, jsonOf } from "../../src/report/json.ts";
import { HOSTILE, lintFinding, lintSummary } from "./findings.ts";

const documentOf = (findings: readonly LintFinding[], summary: LintSummary = lintSummary()) =>
  JSON_START + findings.map((finding, i) => jsonOf(finding, i === 0)).join("") + jsonEnd(summary);

test("one document, whatever the number of findings", () => {
  for (const many of [0, 1, 2, 3]) {
    const text = documentOf(Array.from({ length: many }, () => lintFinding()));
    const { version, findings, summary } = JSON.parse(text) as Record<string, unknown>;
    expect({ version, summary }).toEqual({ version: 1, summary: lintSummary() });
    expect(findings).toHaveLength(many);
  }
});

test("every field of a finding", () => {
  const lapsed = "NetworkException old has expired";
  const [entry] = (JSON.parse(documentOf([lintFinding({ exception: "NetworkException legacy", lapsed })])) as Findings)
    .findings;
  expect(entry).toEqual({
    rule: "no-broad-cidr",
    severity: "critical",
    mode: "enforce",
    message: "egress to every IPv4 address",
    fix: "list only the networks that are needed",
    file: "shop/web.yaml",
    line: 12,
    column: 19,
    length: 9,
    path: "/spec/egress/0/to/0/ipBlock/cidr",
    field: "spec.egress[0].to[0].ipBlock.cidr",
    source: "            cidr: 0.0.0.0/0",
    object: { kind: "NetworkPolicy", namespace: "shop", name: "web" },
    ruleset: "default",
    exception: "NetworkException legacy",
    lapsed,
  });
});

interface Findings {
  readonly findings: readonly Readonly<Record<string, unknown>>[];
}

test("what there is nothing to say about is left out", () => {
  const { object: _, ruleset: __, ...finding } = lintFinding({ path: "" });
  const [entry] = (JSON.parse(documentOf([finding])) as Findings).findings;
  expect(entry).toMatchObject({ path: "", field: "" });
  for (const field of ["object", "ruleset", "exception", "lapsed"]) expect(entry).not.toHaveProperty(field);
});

test("docs/lint.md names every field, and none that is not there", () => {
  const page = readFileSync(join(import.meta.dirname, "../../docs/lint.md"), "utf8");
  const example = /```json\n(.*?)```/s.exec(page)?.[1] ?? "";
  const documented = JSON.parse(example) as Findings & { readonly summary: object };
  const written = JSON.parse(documentOf([lintFinding()])) as Findings & { readonly summary: object };
  expect(Object.keys(documented)).toEqual(Object.keys(written));
  expect(Object.keys(documented.findings[0] ?? {})).toEqual(Object.keys(written.findings[0] ?? {}));
  expect(Object.keys(documented.summary)).toEqual(Object.keys(written.summary));
  // Which most findings have not.
  for (const field of ["exception", "lapsed"]) expect(page).toContain(`| \`${field}\` |`);
});

test("values are whole, and no terminal obeys them", () => {
  const place = { ...lintFinding().place, file: HOSTILE };
  const object = { kind: HOSTILE, namespace: HOSTILE, name: "\ud800💥" };
  const governing = [{ file: HOSTILE, line: 1, object, labels: { [HOSTILE]: "x" }, counts: true }];
  const text = documentOf([lintFinding({ place, object })], lintSummary({ notRead: [HOSTILE], governing }));
  expect(text.replaceAll("\n", "")).not.toMatch(/[\p{C}\p{Zl}\p{Zp}]/u);
  const { findings, summary } = JSON.parse(text) as Findings & { readonly summary: unknown };
  expect(findings[0]).toMatchObject({ file: HOSTILE, object });
  expect(summary).toEqual(lintSummary({ notRead: [HOSTILE], governing }));
});

test("one finding on each line, so that grep finds them", () => {
  const lines = documentOf([lintFinding(), lintFinding({ message: HOSTILE })]).split("\n");
  expect(lines.map((line) => line.slice(0, 9))).toEqual(['{"version', '{"rule":"', '{"rule":"', '],"summar', ""]);
});
