import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { isNewDocument, LiveConfiguration } from "../../src/controllers/configuration.ts";
import { readEmbeddedPolicies } from "../../src/files/policies.ts";
import type { KubernetesObject } from "../../src/model/objects.ts";
import { networkBaseline, networkException, networkRuleset } from "../helpers/build.ts";

const embedded = await readEmbeddedPolicies();
const LENIENT = networkRuleset("default", { rules: { "no-open-egress": { mode: "warn" } } });
const WRONG = networkRuleset("default", { rules: { "no-such-rule": {} } });

const HOLD_MS = 15_000;

let live: LiveConfiguration;
let gone: string[];
beforeEach(() => {
  vi.useFakeTimers();
  gone = [];
  live = new LiveConfiguration("enforce", embedded, { holdMs: HOLD_MS, onGone: (baseline) => gone.push(baseline) });
});
afterEach(() => {
  live.stop();
  vi.useRealTimers();
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

describe("whether a document is in force", () => {
  const good = networkBaseline("web");
  const bad = { ...good, spec: { ...good.spec, templates: [] } };
  const inForce = () => live.inForce("NetworkBaseline", good);

  test("it is, also where only an older version is", () => {
    expect(inForce()).toEqual({ isInForce: false });
    live.set("NetworkBaseline", good);
    expect(inForce()).toEqual({ isInForce: true });
    live.set("NetworkBaseline", bad);
    expect(inForce()).toEqual({
      isInForce: true,
      problem: expect.stringContaining("its last good version stays in force: spec.templates"),
    });
    live.remove("NetworkBaseline", bad);
    expect(inForce()).toEqual({ isInForce: false });
  });
  test("it is not where it never was valid, whatever is embedded under its name", () => {
    const bare = { ...bad, metadata: { name: "default" } };
    live.set("NetworkBaseline", bare);
    expect(live.inForce("NetworkBaseline", bare)).toEqual({
      isInForce: false,
      problem: expect.stringContaining("it is not in force"),
    });
  });
});

describe("a baseline that is not valid", () => {
  const good = networkBaseline("web");
  const bad = { ...good, spec: { ...good.spec, templates: [] } };
  const unusable = () => [...live.current.unusable];
  test("is known to be there, until it is good or gone", () => {
    live.set("NetworkBaseline", bad);
    expect(unusable()).toEqual(["web"]);
    live.set("NetworkBaseline", good);
    expect(unusable()).toEqual([]);
  });
  test("goes some time after its object", () => {
    live.set("NetworkBaseline", bad);
    live.remove("NetworkBaseline", bad);
    expect([unusable(), live.problems]).toEqual([["web"], []]);
    vi.advanceTimersByTime(HOLD_MS);
    expect([unusable(), gone]).toEqual([[], ["web"]]);
  });
  test("is not, where its last good version is in force", () => {
    live.set("NetworkBaseline", good);
    live.set("NetworkBaseline", bad);
    expect(unusable()).toEqual([]);
  });
});

describe("a baseline that is deleted", () => {
  const web = networkBaseline("web", { namespaceSelector: { matchLabels: { tier: "web" } } });
  const governing = () =>
    live.current.baselines.map(({ metadata, isLeaving }) => `${metadata.name}${isLeaving ? ", leaving" : ""}`);
  beforeEach(() => {
    live.set("NetworkBaseline", web);
    live.remove("NetworkBaseline", web);
  });

  test("holds its place for a while, and is told of", () => {
    vi.advanceTimersByTime(HOLD_MS - 1);
    expect(governing()).toEqual(["web, leaving"]);
    expect(live.leaving).toEqual([expect.stringMatching(/^NetworkBaseline web was deleted, .* up to 15 s/)]);
    expect(live.inForce("NetworkBaseline", web)).toEqual({ isInForce: false });
    vi.advanceTimersByTime(1);
    expect([governing(), live.leaving, gone]).toEqual([["default"], [], ["web"]]);
  });
  test("stays, if one of its name comes", () => {
    vi.advanceTimersByTime(HOLD_MS - 1);
    live.set("NetworkBaseline", networkBaseline("web", { templates: ["00-default-deny-ingress"] }));
    vi.advanceTimersByTime(HOLD_MS);
    expect([governing(), live.leaving, gone]).toEqual([["web"], [], []]);
    expect(live.current.baselines[0]?.spec.templates).toEqual([{ name: "00-default-deny-ingress" }]);
  });
  test("stays as it last was, if that one is not valid", () => {
    const bad = { ...web, spec: { ...web.spec, templates: [] } };
    const problem = live.set("NetworkBaseline", bad);
    vi.advanceTimersByTime(HOLD_MS);
    expect([governing(), live.problems, gone]).toEqual([["web"], [problem], []]);
    expect(problem).toContain("its last good version stays in force");
  });
  test("and again, holds it anew", () => {
    vi.advanceTimersByTime(HOLD_MS - 1);
    live.set("NetworkBaseline", web);
    live.remove("NetworkBaseline", web);
    vi.advanceTimersByTime(HOLD_MS - 1);
    expect([governing(), gone]).toEqual([["web, leaving"], []]);
    vi.advanceTimersByTime(1);
    expect(gone).toEqual(["web"]);
  });
  test("is not awaited by a server that stops", () => {
    live.stop();
    expect(vi.getTimerCount()).toBe(0);
  });
  test("is told of as such, and not as one that gives nothing", () => {
    live.set("NetworkBaseline", web);
    expect(live.unarmed).toHaveLength(1);
    live.remove("NetworkBaseline", web);
    expect([live.unarmed, live.leaving.length]).toEqual([[], 1]);
  });
});

describe("a change is that of a document", () => {
  const before = { ...networkBaseline("web"), status: { a: 1 } } as KubernetesObject;
  const modified = (object: object) => ({
    type: "modified" as const,
    previous: before,
    object: { ...before, ...object },
  });
  test.each([
    ["when it comes", { type: "added" as const, object: before }, true],
    ["when it goes", { type: "deleted" as const, object: before, previous: before }, true],
    ["of its spec", modified({ spec: { templates: [] } }), true],
    ["of a field that it should not have", modified({ specs: {} }), true],
    ["not of its status", modified({ status: { a: 2 }, metadata: { name: "web", resourceVersion: "2" } }), false],
    ["not of its labels", modified({ metadata: { name: "web", labels: { a: "b" } } }), false],
  ])("%s", (_, change, expected) => {
    expect(isNewDocument(change)).toBe(expected);
  });
});

describe("a baseline that needs what is not known yet", () => {
  const known = { isKnown: true, servers: [] } as const;
  test("is unarmed until it is, each thing by itself", () => {
    live.set(
      "NetworkBaseline",
      networkBaseline("web", { templates: ["10-allow-dns-egress", "allow-apiserver-egress"] }),
    );
    expect(live.unarmed).toEqual([expect.stringMatching(/^NetworkBaseline web is given to no namespace: .*DNS.*API/)]);
    live.setFound({ apiServer: known });
    expect(live.unarmed).toEqual([expect.stringMatching(/DNS answers is not known: it has not been looked for yet/)]);
    live.setFound({ dns: known });
    expect(live.unarmed).toEqual([]);
    live.setFound({ apiServer: { isKnown: false, why: "it is gone" } });
    expect(live.unarmed).toEqual([expect.stringMatching(/API server answers is not known: it is gone/)]);
  });
});
