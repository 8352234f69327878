import { describe, expect, test } from "vitest";
import type { Cap } from "../../src/config/mode.ts";
import { configure } from "../../src/engine/configuration.ts";
import { namespaceSubject } from "../../src/engine/subject.ts";
import { readEmbeddedPolicies } from "../../src/files/policies.ts";
import type { Labels } from "../../src/model/objects.ts";
import { unboundFindings } from "../../src/server/unbound.ts";
import { namespace, networkRuleset } from "../helpers/build.ts";
import { admissionRequest } from "./reviews.ts";

const embedded = await readEmbeddedPolicies();
const lenient = networkRuleset("lenient", { rules: { "no-unbound-label": { mode: "disabled" } } });
const RULESET = "drawbridge.dev/ruleset";
const MODE = "drawbridge.dev/mode";
const BASELINE = "drawbridge.dev/baseline";

interface Circumstances {
  readonly mode?: Cap;
  readonly mayBind?: boolean;
}

async function judged(before: Labels, now: Labels, { mode = "enforce", mayBind = false }: Circumstances = {}) {
  const configuration = configure(mode, embedded, { rulesets: new Map([["lenient", lenient]]), baselines: new Map() });
  const asked: string[] = [];
  const deps = {
    configuration: () => configuration,
    canBind: async (_user: object, ruleset: string) => {
      asked.push(ruleset);
      return mayBind;
    },
  };
  const findings = await unboundFindings(
    admissionRequest("Namespace"),
    namespaceSubject(namespace(now)),
    before,
    deps,
    1_000,
  );
  return { asked, findings: findings.map((finding) => `${finding.mode} ${finding.path.split("~1")[1]}`) };
}

describe("unboundFindings", () => {
  test.each<[string, Labels, Labels, string[], string[]]>([
    ["set", {}, { [MODE]: "audit" }, ["default"], ["enforce mode"]],
    ["changed", { [MODE]: "warn" }, { [MODE]: "enforce" }, ["default"], ["enforce mode"]],
    ["removed", { [MODE]: "enforce" }, {}, ["default"], ["enforce mode"]],
    [
      "three at once",
      {},
      { [RULESET]: "restricted", [MODE]: "warn", [BASELINE]: "x" },
      ["restricted"],
      ["enforce ruleset", "enforce mode", "enforce baseline"],
    ],
    [
      "it is the ruleset named afterwards that counts",
      { [RULESET]: "restricted" },
      {},
      ["default"],
      ["enforce ruleset"],
    ],
    [
      "a ruleset that does not have the rule is no way out",
      {},
      { [RULESET]: "lenient" },
      ["lenient"],
      ["enforce ruleset"],
    ],
    ["nor is it a way in", { [RULESET]: "lenient" }, {}, ["default"], ["enforce ruleset"]],
    ["an empty value is a value", {}, { [RULESET]: "" }, [""], ["enforce ruleset"]],
    ["nothing that governs", { team: "a" }, { team: "b", "drawbridge.dev/baseline-pending": "true" }, [], []],
    ["as it was", { [MODE]: "audit" }, { [MODE]: "audit", team: "b" }, [], []],
  ])("%s", async (_name, before, now, asked, findings) => {
    expect(await judged(before, now)).toEqual({ asked, findings });
  });

  test.each<[Cap, Labels, Labels, string[]]>([
    ["audit", {}, { [BASELINE]: "x" }, ["audit baseline"]],
    ["warn", {}, { [BASELINE]: "x" }, ["warn baseline"]],
    ["audit", {}, { [MODE]: "enforce" }, ["enforce mode"]],
    ["audit", { [MODE]: "enforce" }, {}, ["enforce mode"]],
  ])("in an installation of mode %s, from %o to %o", async (mode, before, now, findings) => {
    expect((await judged(before, now, { mode })).findings).toEqual(findings);
  });

  test("who may bind may", async () => {
    expect(await judged({}, { [MODE]: "audit" }, { mayBind: true })).toEqual({ asked: ["default"], findings: [] });
  });
});
