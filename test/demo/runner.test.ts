import { describe, expect, test } from "vitest";
import { judge, type Outcome, runTour } from "../../demo/runner.ts";
import { indented } from "../../demo/terminal.ts";
import type { Expectation, Step } from "../../demo/tour.ts";

const refused: Outcome = {
  code: 1,
  stdout: "",
  stderr: `Error from server (Forbidden): admission webhook "enforced" denied the request: NetworkPolicy shop/a breaks 1 rule of ruleset default:
  no-broad-cidr: spec.egress[0]: egress to everything. Fix: less of it.
`,
};
const created: Outcome = { code: 0, stdout: "created\n", stderr: "" };
const warned: Outcome = { ...created, stderr: "Warning: drawbridge: no-broad-cidr: spec.egress[0]\n" };
const audited: Outcome = { ...created, logged: { verdict: "audited", rules: ["no-broad-cidr=audit"] } };
const listed: Outcome = { code: 0, stdout: "NAME   AGE\na      0s\nb      0s\n", stderr: "" };
const notFound: Outcome = { code: 1, stdout: "", stderr: 'Error from server (NotFound): x "a" not found\n' };
const broken: Outcome = { code: 1, stdout: "", stderr: "The connection to the server was refused\n" };

const byRule: Expectation & { verdict: "refused" } = { verdict: "refused", rules: ["no-broad-cidr"] };
const accepted: Expectation = { verdict: "accepted", says: "created" };
const inAudit: Expectation = { verdict: "audited", rules: ["no-broad-cidr"] };
const both: Expectation = { verdict: "listed", names: ["b", "a"] };
const absent: Expectation = { verdict: "absent" };

describe("judge", () => {
  test.each<[string, Expectation, Outcome]>([
    ["refused, by the rule that was told", byRule, refused],
    ["accepted, in the words that were told", accepted, created],
    ["accepted and in the log", inAudit, audited],
    ["listed, in any order", both, listed],
    ["absent", absent, notFound],
  ])("as told: %s", (_title, expectation, outcome) => {
    expect(judge(expectation, outcome)).toBeUndefined();
  });

  test.each<[Expectation["verdict"], string, Expectation, Outcome]>([
    ["refused", "it was accepted", byRule, created],
    ["refused", "the refusal names none", byRule, broken],
    ["refused", "the refusal names no-broad-cidr", { verdict: "refused", rules: ["no-dead-clause"] }, refused],
    ["refused", "the refusal names no-broad-cidr", { ...byRule, rules: ["no-broad-cidr", "no-dead-clause"] }, refused],
    ["accepted", "it was refused, or failed", accepted, refused],
    ["accepted", "there is a warning", accepted, warned],
    ["accepted", 'it does not say "created"', accepted, { ...created, stdout: "unchanged" }],
    ["audited", "the log names none", inAudit, created],
    ["audited", "there is a warning", inAudit, warned],
    ["audited", "the log names no-broad-cidr=warn", inAudit, { ...created, logged: { rules: ["no-broad-cidr=warn"] } }],
    ["listed", "there are a, b, c", both, { ...listed, stdout: "NAME\na\nb\nc\n" }],
    ["listed", "there are a", both, { ...listed, stdout: "NAME\na\n" }],
    ["listed", "it failed", both, broken],
    ["absent", "it is there", absent, created],
    ["absent", "it cannot be looked for", absent, broken],
  ])("not %s: %s", (_verdict, problem, expectation, outcome) => {
    expect(judge(expectation, outcome)).toBe(problem);
  });
});

describe("runTour", () => {
  const step: Step = {
    title: "A title",
    why: "The reason.",
    commands: [
      { as: "tenant", kubectl: "apply -f a.yaml", expect: byRule },
      { as: "tenant", kubectl: "apply -f b.yaml", expect: accepted },
    ],
  };

  test.each([
    [refused, created, 0],
    [created, created, 1],
    [created, refused, 2],
  ])("counts what is not as told (%#)", async (first, second, failures) => {
    const lines: string[] = [];
    const outcomes = [first, second];
    const stage = {
      prompt: ({ kubectl }: { kubectl: string }) => `$ kubectl ${kubectl}`,
      perform: async () => outcomes.shift() ?? broken,
    };
    expect(await runTour([step], stage, (text) => lines.push(text))).toBe(failures);
    const output = lines.join("\n");
    expect(output).toContain("$ kubectl apply -f b.yaml");
    expect(output.match(/✗/g) ?? []).toHaveLength(failures);
    expect(output.match(/✓/g) ?? []).toHaveLength(2 - failures);
  });
});

test("long lines are broken between words, and what hangs over is further in", () => {
  expect(indented("short\n  a few words more than fit", 25)).toBe(
    ["     short", "       a few words more", "           than fit"].join("\n"),
  );
  expect(indented(`one ${"x".repeat(40)}`, 25)).toBe(`     one\n         ${"x".repeat(40)}`);
});
