import { describe, expect, test } from "vitest";
import { evaluate } from "../../src/engine/evaluate.ts";
import { resolveRuleset } from "../../src/engine/ruleset.ts";
import { policySubject } from "../../src/engine/subject.ts";
import type { NetworkPolicy } from "../../src/model/network-policy.ts";
import { requireExpiry } from "../../src/rules/require-expiry.ts";
import {
  egress,
  egressTo,
  expression,
  ingress,
  ingressFrom,
  ipBlock,
  networkPolicy,
  networkRuleset,
  selector,
} from "../helpers/build.ts";
import { testRule } from "../helpers/test-rule.ts";

const NAME = "kubernetes.io/metadata.name";
const SYSTEM = { namespaceSelector: selector({ [NAME]: "kube-system" }) };
const DNS = [{ port: 53, protocol: "UDP" }, { port: 53 }];
const HTTPS = [{ port: 443 }];
const annotated = (annotations: unknown, policy: NetworkPolicy): NetworkPolicy => ({
  ...policy,
  metadata: { ...policy.metadata, annotations: annotations as Record<string, string> },
});
const OPEN = egress({});
const until = (expires: unknown, policy = OPEN) => annotated({ expires }, policy);
const ANNOTATION = "/metadata/annotations/expires";
const EGRESS = "/spec/egress/0";

describe("what is broad", () => {
  testRule(requireExpiry, {
    passes: [
      { name: "no clauses", policy: networkPolicy() },
      { name: "Pods", policy: egress({ to: [{ podSelector: {} }] }) },
      { name: "a namespace", policy: egress({ to: [{ namespaceSelector: selector({ [NAME]: "shop" }) }] }) },
      { name: "a few addresses", policy: egressTo("8.8.8.0/24") },
      {
        name: "the cluster's DNS",
        policy: egress({ to: [{ ...SYSTEM, podSelector: selector({ "k8s-app": "kube-dns" }) }], ports: DNS }),
      },
      {
        name: "public ingress of an exposed workload",
        policy: networkPolicy({
          spec: {
            podSelector: selector({ "drawbridge.dev/exposure": "public" }),
            ingress: [{ from: [ipBlock("11.0.0.0/8")], ports: HTTPS }],
          },
        }),
      },
      { name: "every port, which is wide but not broad", policy: egress({ to: [{ podSelector: {} }] }) },
    ],
    fails: [
      {
        name: "no-open-egress",
        policy: OPEN,
        at: EGRESS,
        says: /^broad by no-open-egress, and the policy does not say/,
      },
      {
        name: "no-open-ingress",
        policy: ingress({ ports: HTTPS }),
        at: "/spec/ingress/0",
        says: "by no-open-ingress,",
      },
      { name: "no-broad-cidr", policy: egressTo("8.8.8.8/32", "0.0.0.0/0"), at: EGRESS, says: "by no-broad-cidr," },
      { name: "no-broad-cidr, inwards", policy: ingressFrom("0.0.0.0/0"), at: "/spec/ingress/0" },
      {
        name: "no-all-namespaces-peer",
        policy: egress({ to: [{ namespaceSelector: {} }] }),
        at: EGRESS,
        says: "by no-all-namespaces-peer,",
      },
      {
        name: "no-system-namespace-peer",
        policy: egress({ to: [SYSTEM] }),
        at: EGRESS,
        says: "by no-system-namespace-peer,",
      },
      { name: "no-open-dns", policy: egress({ ports: DNS }), at: EGRESS, says: "by no-open-dns," },
      {
        name: "clauses that are broad together",
        policy: egress({ to: [ipBlock("8.8.0.0/16")] }, { to: [ipBlock("9.9.9.9/32")] }),
        at: "/spec/egress",
        says: "by no-broad-cidr,",
      },
      {
        name: "a broad clause once, with every reason",
        policy: egress({ to: [{ namespaceSelector: {} }, SYSTEM, ipBlock("0.0.0.0/0"), ipBlock("::/0")] }),
        at: EGRESS,
        says: "by no-broad-cidr and no-all-namespaces-peer and no-system-namespace-peer,",
      },
      {
        name: "each broad clause",
        policy: egress({}, { to: [{ podSelector: {} }] }, { to: [{ namespaceSelector: {} }], ports: HTTPS }),
        at: [EGRESS, "/spec/egress/2"],
      },
    ],
  });
});

describe("what is only warned of needs a date no more than that", () => {
  testRule(requireExpiry, {
    passes: [{ name: "what nobody warns of", policy: egress({ to: [ipBlock("10.0.0.0/16")], ports: DNS }) }],
    fails: [
      { name: "more than a /24", policy: egressTo("8.8.8.0/23"), at: EGRESS, atMost: "warn" },
      { name: "kube-system on port 53", policy: egress({ to: [SYSTEM], ports: DNS }), at: EGRESS, atMost: "warn" },
      {
        name: "beside what is not",
        policy: egress({ to: [SYSTEM, ipBlock("0.0.0.0/0")], ports: [{ port: 80 }] }),
        at: EGRESS,
      },
    ],
  });
});

describe("the date", () => {
  testRule(requireExpiry, {
    passes: [
      ...["2027-03-31", "2028-02-29", " 2027-03-31 "].map((date) => ({
        name: JSON.stringify(date),
        policy: until(date),
      })),
      { name: "in the past, which is for whoever has a clock", policy: until("1999-12-31") },
      { name: "nonsense, where none is asked for", policy: until("never", networkPolicy()) },
      {
        name: "under another key, by the options",
        policy: annotated({ "example.com/until": "2027-03-31" }, OPEN),
        options: { expires: "example.com/until" },
      },
    ],
    fails: [
      ...[
        "2027-02-29",
        "2027-13-01",
        "31.03.2027",
        "2027-03-31T00:00:00Z",
        "soon",
        "\u0000".repeat(60),
        "x".repeat(5000),
      ].map((date) => ({
        name: JSON.stringify(date.slice(0, 24)),
        policy: until(date),
        at: ANNOTATION,
        says: "annotation expires is not a date: ",
      })),
      { name: "nonsense once, however much is broad", policy: until("soon", egress({}, {})), at: ANNOTATION },
      { name: "blank", policy: until("  "), at: EGRESS },
      { name: "no text", policy: until(20_270_331), at: EGRESS },
      { name: "null for annotations", policy: annotated(null, OPEN), at: EGRESS },
      { name: "no metadata at all", policy: { spec: OPEN.spec }, at: EGRESS },
      {
        name: "another annotation",
        policy: annotated({ Expires: "2027-03-31", reviewed: "2026-11-01" }, OPEN),
        at: EGRESS,
      },
      {
        name: "the default's key where another is asked for",
        policy: until("2027-03-31"),
        options: { expires: "constructor" },
        at: EGRESS,
      },
      {
        name: "a key with a slash, by the options",
        policy: annotated({ "a/b": "x" }, OPEN),
        options: { expires: "a/b" },
        at: "/metadata/annotations/a~1b",
      },
    ],
  });
});

test("it counts what is broad by default, whatever the ruleset does with those rules", () => {
  const lenient = networkRuleset("lenient", {
    rules: {
      "require-expiry": { mode: "enforce" },
      "no-broad-cidr": {
        mode: "enforce",
        options: { publicIPv4: { enforceAbove: 0, warnAbove: 0 }, privateIPv4: { enforceAbove: 0, warnAbove: 0 } },
      },
      "no-open-egress": { mode: "disabled" },
    },
  });
  const found = (policy: NetworkPolicy) =>
    evaluate(policySubject(policy), resolveRuleset(lenient, new Map()), "enforce").map(
      ({ mode, rule }) => `${mode} ${rule}`,
    );
  expect(found(egressTo("0.0.0.0/0"))).toEqual(["enforce require-expiry"]);
  expect(found(OPEN)).toEqual(["enforce require-expiry"]);
  expect(found(until("2027-03-31"))).toEqual([]);
  expect(found(ingress({ from: [{ podSelector: selector({}, expression("app", "Exists")) }] }))).toEqual([]);
});
