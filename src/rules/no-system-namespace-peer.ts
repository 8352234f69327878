import { podPeersOf } from "../model/policy.ts";
import { isUnbounded, selectsEveryNamespace } from "../model/selector.ts";
import { isDnsOnly } from "./shared/dns.ts";
import { policyYaml } from "./shared/examples.ts";
import { type NamedNamespaces, NAMED_NAMESPACES, namedNamespace } from "./shared/named-namespaces.ts";
import type { Rule } from "./rule.ts";

export const noSystemNamespacePeer: Rule<NamedNamespaces> = {
  id: "no-system-namespace-peer",
  on: "NetworkPolicy",
  severity: "high",
  title: "forbids a system namespace as a whole as a peer.",
  why:
    "kube-system holds what runs the cluster: controllers with wide permissions, the cloud's agents, metrics, webhooks. " +
    "A policy that needs DNS and allows all of kube-system lets a compromised Pod talk to every one of them, and them to it.",
  remedy: "Add a podSelector beside the namespaceSelector, in the same list item: for DNS `k8s-app: kube-dns`.",
  options: {
    namespaces: {
      ...NAMED_NAMESPACES.namespaces,
      description: "Namespaces that may not be peers as a whole.",
    },
    nameLabels: {
      ...NAMED_NAMESPACES.nameLabels,
      description:
        "Labels by whose value a selector names a namespace. `name` is not set by Kubernetes, but many copied policies use it and many clusters have it.",
    },
  },
  examples: [
    {
      title: "all of kube-system",
      bad: policyYaml(
        "dashboard",
        `
policyTypes: [Egress]
egress:
  - to:
      - namespaceSelector:
          matchLabels:
            kubernetes.io/metadata.name: kube-system
    ports:
      - port: 10250
`,
      ),
      good: policyYaml(
        "dashboard",
        `
policyTypes: [Egress]
egress:
  - to:
      - namespaceSelector:
          matchLabels:
            kubernetes.io/metadata.name: kube-system
        podSelector:
          matchLabels:
            k8s-app: metrics-server
    ports:
      - port: 10250
`,
      ),
    },
    {
      title: "all of kube-system, for DNS",
      bad: policyYaml(
        "web",
        `
policyTypes: [Egress]
egress:
  - to:
      - namespaceSelector:
          matchLabels:
            kubernetes.io/metadata.name: kube-system
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
  ],

  check({ policy }, { options }) {
    return podPeersOf(policy).flatMap(({ peer, clause }) => {
      if (peer.namespaces === "own" || selectsEveryNamespace(peer.namespaces) || !isUnbounded(peer.pods)) return [];
      const system = namedNamespace(peer.namespaces, options);
      if (system === undefined) return [];
      const direction = clause.direction === "ingress" ? "ingress from" : "egress to";
      if (isDnsOnly(clause)) {
        return [
          {
            message: `${direction} every Pod of ${system} on port 53; DNS needs only the Pods that serve it`,
            path: peer.path,
            fix: "add podSelector: {matchLabels: {k8s-app: kube-dns}} to the same list item",
            atMost: "warn" as const,
          },
        ];
      }
      return [
        {
          message: `${direction} every Pod of ${system}, where the cluster's own controllers run`,
          path: peer.path,
          fix: "add a podSelector to the same list item; for DNS k8s-app: kube-dns and port 53",
        },
      ];
    });
  },
};
