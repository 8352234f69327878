import { describe, expect, test } from "vitest";
import { involvedIn, plan } from "../../src/baseline/plan.ts";
import { wantedPolicies } from "../../src/baseline/templates.ts";
import type { NetworkPolicy } from "../../src/model/network-policy.ts";
import type { ObjectMeta } from "../../src/model/objects.ts";
import { resolvedBaseline, networkPolicy } from "../helpers/build.ts";

const wanted = wantedPolicies(resolvedBaseline(), "shop");
const [dns, ingress, egress] = wanted;
if (dns === undefined || ingress === undefined || egress === undefined) throw new Error("three templates");

/** As the API server stores it. */
function stored(policy: NetworkPolicy, metadata: ObjectMeta = {}, spec: unknown = policy.spec): NetworkPolicy {
  const server = { uid: "1", resourceVersion: "7", generation: 1, creationTimestamp: "2026-11-01T00:00:00Z" };
  return { ...policy, metadata: { ...policy.metadata, ...server, ...metadata }, spec };
}

const foreign: ObjectMeta = { labels: { app: "x" }, annotations: {} };
const nameOf = (policy: NetworkPolicy) => policy.metadata?.name;
const found = (...policies: NetworkPolicy[]) => {
  const { apply, conflicts } = plan(policies, wanted);
  return { apply: apply.map(nameOf), conflicts };
};

const ALL = wanted.map(nameOf);
const NOTHING = { apply: [], conflicts: [] };
const ONLY_INGRESS = { apply: [nameOf(ingress)], conflicts: [] };
const others = [stored(dns), stored(egress)];

describe("what is there", () => {
  test("nothing: everything is applied, in order", () => {
    expect(found()).toEqual({ apply: ALL, conflicts: [] });
    expect(plan([], wanted).apply).toEqual(wanted);
  });
  test("everything as wanted: nothing is to be done", () => {
    expect(found(...wanted.map((policy) => stored(policy)))).toEqual(NOTHING);
  });
  test("everything, in another order, among others", () => {
    expect(found(networkPolicy(), ...wanted.map((policy) => stored(policy)).toReversed())).toEqual(NOTHING);
  });
  test("policies of other names do not matter", () => {
    expect(found(networkPolicy(), networkPolicy({ metadata: { name: "default-deny" } }))).toEqual({
      apply: ALL,
      conflicts: [],
    });
  });
  test("some: what is missing is applied", () => {
    expect(found(...others)).toEqual(ONLY_INGRESS);
  });
  test("nothing wanted", () => {
    expect(plan([stored(dns)], [])).toEqual(NOTHING);
  });
});

describe("ours", () => {
  const ours = (policy: NetworkPolicy) => found(...others, policy);

  test("what the API server makes of it is no difference", () => {
    const spec = ingress.spec as object;
    expect(ours(stored(ingress, {}, { ...spec, ingress: [] }))).toEqual(NOTHING);
    expect(ours(stored(ingress, {}, Object.fromEntries(Object.entries(spec).toReversed())))).toEqual(NOTHING);
    const both = wantedPolicies(resolvedBaseline(), "shop").map((policy) => ({
      ...policy,
      spec: { ...(policy.spec as object), policyTypes: ["Egress", "Ingress"] },
    }));
    const turned = both.map((policy) => stored(policy, {}, { ...policy.spec, policyTypes: ["Ingress", "Egress"] }));
    expect(plan(turned, both)).toEqual(NOTHING);
  });
  test("what we write with empty lists is found without them", () => {
    const written = { ...ingress, spec: { ...(ingress.spec as object), ingress: [], egress: [] } };
    expect(plan([stored(ingress)], [written])).toEqual(NOTHING);
  });
  test("labels and annotations that others have added are theirs", () => {
    const labels = { ...ingress.metadata?.labels, "argocd.argoproj.io/instance": "shop" };
    const annotations = { ...ingress.metadata?.annotations, "argocd.argoproj.io/tracking-id": "x" };
    expect(ours(stored(ingress, { labels, annotations }))).toEqual(NOTHING);
  });

  const edited: readonly (readonly [string, NetworkPolicy])[] = [
    ["another clause", stored(ingress, {}, { ...(ingress.spec as object), ingress: [{}] })],
    [
      "another podSelector",
      stored(ingress, {}, { ...(ingress.spec as object), podSelector: { matchLabels: { a: "b" } } }),
    ],
    ["other policyTypes", stored(ingress, {}, { ...(ingress.spec as object), policyTypes: ["Ingress", "Egress"] })],
    ["no policyTypes", stored(ingress, {}, { podSelector: {} })],
    ["no spec", stored(ingress, {}, null)],
    ["a description that was removed", stored(ingress, { annotations: { owner: "x" } })],
    ["no annotations", stored(ingress, { annotations: null })],
    [
      "an annotation that was changed",
      stored(ingress, { annotations: { ...ingress.metadata?.annotations, owner: "x" } }),
    ],
    [
      "the label of another baseline",
      stored(ingress, { labels: { ...ingress.metadata?.labels, "drawbridge.dev/baseline": "old" } }),
    ],
  ];
  test.each(edited)("%s: it is applied again", (_, policy) => {
    expect(ours(policy)).toEqual(ONLY_INGRESS);
  });
  test("a port that was changed deep in it", () => {
    const spec = JSON.parse(JSON.stringify(dns.spec).replaceAll("53", "54")) as unknown;
    expect(found(stored(dns, {}, spec), stored(ingress), stored(egress))).toEqual({
      apply: [nameOf(dns)],
      conflicts: [],
    });
  });
});

describe("somebody else's policy of our name", () => {
  test("says the same: it is adopted", () => {
    expect(found(...others, stored(ingress, foreign))).toEqual(ONLY_INGRESS);
    expect(found(...others, stored(ingress, { labels: null, annotations: null }))).toEqual(ONLY_INGRESS);
  });
  test("says the same in another way: it is adopted", () => {
    expect(
      found(...others, stored(ingress, foreign, { policyTypes: ["Ingress"], podSelector: {}, ingress: [] })),
    ).toEqual(ONLY_INGRESS);
  });
  const different = { podSelector: {}, policyTypes: ["Ingress"], ingress: [{}] };
  test("says something else: it stays as it is, and is reported", () => {
    expect(found(...others, stored(ingress, foreign, different))).toEqual({ apply: [], conflicts: [nameOf(ingress)] });
  });
  test("the others are applied nevertheless", () => {
    expect(found(stored(ingress, foreign, different))).toEqual({
      apply: [nameOf(dns), nameOf(egress)],
      conflicts: [nameOf(ingress)],
    });
  });
  test.each([
    ["managed by another", { "app.kubernetes.io/managed-by": "Helm", "drawbridge.dev/baseline": "default" }],
    ["managed by us, but of no baseline", { "app.kubernetes.io/managed-by": "drawbridge" }],
    ["of a baseline, but managed by nobody", { "drawbridge.dev/baseline": "default" }],
  ])("%s, is somebody else's", (_, labels) => {
    expect(found(...others, stored(ingress, { labels }, different)).conflicts).toEqual([nameOf(ingress)]);
  });
});

test("to plan changes nothing of what it is given", () => {
  const before = JSON.stringify(wanted);
  const policies = [stored(dns, foreign), stored(ingress)];
  const there = JSON.stringify(policies);
  plan(policies, wanted);
  expect(JSON.stringify(wanted)).toBe(before);
  expect(JSON.stringify(policies)).toBe(there);
});

describe("what must be known to plan some of them", () => {
  const involved = (...policies: NetworkPolicy[]) =>
    involvedIn(wanted, new Set(policies.map((policy) => nameOf(policy) ?? ""))).map(nameOf);
  test("of one that allows only itself", () => expect(involved(dns)).toEqual([nameOf(dns)]));
  test("of one that denies what it would cut off, too", () => {
    expect(involved(egress)).toEqual([nameOf(dns), nameOf(egress)]);
  });
  test("unless it denies what nothing opens", () => expect(involved(ingress)).toEqual([nameOf(ingress)]));
  test("of none nothing", () => expect(involved()).toEqual([]));
});
