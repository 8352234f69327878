import { ApiError } from "../cluster/api-error.ts";
import type { KubernetesClient } from "../cluster/client.ts";
import { paths } from "../cluster/paths.ts";
import type { Cap } from "../config/mode.ts";
import {
  FIELD_MANAGER,
  GROUP,
  MANAGED_BY_LABEL,
  MODE_LABEL,
  NAMESPACE_NAME_LABEL,
  SYSTEM_NAMESPACES,
} from "../model/names.ts";

export interface Registration {
  /** Where the API server reaches us: `https://HOST:PORT`. */
  readonly url: string;
  /** PEM of the CA that signed our certificate. */
  readonly caCert: string;
  readonly mode: Cap;
}

/** Name of both configurations. */
const NAME = "drawbridge";

const TIMEOUT_SECONDS = 3;

/** Tells the API server to ask us from now on. To be called when we can answer, never before. */
export async function register(client: KubernetesClient, registration: Registration): Promise<void> {
  const options = { fieldManager: FIELD_MANAGER, force: true };
  const { validating, mutating } = webhookConfigurations(registration);
  await client.apply(paths.validatingWebhookConfigurations(NAME), validating, options);
  await client.apply(paths.mutatingWebhookConfigurations(NAME), mutating, options);
}

/** Tells it to ask us no more. The other configuration is removed also where one of them cannot be. */
export async function unregister(client: KubernetesClient): Promise<void> {
  const removals = [paths.validatingWebhookConfigurations(NAME), paths.mutatingWebhookConfigurations(NAME)].map(
    (path) =>
      client.delete(path).catch((error: unknown) => {
        if (!(error instanceof ApiError && error.status === 404)) throw error;
      }),
  );
  const failed = (await Promise.allSettled(removals)).find((result) => result.status === "rejected");
  if (failed !== undefined) throw failed.reason;
}

/** Both configurations as they are written: pure, so that tests and docs can look at them. */
export function webhookConfigurations({ url, caCert, mode }: Registration): { validating: object; mutating: object } {
  const common = {
    admissionReviewVersions: ["v1"],
    timeoutSeconds: TIMEOUT_SECONDS,
    matchPolicy: "Equivalent",
  };
  const client = (path: string) => ({
    clientConfig: { url: `${url}${path}`, caBundle: Buffer.from(caCert).toString("base64") },
  });
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
          rules: [rule(GROUP, "v1alpha1", ["networkrulesets", "networkbaselines"], "Cluster")],
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

const METADATA = { name: NAME, labels: { [MANAGED_BY_LABEL]: FIELD_MANAGER } };

/** Where something may be refused, and the rest. A namespace without a label, or with one that says nothing, is as the installation. */
function modeSelectors(mode: Cap): { enforced: object; observed: object } {
  const selector = (operator: "In" | "NotIn", values: readonly Cap[]) => ({ key: MODE_LABEL, operator, values });
  return mode === "enforce"
    ? { enforced: selector("NotIn", ["audit", "warn"]), observed: selector("In", ["audit", "warn"]) }
    : { enforced: selector("In", ["enforce"]), observed: selector("NotIn", ["enforce"]) };
}

function rule(group: string, version: string, resources: readonly string[], scope: "Namespaced" | "Cluster"): object {
  return { apiGroups: [group], apiVersions: [version], operations: ["CREATE", "UPDATE"], resources, scope };
}
