import { at, items, text } from "../model/json.ts";
import type { NetworkPolicy } from "../model/network-policy.ts";
import { BASELINE_LABEL } from "../model/names.ts";
import { calledNames, differsInCallersOnly, isHeldBack } from "./backends.ts";
import { isAsWritten } from "./content.ts";
import { deniesOnly, isCutOffWithout, type Plan, plan } from "./plan.ts";
import { BACKEND_PREFIX } from "./policy-names.ts";
import { isOfBaseline } from "./protection.ts";
import type { Baseline } from "./resolve.ts";
import { followsCluster, ownerOf, wantedPolicies } from "./templates.ts";

/** What is known of a namespace that waits for nothing, beside what it says of itself. */
export interface NamespaceFacts {
  readonly policies: readonly NetworkPolicy[];
  /** It was to have its baseline from the beginning. */
  readonly isNew: boolean;
  /** It has lost a policy of its baseline, or the marker, while somebody looked. */
  readonly hasLost: boolean;
}

/** Why a namespace is to have its baseline. `kept`: it has some of it. `adopted`: it existed before, and is to have it now. */
export type Claim = "lost" | "kept" | "new" | "adopted";

/** What is to be done in a namespace that waits for nothing. */
export interface Due extends Plan {
  /** The name of the one that governs it, if one does. */
  readonly baseline?: string;
  /** In whose rollout it waits for its turn: that of the one that governs it or, where none does, that gave what is to go. */
  readonly lane?: string;
  readonly claim?: Claim;
  /** Something was taken away, or is not there although it should have been from the beginning: an open door. */
  readonly isLoss: boolean;
  /** As Drawbridge left them and not wanted any more. Those that deny go first, before anything is applied. */
  readonly remove: readonly NetworkPolicy[];
  /** Names of the policies among these that do not wait for their turn in a rollout. */
  readonly urgent: ReadonlySet<string>;
}

export const NOTHING_DUE: Due = { apply: [], conflicts: [], remove: [], isLoss: false, urgent: new Set() };

/** What is to be known of the other baselines. */
export interface Baselines {
  /** Those in force. */
  readonly baselines: readonly Baseline[];
  /** Names of those that are there and not in force, as they are not valid and never were while this server ran. */
  readonly unusable: ReadonlySet<string>;
}

/**
 * Undefined: it is left alone. It existed before the baseline; or what it has is of one that is not valid at the moment:
 * what that wanted is not known, and another one, which would be in its place until it is mended, might cut it off. The
 * shipped one comes in the place of others by itself, when the last of them is deleted, and may have its name: to
 * complete what they gave, perhaps with a deny that they did not have, would be nobody's decision.
 */
export function claimOf(
  baseline: Baseline,
  { policies, isNew, hasLost }: NamespaceFacts,
  { unusable }: Pick<Baselines, "unusable">,
): Claim | undefined {
  const ours = policies.filter(isOfBaseline);
  if (unusableGiver(baseline, ours, unusable) !== undefined) return undefined;
  if (baseline.isShipped && !ours.every((policy) => countsFor(baseline, policy))) return undefined;
  if (hasLost) return "lost";
  if (ours.length > 0) return "kept";
  if (isNew) return "new";
  return baseline.spec.existingNamespaces === "adopt" ? "adopted" : undefined;
}

/**
 * The name of one that is not valid and has given some of these: where it has, it holds its place. What the shipped one
 * has given is its own, though one that is not valid may have its name: else it would leave alone what it has begun.
 */
export function unusableGiver(
  baseline: Baseline,
  policies: readonly NetworkPolicy[],
  unusable: Baselines["unusable"],
): string | undefined {
  return policies
    .filter((policy) => isOfBaseline(policy) && !(baseline.isShipped && countsFor(baseline, policy)))
    .map(baselineOf)
    .find((name) => unusable.has(name));
}

/** Does a policy tell that its namespace is to have this baseline? One of another does too, in whose place it came. */
export function countsFor(baseline: Baseline, policy: NetworkPolicy): boolean {
  return isOfBaseline(policy) && (!baseline.isShipped || policy.metadata?.annotations?.["owner"] === ownerOf(baseline));
}

export function dueOf(namespace: string, baseline: Baseline, facts: NamespaceFacts, others: Baselines): Due {
  const claim = claimOf(baseline, facts, others);
  if (claim === undefined || isHeldBack(baseline, namespace, facts.policies)) return NOTHING_DUE;
  const wanted = wantedPolicies(baseline, namespace);
  const planned = plan(facts.policies, wanted);
  const names = new Set([...wanted.map(nameOf), ...calledNames(baseline, namespace)]);
  const unwanted = facts.policies.filter((policy) => isOfBaseline(policy) && !names.has(nameOf(policy)));
  const removable = ofThoseInForce(unwanted, others.baselines).filter(
    // What the shipped one gives is always the same, but for what the API server calls.
    (policy) => !baseline.isShipped || nameOf(policy).startsWith(BACKEND_PREFIX),
  );
  const remove = withoutCutting(removable.filter(isAsWritten), unwanted);
  const { name } = baseline.metadata;
  const due = { ...planned, baseline: name, lane: name, claim, remove };
  // Whether all is as it was written is dear to find out, and asked only where something is to be done.
  if (planned.apply.length + remove.length === 0) return { ...due, isLoss: false, urgent: new Set() };
  const all = [...planned.apply, ...remove].map(nameOf);
  const isLoss = isOpen(claim, facts, baseline);
  const urgent = new Set(isLoss ? all : followingOf(planned, facts, baseline));
  return { ...due, isLoss, urgent };
}

/**
 * Not what waits for a rollout: nor what a document calls new. Whoever writes a date into it, or lets it select more, may
 * mean hundreds of namespaces in which Pods run.
 */
function isOpen(claim: Claim, { policies }: NamespaceFacts, { spec }: Baseline): boolean {
  const wasToHave = claim === "new" && spec.newSince === undefined;
  return claim === "lost" || wasToHave || policies.some((policy) => isOfBaseline(policy) && !isAsWritten(policy));
}

/**
 * What follows the cluster, such as the way to its DNS, must not wait: the old way leads nowhere. Unless it is still to
 * come, with the deny that it makes a hole in: what allows something denies the rest.
 */
function followingOf({ apply }: Plan, { policies }: NamespaceFacts, baseline: Baseline): readonly string[] {
  const denied = new Set(policies.filter(isOfBaseline).filter(deniesOnly).flatMap(typesOf));
  const byName = new Map(policies.map((policy) => [nameOf(policy), policy]));
  return apply
    .filter((policy) => followsCluster(baseline, nameOf(policy)))
    .filter((policy) => {
      const there = byName.get(nameOf(policy));
      // Where from is what the NetworkBaseline says.
      if (there !== undefined) return !differsInCallersOnly(there, policy);
      return typesOf(policy).every((type) => denied.has(type));
    })
    .map(nameOf);
}

/** What a namespace has of baselines, none of which governs it any longer. */
export interface Release {
  /** In the order in which to delete them: those that deny first. */
  readonly remove: readonly NetworkPolicy[];
  readonly keep: readonly NetworkPolicy[];
}

/** Each baseline in force decides about its own. Of one that is gone nobody knows what it would have said: they stay. */
export function releaseOf(policies: readonly NetworkPolicy[], baselines: readonly Baseline[]): Release {
  const removing = baselines.filter(({ spec }) => spec.onRelease === "remove");
  const ours = policies.filter(isOfBaseline);
  const remove = withoutCutting(ofThoseInForce(ours, removing).filter(isAsWritten), ours);
  return { remove, keep: ours.filter((policy) => !remove.includes(policy)) };
}

/** But for what keeps something open that another one of these denies, which stays: it was changed, or nobody decides about it. */
function withoutCutting(remove: readonly NetworkPolicy[], all: readonly NetworkPolicy[]): readonly NetworkPolicy[] {
  const staying = all.filter((policy) => !remove.includes(policy));
  return remove.filter((policy) => !staying.some((one) => isCutOffWithout(one, policy)));
}

/**
 * Not those of a baseline that is gone, or leaving, or is not valid at the moment: to take away what it allowed could cut
 * off somebody, by a mistake in another place.
 */
function ofThoseInForce(ours: readonly NetworkPolicy[], baselines: readonly Baseline[]): readonly NetworkPolicy[] {
  const staying = baselines.filter(({ isLeaving }) => !isLeaving);
  const names = new Set(staying.map(({ metadata }) => metadata.name));
  return ours
    .filter((policy) => names.has(baselineOf(policy)))
    .toSorted((a, b) => Number(deniesOnly(b)) - Number(deniesOnly(a)));
}

export function baselineOf({ metadata }: NetworkPolicy): string {
  return metadata?.labels?.[BASELINE_LABEL] ?? "";
}

function nameOf({ metadata }: NetworkPolicy): string {
  return metadata?.name ?? "";
}

function typesOf({ spec }: NetworkPolicy): readonly string[] {
  return items(at(spec, "/policyTypes")).map(text);
}
