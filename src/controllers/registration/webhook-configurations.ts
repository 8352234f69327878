import { type Authority, authoritiesIn } from "../../certs/inspect.ts";
import type { Cap } from "../../config/mode.ts";
import {
  FIELD_MANAGER,
  GROUP,
  MANAGED_BY_LABEL,
  MODE_LABEL,
  NAMESPACE_NAME_LABEL,
  PENDING_LABEL,
  SYSTEM_NAMESPACES,
} from "../../model/names.ts";
import type { KubernetesObject } from "../../model/objects.ts";
import { WORKLOAD_KINDS } from "../../model/workload.ts";
import { isOfBaseline } from "../admission/cel.ts";
import { WORKLOAD_CONDITIONS } from "./workload-conditions.ts";

/** Where the API server reaches us: `https://HOST:PORT`, or a Service of its cluster. */
export type Address = { readonly url: string } | { readonly service: ServicePort };

export interface ServicePort {
  readonly namespace: string;
  readonly name: string;
  readonly port: number;
}

export interface Registration {
  readonly address: Address;
  /** PEM of the CAs by one of which our certificate is signed. */
  readonly caBundle: string;
  readonly mode: Cap;
}

/** A Service is there for whoever is behind it; a URL is this process. */
export function outlives(address: Address): boolean {
  return "service" in address;
}

export interface WebhookConfiguration extends KubernetesObject {
  readonly webhooks?: readonly Webhook[];
}

export interface Webhook {
  readonly name?: string;
  readonly clientConfig?: ClientConfig;
  readonly [field: string]: unknown;
}

export interface ClientConfig {
  readonly url?: string;
  readonly service?: Partial<ServicePort>;
  readonly caBundle?: string;
}

/** Name of both configurations. */
export const WEBHOOKS_NAME = "drawbridge";

export const GATE = `gate.pods.${GROUP}`;

const TIMEOUT_SECONDS = 3;

/** A server that hangs must not hold Pods back for long. */
const WORKLOAD_TIMEOUT_SECONDS = 2;

/** The gate writes a few policies before it answers. */
export const GATE_TIMEOUT_SECONDS = 5;

/** Both configurations as they are written: pure, so that tests and docs can look at them. */
export function webhookConfigurations({ address, caBundle, mode }: Registration): {
  validating: Required<WebhookConfiguration>;
  mutating: Required<WebhookConfiguration>;
} {
  const common = {
    admissionReviewVersions: ["v1"],
    timeoutSeconds: TIMEOUT_SECONDS,
    matchPolicy: "Equivalent",
    // The API server would fill these in.
    namespaceSelector: {},
    objectSelector: {},
  };
  const client = (path: string) => ({ clientConfig: clientConfigOf(address, path, caBundle) });
  const notSystem = { key: NAMESPACE_NAME_LABEL, operator: "NotIn", values: SYSTEM_NAMESPACES };
  const policies = {
    ...common,
    ...client("/validate"),
    sideEffects: "None",
    rules: [rule("networking.k8s.io", "v1", ["networkpolicies"], "Namespaced")],
  };
  const namespaces = {
    ...common,
    namespaceSelector: { matchExpressions: [notSystem] },
    failurePolicy: "Ignore",
    rules: [rule("", "v1", ["namespaces"], "Cluster")],
  };
  const { enforced, observed } = modeSelectors(mode);
  return {
    validating: {
      apiVersion: "admissionregistration.k8s.io/v1",
      kind: "ValidatingWebhookConfiguration",
      metadata: METADATA,
      webhooks: [
        // Disjoint, so that an outage of ours refuses nothing where nothing would be refused anyway.
        {
          name: `enforced.networkpolicies.${GROUP}`,
          ...policies,
          namespaceSelector: { matchExpressions: [notSystem, enforced] },
          failurePolicy: "Fail",
        },
        {
          name: `observed.networkpolicies.${GROUP}`,
          ...policies,
          namespaceSelector: { matchExpressions: [notSystem, observed] },
          failurePolicy: "Ignore",
        },
        { name: `namespaces.${GROUP}`, ...namespaces, ...client("/validate"), sideEffects: "None" },
        {
          // Validated again when they are loaded, so an outage must not keep anyone from repairing them.
          name: `configuration.${GROUP}`,
          ...common,
          ...client("/validate"),
          sideEffects: "None",
          failurePolicy: "Ignore",
          rules: [rule(GROUP, "v1alpha1", ["networkrulesets", "networkbaselines", "networkexceptions"], "*")],
        },
        {
          name: `workloads.${GROUP}`,
          ...common,
          ...client("/validate"),
          timeoutSeconds: WORKLOAD_TIMEOUT_SECONDS,
          sideEffects: "None",
          namespaceSelector: { matchExpressions: [notSystem] },
          // A label that is missing is no reason to keep a cluster from starting Pods.
          failurePolicy: "Ignore",
          rules: WORKLOAD_RULES,
          matchConditions: WORKLOAD_CONDITIONS,
        },
        {
          name: `deletions.networkpolicies.${GROUP}`,
          ...common,
          ...client("/validate"),
          sideEffects: "None",
          namespaceSelector: { matchExpressions: [notSystem] },
          // With Fail no namespace could be deleted during an outage. That is no gap: admission-policies.ts refuses the
          // same in the API server itself.
          failurePolicy: "Ignore",
          rules: [rule("networking.k8s.io", "v1", ["networkpolicies"], "Namespaced", ["DELETE"])],
          matchConditions: [{ name: "is-of-a-baseline", expression: isOfBaseline("oldObject") }],
        },
        {
          name: GATE,
          ...common,
          ...client("/gate"),
          timeoutSeconds: GATE_TIMEOUT_SECONDS,
          // It writes policies, and in a dry run nothing.
          sideEffects: "NoneOnDryRun",
          // Finished namespaces do not carry the marker, so they never ask: neither their Pods nor their uptime
          // depend on us.
          namespaceSelector: { matchExpressions: [notSystem, { key: PENDING_LABEL, operator: "Exists" }] },
          failurePolicy: "Fail",
          rules: [rule("", "v1", ["pods"], "Namespaced", ["CREATE"])],
        },
      ],
    },
    mutating: {
      apiVersion: "admissionregistration.k8s.io/v1",
      kind: "MutatingWebhookConfiguration",
      metadata: METADATA,
      webhooks: [
        {
          name: `stamp.namespaces.${GROUP}`,
          ...namespaces,
          ...client("/mutate"),
          // The stamp makes a controller write policies, but in a dry run nothing is stored that it could see.
          sideEffects: "NoneOnDryRun",
          // Another mutator may set the labels that decide.
          reinvocationPolicy: "IfNeeded",
        },
      ],
    },
  };
}

/** Without subresources: neither a status nor a scale changes what is judged. */
const WORKLOAD_RULES = ["", "apps", "batch"].map((group) =>
  rule(
    group,
    "v1",
    WORKLOAD_KINDS.filter((kind) => kind.group === group).map(({ resource }) => resource),
    "Namespaced",
  ),
);

/** Of both. */
export const METADATA = { name: WEBHOOKS_NAME, labels: { [MANAGED_BY_LABEL]: FIELD_MANAGER } };

/** Where something may be refused, and the rest. A namespace without a label, or with one that says nothing, is as the installation. */
function modeSelectors(mode: Cap): { enforced: object; observed: object } {
  const selector = (operator: "In" | "NotIn", values: readonly Cap[]) => ({ key: MODE_LABEL, operator, values });
  return mode === "enforce"
    ? { enforced: selector("NotIn", ["audit", "warn"]), observed: selector("In", ["audit", "warn"]) }
    : { enforced: selector("In", ["enforce"]), observed: selector("NotIn", ["enforce"]) };
}

function rule(
  group: string,
  version: string,
  resources: readonly string[],
  scope: "Namespaced" | "Cluster" | "*",
  operations: readonly ("CREATE" | "UPDATE" | "DELETE")[] = ["CREATE", "UPDATE"],
): object {
  return { apiGroups: [group], apiVersions: [version], operations, resources, scope };
}

function clientConfigOf(address: Address, path: string, caBundle: string): ClientConfig {
  const at = "url" in address ? { url: address.url + path } : { service: { ...address.service, path } };
  return { ...at, caBundle: Buffer.from(caBundle).toString("base64") };
}

/** The CAs that the API server trusts when it calls this webhook. */
export function trustedBy({ caBundle = "" }: ClientConfig): readonly Authority[] {
  return authoritiesIn(Buffer.from(caBundle, "base64").toString());
}

/** Is this where we are reached? */
export function isAt({ url, service }: ClientConfig, address: Address): boolean {
  if ("url" in address) return url?.startsWith(`${address.url}/`) === true;
  const { namespace, name, port } = address.service;
  return service?.namespace === namespace && service.name === name && service.port === port;
}
