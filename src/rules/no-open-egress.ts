import { openClauseViolations } from "./shared/open-clause.ts";
import { policyYaml } from "./shared/examples.ts";
import type { Rule } from "./rule.ts";

export const noOpenEgress: Rule = {
  id: "no-open-egress",
  on: "NetworkPolicy",
  severity: "critical",
  title: "forbids egress clauses without peers: they allow traffic to everyone.",
  why:
    "A clause without `to` allows every destination: every Pod of every namespace, the cloud's metadata endpoint and the " +
    "whole internet. One compromised Pod can then send anything anywhere. Policies add up, so one such clause undoes " +
    "every other policy that selects the same Pods. A clause that allows DNS and nothing else is left to no-open-dns, " +
    "which is milder in ruleset `default`.",
  remedy: "Name the destinations with `podSelector`, `namespaceSelector` or narrow `ipBlock`s.",
  options: {},
  examples: [
    {
      title: "an empty clause is everything, not nothing",
      bad: policyYaml(
        "web",
        `
policyTypes: [Egress]
egress:
  - {}
`,
      ),
      good: policyYaml(
        "web",
        `
policyTypes: [Egress]
egress: []
`,
      ),
    },
    {
      title: "ports without peers",
      bad: policyYaml(
        "web",
        `
policyTypes: [Egress]
egress:
  - ports:
      - port: 443
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
            kubernetes.io/metadata.name: payments
        podSelector:
          matchLabels:
            app.kubernetes.io/name: gateway
    ports:
      - port: 443
`,
      ),
    },
  ],

  check: ({ policy }) => openClauseViolations(policy, "egress"),
};
