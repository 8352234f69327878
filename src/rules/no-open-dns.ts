import { addressPeersOf } from "../model/policy.ts";
import { broadParts } from "./shared/broad-addresses.ts";
import { isDnsOnly } from "./shared/dns.ts";
import { everyNamespacePeersOf } from "./shared/every-namespace.ts";
import { policyYaml } from "./shared/examples.ts";
import type { Rule, Violation } from "./rule.ts";

/** Prefix lengths: more addresses than one such prefix holds is too much. */
interface Options {
  readonly publicIPv4: number;
  readonly publicIPv6: number;
  readonly privateIPv4: number;
  readonly privateIPv6: number;
}

const prefixLength = (bits: number) => ({ type: "integer", minimum: 0, maximum: bits });

export const noOpenDns: Rule<Options> = {
  id: "no-open-dns",
  on: "NetworkPolicy",
  severity: "medium",
  title: "forbids egress on port 53 to anyone.",
  why:
    "Whoever may ask any DNS server may ask one of his own: data leaves in the questions and orders come back in the " +
    "answers, past every other policy; and over TCP port 53 carries anything. This rule alone judges egress clauses that " +
    "allow port 53 (UDP, TCP) and nothing else: those without `to`, to every namespace, or to more addresses than a limit. " +
    "As soon as a clause allows another port too, no-open-egress, no-all-namespaces-peer and no-broad-cidr judge it.",
  remedy:
    "Name the cluster's DNS: `kubernetes.io/metadata.name: kube-system` and `k8s-app: kube-dns` in one list item, or the " +
    "address of the node-local cache. Drawbridge's baseline allows just that in every governed namespace.",
  options: {
    publicIPv4: {
      ...prefixLength(32),
      description: "Public IPv4 addresses: a prefix length; more than one such prefix holds is anyone.",
      default: 24,
    },
    publicIPv6: { ...prefixLength(128), description: "The same of public IPv6.", default: 48 },
    privateIPv4: { ...prefixLength(32), description: "The same of private IPv4.", default: 16 },
    privateIPv6: { ...prefixLength(128), description: "The same of private IPv6.", default: 48 },
  },
  examples: [
    {
      title: "port 53 without peers",
      bad: policyYaml(
        "web",
        `
policyTypes: [Egress]
egress:
  - ports:
      - port: 53
        protocol: UDP
      - port: 53
        protocol: TCP
`,
      ),
      good: policyYaml(
        "web",
        `
policyTypes: [Egress]
egress:
  - to:
      - namespaceSelector:
          matchLabels:
            kubernetes.io/metadata.name: kube-system
        podSelector:
          matchLabels:
            k8s-app: kube-dns
    ports:
      - port: 53
        protocol: UDP
      - port: 53
        protocol: TCP
`,
      ),
    },
    {
      title: "whoever calls himself DNS, in any namespace",
      bad: policyYaml(
        "web",
        `
policyTypes: [Egress]
egress:
  - to:
      - namespaceSelector: {}
        podSelector:
          matchLabels:
            k8s-app: kube-dns
    ports:
      - port: 53
        protocol: UDP
      - port: 53
        protocol: TCP
`,
      ),
      good: policyYaml(
        "web",
        `
policyTypes: [Egress]
egress:
  - to:
      - ipBlock:
          cidr: 169.254.20.10/32
    ports:
      - port: 53
        protocol: UDP
      - port: 53
        protocol: TCP
`,
      ),
    },
  ],

  check({ policy }, { options }) {
    const dns = { clauses: policy.clauses.filter(isDnsOnly) };
    if (dns.clauses.length === 0) return [];
    const open = dns.clauses
      .filter(({ peers }) => peers === "anyone")
      .map(({ path }) => violation("everyone, for want of `to`: data can leave in the questions", path));
    const everyNamespace = everyNamespacePeersOf(dns).map(({ who, path }) =>
      violation(`${who}: not only the cluster's own DNS`, path),
    );
    const limits = {
      publicIPv4: { enforceAbove: options.publicIPv4 },
      publicIPv6: { enforceAbove: options.publicIPv6 },
      privateIPv4: { enforceAbove: options.privateIPv4 },
      privateIPv6: { enforceAbove: options.privateIPv6 },
    };
    const broad = broadParts("egress", addressPeersOf(dns), limits, false).map(({ what, path, clauses: summed }) => ({
      ...violation(what, path),
      clauses: summed,
    }));
    return [...open, ...everyNamespace, ...broad];
  },
};

function violation(who: string, path: string): Violation {
  return {
    message: `DNS to ${who}`,
    path,
    fix: "name the cluster's DNS: namespace kube-system and Pods k8s-app: kube-dns in one list item, or its address",
  };
}
