import { type Baseline, CONVENTIONAL, resolveBaseline } from "../../src/baseline/resolve.ts";
import type { BaselineSpec, NetworkBaseline, TemplateName } from "../../src/config/baseline.ts";
import type { NetworkException } from "../../src/config/exception.ts";
import type { NetworkRuleset } from "../../src/config/ruleset.ts";
import type { JsonObject } from "../../src/model/json.ts";
import { API_VERSION } from "../../src/model/names.ts";
import type { NetworkPolicy } from "../../src/model/network-policy.ts";
import type { KubernetesObject, Labels, ObjectMeta } from "../../src/model/objects.ts";

/** One builder for each kind: a minimal valid object, plus what the test is about. */

export interface PolicyTweak {
  readonly metadata?: ObjectMeta;
  /** Over the spec of the minimal one; a field that is `undefined` is taken out of it. */
  readonly spec?: JsonObject;
}

/** Isolates the Pods of one workload for ingress, allows nothing, and says why and whose it is. */
export function networkPolicy({ metadata = {}, spec = {} }: PolicyTweak = {}): NetworkPolicy {
  const whole = { podSelector: selector({ "app.kubernetes.io/name": "web" }), policyTypes: ["Ingress"], ...spec };
  return {
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    metadata: {
      name: "web",
      namespace: "shop",
      annotations: { description: "What the shop's pages need.", owner: "team-shop@example.com" },
      ...metadata,
    },
    spec: Object.fromEntries(Object.entries(whole).filter(([, value]) => value !== undefined)),
  };
}

/** A policy with these egress clauses, whatever they are. */
export function egress(...clauses: readonly unknown[]): NetworkPolicy {
  return networkPolicy({ spec: { policyTypes: ["Egress"], egress: clauses } });
}

/** A policy with these ingress clauses, whatever they are. */
export function ingress(...clauses: readonly unknown[]): NetworkPolicy {
  return networkPolicy({ spec: { policyTypes: ["Ingress"], ingress: clauses } });
}

export interface Block {
  readonly cidr: string;
  readonly except?: readonly string[];
}

export function ipBlock(block: Block | string): JsonObject {
  return { ipBlock: typeof block === "string" ? { cidr: block } : block };
}

/** A policy with one egress clause to these addresses, on one port. */
export function egressTo(...blocks: readonly (Block | string)[]): NetworkPolicy {
  return egress({ to: blocks.map(ipBlock), ports: [{ port: 443 }] });
}

/** A policy with one ingress clause from these addresses, on one port. */
export function ingressFrom(...blocks: readonly (Block | string)[]): NetworkPolicy {
  return ingress({ from: blocks.map(ipBlock), ports: [{ port: 8443 }] });
}

export function selector(
  matchLabels: Readonly<Record<string, string>>,
  ...matchExpressions: readonly JsonObject[]
): JsonObject {
  return {
    ...(Object.keys(matchLabels).length > 0 && { matchLabels }),
    ...(matchExpressions.length > 0 && { matchExpressions }),
  };
}

/** One entry of matchExpressions. */
export function expression(key: string, operator: string, values?: readonly string[]): JsonObject {
  return { key, operator, ...(values !== undefined && { values }) };
}

const CONTRACT = { "app.kubernetes.io/name": "web", "app.kubernetes.io/part-of": "shop" };

/** What a Pod is made of, or the template of what makes Pods: by default with the labels of the shipped contract. */
export interface PodTweak {
  /** In place of these labels, whatever they are; `undefined` is none at all. */
  readonly labels?: unknown;
  /** Of the object itself, of which a Pod is the only one whose labels count. */
  readonly metadata?: ObjectMeta;
  readonly hostNetwork?: unknown;
}

export function pod({ metadata = {}, ...tweak }: PodTweak = {}): KubernetesObject {
  const { metadata: own, spec } = template(tweak);
  return object("v1", "Pod", { ...own, ...metadata }, spec);
}

export function deployment(tweak: PodTweak = {}, spec: JsonObject = {}): KubernetesObject {
  return madeBy("apps/v1", "Deployment", tweak, spec);
}

/** Of any kind that has its template where a Deployment has it. */
export function madeBy(
  apiVersion: string,
  kind: string,
  { metadata = {}, ...tweak }: PodTweak = {},
  spec: JsonObject = {},
): KubernetesObject {
  return object(apiVersion, kind, metadata, { ...spec, template: template(tweak) });
}

export function cronJob({ metadata = {}, ...tweak }: PodTweak = {}, spec: JsonObject = {}): KubernetesObject {
  const jobTemplate = { spec: { template: template(tweak) } };
  return object("batch/v1", "CronJob", metadata, { schedule: "0 4 * * *", ...spec, jobTemplate });
}

/** The labels that the shipped rulesets ask of Namespaces. */
export const NAMESPACE_CONTRACT = { environment: "test", domain: "retail", tenant: "web-team" };

/** A Namespace with the labels of the shipped contract, or with others, whatever they are. */
export function namespace(labels: unknown = NAMESPACE_CONTRACT): KubernetesObject {
  return { apiVersion: "v1", kind: "Namespace", metadata: { name: "shop", labels: labels as Labels | null } };
}

function template(tweak: Omit<PodTweak, "metadata">): { readonly metadata: ObjectMeta; readonly spec: JsonObject } {
  const labels = ("labels" in tweak ? tweak.labels : CONTRACT) as Labels | null;
  return {
    metadata: { labels },
    spec: {
      ...("hostNetwork" in tweak && { hostNetwork: tweak.hostNetwork }),
      containers: [{ name: "web", image: "registry.example.com/web:1.0" }],
    },
  };
}

function object(apiVersion: string, kind: string, metadata: ObjectMeta, spec: JsonObject): KubernetesObject {
  return { apiVersion, kind, metadata: { name: "web", namespace: "shop", ...metadata }, spec } as KubernetesObject;
}

/** A NetworkRuleset; `rules` as in its spec. */
export function networkRuleset(name: string, spec: NetworkRuleset["spec"] = {}): NetworkRuleset {
  return { apiVersion: API_VERSION, kind: "NetworkRuleset", metadata: { name }, spec };
}

/** A NetworkException of the first of November 2026 to no-open-egress for all policies of `shop`. */
export function networkException(
  spec: Partial<NetworkException["spec"]> = {},
  metadata: Partial<NetworkException["metadata"]> = {},
): NetworkException {
  return {
    apiVersion: API_VERSION,
    kind: "NetworkException",
    metadata: { name: "legacy", namespace: "shop", creationTimestamp: "2026-11-01T09:00:00Z", ...metadata },
    spec: {
      rules: ["no-open-egress"],
      ...(spec.workloads === undefined && { policies: { selector: {} } }),
      reason: "The old database has no fixed address.",
      owner: "team-db@example.com",
      expires: "2026-11-30",
      ...spec,
    },
  };
}

/** As the configuration has it, in a cluster whose DNS is where most have it. */
export function resolvedBaseline(...args: Parameters<typeof networkBaseline>): Baseline {
  return resolveBaseline(networkBaseline(...args), CONVENTIONAL);
}

/** One entry of a baseline's templates. */
export type Chosen = BaselineSpec["templates"][number];

/** A NetworkBaseline for all namespaces, with these templates unless others are named. */
export function networkBaseline(
  name = "default",
  spec: Partial<Omit<NetworkBaseline["spec"], "templates">> & {
    readonly templates?: readonly (TemplateName | Chosen)[];
  } = {},
): NetworkBaseline {
  const { templates = ["00-default-deny-ingress", "01-default-deny-egress", "10-allow-dns-egress"], ...rest } = spec;
  return {
    apiVersion: API_VERSION,
    kind: "NetworkBaseline",
    metadata: { name },
    spec: {
      namespaceSelector: {},
      ...rest,
      templates: templates.map((one) => (typeof one === "string" ? { name: one } : one)),
    },
  };
}
