import { podPeersOf } from "../model/policy.ts";
import { type Selector, selectsEveryNamespace } from "../model/selector.ts";
import { policyYaml } from "./shared/examples.ts";
import { isListed, KEY_SCHEMA, type KeyList, PREFIX_SCHEMA } from "./shared/label-keys.ts";
import { plain } from "./shared/plain.ts";
import type { Rule, Violation } from "./rule.ts";

export const noMutableNamespaceLabel: Rule<KeyList> = {
  id: "no-mutable-namespace-label",
  on: "NetworkPolicy",
  severity: "medium",
  title: "forbids namespaceSelectors that rest on labels which tenants can set themselves.",
  why:
    "Only kubernetes.io/metadata.name is set by the API server. Any other label, `name` included, is what the owner of a " +
    "namespace writes: whoever may label a namespace becomes a peer of this policy by writing the label it asks for.",
  remedy:
    "Name the namespaces with `kubernetes.io/metadata.name`, alone or beside the other labels. If something in your " +
    "cluster guards a label, add it to the option `keys` or `prefixes`.",
  options: {
    keys: {
      ...KEY_SCHEMA,
      description: "Labels of namespaces that tenants cannot set or change.",
      default: ["kubernetes.io/metadata.name"],
    },
    prefixes: {
      ...PREFIX_SCHEMA,
      description: "Prefixes of such labels: `example.com` is every `example.com/...`.",
      default: [],
    },
  },
  examples: [
    {
      title: "whoever calls itself so",
      bad: policyYaml(
        "database",
        `
policyTypes: [Ingress]
ingress:
  - from:
      - namespaceSelector:
          matchLabels:
            team: checkout
        podSelector:
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
    {
      title: "a label that narrows a list of names",
      bad: policyYaml(
        "database",
        `
policyTypes: [Ingress]
ingress:
  - from:
      - namespaceSelector:
          matchLabels:
            environment: production
        podSelector:
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
          matchExpressions:
            - key: kubernetes.io/metadata.name
              operator: In
              values: [checkout, returns]
          matchLabels:
            environment: production
        podSelector:
          matchLabels:
            app.kubernetes.io/name: orders
    ports:
      - port: 5432
`,
      ),
    },
  ],

  check({ policy }, { options }) {
    return podPeersOf(policy).flatMap(({ peer }) =>
      peer.namespaces === "own" ? [] : violations(peer.namespaces, options),
    );
  },
};

/** One a selector: a single trusted list of values would mend it, however many labels it asks for. */
function violations(selector: Selector, trusted: KeyList): Violation[] {
  // no-all-namespaces-peer says it.
  if (selectsEveryNamespace(selector)) return [];
  const isBound = selector.requirements.some(({ key, operator }) => operator === "In" && isListed(key, trusted));
  const [mutable, ...others] = selector.requirements.filter(({ key }) => !isListed(key, trusted));
  if (isBound || mutable === undefined) return [];
  return [
    {
      message: `whoever may label a namespace can set ${plain(mutable.key, "this label")} and so become a peer`,
      path: others.length === 0 ? mutable.path : selector.path,
      fix: "ask for the namespaces by kubernetes.io/metadata.name, which only the API server sets",
    },
  ];
}
