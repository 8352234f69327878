import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { refusalsOf } from "../../src/apiserver/refusals.ts";
import { asStored } from "../../src/apiserver/stored.ts";
import type { JsonObject } from "../../src/model/json.ts";
import { type NetworkPolicy, toPolicy } from "../../src/model/network-policy.ts";
import { mutatedPolicies, VALID_POLICIES } from "../helpers/mutate.ts";
import { oddPolicies } from "../helpers/odd.ts";

const specOf = (spec: unknown): unknown => asStored({ spec }).spec;
const empty = { podSelector: {}, policyTypes: ["Ingress"] };

test.each<[string, unknown, JsonObject]>([
  ["no spec", undefined, empty],
  ["a null spec", null, empty],
  ["null everywhere", { podSelector: null, ingress: null, egress: null, policyTypes: null }, empty],
  ["egress that is empty says nothing", { podSelector: {}, egress: [] }, empty],
  ["egress that is not", { egress: [{}] }, { podSelector: {}, egress: [{}], policyTypes: ["Ingress", "Egress"] }],
  [
    "written types stay",
    { policyTypes: ["Egress"], ingress: [{}] },
    { podSelector: {}, ingress: [{}], policyTypes: ["Egress"] },
  ],
  ["a null clause allows all", { ingress: [null] }, { ...empty, ingress: [{}] }],
  ["a clause of empty lists allows all", { ingress: [{ from: [], ports: null }] }, { ...empty, ingress: [{}] }],
  [
    "a null port is every TCP port",
    { ingress: [{ ports: [null] }] },
    { ...empty, ingress: [{ ports: [{ protocol: "TCP" }] }] },
  ],
  [
    "ports get their protocol",
    { ingress: [{ ports: [{ port: 1 }, { port: "a", protocol: null, endPort: null }, { protocol: "UDP" }] }] },
    {
      ...empty,
      ingress: [{ ports: [{ port: 1, protocol: "TCP" }, { port: "a", protocol: "TCP" }, { protocol: "UDP" }] }],
    },
  ],
  [
    "peers keep empty selectors, which mean something",
    { ingress: [{ from: [{ podSelector: {}, namespaceSelector: { matchLabels: {} }, ipBlock: null }] }] },
    { ...empty, ingress: [{ from: [{ podSelector: {}, namespaceSelector: {} }] }] },
  ],
  [
    "empty lists and null texts of selectors and blocks",
    {
      podSelector: { matchLabels: { a: null }, matchExpressions: [{ key: "b", operator: "Exists", values: [] }] },
      ingress: [{ from: [{ ipBlock: { cidr: "10.0.0.0/8", except: [] } }] }],
    },
    {
      ...empty,
      podSelector: { matchLabels: { a: "" }, matchExpressions: [{ key: "b", operator: "Exists" }] },
      ingress: [{ from: [{ ipBlock: { cidr: "10.0.0.0/8" } }] }],
    },
  ],
])("%s", (_what, written, stored) => {
  expect(specOf(written)).toEqual(stored);
});

test("metadata keeps what was written, without nulls and empty maps", () => {
  const metadata = { name: "web", creationTimestamp: null, labels: {}, annotations: { a: null as unknown as string } };
  expect(asStored({ kind: "NetworkPolicy", metadata })).toEqual({
    kind: "NetworkPolicy",
    metadata: { name: "web", annotations: { a: "" } },
    spec: empty,
  });
});

describe("laws", () => {
  const accepted = mutatedPolicies(VALID_POLICIES).filter((policy) => refusalsOf(policy).length === 0);

  test("it says the same as what was written, is taken again, and then nothing changes any more", () => {
    fc.assert(
      fc.property(accepted, (object) => {
        const policy = object as NetworkPolicy;
        const stored = asStored(policy);
        expect(toPolicy(stored)).toEqual(toPolicy(policy));
        expect(refusalsOf(stored)).toEqual([]);
        expect(asStored(stored)).toEqual(stored);
      }),
      { numRuns: 1_000, seed: 4 },
    );
  });

  test("what would be refused does no harm", () => {
    fc.assert(
      fc.property(oddPolicies(), (policy) => {
        const stored = asStored(policy);
        expect(asStored(stored)).toEqual(stored);
      }),
      { numRuns: 1_000, seed: 4 },
    );
  });
});
