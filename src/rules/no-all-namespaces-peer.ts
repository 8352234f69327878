import { isDnsOnly } from "./shared/dns.ts";
import { everyNamespacePeersOf } from "./shared/every-namespace.ts";
import { policyYaml } from "./shared/examples.ts";
import type { Rule } from "./rule.ts";

export const noAllNamespacesPeer: Rule = {
  id: "no-all-namespaces-peer",
  on: "NetworkPolicy",
  severity: "high",
  title: "forbids peers in every namespace.",
  why:
    "`namespaceSelector: {}` is every namespace, those of other teams and those that do not exist yet included. With a " +
    "podSelector beside it, whoever may create a Pod anywhere in the cluster becomes a peer by writing one label. " +
    "Selectors that only exclude (NotIn, DoesNotExist) are every namespace too, but for a few. Egress clauses that allow DNS " +
    "and nothing else are left to no-open-dns.",
  remedy:
    "Name the namespaces: `kubernetes.io/metadata.name` cannot be forged. For the own namespace, leave namespaceSelector out.",
  options: {},
  examples: [
    {
      title: "every Pod of every namespace",
      bad: policyYaml(
        "database",
        `
policyTypes: [Ingress]
ingress:
  - from:
      - namespaceSelector: {}
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
      - podSelector:
          matchLabels:
            app.kubernetes.io/name: web
    ports:
      - port: 5432
`,
      ),
    },
    {
      title: "a selector that only excludes",
      bad: policyYaml(
        "database",
        `
policyTypes: [Ingress]
ingress:
  - from:
      - namespaceSelector:
          matchExpressions:
            - key: kubernetes.io/metadata.name
              operator: NotIn
              values: [sandbox]
        podSelector:
          matchLabels:
            app.kubernetes.io/name: web
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
          matchExpressions:
            - key: kubernetes.io/metadata.name
              operator: In
              values: [shop, checkout]
        podSelector:
          matchLabels:
            app.kubernetes.io/name: web
    ports:
      - port: 5432
`,
      ),
    },
  ],

  check({ policy }) {
    return everyNamespacePeersOf(policy)
      .filter(({ clause }) => !isDnsOnly(clause))
      .map(({ clause, path, who }) => ({
        message: `the namespaceSelector rules out hardly anything: ${clause.direction === "ingress" ? "ingress from" : "egress to"} ${who}`,
        path,
        fix: "name the namespaces by kubernetes.io/metadata.name; leave namespaceSelector out for the own namespace",
      }));
  },
};
