import { describe, expect, test } from "vitest";
import { TEMPLATES } from "../../src/config/baseline.ts";
import { CONVENTIONAL_DNS } from "../../src/baseline/dns.ts";
import { resolveBaseline } from "../../src/baseline/resolve.ts";
import { wantedPolicies } from "../../src/baseline/templates.ts";
import { evaluate } from "../../src/engine/evaluate.ts";
import { resolveRuleset } from "../../src/engine/ruleset.ts";
import { policySubject } from "../../src/engine/subject.ts";
import { readEmbeddedPolicies } from "../../src/files/policies.ts";
import { toPolicy } from "../../src/model/network-policy.ts";
import { matches } from "../../src/model/selector.ts";
import { resolvedBaseline } from "../helpers/build.ts";

const { rulesets, baselines } = await readEmbeddedPolicies();
const all = wantedPolicies(resolvedBaseline(), "shop");
const byName = new Map(all.map((policy) => [policy.metadata?.name, policy]));

function template(name: string) {
  const policy = byName.get(`drawbridge-${name}`);
  if (policy === undefined) throw new Error(`there is no template ${name}`);
  return toPolicy(policy);
}

test.each(["default", "restricted"])("every template passes every rule of ruleset %s", (name) => {
  const document = rulesets.get(name);
  if (document === undefined) throw new Error(`${name} is missing`);
  const ruleset = resolveRuleset(document, rulesets);
  expect(all).toHaveLength(TEMPLATES.length);
  for (const policy of all) expect(evaluate(policySubject(policy, policy), ruleset, "enforce")).toEqual([]);
});

test("what allows comes before what denies, whatever the order in the document", () => {
  const orders = [
    [...TEMPLATES],
    TEMPLATES.toReversed(),
    ["01-default-deny-egress", "10-allow-dns-egress", "00-default-deny-ingress"] as const,
  ];
  for (const templates of orders) {
    const names = wantedPolicies(resolvedBaseline("b", { templates }), "shop").map(({ metadata }) => metadata?.name);
    expect(names[0]).toBe("drawbridge-10-allow-dns-egress");
    expect(names.slice(1)).toEqual(
      templates.filter((name) => !name.startsWith("10-")).map((name) => `drawbridge-${name}`),
    );
  }
});

test("only what the baseline names", () => {
  const wanted = wantedPolicies(resolvedBaseline("b", { templates: ["00-default-deny-ingress"] }), "shop");
  expect(wanted).toEqual([
    {
      apiVersion: "networking.k8s.io/v1",
      kind: "NetworkPolicy",
      metadata: {
        name: "drawbridge-00-default-deny-ingress",
        namespace: "shop",
        labels: { "app.kubernetes.io/managed-by": "drawbridge", "drawbridge.dev/baseline": "b" },
        annotations: {
          description: "Nothing may connect to a Pod of this namespace unless another policy allows it.",
          owner: "Drawbridge, NetworkBaseline b",
          "drawbridge.dev/content": expect.stringMatching(/^[\da-f]{16}$/),
        },
      },
      spec: { podSelector: {}, policyTypes: ["Ingress"] },
    },
  ]);
});

test("the shipped baseline denies all and allows DNS", () => {
  const shipped = baselines.get("default");
  if (shipped === undefined) throw new Error("the shipped baseline is missing");
  expect(
    wantedPolicies(resolveBaseline(shipped, CONVENTIONAL_DNS), "shop").map(({ metadata }) => metadata?.name),
  ).toEqual([
    "drawbridge-10-allow-dns-egress",
    "drawbridge-00-default-deny-ingress",
    "drawbridge-01-default-deny-egress",
  ]);
});

describe("what each says", () => {
  test.each([
    ["00-default-deny-ingress", "ingress"],
    ["01-default-deny-egress", "egress"],
  ])("%s isolates every Pod and allows nothing", (name, direction) => {
    const { selects, isolates, clauses } = template(name);
    expect(selects.requirements).toEqual([]);
    expect(isolates).toEqual([direction]);
    expect(clauses).toEqual([]);
  });
  test("10-allow-dns-egress: every Pod reaches DNS on UDP and TCP, and nothing else", () => {
    const { selects, isolates, clauses } = template("10-allow-dns-egress");
    expect(selects.requirements).toEqual([]);
    expect(isolates).toEqual(["egress"]);
    expect(clauses).toHaveLength(1);
    const [clause] = clauses;
    if (clause === undefined || clause.peers === "anyone" || clause.ports === "all") throw new Error("open to all");
    expect(clause.ports.map(({ protocol, port, endPort }) => [protocol, port, endPort])).toEqual([
      ["UDP", 53, undefined],
      ["TCP", 53, undefined],
    ]);
    const [peer] = clause.peers;
    if (clause.peers.length !== 1 || peer?.kind !== "pods" || peer.namespaces === "own") throw new Error("not DNS");
    expect(matches(peer.namespaces, { "kubernetes.io/metadata.name": "kube-system" })).toBe(true);
    expect(matches(peer.namespaces, { "kubernetes.io/metadata.name": "shop" })).toBe(false);
    expect(matches(peer.pods, { "k8s-app": "kube-dns", "pod-template-hash": "x" })).toBe(true);
    expect(matches(peer.pods, { "k8s-app": "metrics-server" })).toBe(false);
  });
});
