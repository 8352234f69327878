import type { KubernetesClient } from "../../../src/cluster/client.ts";
import { paths } from "../../../src/cluster/paths.ts";

/** From now on a quota says no to one NetworkPolicy more than these, as the API server says it to anyone. */
export async function forbidMorePolicies(client: KubernetesClient, namespace: string, most: number): Promise<void> {
  const spec = { hard: { "count/networkpolicies.networking.k8s.io": String(most) } };
  const quota = { apiVersion: "v1", kind: "ResourceQuota", metadata: { name: NAME }, spec };
  await client.create(quotas(namespace), quota);
  // The controller that counts does not run here.
  const status = { ...spec, used: spec.hard };
  await client.apply(`${quotas(namespace)}/${NAME}/status`, { ...quota, status }, { fieldManager: "test" });
}

export async function allowMorePolicies(client: KubernetesClient, namespace: string): Promise<void> {
  await client.delete(`${quotas(namespace)}/${NAME}`);
}

const NAME = "full";

function quotas(namespace: string): string {
  return `${paths.namespaces(namespace)}/resourcequotas`;
}
