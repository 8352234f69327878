import type { NetworkBaseline, TemplateName } from "../config/baseline.ts";
import { BASELINE_LABEL, FIELD_MANAGER, MANAGED_BY_LABEL, NAMESPACE_NAME_LABEL } from "../model/names.ts";
import type { NetworkPolicy } from "../model/network-policy.ts";

/** Reserved: what a person calls a policy should not collide with what we inject. */
const NAME_PREFIX = "drawbridge-";

interface Template {
  readonly description: string;
  /** Denies only, so it comes after those that allow. */
  readonly denies?: true;
  /** In the form that the API server stores, so that it compares equal to what is found. */
  readonly spec: object;
}

/** A template is a literal. Written to pass every rule of the ruleset `restricted`; a test holds it to that. */
const TEMPLATE: Readonly<Record<TemplateName, Template>> = {
  "00-default-deny-ingress": {
    description: "Nothing may connect to a Pod of this namespace unless another policy allows it.",
    denies: true,
    spec: { podSelector: {}, policyTypes: ["Ingress"] },
  },
  "01-default-deny-egress": {
    description: "No Pod of this namespace may connect to anything unless another policy allows it.",
    denies: true,
    spec: { podSelector: {}, policyTypes: ["Egress"] },
  },
  "10-allow-dns-egress": {
    description: "Every Pod of this namespace may ask the cluster's DNS, over UDP and, for long answers, TCP.",
    spec: {
      podSelector: {},
      policyTypes: ["Egress"],
      egress: [
        {
          to: [
            {
              namespaceSelector: { matchLabels: { [NAMESPACE_NAME_LABEL]: "kube-system" } },
              podSelector: { matchLabels: { "k8s-app": "kube-dns" } },
            },
          ],
          ports: [
            { port: 53, protocol: "UDP" },
            { port: 53, protocol: "TCP" },
          ],
        },
      ],
    },
  },
};

/** The policies that a baseline wants in a namespace, in the order in which to apply them: allows before denies. */
export function wantedPolicies(baseline: NetworkBaseline, namespace: string): NetworkPolicy[] {
  const names = baseline.spec.templates.map(({ name }) => name);
  const allowsFirst = names.toSorted(
    (a, b) => Number(TEMPLATE[a].denies ?? false) - Number(TEMPLATE[b].denies ?? false),
  );
  return allowsFirst.map((name) => policyOf(name, baseline.metadata.name, namespace));
}

function policyOf(name: TemplateName, baseline: string, namespace: string): NetworkPolicy {
  const { description, spec } = TEMPLATE[name];
  return {
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    metadata: {
      name: `${NAME_PREFIX}${name}`,
      namespace,
      labels: { [MANAGED_BY_LABEL]: FIELD_MANAGER, [BASELINE_LABEL]: baseline },
      annotations: { description, owner: `Drawbridge, NetworkBaseline ${baseline}` },
    },
    spec,
  };
}
