import { NAMESPACE_NAME_LABEL } from "../model/names.ts";
import { type PodPeer, podPeersOf } from "../model/policy.ts";
import { valuesOf } from "../model/selector.ts";
import { policyYaml } from "./shared/examples.ts";
import { isListed, KEY_SCHEMA, type KeyList, PREFIX_SCHEMA } from "./shared/label-keys.ts";
import { plain } from "./shared/plain.ts";
import type { Rule } from "./rule.ts";

interface Options extends KeyList {
  readonly exemptNamespaces: readonly string[];
}

export const requireLabelContract: Rule<Options> = {
  id: "require-label-contract",
  on: "NetworkPolicy",
  severity: "medium",
  title: "demands that selectors of Pods use only the labels that a platform has agreed upon.",
  why:
    "A policy holds as long as the labels that it selects by. Those of the contract are on every workload, mean the same " +
    "everywhere and are looked after; any other label is a detail of somebody's chart, and when it is renamed the policy " +
    "selects nothing, without a word.",
  remedy:
    "Select by app.kubernetes.io/name, instance, component and part-of. What a platform has agreed upon besides belongs " +
    "into the options `keys` and `prefixes`.",
  options: {
    keys: {
      ...KEY_SCHEMA,
      minItems: 1,
      description:
        "Label keys that selectors of Pods may use. The exposure label of no-broad-cidr must be among them to be of use.",
      default: [
        "app.kubernetes.io/name",
        "app.kubernetes.io/instance",
        "app.kubernetes.io/component",
        "app.kubernetes.io/part-of",
        "drawbridge.dev/exposure",
      ],
    },
    prefixes: {
      ...PREFIX_SCHEMA,
      description: "Prefixes all of whose keys they may use: `example.com` is every `example.com/...`.",
      default: [],
    },
    exemptNamespaces: {
      type: "array",
      items: { type: "string", minLength: 1 },
      description:
        "Namespaces whose Pods others label, as the cluster's DNS is: peers there, by kubernetes.io/metadata.name, may be selected by any key.",
      default: ["kube-system"],
    },
  },
  examples: [
    {
      title: "a label that one chart happens to set",
      bad: policyYaml(
        "database",
        `
policyTypes: [Ingress]
ingress:
  - from:
      - podSelector:
          matchLabels:
            release: shop
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
            app.kubernetes.io/instance: shop
    ports:
      - port: 5432
`,
      ),
    },
    {
      title: "the cluster's DNS has the labels that it has",
      bad: policyYaml(
        "web",
        `
podSelector:
  matchLabels:
    k8s-app: web
policyTypes: [Egress]
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
    const bound = podPeersOf(policy).filter(({ peer }) => !isExempt(peer, options.exemptNamespaces));
    return [policy.selects, ...bound.map(({ peer }) => peer.pods)]
      .flatMap((selector) => selector.requirements)
      .filter(({ key }) => !isListed(key, options))
      .map(({ key, path }) => ({
        message: `label ${plain(key, "of this name")} is not in the contract: nobody promises that it stays`,
        path,
        fix: `select by keys of the contract, such as ${options.keys.slice(0, 3).join(", ")}`,
      }));
  },
};

/** Only a name that nobody can forge says that the Pods are there and nowhere else. */
function isExempt({ namespaces }: PodPeer, exempt: readonly string[]): boolean {
  const names = namespaces === "own" ? [] : (valuesOf(namespaces, NAMESPACE_NAME_LABEL) ?? []);
  return names.length > 0 && names.every((name) => exempt.includes(name));
}
