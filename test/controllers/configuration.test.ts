import { beforeEach, describe, expect, test } from "vitest";
import { LiveConfiguration } from "../../src/controllers/configuration.ts";
import { readEmbeddedPolicies } from "../../src/files/policies.ts";
import type { KubernetesObject } from "../../src/model/objects.ts";
import { networkException, networkRuleset } from "../helpers/build.ts";

const embedded = await readEmbeddedPolicies();
const LENIENT = networkRuleset("default", { rules: { "no-open-egress": { mode: "warn" } } });
const WRONG = networkRuleset("default", { rules: { "no-such-rule": {} } });

let live: LiveConfiguration;
beforeEach(() => {
  live = new LiveConfiguration("enforce", embedded);
});

const modeOf = (id: string) =>
  live.current.defaultRuleset.settings.find(({ rule }) => rule.id === id)?.mode ?? "disabled";

describe("a ruleset", () => {
  test("holds from when it is there until it is gone", () => {
    expect(modeOf("no-open-egress")).toBe("enforce");
    expect(live.set("NetworkRuleset", LENIENT)).toBeUndefined();
    expect(modeOf("no-open-egress")).toBe("warn");
    live.remove("NetworkRuleset", LENIENT);
    expect(modeOf("no-open-egress")).toBe("enforce");
  });
  test("that is not valid any more holds on as it last was", () => {
    live.set("NetworkRuleset", LENIENT);
    const problem = live.set("NetworkRuleset", WRONG);
    expect(problem).toMatch(
      /^NetworkRuleset default is not valid, so its last good version stays in force: spec\.rules/,
    );
    expect(live.problems).toEqual([problem]);
    expect(modeOf("no-open-egress")).toBe("warn");
    live.set("NetworkRuleset", LENIENT);
    expect(live.problems).toEqual([]);
  });
  test("that never was valid is not there", () => {
    expect(live.set("NetworkRuleset", WRONG)).toContain("so it is not in force");
    expect(modeOf("no-open-egress")).toBe("enforce");
  });
});

describe("an exception", () => {
  const exception = networkException();
  const INVALID = { ...exception, spec: { ...exception.spec, rules: ["no-such-rule"] } };
  const inShop = () => live.exceptionsIn("shop").map(({ spec }) => spec.owner);
  const set = (object: KubernetesObject) => live.set("NetworkException", object);

  test("is there as it last was, in its namespace", () => {
    expect(set(exception)).toBeUndefined();
    expect(inShop()).toEqual(["team-db@example.com"]);
    set({ ...exception, spec: { ...exception.spec, owner: "team-web" } } as KubernetesObject);
    expect(inShop()).toEqual(["team-web"]);
    expect(live.exceptionsIn("bank")).toEqual([]);
  });
  test("that is gone does not count", () => {
    set(exception);
    live.remove("NetworkException", exception);
    expect(inShop()).toEqual([]);
  });
  test("that waits for its finalizers does not count", () => {
    set(exception);
    const metadata = { ...exception.metadata, deletionTimestamp: "2026-11-21T12:00:00Z", finalizers: ["a/b"] };
    expect(set({ ...exception, metadata })).toBeUndefined();
    expect(inShop()).toEqual([]);
    expect(set({ ...INVALID, metadata })).toBeUndefined();
    expect(live.problems).toEqual([]);
  });
  test("that is not valid does not count, and neither does its last good version: it is a permission", () => {
    set(exception);
    const problem = set(INVALID);
    expect(problem).toMatch(
      /^NetworkException shop\/legacy is not valid, so it is not in force: spec\.rules\[0\] is no-such-rule/,
    );
    expect(live.problems).toEqual([problem]);
    expect(inShop()).toEqual([]);
    set(exception);
    expect(inShop()).toHaveLength(1);
    expect(live.problems).toEqual([]);
  });
  test("of the same name in another namespace is another", () => {
    set(INVALID);
    set({ ...INVALID, metadata: { ...INVALID.metadata, namespace: "bank" } });
    expect(live.problems).toHaveLength(2);
    live.remove("NetworkException", INVALID);
    expect(live.problems).toEqual([expect.stringContaining("NetworkException bank/legacy ")]);
  });
  test("makes no configuration of its own", () => {
    const before = live.current;
    set(exception);
    expect(live.current).toBe(before);
  });
});
