import { openClauseViolations } from "./shared/open-clause.ts";
import { policyYaml } from "./shared/examples.ts";
import type { Rule } from "./rule.ts";

export const noOpenIngress: Rule = {
  id: "no-open-ingress",
  on: "NetworkPolicy",
  severity: "critical",
  title: "forbids ingress clauses without peers: they allow traffic from everyone.",
  why:
    "A clause without `from` allows every source: every Pod of every namespace, every node and whatever can route to the " +
    "Pod from outside. Policies add up, so one such clause undoes every other policy that selects the same Pods.",
  remedy:
    "Name the sources with `podSelector`, `namespaceSelector` or `ipBlock`. For a workload that is meant to face the " +
    "internet, select its exposure label and write the `ipBlock` (see no-broad-cidr).",
  options: {},
  examples: [
    {
      title: "an empty clause is everything, not nothing",
      bad: policyYaml(
        "web",
        `
policyTypes: [Ingress]
ingress:
  - {}
`,
      ),
      good: policyYaml(
        "web",
        `
policyTypes: [Ingress]
ingress:
  - from:
      - namespaceSelector:
          matchLabels:
            kubernetes.io/metadata.name: ingress-nginx
        podSelector:
          matchLabels:
            app.kubernetes.io/name: ingress-nginx
    ports:
      - port: 8080
`,
      ),
    },
  ],

  check: ({ policy }) => openClauseViolations(policy, "ingress"),
};
