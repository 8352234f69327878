import type { KubernetesClient } from "../../../src/cluster/client.ts";
import { eventually } from "../../helpers/eventually.ts";
import { paths } from "../../../src/cluster/paths.ts";

/** From now on a quota says no to one NetworkPolicy more than these, as the API server says it to anyone. */
export async function forbidMorePolicies(client: KubernetesClient, namespace: string, most: number): Promise<void> {
  const spec = { hard: { "count/networkpolicies.networking.k8s.io": String(most) } };
  const quota = { apiVersion: "v1", kind: "ResourceQuota", metadata: { name: NAME }, spec };
  await client.create(quotas(namespace), quota);
  // The controller that counts does not run here.
  const status = { ...spec, used: spec.hard };
  await client.apply(`${quotas(namespace)}/${NAME}/status`, { ...quota, status }, { fieldManager: "test" });
  // It counts from when the API server has heard of it, and the first refusal takes its time.
  const one = {
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    metadata: { name: "one-more" },
    spec: { podSelector: {} },
  };
  await eventually(async () => {
    const answer = await client.create(paths.networkPolicies(namespace), one, { dryRun: true }).catch(String);
    if (!String(answer).includes("exceeded quota")) throw new Error(`the quota of ${namespace} does not count yet`);
  }, 20_000);
}

export async function allowMorePolicies(client: KubernetesClient, namespace: string): Promise<void> {
  await client.delete(`${quotas(namespace)}/${NAME}`);
}

const NAME = "full";

function quotas(namespace: string): string {
  return `${paths.namespaces(namespace)}/resourcequotas`;
}
