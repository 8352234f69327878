import { describe, expect, test } from "vitest";
import { evaluate, type Finding, policySubject } from "../../src/engine/evaluate.ts";
import { relax } from "../../src/engine/ratchet.ts";
import { resolveRuleset } from "../../src/engine/ruleset.ts";
import { EMBEDDED_POLICIES, readPolicies } from "../../src/files/policies.ts";
import type { NetworkPolicy } from "../../src/model/network-policy.ts";
import { egress, egressTo, ipBlock, networkPolicy, networkRuleset, selector } from "../helpers/build.ts";

const { rulesets } = await readPolicies(EMBEDDED_POLICIES);
const ruleset = resolveRuleset(networkRuleset("own"), rulesets);

/** What becomes of an update, as `mode rule` for each finding. */
function update(old: NetworkPolicy, object: NetworkPolicy): string[] {
  const judged = (policy: NetworkPolicy) => evaluate(policySubject(policy), ruleset, "enforce");
  const findings = relax(judged(object), object, judged(old), old);
  expect(findings).toHaveLength(judged(object).length);
  return findings.filter(({ rule }) => !rule.startsWith("require-")).map(({ mode, rule }) => `${mode} ${rule}`);
}

const OPEN = {};
const HTTPS = { to: [{ podSelector: selector({ app: "x" }) }], ports: [{ port: 443 }] };
const EVERYWHERE = { to: [{ namespaceSelector: {} }], ports: [{ port: 443 }] };

describe("nothing that counts has changed: what is wrong is only warned of", () => {
  test("the same object", () => {
    expect(update(egress(OPEN), egress(OPEN))).toEqual(["warn no-open-egress"]);
  });
  test("an annotation", () => {
    const touched = { ...egress(OPEN), metadata: { name: "web", annotations: { "example.com/touched": "now" } } };
    expect(update(egress(OPEN), touched)).toEqual(["warn no-open-egress"]);
  });
  test("finalizers, managed fields, resourceVersion", () => {
    const touched = { ...egress(OPEN), metadata: { ...egress().metadata, resourceVersion: "2", managedFields: [{}] } };
    expect(update(egress(OPEN), touched)).toEqual(["warn no-open-egress"]);
  });
  test("the order of keys", () => {
    const { spec } = egress(OPEN);
    const turned = { ...egress(OPEN), spec: Object.fromEntries(Object.entries(spec as object).toReversed()) };
    expect(update(egress(OPEN), turned)).toEqual(["warn no-open-egress"]);
  });
  test("even what the old object was not found to have: a rule that has been switched on since", () => {
    const object = egress(OPEN);
    const findings = evaluate(policySubject(object), ruleset, "enforce");
    expect(relax(findings, object, [], object).map(({ mode }) => mode)).not.toContain("enforce");
  });
});

describe("the spec has changed", () => {
  test("a new fault is refused", () => {
    expect(update(egress(HTTPS), egress(HTTPS, OPEN))).toEqual(["enforce no-open-egress"]);
  });
  test("an old fault is warned of while another is repaired", () => {
    expect(update(egress(OPEN, EVERYWHERE), egress(OPEN, HTTPS))).toEqual(["warn no-open-egress"]);
  });
  test("an old fault is warned of while another comes, which is refused", () => {
    expect(update(egress(OPEN), egress(OPEN, EVERYWHERE))).toEqual([
      "warn no-open-egress",
      "enforce no-all-namespaces-peer",
    ]);
  });
  test("the same fault at another index is the same fault", () => {
    expect(update(egress(OPEN, HTTPS), egress(HTTPS, HTTPS, OPEN))).toEqual(["warn no-open-egress"]);
  });
  test("a second copy of an old fault is a new one", () => {
    expect(update(egress(OPEN), egress(OPEN, OPEN))).toEqual(["warn no-open-egress", "enforce no-open-egress"]);
  });
  test("of two copies one may go", () => {
    expect(update(egress(OPEN, OPEN), egress(OPEN, HTTPS))).toEqual(["warn no-open-egress"]);
  });
  test("another CIDR, as broad, is refused", () => {
    expect(update(egressTo("11.0.0.0/8"), egressTo("12.0.0.0/8"))).toEqual(["enforce no-broad-cidr"]);
  });
  test("a broader CIDR is refused", () => {
    expect(update(egressTo("11.0.0.0/8"), egressTo("0.0.0.0/0"))).toEqual(["enforce no-broad-cidr"]);
  });
  test("one hole less in the same CIDR is refused", () => {
    const holes = ["11.0.0.0/10", "11.64.0.0/10"];
    const old = egressTo({ cidr: "11.0.0.0/8", except: holes });
    expect(update(old, egressTo({ cidr: "11.0.0.0/8", except: holes.slice(1) }))).toEqual(["enforce no-broad-cidr"]);
  });
  test("the broad CIDR that was there, beside new Pods, is warned of", () => {
    const now = egress({ to: [ipBlock("11.0.0.0/8")], ports: [{ port: 443 }] }, HTTPS);
    expect(update(egressTo("11.0.0.0/8"), now)).toEqual(["warn no-broad-cidr"]);
  });
  test("another port of an open clause is refused", () => {
    const on = (port: number) => egress({ ports: [{ port }] });
    expect(update(on(443), on(80))).toEqual(["enforce no-open-egress"]);
  });
  test("another unstable label is refused, the same one beside a new label is warned of", () => {
    const by = (labels: Record<string, string>) => networkPolicy({ spec: { podSelector: selector(labels) } });
    expect(update(by({ version: "1" }), by({ version: "2" }))).toEqual(["enforce no-unstable-label"]);
    expect(update(by({ version: "1" }), by({ version: "1", app: "x" }))).toEqual(["warn no-unstable-label"]);
  });
});

describe("an old fault in a clause is a new one as soon as it opens more", () => {
  const spec = (object: object): NetworkPolicy =>
    networkPolicy({ spec: { podSelector: selector({ app: "web" }), policyTypes: ["Egress"], ...object } });

  test("for other Pods", () => {
    const to = (podSelector: object) => spec({ podSelector, egress: [OPEN] });
    expect(update(to(selector({ app: "web" })), to({}))).toEqual(["enforce no-open-egress"]);
  });
  test("because it comes into effect", () => {
    const dead = spec({ policyTypes: ["Ingress"], egress: [OPEN] });
    const alive = spec({ policyTypes: ["Ingress", "Egress"], egress: [OPEN] });
    expect(update(dead, alive)).toEqual(["enforce no-open-egress"]);
    expect(update(alive, spec({ policyTypes: ["Egress"], egress: [OPEN] }))).toEqual(["warn no-open-egress"]);
  });
  test("because its ports are gone", () => {
    const without = { to: EVERYWHERE.to };
    expect(update(spec({ egress: [EVERYWHERE] }), spec({ egress: [without] }))).toEqual([
      "enforce no-all-namespaces-peer",
    ]);
  });
  test("because its podSelector is gone", () => {
    const narrow = { to: [{ namespaceSelector: {}, podSelector: selector({ app: "x" }) }], ports: [{ port: 443 }] };
    const wide = { to: [{ namespaceSelector: {}, podSelector: selector({ app: "y" }) }], ports: [{ port: 443 }] };
    expect(update(spec({ egress: [narrow] }), spec({ egress: [wide] }))).toEqual(["enforce no-all-namespaces-peer"]);
  });
});

describe("labels of the policy have changed", () => {
  test("old faults are still old", () => {
    const labelled = { ...egress(OPEN), metadata: { name: "web", labels: { app: "x" } } };
    expect(update(egress(OPEN), labelled)).toEqual(["warn no-open-egress"]);
  });
  test("a finding that the old object was not found to have counts", () => {
    const labelled = { ...egress(OPEN), metadata: { name: "web", labels: { app: "x" } } };
    const findings = evaluate(policySubject(labelled), ruleset, "enforce");
    expect(relax(findings, labelled, [], egress(OPEN)).map(({ mode }) => mode)).toContain("enforce");
  });
});

describe("modes", () => {
  const finding = (mode: Finding["mode"]): Finding => ({
    rule: "no-x",
    severity: "low",
    message: "m",
    path: "/spec",
    fix: "f",
    mode,
  });
  test.each([
    ["enforce", "warn"],
    ["warn", "warn"],
    ["audit", "audit"],
  ] as const)("%s becomes %s, never more", (mode, expected) => {
    const object = networkPolicy();
    expect(relax([finding(mode)], object, [], object)).toEqual([finding(expected)]);
    const changed = networkPolicy({ metadata: { labels: { a: "b" } } });
    expect(relax([finding(mode)], changed, [finding("enforce")], object)).toEqual([finding(expected)]);
  });
  test("another rule, or another message, is another fault", () => {
    const [old, object] = [networkPolicy(), networkPolicy({ metadata: { labels: { a: "b" } } })];
    const known = finding("enforce");
    for (const other of [
      { ...known, rule: "no-y" },
      { ...known, message: "n" },
    ]) {
      expect(relax([other], object, [known], old)).toEqual([other]);
    }
  });
});
