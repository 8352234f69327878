import { isIsolated, whyHeldBack } from "../../baseline/backends.ts";
import { INGRESS_DENY } from "../../baseline/policy-names.ts";
import type { Baseline } from "../../baseline/resolve.ts";
import { unlessNotFound } from "../../cluster/api-error.ts";
import type { FencedClient } from "../../cluster/fence.ts";
import { paths } from "../../cluster/paths.ts";
import type { NetworkPolicy } from "../../model/network-policy.ts";

/**
 * Why a namespace is left as open as it is, by what the API server has: to isolate it might cut off what the API server
 * calls. Undefined: it is not, be it that it is isolated already, where to complete the rest cuts off nothing more.
 */
export async function whyLeftOpen(
  namespace: string,
  baseline: Baseline,
  { client }: { readonly client: Pick<FencedClient, "get"> },
  signal?: AbortSignal,
): Promise<string | undefined> {
  const why = whyHeldBack(baseline, namespace);
  if (why === undefined) return undefined;
  const deny = client.get<NetworkPolicy>(paths.networkPolicies(namespace, INGRESS_DENY), { signal });
  const found = await unlessNotFound(deny);
  return found !== undefined && isIsolated([found]) ? undefined : why;
}
