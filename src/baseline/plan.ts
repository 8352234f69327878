import { items } from "../model/json.ts";
import type { NetworkPolicy } from "../model/network-policy.ts";
import type { Labels } from "../model/objects.ts";
import { normalised, saysTheSame } from "./content.ts";
import { isOfBaseline } from "./protection.ts";

export interface Plan {
  /** To be applied, in this order. What is already there as wanted is not among them. */
  readonly apply: readonly NetworkPolicy[];
  /** Names that a policy of somebody else has taken, with another spec. Never overwritten. */
  readonly conflicts: readonly string[];
}

/**
 * What must be written so that a namespace that has `found` has `wanted`. Somebody else's policy that says the same is
 * adopted; one that says something else stays as it is and is reported.
 */
export function plan(found: readonly NetworkPolicy[], wanted: readonly NetworkPolicy[]): Plan {
  const byName = new Map(found.map((policy) => [policy.metadata?.name, policy]));
  const apply: NetworkPolicy[] = [];
  const conflicts: string[] = [];
  for (const policy of wanted) {
    const existing = byName.get(policy.metadata?.name);
    if (existing === undefined) apply.push(policy);
    else if (isOfBaseline(existing)) {
      if (!isAsWanted(existing, policy)) apply.push(policy);
    } else if (saysTheSame(existing, policy)) apply.push(policy);
    else conflicts.push(policy.metadata?.name ?? "");
  }
  const missing = wanted.filter(({ metadata }) => conflicts.includes(metadata?.name ?? ""));
  // What denies has to wait for what cannot be applied.
  return { apply: apply.filter((policy) => !missing.some((allow) => isCutOffWithout(policy, allow))), conflicts };
}

/** Those of `wanted` that must be known to plan those of these names: they themselves, and what they would cut off. */
export function involvedIn(wanted: readonly NetworkPolicy[], names: ReadonlySet<string>): NetworkPolicy[] {
  const meant = wanted.filter(({ metadata }) => names.has(metadata?.name ?? ""));
  return wanted.filter((policy) => meant.includes(policy) || meant.some((one) => isCutOffWithout(one, policy)));
}

/** Opens nothing at all. */
export function deniesOnly({ spec }: NetworkPolicy): boolean {
  const said = normalised(spec);
  return said["ingress"] === undefined && said["egress"] === undefined;
}

/** In the two lots in which they are written, and taken away: never one of them beside the other. */
export function byEffect(policies: readonly NetworkPolicy[]) {
  return {
    denies: policies.filter(deniesOnly),
    allows: policies.filter((policy) => !deniesOnly(policy)),
  };
}

/** Would `policy` deny what `allow`, where that is not there, was to keep open? */
export function isCutOffWithout(policy: NetworkPolicy, allow: NetworkPolicy): boolean {
  const [denied, kept] = [normalised(policy.spec), normalised(allow.spec)];
  const directions = items(kept["policyTypes"]).filter((type) => kept[String(type).toLowerCase()] !== undefined);
  return items(denied["policyTypes"]).some(
    (type) => directions.includes(type) && denied[String(type).toLowerCase()] === undefined,
  );
}

/** Ours, with everything that is wanted; others may have added labels and annotations. */
export function isAsWanted(found: NetworkPolicy, wanted: NetworkPolicy): boolean {
  return (
    saysTheSame(found, wanted) &&
    includes(found.metadata?.labels, wanted.metadata?.labels) &&
    includes(found.metadata?.annotations, wanted.metadata?.annotations)
  );
}

/** Others may add labels and annotations (Argo CD does); ours must be there. */
function includes(found: Labels | null | undefined, wanted: Labels | null | undefined): boolean {
  return Object.entries(wanted ?? {}).every(([key, value]) => found?.[key] === value);
}
