import { API_VERSION } from "../model/names.ts";

const ADMISSION = "/apis/admissionregistration.k8s.io/v1";

/** Paths of the resources that Drawbridge reads and writes; without a name, of the collection. */
export const paths = {
  namespaces: (name?: string) => pathOf("/api/v1", ["namespaces", name]),
  networkPolicies: (namespace?: string, name?: string) =>
    namespace === undefined
      ? "/apis/networking.k8s.io/v1/networkpolicies"
      : pathOf("/apis/networking.k8s.io/v1", ["namespaces", namespace], ["networkpolicies", name]),
  networkRulesets: (name?: string) => pathOf(`/apis/${API_VERSION}`, ["networkrulesets", name]),
  networkBaselines: (name?: string) => pathOf(`/apis/${API_VERSION}`, ["networkbaselines", name]),
  networkExceptions: (namespace?: string, name?: string) =>
    namespace === undefined
      ? `/apis/${API_VERSION}/networkexceptions`
      : pathOf(`/apis/${API_VERSION}`, ["namespaces", namespace], ["networkexceptions", name]),
  services: (namespace?: string, name?: string) =>
    namespace === undefined ? "/api/v1/services" : pathOf("/api/v1", ["namespaces", namespace], ["services", name]),
  endpointSlices: (namespace: string) =>
    pathOf("/apis/discovery.k8s.io/v1", ["namespaces", namespace], ["endpointslices", undefined]),
  version: () => "/version",
  events: (namespace: string) => pathOf("/api/v1", ["namespaces", namespace], ["events", undefined]),
  workloads: (apiVersion: string, namespace: string, resource: string, name?: string) =>
    pathOf(apiVersion === "v1" ? "/api/v1" : `/apis/${apiVersion}`, ["namespaces", namespace], [resource, name]),
  validatingWebhookConfigurations: (name?: string) => pathOf(ADMISSION, ["validatingwebhookconfigurations", name]),
  mutatingWebhookConfigurations: (name?: string) => pathOf(ADMISSION, ["mutatingwebhookconfigurations", name]),
  mutatingAdmissionPolicies: (name?: string) => pathOf(ADMISSION, ["mutatingadmissionpolicies", name]),
  mutatingAdmissionPolicyBindings: (name?: string) => pathOf(ADMISSION, ["mutatingadmissionpolicybindings", name]),
  validatingAdmissionPolicies: (name?: string) => pathOf(ADMISSION, ["validatingadmissionpolicies", name]),
  validatingAdmissionPolicyBindings: (name?: string) => pathOf(ADMISSION, ["validatingadmissionpolicybindings", name]),
  apiServices: () => "/apis/apiregistration.k8s.io/v1/apiservices",
  customResourceDefinitions: () => "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
  clusterRoles: (name?: string) => pathOf("/apis/rbac.authorization.k8s.io/v1", ["clusterroles", name]),
  subjectAccessReviews: () => "/apis/authorization.k8s.io/v1/subjectaccessreviews",
  leases: (namespace: string, name?: string) =>
    pathOf("/apis/coordination.k8s.io/v1", ["namespaces", namespace], ["leases", name]),
  secrets: (namespace: string, name?: string) => pathOf("/api/v1", ["namespaces", namespace], ["secrets", name]),
  selfSubjectReviews: () => "/apis/authentication.k8s.io/v1/selfsubjectreviews",
} as const;

function pathOf(
  base: string,
  ...resources: readonly (readonly [resource: string, name: string | undefined])[]
): string {
  const segments = resources.map(([resource, name]) => {
    if (name === undefined) return `/${resource}`;
    // An empty name would address the whole collection (DELETE!), and dots would climb; neither can name an object.
    if (["", ".", ".."].includes(name)) throw new TypeError(`"${name}" cannot name one of ${resource}`);
    return `/${resource}/${encodeURIComponent(name)}`;
  });
  return base + segments.join("");
}
