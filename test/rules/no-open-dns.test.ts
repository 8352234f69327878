import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { evaluate } from "../../src/engine/evaluate.ts";
import { resolveRuleset } from "../../src/engine/ruleset.ts";
import { policySubject } from "../../src/engine/subject.ts";
import { readEmbeddedPolicies } from "../../src/files/policies.ts";
import type { NetworkPolicy } from "../../src/model/network-policy.ts";
import { noOpenDns } from "../../src/rules/no-open-dns.ts";
import { egress, expression, ingress, ipBlock, networkPolicy, networkRuleset, selector } from "../helpers/build.ts";
import { testRule } from "../helpers/test-rule.ts";

const NAME = "kubernetes.io/metadata.name";
const UDP53 = { port: 53, protocol: "UDP" };
const TCP53 = { port: 53, protocol: "TCP" };
const DNS = [UDP53, TCP53];
const KUBE_DNS = { podSelector: selector({ "k8s-app": "kube-dns" }) };
const EVERY = { namespaceSelector: {} };
const to = (...peers: readonly unknown[]) => egress({ to: peers, ports: DNS });
const toAddresses = (...cidrs: readonly string[]) => to(...cidrs.map(ipBlock));
const CLAUSE = "/spec/egress/0";
const FIRST = `${CLAUSE}/to/0/ipBlock/cidr`;

describe("which ports are DNS", () => {
  testRule(noOpenDns, {
    passes: [
      { name: "another port too, no-open-egress's matter", policy: egress({ ports: [...DNS, { port: 443 }] }) },
      { name: "no ports, which are all", policy: egress({}) },
      { name: "every port of UDP", policy: egress({ ports: [{ protocol: "UDP" }] }) },
      { name: "a range from 53", policy: egress({ ports: [{ ...UDP53, endPort: 54 }] }) },
      { name: "a name, which may be any port", policy: egress({ ports: [{ port: "dns" }, UDP53] }) },
      { name: "SCTP", policy: egress({ ports: [UDP53, { port: 53, protocol: "SCTP" }] }) },
      { name: "a range that is none", policy: egress({ ports: [{ ...UDP53, endPort: 52 }] }) },
      { name: "ingress", policy: ingress({ ports: DNS }) },
    ],
    fails: [
      {
        name: "UDP and TCP",
        policy: egress({ ports: DNS }),
        at: CLAUSE,
        says: "DNS to everyone, for want of `to`: data can leave in the questions",
      },
      { name: "UDP", policy: egress({ ports: [UDP53] }), at: CLAUSE },
      { name: "TCP", policy: egress({ ports: [{ port: 53 }] }), at: CLAUSE },
      { name: "a range of one", policy: egress({ ports: [{ ...UDP53, endPort: 53 }] }), at: CLAUSE },
      { name: "twice", policy: egress({ ports: [UDP53, UDP53] }), at: CLAUSE },
    ],
  });
});

describe("who is anyone", () => {
  const selectorAt = `${CLAUSE}/to/0/namespaceSelector`;
  testRule(noOpenDns, {
    passes: [
      { name: "no clauses", policy: networkPolicy() },
      { name: "nobody", policy: egress() },
      {
        name: "the cluster's DNS",
        policy: to({ ...KUBE_DNS, namespaceSelector: selector({ [NAME]: "kube-system" }) }),
      },
      {
        name: "all of kube-system, which is no-system-namespace-peer's matter",
        policy: to({ namespaceSelector: selector({ [NAME]: "kube-system" }) }),
      },
      { name: "Pods of the own namespace", policy: to({ podSelector: {} }) },
      { name: "namespaces by a label", policy: to({ namespaceSelector: selector({ tenant: "shop" }) }) },
      { name: "the node-local cache", policy: toAddresses("169.254.20.10/32") },
      { name: "GKE's DNS", policy: toAddresses("169.254.169.254/32") },
      { name: "public resolvers", policy: toAddresses("8.8.8.8/32", "8.8.4.4/32", "2001:4860:4860::8888/128") },
      { name: "exactly a public /24", policy: toAddresses("8.8.8.0/24") },
      { name: "exactly a private /16", policy: toAddresses("10.96.0.0/16") },
      { name: "exactly an IPv6 /48", policy: toAddresses("2001:db8:1::/48", "fd12:3456:789a::/48") },
      { name: "a peer that is not known", policy: to(null) },
      { name: "an address that cannot be read", policy: toAddresses("0.0.0.0/33") },
    ],
    fails: [
      { name: "an empty list of peers", policy: to(), at: CLAUSE, says: "everyone" },
      { name: "null for peers", policy: egress({ to: null, ports: DNS }), at: CLAUSE },
      { name: "every namespace", policy: to(EVERY), at: selectorAt, says: "DNS to every Pod of every namespace: " },
      {
        name: "whoever carries the label",
        policy: to({ ...EVERY, ...KUBE_DNS }),
        at: selectorAt,
        says: "DNS to any Pod of every namespace that carries the label: ",
      },
      {
        name: "all but a few",
        policy: to({ namespaceSelector: selector({}, expression(NAME, "NotIn", ["x"])) }),
        at: selectorAt,
      },
      {
        name: "all that have a name",
        policy: to({ namespaceSelector: selector({}, expression(NAME, "Exists")) }),
        at: selectorAt,
      },
      { name: "the internet", policy: toAddresses("0.0.0.0/0"), at: FIRST, says: "DNS to every IPv4 address" },
      {
        name: "the internet in two halves",
        policy: toAddresses("0.0.0.0/1", "128.0.0.0/1"),
        at: FIRST,
        says: "by 2 ipBlocks together",
      },
      {
        name: "the internet in two clauses",
        policy: egress(
          { to: [ipBlock("0.0.0.0/1")], ports: [UDP53] },
          { to: [ipBlock("128.0.0.0/1")], ports: [TCP53] },
        ),
        at: FIRST,
        says: "every IPv4",
      },
      { name: "both internets", policy: toAddresses("0.0.0.0/0", "::/0"), at: [FIRST, `${CLAUSE}/to/1/ipBlock/cidr`] },
      { name: "NAT64", policy: toAddresses("64:ff9b::/96"), at: FIRST, says: "every IPv4" },
      {
        name: "more than a public /24",
        policy: toAddresses("8.8.8.0/24", "9.9.9.9/32"),
        at: "/spec/egress",
        says: "DNS to 257 public IPv4 addresses (limit /24), by 2",
      },
      { name: "more than a private /16", policy: toAddresses("10.0.0.0/15"), at: FIRST, says: "131,072 private" },
      { name: "more than an IPv6 /48", policy: toAddresses("2001:db8::/47"), at: FIRST },
      { name: "more than a /48 of ULA", policy: toAddresses("fd00::/8"), at: FIRST },
      {
        name: "each of them",
        policy: egress({ ports: DNS }, { to: [EVERY, ipBlock("0.0.0.0/0")], ports: DNS }, { ports: [{ port: 80 }] }),
        at: [CLAUSE, "/spec/egress/1/to/0/namespaceSelector", "/spec/egress/1/to/1/ipBlock/cidr"],
      },
    ],
  });
});

describe("limits as options", () => {
  testRule(noOpenDns, {
    passes: [{ name: "a private /8", policy: toAddresses("10.0.0.0/8"), options: { privateIPv4: 8 } }],
    fails: [
      {
        name: "two addresses where one is allowed",
        policy: toAddresses("8.8.8.8/31"),
        options: { publicIPv4: 32 },
        at: FIRST,
      },
      { name: "IPv6", policy: toAddresses("2001:db8::/64"), options: { publicIPv6: 128 }, at: FIRST },
      { name: "ULA", policy: toAddresses("fd00::/64"), options: { privateIPv6: 128 }, at: FIRST },
    ],
  });
});

describe("beside the rules on what is open in general", async () => {
  const { rulesets } = await readEmbeddedPolicies();
  const found = (policy: NetworkPolicy, ruleset: "default" | "restricted") =>
    evaluate(policySubject(policy), resolveRuleset(networkRuleset("own", { base: ruleset }), rulesets), "enforce")
      .filter(({ rule }) => rule !== "require-metadata" && rule !== "require-expiry")
      .map(({ mode, rule }) => `${mode} ${rule}`);
  const OPEN = { "no peers": [], "every namespace": [EVERY], "the internet": [ipBlock("0.0.0.0/0")] };

  test.each(Object.entries(OPEN))("%s: one mistake is one finding, and ruleset default only warns", (_, peers) => {
    expect(found(to(...peers), "default")).toEqual(["warn no-open-dns"]);
    expect(found(to(...peers), "restricted")).toEqual(["enforce no-open-dns"]);
  });

  test.each(Object.entries(OPEN))("%s: with another port it is refused by another rule", (_, peers) => {
    const policy = egress({ to: peers, ports: [...DNS, { port: 443 }] });
    expect(found(policy, "default")).toEqual([
      expect.stringMatching(/^enforce no-(open-egress|all-namespaces-peer|broad-cidr)$/),
    ]);
  });

  test("a narrower clause is never judged more severely than one without peers", () => {
    const peer = fc.constantFrom(
      EVERY,
      { ...EVERY, ...KUBE_DNS },
      KUBE_DNS,
      ipBlock("0.0.0.0/0"),
      ipBlock("10.0.0.0/8"),
    );
    fc.assert(
      fc.property(fc.array(peer, { minLength: 1, maxLength: 4 }), (peers) => {
        expect(found(to(...peers), "default").filter((one) => one.startsWith("enforce"))).toEqual([]);
      }),
    );
  });
});
