import type { BaselineSpec, NetworkBaseline, NetworkPlatform, TemplateName } from "../config/baseline.ts";
import { openedWays } from "../config/ways.ts";
import { BASELINE_LABEL, CONTENT_ANNOTATION, FIELD_MANAGER, MANAGED_BY_LABEL } from "../model/names.ts";
import type { NetworkPolicy } from "../model/network-policy.ts";
import type { Direction } from "../model/policy.ts";
import { openings } from "./backends.ts";
import { contentHash } from "./content.ts";
import { egressTo, policyPeers, type Port, tcp } from "./peers.ts";
import { BACKEND_PREFIX, nameOf } from "./policy-names.ts";
import { type Baseline, whyUnarmed } from "./resolve.ts";

interface Template {
  readonly description: string;
  /** Denies only, so it comes after those that allow. */
  readonly denies?: true;
  /** In the form that the API server stores, so that it compares equal to what is found. */
  readonly spec: (baseline: Baseline, ports: readonly Port[] | undefined) => object;
}

/**
 * A template is a literal, filled in. Written to pass every rule of the ruleset `restricted`, but for what a test names
 * with the reason.
 */
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
      egress: egressTo(dns.isKnown ? dns.servers : []),
    }),
  },
  "20-allow-ingress-controller": {
    description: "The platform's ingress controller may connect to every Pod of this namespace, at these ports.",
    spec: ({ spec }, ports) =>
      allow(spec, "20-allow-ingress-controller", {
        ingress: [{ from: peersOf(spec.platform?.ingressController), ports }],
      }),
  },
  "30-allow-observability": {
    description:
      "For those who observe: metrics of this namespace's Pods may be scraped, and they may send to the platform's " +
      "collector, as far as this policy opens the way.",
    spec: ({ spec }, ports) =>
      allow(spec, "30-allow-observability", {
        ingress: [{ from: peersOf(spec.platform?.prometheus), ports }],
        egress: [{ to: peersOf(spec.platform?.collector), ports: tcp(spec.platform?.collector?.ports ?? OTLP) }],
      }),
  },
  "allow-apiserver-egress": {
    description: "Every Pod of this namespace may connect to the API server.",
    spec: ({ spec, apiServer }) =>
      allow(spec, "allow-apiserver-egress", { egress: egressTo(apiServer.isKnown ? apiServer.servers : []) }),
  },
  "allow-same-namespace": {
    description: "The Pods of this namespace may connect to each other.",
    spec: ({ spec }, ports) =>
      allow(spec, "allow-same-namespace", {
        ingress: [{ from: [{ podSelector: {} }], ...(ports && { ports }) }],
        egress: [{ to: [{ podSelector: {} }], ...(ports && { ports }) }],
      }),
  },
};

/** Where OpenTelemetry's collector listens: gRPC and HTTP. */
const OTLP = [4317, 4318];

/** For every Pod, only in those directions in which the template has something to open here. */
function allow(
  spec: BaselineSpec,
  template: TemplateName,
  clauses: Partial<Record<Direction, readonly object[]>>,
): object {
  const directions = new Set(openedWays(spec, template).map(({ direction }) => direction));
  return {
    podSelector: {},
    policyTypes: [...directions].map((direction) => POLICY_TYPES[direction]),
    ...Object.fromEntries([...directions].map((direction) => [direction, clauses[direction]])),
  };
}

const POLICY_TYPES = { ingress: "Ingress", egress: "Egress" } as const;

function peersOf({ pods = [], addresses = [] }: NonNullable<NetworkPlatform["ingressController"]> = {}): object[] {
  return policyPeers([...pods, ...addresses.map((address) => ({ address }))]);
}

/**
 * The policies that a baseline wants in a namespace, in the order in which to apply them: allows before denies. None
 * while it is not known what they are to say.
 */
export function wantedPolicies(baseline: Baseline, namespace: string): NetworkPolicy[] {
  const made = MADE.get(baseline) ?? policiesOf(baseline);
  MADE.set(baseline, made);
  return [...backendPolicies(baseline, namespace), ...made].map((policy) => ({
    ...policy,
    metadata: { ...policy.metadata, namespace },
  }));
}

/**
 * A baseline never changes, and all its namespaces get the same, but for the few in which there is what the API server
 * calls: it is made, and hashed, once for thousands of them.
 */
const MADE = new WeakMap<Baseline, readonly NetworkPolicy[]>();

function backendPolicies(baseline: Baseline, namespace: string): readonly NetworkPolicy[] {
  if (!baseline.backends.has(namespace) || whyUnarmed(baseline) !== undefined) return [];
  return openings(baseline, namespace).map((opening) => policyOf(opening, baseline));
}

function policiesOf(baseline: Baseline): readonly NetworkPolicy[] {
  if (whyUnarmed(baseline) !== undefined) return [];
  const allowsFirst = baseline.spec.templates.toSorted(
    (a, b) => Number(TEMPLATE[a.name].denies ?? false) - Number(TEMPLATE[b.name].denies ?? false),
  );
  return allowsFirst.map(({ name, ports }) => {
    const { description, spec } = TEMPLATE[name];
    return policyOf({ name: nameOf(name), description, spec: spec(baseline, ports && tcp(ports)) }, baseline);
  });
}

/** Does this policy say what is found in the cluster, and not what the NetworkBaseline names? */
export function followsCluster({ spec }: NetworkBaseline, policy: string): boolean {
  return (
    (policy === nameOf("10-allow-dns-egress") && spec.dns === undefined) ||
    (policy === nameOf("allow-apiserver-egress") && spec.platform?.apiServer?.addresses === undefined) ||
    policy.startsWith(BACKEND_PREFIX)
  );
}

interface Content {
  readonly name: string;
  readonly description: string;
  readonly spec: object;
}

/** What a policy says of whose it is. An own baseline may have the name of the shipped one. */
export function ownerOf({ metadata, isShipped }: Baseline): string {
  return `Drawbridge, ${isShipped ? "its embedded baseline" : "NetworkBaseline"} ${metadata.name}`;
}

function policyOf({ name, description, spec }: Content, baseline: Baseline): NetworkPolicy {
  const policy = {
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    metadata: {
      name,
      labels: { [MANAGED_BY_LABEL]: FIELD_MANAGER, [BASELINE_LABEL]: baseline.metadata.name },
      annotations: { description, owner: ownerOf(baseline) },
    },
    spec,
  };
  const annotations = { ...policy.metadata.annotations, [CONTENT_ANNOTATION]: contentHash(policy) };
  return { ...policy, metadata: { ...policy.metadata, annotations } };
}
