import { describe, expect, test } from "vitest";
import { type Governing } from "../../src/linter/finding.ts";
import { PLAIN, summaryText, textOf } from "../../src/report/text.ts";
import { HOSTILE, lintFinding, lintSummary } from "./findings.ts";

const linesOf = (...args: Parameters<typeof lintFinding>) => textOf(lintFinding(...args), PLAIN).split("\n");

describe("a finding", () => {
  test("as compilers show theirs, with an empty line after it", () => {
    expect(textOf(lintFinding(), PLAIN)).toBe(`shop/web.yaml:12:19: error: no-broad-cidr: egress to every IPv4 address
   12 |             cidr: 0.0.0.0/0
      |                   ^^^^^^^^^
        NetworkPolicy shop/web, ruleset default
        Fix: list only the networks that are needed.

`);
  });

  test.each([
    ["enforce", "error"],
    ["warn", "warning"],
    ["audit", "note"],
    ["disabled", "note"],
  ] as const)("of mode %s is a %s", (mode, level) => {
    expect(linesOf({ mode })[0]).toMatch(`19: ${level}: no-broad-cidr`);
  });

  test.each([
    ["of no namespace", { object: { kind: "Namespace", name: "shop" } }, "Namespace shop, ruleset default"],
    ["without a name", { object: { kind: "Pod", namespace: "shop", name: "" } }, "Pod shop/(no name), ruleset default"],
    ["that rulesets say nothing about", { object: { kind: "NetworkRuleset", name: "a" } }, "NetworkRuleset a"],
  ])("on an object %s", (_what, { object }, title) => {
    const { ruleset: _, ...rest } = lintFinding({ object });
    const text = textOf(title.includes("ruleset") ? lintFinding({ object }) : rest, PLAIN);
    expect(text.split("\n")[3]).toBe(`        ${title}`);
  });

  test("on what is no object at all says what to do only", () => {
    const { object: _, ruleset: __, ...finding } = lintFinding();
    expect(textOf(finding, PLAIN).split("\n").slice(3)).toEqual([
      "        Fix: list only the networks that are needed.",
      "",
      "",
    ]);
  });

  test("that is excepted says by what, and needs no fix", () => {
    expect(
      linesOf({ mode: "audit", exception: "NetworkException legacy of team-db until 2026-12-01" }).slice(4),
    ).toEqual(["        Excepted by NetworkException legacy of team-db until 2026-12-01.", "", ""]);
  });

  test("whose exception does not count says why, and what to do", () => {
    expect(linesOf({ lapsed: "NetworkException legacy has expired: it was until 2026-11-01" }).slice(4)).toEqual([
      "        NetworkException legacy has expired: it was until 2026-11-01.",
      "        Fix: list only the networks that are needed.",
      "",
      "",
    ]);
  });

  test("on a line of many digits: the margin grows with it", () => {
    const place = { ...lintFinding().place, line: 1_234_567 };
    expect(linesOf({ place }).slice(1, 3)).toEqual([
      "1234567 |             cidr: 0.0.0.0/0",
      "        |                   ^^^^^^^^^",
    ]);
  });

  test("behind tabs: the caret has the same in front of it", () => {
    expect(linesOf({ excerpt: { text: "\t\tcidr:\t名", column: 9, length: 1 } }).slice(1, 3)).toEqual([
      "   12 | \t\tcidr:\t名",
      "      | \t\t     \t^^",
    ]);
  });

  test("with colours: level and mark, by the mode", () => {
    const marked = textOf(lintFinding(), (mode, text) => `<${mode} ${text}>`);
    expect(marked.match(/<[^>]*>/g)).toEqual(["<enforce error>", "<enforce ^^^^^^^^^>"]);
  });

  test("shows names that a terminal would obey as question marks, and long ones shortened", () => {
    const place = { ...lintFinding().place, file: HOSTILE };
    const object = { kind: HOSTILE, namespace: HOSTILE, name: "x".repeat(100_000) };
    const text = textOf(lintFinding({ place, object, ruleset: HOSTILE }), PLAIN);
    const [first = "", , , title = ""] = text.split("\n");
    expect(first).toMatch(/^a\?\[2J\?31m\?{6,}b:12:19: error: /);
    expect(title).toMatch(/^ {8}a\?\[2J/);
    expect(title).toMatch(/x\.\.\.$/);
    expect(title.length).toBeLessThanOrEqual(408);
    expect(text.replaceAll("\n", "")).not.toMatch(/[\p{C}\p{Zl}\p{Zp}]/u);
    expect(text.split("\n")).toHaveLength(7);
  });

  test("is cut between characters, never within one", () => {
    const object = { kind: "NetworkPolicy", name: "💥".repeat(400) };
    for (const prefix of ["", "a"]) {
      const text = textOf(lintFinding({ object: { ...object, namespace: `${prefix}s` } }), PLAIN);
      expect(text.isWellFormed()).toBe(true);
    }
  });
});

describe("the summary", () => {
  test.each([
    ["of one", {}, "1 object judged in 1 file: 0 errors, 0 warnings, 0 notes.\n"],
    [
      "of many",
      { files: 1234, judged: 5678, enforce: 1, warn: 2, audit: 12_345 },
      "5,678 objects judged in 1,234 files: 1 error, 2 warnings, 12,345 notes.\n",
    ],
    [
      "of nothing to judge",
      { files: 2, judged: 0 },
      "Nothing to judge in 2 files: no NetworkPolicy, Namespace or workload.\n",
    ],
    [
      "of a file that cannot be read",
      { judged: 0, enforce: 1 },
      "0 objects judged in 1 file: 1 error, 0 warnings, 0 notes.\n",
    ],
    [
      "of system namespaces only",
      { judged: 0, exempt: 2 },
      "0 objects judged in 1 file: 0 errors, 0 warnings, 0 notes.\nNot judged: 2 objects in system namespaces.\n",
    ],
    [
      "of what is not ours",
      { exempt: 1, others: 14, notObjects: 1 },
      "1 object judged in 1 file: 0 errors, 0 warnings, 0 notes.\n" +
        "Not judged: 1 object in system namespaces, 14 objects of other kinds, 1 document that is no object of Kubernetes.\n",
    ],
    [
      "of documents that are none",
      { judged: 0, notObjects: 2 },
      "Nothing to judge in 1 file: no NetworkPolicy, Namespace or workload.\n" +
        "Not judged: 2 documents that are no objects of Kubernetes.\n",
    ],
    [
      "of folders that were passed over",
      { notRead: ["a/node_modules", HOSTILE] },
      expect.stringMatching(/\nNot read: a\/node_modules, a\?\[2J\?31m\?{6,}b\.\n$/),
    ],
  ])("%s", (_what, more, text) => {
    expect(summaryText(lintSummary(more))).toEqual(text);
  });

  const at = { file: "shop/rules.yaml", line: 3 };

  test("says what in the files has a say, and what of it has none", () => {
    const governing: Governing[] = [
      { ...at, object: { kind: "NetworkRuleset", name: "lax" }, counts: true },
      { ...at, object: { kind: "NetworkRuleset", name: "default" }, counts: false },
      { ...at, object: { kind: "NetworkException", namespace: "shop", name: "legacy" }, counts: true },
      {
        ...at,
        object: { kind: "Namespace", name: "shop" },
        counts: true,
        labels: { "drawbridge.dev/mode": "warn", "drawbridge.dev/ruleset": "lax" },
      },
    ];
    expect(summaryText(lintSummary({ governing })).split("\n").slice(1)).toEqual([
      "The verdict rests on what these files say themselves; whoever may change it, changes the verdict:",
      "  shop/rules.yaml:3: NetworkRuleset lax",
      "  shop/rules.yaml:3: NetworkRuleset default: does not count beside --policies",
      "  shop/rules.yaml:3: NetworkException shop/legacy",
      "  shop/rules.yaml:3: Namespace shop: drawbridge.dev/mode=warn, drawbridge.dev/ruleset=lax",
      "",
    ]);
  });

  test.each([
    [10, 10, "  shop/rules.yaml:3: NetworkRuleset r9"],
    [11, 11, "  and 1 more"],
    [1000, 11, "  and 990 more"],
  ])("of %i that have a say it lists ten", (many, lines, last) => {
    const governing = Array.from({ length: many }, (_, i) => {
      return { ...at, object: { kind: "NetworkRuleset", name: `r${i}` }, counts: true };
    });
    const listed = summaryText(lintSummary({ governing })).trimEnd().split("\n").slice(2);
    expect(listed).toHaveLength(lines);
    expect(listed.at(-1)).toBe(last);
  });

  test("is not obeyed by a terminal either", () => {
    const object = { kind: "Namespace", name: HOSTILE };
    const governing = [{ file: HOSTILE, line: 1, object, labels: { [HOSTILE]: HOSTILE }, counts: true }];
    const text = summaryText(lintSummary({ governing }));
    expect(text.replaceAll("\n", "")).not.toMatch(/[\p{C}\p{Zl}\p{Zp}]/u);
    expect(text.split("\n")).toHaveLength(4);
  });
});
