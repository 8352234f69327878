/** Manifests for tests, as people write them. */

/** A policy of the namespace that allows egress to everyone: one error, by no-open-egress, on line 8. */
export function openPolicy(namespace = "shop", name = "open"): string {
  return `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: ${name}, namespace: ${namespace} }
spec:
  podSelector: {}
  policyTypes: [Egress]
  egress:
    - {}
`;
}

export function namespaceYaml(name: string, labels: string): string {
  return `apiVersion: v1
kind: Namespace
metadata:
  name: ${name}
  labels: { ${labels} }
`;
}

export function rulesetYaml(name: string, spec: string): string {
  return `apiVersion: drawbridge.dev/v1alpha1
kind: NetworkRuleset
metadata: { name: ${name} }
spec: ${spec}
`;
}

export function exceptionYaml(namespace: string, expires: string, more = ""): string {
  return `apiVersion: drawbridge.dev/v1alpha1
kind: NetworkException
metadata: { name: legacy${namespace === "" ? "" : `, namespace: ${namespace}`}${more} }
spec:
  rules: [no-open-egress]
  policies: { names: [open] }
  reason: The old data centre is still in use.
  owner: team-network@example.com
  expires: ${JSON.stringify(expires)}
`;
}

/** Exceptions to no-open-egress may be given, for a month. */
export const EXCEPTABLE = rulesetYaml("default", "{ exceptions: { rules: [no-open-egress], maxDays: 30 } }");
