import { plan } from "../../baseline/plan.ts";
import { type Baseline, whyUnarmed } from "../../baseline/resolve.ts";
import { isOfBaseline } from "../../baseline/protection.ts";
import { wantedPolicies } from "../../baseline/templates.ts";
import { unlessNotFound } from "../../cluster/api-error.ts";
import { paths } from "../../cluster/paths.ts";
import { type Configuration, enforcedBaseline } from "../../engine/configuration.ts";
import { BASELINE_LABEL } from "../../model/names.ts";
import type { NetworkPolicy } from "../../model/network-policy.ts";
import { isTerminating, type Namespace } from "../../model/objects.ts";
import { type BaselineDeps, isPending } from "./reconcile.ts";
import { type Applied, completePolicies } from "./policies.ts";

/** What became of a namespace that waits for nothing. `exempt`: no baseline is to be kept there. */
export type Healed =
  | { readonly outcome: "exempt" | "complete" }
  | { readonly outcome: "conflict"; readonly baseline: string; readonly conflicts: readonly string[] };

export interface HealOptions {
  /** Is it to have its baseline, whatever is left of it? */
  readonly isOwed: (namespace: Namespace) => boolean;
  readonly onApplied: (applied: Applied) => void;
}

/**
 * Puts back what is missing or was changed of the baseline of a namespace that is not marked, by what the API server
 * has, not a cache. Where nothing is to be done it writes nothing. Rejects with ApiError where the API server refuses.
 */
export async function healBaseline(name: string, deps: BaselineDeps, options: HealOptions): Promise<Healed> {
  const { isOwed, onApplied } = options;
  const namespace = await unlessNotFound(deps.client.get<Namespace>(paths.namespaces(name)));
  if (namespace === undefined) return { outcome: "exempt" };
  const governing = keptBaseline(namespace, deps.configuration());
  if (governing === undefined) return { outcome: "exempt" };
  if (!isOwed(namespace) && !(await hasOneOf(governing, name, deps))) return { outcome: "exempt" };
  const { conflicts } = await completePolicies(name, governing, deps, { onApplied });
  if (conflicts.length === 0) return { outcome: "complete" };
  return { outcome: "conflict", baseline: governing.metadata.name, conflicts };
}

async function hasOneOf(baseline: Baseline, namespace: string, { client }: BaselineDeps): Promise<boolean> {
  for await (const page of client.pages<NetworkPolicy>(paths.networkPolicies(namespace))) {
    if (page.items.some((policy) => countsFor(baseline, policy))) return true;
  }
  return false;
}

/**
 * The baseline that is to stay in place in a namespace, if it is there: not of one that waits for it, or goes away, and
 * not one that gives nothing as it is not known what.
 */
export function keptBaseline(namespace: Namespace, configuration: Configuration): Baseline | undefined {
  if (isTerminating(namespace) || isPending(namespace)) return undefined;
  const { name = "", labels } = namespace.metadata ?? {};
  const baseline = enforcedBaseline(name, labels ?? {}, configuration);
  return baseline !== undefined && whyUnarmed(baseline) === undefined ? baseline : undefined;
}

/**
 * What a namespace with these policies lacks of a baseline that is to stay in place there. Nothing, where it is not owed
 * the baseline (as one that existed before) and has none of its policies: such are left alone.
 */
export function lackedBy(
  namespace: Namespace,
  policies: readonly NetworkPolicy[],
  baseline: Baseline,
  isOwed: boolean,
): ReturnType<typeof plan> {
  return isDue(policies, baseline, isOwed)
    ? plan(policies, wantedPolicies(baseline, namespace.metadata?.name ?? ""))
    : { apply: [], conflicts: [] };
}

/** Is a namespace with these policies, that waits for nothing, to have its baseline, and not one that existed before it? */
export function isDue(policies: readonly NetworkPolicy[], baseline: Baseline, isOwed: boolean): boolean {
  return isOwed || policies.some((policy) => countsFor(baseline, policy));
}

/**
 * Does a policy tell that its namespace is to have this baseline? One of another baseline does too, in whose place it
 * came. But the shipped one comes in the place of others by itself, when the last of them is deleted or is not valid: to
 * complete what they gave, perhaps with a deny that they did not have, would be nobody's decision.
 */
function countsFor(baseline: Baseline, policy: NetworkPolicy): boolean {
  const of = policy.metadata?.labels?.[BASELINE_LABEL];
  return isOfBaseline(policy) && (!baseline.isShipped || of === baseline.metadata.name);
}
