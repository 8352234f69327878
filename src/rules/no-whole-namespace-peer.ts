import { NAMESPACE_NAME_LABEL } from "../model/names.ts";
import { podPeersOf } from "../model/policy.ts";
import { isUnbounded, selectsEveryNamespace, valuesOf } from "../model/selector.ts";
import { policyYaml } from "./shared/examples.ts";
import { type NamedNamespaces, NAMED_NAMESPACES, namedNamespace } from "./shared/named-namespaces.ts";
import { plain } from "./shared/plain.ts";
import type { Rule } from "./rule.ts";

export const noWholeNamespacePeer: Rule<NamedNamespaces> = {
  id: "no-whole-namespace-peer",
  on: "NetworkPolicy",
  severity: "medium",
  title: "forbids all Pods of another namespace as a peer.",
  why:
    "Whatever runs in the other namespace, now or later, is a peer: its jobs, its debugging Pods, the workload that " +
    "somebody adds next year. One compromised Pod there is enough. A podSelector that only excludes (NotIn, " +
    "DoesNotExist) is all of them too, but for a few.",
  remedy:
    "Add a podSelector with the labels of the Pods that are meant to the same list item, without a dash before it.",
  options: {
    namespaces: {
      ...NAMED_NAMESPACES.namespaces,
      description: "System namespaces, of which no-system-namespace-peer speaks instead: the same as its option.",
    },
    nameLabels: {
      ...NAMED_NAMESPACES.nameLabels,
      description: "Labels by whose value a selector names one of them: the same as the option of that rule.",
    },
  },
  examples: [
    {
      title: "a namespace without a podSelector",
      bad: policyYaml(
        "web",
        `
policyTypes: [Ingress]
ingress:
  - from:
      - namespaceSelector:
          matchLabels:
            kubernetes.io/metadata.name: ingress-nginx
    ports:
      - port: 8080
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
            app.kubernetes.io/component: controller
    ports:
      - port: 8080
`,
      ),
    },
    {
      title: "a podSelector that only excludes; the own namespace may be a peer as a whole",
      bad: policyYaml(
        "web",
        `
policyTypes: [Egress]
egress:
  - to:
      - namespaceSelector:
          matchLabels:
            kubernetes.io/metadata.name: payments
        podSelector:
          matchExpressions:
            - key: app.kubernetes.io/component
              operator: NotIn
              values: [database]
    ports:
      - port: 443
`,
      ),
      good: policyYaml(
        "web",
        `
policyTypes: [Egress]
egress:
  - to:
      - podSelector: {}
    ports:
      - port: 443
`,
      ),
    },
  ],

  check({ policy }, { options }) {
    return podPeersOf(policy).flatMap(({ peer: { namespaces, pods, path }, clause }) => {
      if (namespaces === "own" || !isUnbounded(pods)) return [];
      // no-all-namespaces-peer and no-system-namespace-peer say it.
      if (selectsEveryNamespace(namespaces) || namedNamespace(namespaces, options) !== undefined) return [];
      const names = valuesOf(namespaces, NAMESPACE_NAME_LABEL);
      // Also none: what nothing can match is no peer.
      if (names?.every((name) => name === policy.ref.namespace)) return [];
      const direction = clause.direction === "ingress" ? "ingress from" : "egress to";
      const whose =
        new Set(names).size === 1 ? plain(names?.[0] ?? "", "another namespace") : "the selected namespaces";
      return [
        {
          message: `${direction} every Pod of ${whose}, whatever runs there now and later`,
          path,
          fix: "add a podSelector with the labels of the Pods that are meant to the same list item",
        },
      ];
    });
  },
};
