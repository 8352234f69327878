import type { NetworkBaseline, TemplateName } from "../config/baseline.ts";
import { BASELINE_LABEL, CONTENT_ANNOTATION, FIELD_MANAGER, MANAGED_BY_LABEL } from "../model/names.ts";
import type { NetworkPolicy } from "../model/network-policy.ts";
import { contentHash } from "./content.ts";
import { dnsEgress } from "./dns.ts";
import { type Baseline, whyUnarmed } from "./resolve.ts";

/** Reserved: what a person calls a policy should not collide with what we inject. */
const NAME_PREFIX = "drawbridge-";

interface Template {
  readonly description: string;
  /** Denies only, so it comes after those that allow. */
  readonly denies?: true;
  /** In the form that the API server stores, so that it compares equal to what is found. */
  readonly spec: (baseline: Baseline) => object;
}

/** A template is a literal, filled in. Written to pass every rule of the ruleset `restricted`; a test holds it to that. */
const TEMPLATE: Readonly<Record<TemplateName, Template>> = {
  "00-default-deny-ingress": {
    description: "Nothing may connect to a Pod of this namespace unless another policy allows it.",
    denies: true,
    spec: () => ({ podSelector: {}, policyTypes: ["Ingress"] }),
  },
  "01-default-deny-egress": {
    description: "No Pod of this namespace may connect to anything unless another policy allows it.",
    denies: true,
    spec: () => ({ podSelector: {}, policyTypes: ["Egress"] }),
  },
  "10-allow-dns-egress": {
    description: "Every Pod of this namespace may ask the cluster's DNS, over UDP and, for long answers, TCP.",
    spec: ({ dns }) => ({
      podSelector: {},
      policyTypes: ["Egress"],
      egress: dnsEgress(dns.isKnown ? dns.servers : []),
    }),
  },
};

/**
 * The policies that a baseline wants in a namespace, in the order in which to apply them: allows before denies. None
 * while it is not known what they are to say.
 */
export function wantedPolicies(baseline: Baseline, namespace: string): NetworkPolicy[] {
  if (whyUnarmed(baseline) !== undefined) return [];
  const names = baseline.spec.templates.map(({ name }) => name);
  const allowsFirst = names.toSorted(
    (a, b) => Number(TEMPLATE[a].denies ?? false) - Number(TEMPLATE[b].denies ?? false),
  );
  return allowsFirst.map((name) => policyOf(name, baseline, namespace));
}

/** What they are called, which is known in any case. */
export function policyNames({ spec }: NetworkBaseline): string[] {
  return spec.templates.map(({ name }) => nameOf(name));
}

function nameOf(template: TemplateName): string {
  return `${NAME_PREFIX}${template}`;
}

function policyOf(template: TemplateName, baseline: Baseline, namespace: string): NetworkPolicy {
  const { description, spec } = TEMPLATE[template];
  const { name } = baseline.metadata;
  const policy = {
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    metadata: {
      name: nameOf(template),
      namespace,
      labels: { [MANAGED_BY_LABEL]: FIELD_MANAGER, [BASELINE_LABEL]: name },
      annotations: { description, owner: `Drawbridge, NetworkBaseline ${name}` },
    },
    spec: spec(baseline),
  };
  const annotations = { ...policy.metadata.annotations, [CONTENT_ANNOTATION]: contentHash(policy) };
  return { ...policy, metadata: { ...policy.metadata, annotations } };
}
