import { describe, expect, test } from "vitest";
import { byNamespace } from "../../src/baseline/backends.ts";
import { type Baselines, claimOf, dueOf, type NamespaceFacts, NOTHING_DUE, releaseOf } from "../../src/baseline/due.ts";
import type { Server } from "../../src/baseline/peers.ts";
import type { Baseline } from "../../src/baseline/resolve.ts";
import { wantedPolicies } from "../../src/baseline/templates.ts";
import type { BaselineSpec, TemplateName } from "../../src/config/baseline.ts";
import { configure } from "../../src/engine/configuration.ts";
import { DocumentSet } from "../../src/engine/document-set.ts";
import { readEmbeddedPolicies } from "../../src/files/policies.ts";
import { findBackends } from "../../src/model/backends.ts";
import type { NetworkPolicy } from "../../src/model/network-policy.ts";
import { calledService, webhookConfiguration } from "../helpers/backends.ts";
import { networkPolicy, resolvedBaseline } from "../helpers/build.ts";

const embedded = await readEmbeddedPolicies();
const WHOLE = ["00-default-deny-ingress", "01-default-deny-egress", "10-allow-dns-egress"] as const;
const baselineOf = (name: string, templates: readonly TemplateName[], spec: Partial<BaselineSpec> = {}): Baseline => {
  const baseline = resolvedBaseline(name, { templates: [...templates] });
  return { ...baseline, spec: { ...baseline.spec, ...spec } };
};
const of = (baseline: Baseline) => wantedPolicies(baseline, "shop");
const namesOf = (policies: readonly NetworkPolicy[]) => policies.map(({ metadata }) => metadata?.name);
const named = (...templates: readonly string[]) => templates.map((name) => `drawbridge-${name}`);
const edited = (policy: NetworkPolicy): NetworkPolicy => ({ ...policy, spec: { podSelector: {}, policyTypes: [] } });

const baseline = baselineOf("default", WHOLE);
const ours = of(baseline);
const [dns = {}, ingress = {}, egress = {}] = ours;
const facts = (policies: readonly NetworkPolicy[], others: Partial<NamespaceFacts> = {}): NamespaceFacts => ({
  policies,
  isNew: false,
  hasLost: false,
  ...others,
});
const inForce = (...baselines: readonly Baseline[]): Baselines => ({ baselines, unusable: new Set() });
const due = (policies: readonly NetworkPolicy[], others: Partial<NamespaceFacts> = {}, governing = baseline) =>
  dueOf("shop", governing, facts(policies, others), inForce(governing));

describe("which namespaces are to have a baseline", () => {
  const adopting = baselineOf("default", WHOLE, { existingNamespaces: "adopt" });
  const other = of(baselineOf("other", ["00-default-deny-ingress"]));
  test.each<[string, Baseline, NamespaceFacts, string | undefined]>([
    ["one that has some of it", baseline, facts([ingress]), "kept"],
    ["one that has one of another, in whose place it came", baseline, facts(other), "kept"],
    ["one that has nothing: it existed before", baseline, facts([]), undefined],
    ["one that has only policies of others", baseline, facts([networkPolicy()]), undefined],
    ["one that was to have it from the beginning", baseline, facts([], { isNew: true }), "new"],
    ["one that was seen to lose the last of it", baseline, facts([], { hasLost: true }), "lost"],
    ["where those that exist are adopted, each", adopting, facts([]), "adopted"],
  ])("%s", (_, governing, known, expected) => {
    expect(claimOf(governing, known, inForce(governing))).toBe(expected);
  });

  describe("the shipped one, which comes by itself when others are gone", () => {
    const [shipped = baseline] = configure("enforce", embedded, new DocumentSet()).baselines;
    const claim = (policies: readonly NetworkPolicy[], isNew = false) =>
      claimOf(shipped, facts(policies, { isNew }), inForce(shipped));
    test("does not complete what these gave, nor take away any of it, also where they have its name", () => {
      expect(shipped).toMatchObject({ isShipped: true, metadata: { name: "default" } });
      const wider = of(baselineOf("default", ["allow-same-namespace", "00-default-deny-ingress"]));
      for (const theirs of [other, wider]) {
        expect([claim(theirs), claim(theirs, true)]).toEqual([undefined, undefined]);
        expect(dueOf("shop", shipped, facts(theirs, { isNew: true }), inForce(shipped))).toEqual(NOTHING_DUE);
      }
    });
    test("keeps its own, also where one that is not valid has its name; not what that one gave", () => {
      const others: Baselines = { baselines: [shipped], unusable: new Set(["default"]) };
      expect(claimOf(shipped, facts(of(shipped).slice(0, 1)), others)).toBe("kept");
      expect(claimOf(shipped, facts([...of(shipped), edited(ingress)]), others)).toBeUndefined();
    });
    test("keeps its own, and what was to have it", () => {
      expect(claim(of(shipped).slice(0, 1))).toBe("kept");
      expect(claim([], true)).toBe("new");
    });
  });

  test("none that has policies of one that is not valid, whatever else would claim it", () => {
    const others: Baselines = { baselines: [adopting], unusable: new Set(["other"]) };
    for (const more of [{}, { isNew: true }, { hasLost: true }]) {
      expect(claimOf(adopting, facts([...other, ...ours], more), others)).toBeUndefined();
    }
    expect(claimOf(adopting, facts(ours), others)).toBe("kept");
  });
});

describe("what is to be done", () => {
  test("nothing where all is there", () => {
    expect(due(ours)).toMatchObject({ apply: [], remove: [], conflicts: [], isLoss: false });
  });
  test("what is missing is applied, allows first", () => {
    expect(namesOf(due([], { isNew: true }).apply)).toEqual(namesOf(ours));
  });

  const smaller = baselineOf("default", ["00-default-deny-ingress"]);
  test("what a baseline gives no more is removed, denies first", () => {
    expect(namesOf(due(ours, {}, smaller).remove)).toEqual(named("01-default-deny-egress", "10-allow-dns-egress"));
  });
  test("not what somebody has changed", () => {
    expect(namesOf(due([dns, ingress, edited(egress)], {}, smaller).remove)).toEqual(named("10-allow-dns-egress"));
  });
  test("nor what keeps something open that one of ours denies which stays", () => {
    const changed: NetworkPolicy = { ...egress, metadata: { ...egress.metadata, annotations: { owner: "shop" } } };
    const gone = of(baselineOf("gone", ["01-default-deny-egress"]));
    for (const stays of [[changed], gone]) {
      expect(due([dns, ingress, ...stays], {}, smaller).remove).toEqual([]);
      const released = baselineOf("default", WHOLE, { onRelease: "remove" });
      expect(releaseOf([dns, ingress, ...stays], [released])).toEqual({ remove: [ingress], keep: [dns, ...stays] });
    }
  });
  test("what another one gave that is in force is removed, of one that is gone or leaving nothing", () => {
    const other = baselineOf("other", ["allow-same-namespace", "00-default-deny-ingress", "01-default-deny-egress"]);
    const had = of(other);
    expect(namesOf(dueOf("shop", smaller, facts(had), inForce(smaller, other)).remove)).toEqual(
      named("01-default-deny-egress", "allow-same-namespace"),
    );
    const leaving = { ...other, isLeaving: true };
    for (const others of [inForce(smaller), inForce(smaller, leaving)]) {
      expect(dueOf("shop", smaller, facts(had), others).remove).toEqual([]);
    }
  });
});

describe("what does not wait for its turn", () => {
  const wider = baselineOf("default", [...WHOLE, "allow-same-namespace"]);
  const adopting = baselineOf("default", WHOLE, { existingNamespaces: "adopt" });
  const since = baselineOf("default", WHOLE, { newSince: "2026-01-01T00:00:00Z" });
  const [nameOfIngress = ""] = named("00-default-deny-ingress");
  const answers: Server = {
    source: "a test",
    peers: [{ address: "10.96.0.11" }],
    ports: [{ protocol: "UDP", port: 53 }],
  };
  const elsewhere: Baseline = { ...baseline, dns: { isKnown: true, servers: [answers] } };
  const explicit: Baseline = { ...elsewhere, spec: { ...elsewhere.spec, dns: { addresses: ["10.96.0.11"] } } };
  test.each<[string, Baseline, NamespaceFacts, readonly string[]]>([
    ["a template that is new does", wider, facts(ours), []],
    ["adoption does", adopting, facts([]), []],
    ["what was lost", baseline, facts([dns, egress], { hasLost: true }), named("00-default-deny-ingress")],
    ["what was to be there from the beginning", baseline, facts([], { isNew: true }), namesOf(ours) as string[]],
    ["but not what a document says was to be there", since, facts([], { isNew: true }), []],
    ["unless some of it was taken away", since, facts([dns, egress], { isNew: true, hasLost: true }), [nameOfIngress]],
    ["what was changed", baseline, facts([dns, edited(ingress), egress]), named("00-default-deny-ingress")],
    ["the way to DNS that has moved", elsewhere, facts(ours), named("10-allow-dns-egress")],
    ["but not where the baseline names it", explicit, facts(ours), []],
    ["nor where egress is still open", elsewhere, facts([ingress]), []],
    ["a way to DNS that is missing where egress is denied", baseline, facts([egress]), named("10-allow-dns-egress")],
  ])("%s", (_, governing, known, expected) => {
    expect([...dueOf("shop", governing, known, inForce(governing)).urgent]).toEqual(expected);
  });
});

describe("what the API server calls", () => {
  const hook = webhookConfiguration("Validating", "shop", { namespace: "shop", name: "webhook" });
  const calling = (spec: Partial<BaselineSpec>, ...services: readonly object[]): Baseline => ({
    ...baselineOf("default", WHOLE, spec),
    backends: byNamespace(findBackends([hook, ...services])),
  });
  const service = (spec: object) => calledService("webhook", { ...spec }, "shop");
  const known = calling({}, service({}));
  const unknown = calling({}, service({ selector: undefined }));
  const [opening = {}] = of(known);
  const NAME = "drawbridge-backend-webhook";
  const from = (address: string) =>
    calling({ platform: { apiServer: { callers: { addresses: [address] } } } }, service({}));
  const moved = calling({}, service({ ports: [{ port: 443, targetPort: 8443 }] }));

  test.each<[string, Baseline, readonly NetworkPolicy[], readonly string[]]>([
    ["a way in that is new, where ingress is denied", known, ours, [NAME]],
    ["not where that is still to come", known, [dns, egress], []],
    ["one that leads elsewhere", moved, [...ours, opening], [NAME]],
    ["not from where the baseline says", from("10.0.0.4"), [...ours, opening], []],
    ["nor from where it says now", from("10.0.0.4"), [...ours, ...of(from("10.0.0.5")).slice(0, 1)], []],
  ])("does not wait for its turn: %s", (_, governing, policies, expected) => {
    const { apply, urgent, isLoss } = due(policies, {}, governing);
    expect({ urgent: [...urgent], isLoss }).toEqual({ urgent: expected, isLoss: false });
    expect(namesOf(apply)).toContain(NAME);
  });

  test("is let in as long as it is called, whatever becomes of the Service", () => {
    for (const governing of [calling({}), unknown]) expect(due([...ours, opening], {}, governing).remove).toEqual([]);
    expect(due([...ours, opening]).remove).toEqual([opening]);
  });

  test("of the shipped baseline, which takes away nothing else, it goes too when nobody calls", () => {
    const [shipped = baseline] = configure("enforce", embedded, new DocumentSet()).baselines;
    const given = wantedPolicies({ ...shipped, backends: known.backends }, "shop");
    expect(namesOf(given)).toContain(NAME);
    expect(namesOf(due(given, {}, shipped).remove)).toEqual([NAME]);
  });

  test.each<[string, Partial<NamespaceFacts>]>([
    ["is new", { isNew: true }],
    ["has lost what denied", { hasLost: true }],
    ["has something else of it", { policies: [dns] }],
  ])("where it cannot be told, a namespace is not isolated that %s", (_, more) => {
    expect(due(more.policies ?? [], more, unknown)).toEqual(NOTHING_DUE);
  });

  test("but what is isolated is kept up", () => {
    expect(namesOf(due([ingress, dns], {}, unknown).apply)).toEqual(named("01-default-deny-egress"));
  });
});

describe("what becomes of policies where no baseline governs any longer", () => {
  const keeping = baselineOf("keeping", WHOLE);
  const removing = baselineOf("removing", WHOLE, { onRelease: "remove" });
  test("they stay, unless their baseline says otherwise", () => {
    expect(releaseOf(of(keeping), [keeping, removing])).toEqual({ remove: [], keep: of(keeping) });
  });
  test("or go, those that deny first", () => {
    const [allow, ...denies] = namesOf(of(removing));
    expect(namesOf(releaseOf(of(removing), [keeping, removing]).remove)).toEqual([...denies, allow]);
  });
  test("what somebody has changed stays, and what is not ours is not spoken of", () => {
    const [first = {}, second = {}] = of(removing);
    const { remove, keep } = releaseOf([first, edited(second), networkPolicy()], [removing]);
    expect([remove, keep]).toEqual([[first], [edited(second)]]);
  });
  test("those of a baseline that is gone or leaving stay", () => {
    expect(releaseOf(of(removing), [keeping]).remove).toEqual([]);
    expect(releaseOf(of(removing), [{ ...removing, isLeaving: true }]).remove).toEqual([]);
  });
});
