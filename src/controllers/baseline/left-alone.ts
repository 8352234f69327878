import { unusableGiver } from "../../baseline/due.ts";
import type { Baseline } from "../../baseline/resolve.ts";
import type { FencedClient } from "../../cluster/fence.ts";
import { paths } from "../../cluster/paths.ts";
import type { Configuration } from "../../engine/configuration.ts";
import { BASELINE_LABEL } from "../../model/names.ts";
import type { NetworkPolicy } from "../../model/network-policy.ts";

/**
 * Why a namespace is left as it is, by what the API server has: it has something of a baseline that is not valid, which
 * holds its place. Undefined: it is not. Nothing is asked where all baselines are valid, which is as good as always.
 */
export async function whyLeftAlone(
  namespace: string,
  baseline: Baseline,
  { unusable }: Pick<Configuration, "unusable">,
  { client }: { readonly client: Pick<FencedClient, "get"> },
  signal?: AbortSignal,
): Promise<string | undefined> {
  if (unusable.size === 0) return undefined;
  const path = paths.networkPolicies(namespace);
  const options = { query: { labelSelector: BASELINE_LABEL }, signal };
  const { items } = await client.get<{ readonly items: readonly NetworkPolicy[] }>(path, options);
  const giver = unusableGiver(baseline, items, unusable);
  return giver === undefined
    ? undefined
    : `it has policies of NetworkBaseline ${giver}, which is not valid, and keeps them as they are until that is mended`;
}
