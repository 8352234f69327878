import type { Peer } from "../model/policy.ts";
import { policyYaml } from "./shared/examples.ts";
import type { Rule } from "./rule.ts";

export const noAmbiguousPeers: Rule = {
  id: "no-ambiguous-peers",
  on: "NetworkPolicy",
  severity: "medium",
  title: "forbids a lone namespaceSelector and a lone podSelector side by side in one list.",
  why:
    "Two list items are OR, two fields of one item are AND; the difference is one dash, and tutorials get it wrong. " +
    "Written as two items, every Pod of the other namespace is a peer, and so are the Pods of the own namespace that " +
    "carry the label.",
  remedy:
    "If the Pods of that namespace are meant, remove the second dash. If both are meant, write `podSelector: {}` beside " +
    "the namespaceSelector, or put the two into clauses of their own.",
  options: {},
  examples: [
    {
      title: "one dash too many",
      bad: policyYaml(
        "database",
        `
policyTypes: [Ingress]
ingress:
  - from:
      - namespaceSelector:
          matchLabels:
            kubernetes.io/metadata.name: checkout
      - podSelector:
          matchLabels:
            app.kubernetes.io/name: orders
    ports:
      - port: 5432
`,
      ),
      good: policyYaml(
        "database",
        `
policyTypes: [Ingress]
ingress:
  - from:
      - namespaceSelector:
          matchLabels:
            kubernetes.io/metadata.name: checkout
        podSelector:
          matchLabels:
            app.kubernetes.io/name: orders
    ports:
      - port: 5432
`,
      ),
    },
  ],

  check({ policy }) {
    return policy.clauses
      .flatMap(({ peers }) => (peers === "anyone" ? [] : secondsOfPairs(peers)))
      .map(({ path }) => ({
        message: "two list items are OR: every Pod of those namespaces, and these Pods of the own one",
        path,
        fix: "if Pods of those namespaces are meant, make it one item; if not, put podSelector: {} beside namespaceSelector",
      }));
  },
};

/** Of each pair that could be one item cut in two, the second half. No item is in two pairs. */
function secondsOfPairs(peers: readonly Peer[]): Peer[] {
  const seconds: Peer[] = [];
  for (const [i, peer] of peers.entries()) {
    const before = peers[i - 1];
    if (before === undefined || before === seconds.at(-1)) continue;
    const isPair = (isLoneNamespaces(before) && isLonePods(peer)) || (isLonePods(before) && isLoneNamespaces(peer));
    if (isPair) seconds.push(peer);
  }
  return seconds;
}

/** Whoever writes `podSelector: {}` beside it knows what it is without. */
function isLoneNamespaces(peer: Peer): boolean {
  return peer.kind === "pods" && peer.namespaces !== "own" && peer.pods.path === peer.path;
}

/** A lone `podSelector: {}` is the own namespace, and would add nothing to the other half. */
function isLonePods(peer: Peer): boolean {
  return peer.kind === "pods" && peer.namespaces === "own" && peer.pods.requirements.length > 0;
}
