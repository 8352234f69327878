import { unlessNotFound } from "../../cluster/api-error.ts";
import type { KubernetesClient } from "../../cluster/client.ts";
import { paths } from "../../cluster/paths.ts";
import type { KubernetesObject } from "../../model/objects.ts";

/** Of the installation (deploy/rbac.yaml). Whoever uninstalls deletes it, and the API server what it owns with it. */
export const CLUSTER_ROLE = "drawbridge";

/**
 * The ownerReferences of what outlives this process. Asked each time: a ClusterRole that was restored from a backup is
 * another one, and what the old one owned would be collected. None where there is none.
 */
export async function ownersOf(client: Pick<KubernetesClient, "get">, timeoutMs?: number): Promise<readonly object[]> {
  const options = timeoutMs === undefined ? {} : { timeoutMs };
  const role = await unlessNotFound(client.get<KubernetesObject>(paths.clusterRoles(CLUSTER_ROLE), options));
  if (role === undefined) return [];
  const { name, uid } = role.metadata ?? {};
  return [{ apiVersion: "rbac.authorization.k8s.io/v1", kind: "ClusterRole", name, uid }];
}
