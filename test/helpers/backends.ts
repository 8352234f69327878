import type { JsonObject } from "../../src/model/json.ts";
import type { KubernetesObject } from "../../src/model/objects.ts";

/** What the API server calls, and by what; each in namespace `certs` unless it says another. */

export interface ServiceReference {
  readonly namespace: string;
  readonly name: string;
  readonly port?: number;
}

/** Of a kind that nobody creates, so that it is never called. */
export function webhookConfiguration(kind: "Validating" | "Mutating", name: string, service: ServiceReference) {
  return {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: `${kind}WebhookConfiguration`,
    metadata: { name },
    webhooks: [
      {
        name: `hook.${name}.example.com`,
        clientConfig: { service, caBundle: "" },
        rules: [{ apiGroups: [`${name}.example.com`], apiVersions: ["v1"], resources: ["things"], operations: ["*"] }],
        failurePolicy: "Ignore",
        sideEffects: "None",
        admissionReviewVersions: ["v1"],
      },
    ],
  };
}

export function apiService(name: string, service: ServiceReference | null) {
  const [version = "", ...group] = name.split(".");
  return {
    apiVersion: "apiregistration.k8s.io/v1",
    kind: "APIService",
    metadata: { name },
    spec: {
      group: group.join("."),
      version,
      service,
      insecureSkipTLSVerify: true,
      groupPriorityMinimum: 100,
      versionPriority: 100,
    },
  };
}

/** @param name PLURAL.GROUP */
export function conversionWebhook(name: string, service: ServiceReference, strategy = "Webhook") {
  const [plural = "", ...group] = name.split(".");
  const version = (of: string, storage: boolean) => ({
    name: of,
    served: true,
    storage,
    schema: { openAPIV3Schema: { type: "object" } },
  });
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name },
    spec: {
      group: group.join("."),
      scope: "Namespaced",
      names: { plural, singular: plural.slice(0, -1), kind: "Thing", listKind: "ThingList" },
      versions: [version("v1", true), version("v2", false)],
      conversion: { strategy, webhook: { clientConfig: { service }, conversionReviewVersions: ["v1"] } },
    },
  };
}

/** Of Pods labelled `app: NAME`, at 443. */
export function calledService(name: string, spec: JsonObject = {}, namespace = "certs"): KubernetesObject {
  const whole = { selector: { app: name }, ports: [{ port: 443 }], ...spec };
  return { apiVersion: "v1", kind: "Service", metadata: { namespace, name }, spec: whole } as KubernetesObject;
}
