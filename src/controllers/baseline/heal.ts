import {
  baselineOf,
  countsFor,
  type Due,
  dueOf,
  NOTHING_DUE,
  type NamespaceFacts,
  type Release,
  releaseOf,
} from "../../baseline/due.ts";
import { byEffect } from "../../baseline/plan.ts";
import { isOfBaseline } from "../../baseline/protection.ts";
import { type Baseline, whyUnarmed } from "../../baseline/resolve.ts";
import { unlessNotFound } from "../../cluster/api-error.ts";
import { paths } from "../../cluster/paths.ts";
import { isCap } from "../../config/mode.ts";
import { type Configuration, enforcedBaseline, governanceOf } from "../../engine/configuration.ts";
import { BASELINE_LABEL, MODE_LABEL, SYSTEM_NAMESPACES } from "../../model/names.ts";
import type { NetworkPolicy } from "../../model/network-policy.ts";
import { isTerminating, type Namespace } from "../../model/objects.ts";
import { type Applied, completePolicies, type RemoveDeps, removePolicies } from "./policies.ts";
import { type BaselineDeps, isPending } from "./reconcile.ts";

/** Policies of somebody else have taken names of a baseline's, and say something else. */
export interface Conflict {
  readonly baseline: string;
  readonly conflicts: readonly string[];
}

export interface HealDeps extends Omit<BaselineDeps, "client"> {
  readonly client: BaselineDeps["client"] & RemoveDeps["client"];
}

export interface HealOptions {
  /** What is known of it, its policies by a cache. */
  readonly factsOf: (namespace: Namespace) => NamespaceFacts;
  /** Only what does not wait for its turn in a rollout. */
  readonly isUrgentOnly?: boolean;
  readonly onApplied: (applied: Applied) => void;
}

/**
 * Puts right what a namespace that is not marked has of baselines: what is missing or was changed, and what is not wanted
 * any more. The cache says which policies those are; where it has not heard of others yet an event is on its way. What is
 * written is decided by what the API server has of them; deleted is what still is what the cache says. Where nothing is
 * to be done it writes nothing. Returns what is in the way. Rejects with ApiError where the API server refuses.
 */
export async function healBaseline(name: string, deps: HealDeps, options: HealOptions): Promise<Conflict | undefined> {
  const { factsOf, isUrgentOnly = false, onApplied } = options;
  const namespace = await unlessNotFound(deps.client.get<Namespace>(paths.namespaces(name)));
  if (namespace === undefined) return undefined;
  const facts = factsOf(namespace);
  const { claim, apply, conflicts, remove, isLoss, urgent } = dueIn(namespace, facts, deps.configuration());
  const governing = keptBaseline(namespace, deps.configuration());
  if (governing === undefined || claim === undefined) return undefined;
  if (claim === "kept" && !(await hasOneOf(governing, facts.policies, deps))) return undefined;
  const isNow = (policy: string): boolean => !isUrgentOnly || urgent.has(policy);
  const unwanted = byEffect(remove.filter((policy) => isNow(nameOf(policy))));
  const isOpen = await removePolicies(unwanted.denies, deps, onApplied);
  // Who has taken one away may just have taken others.
  const only = isLoss ? undefined : new Set([...apply.map(nameOf).filter(isNow), ...conflicts]);
  const completed = await completePolicies(name, governing, deps, { onApplied, only, isTriedFirst: !isLoss });
  // A deny that has changed meanwhile is there, and what it leaves open must be.
  if (isOpen) await removePolicies(unwanted.allows, deps, onApplied);
  if (completed.conflicts.length === 0) return undefined;
  return { baseline: governing.metadata.name, conflicts: completed.conflicts };
}

/** What a release has come to: the names of policies. */
export interface Released {
  readonly removed: readonly string[];
  readonly kept: readonly string[];
}

/** Takes away what is to go where no baseline governs any longer. Undefined: one does, or may soon. */
export async function releasePolicies(
  name: string,
  deps: HealDeps,
  policiesIn: (namespace: string) => readonly NetworkPolicy[],
): Promise<Released | undefined> {
  const namespace = await unlessNotFound(deps.client.get<Namespace>(paths.namespaces(name)));
  const release = namespace && releaseIn(namespace, policiesIn(name), deps.configuration());
  if (release === undefined) return undefined;
  const removed: string[] = [];
  const onRemoved = (one: Applied): void => void removed.push(one.name);
  const { denies, allows } = byEffect(release.remove);
  // What a deny that has changed meanwhile leaves open must stay.
  if (await removePolicies(denies, deps, onRemoved)) await removePolicies(allows, deps, onRemoved);
  const kept = policiesIn(name).filter((one) => isOfBaseline(one) && !removed.includes(nameOf(one)));
  return { removed, kept: kept.map(nameOf) };
}

/** Is one still there of those by which a namespace is to have its baseline? Most often it is the first. */
async function hasOneOf(
  baseline: Baseline,
  policies: readonly NetworkPolicy[],
  { client }: BaselineDeps,
): Promise<boolean> {
  for (const { metadata } of policies.filter((policy) => countsFor(baseline, policy))) {
    const path = paths.networkPolicies(metadata?.namespace, metadata?.name);
    const policy = await unlessNotFound(client.get<NetworkPolicy>(path));
    if (policy !== undefined && countsFor(baseline, policy)) return true;
  }
  return false;
}

function nameOf({ metadata }: NetworkPolicy): string {
  return metadata?.name ?? "";
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

/** What is to be done in a namespace, if it waits for nothing. */
export function dueIn(namespace: Namespace, facts: NamespaceFacts, configuration: Configuration): Due {
  const governing = keptBaseline(namespace, configuration);
  if (governing !== undefined) return dueOf(namespace.metadata?.name ?? "", governing, facts, configuration);
  const { remove = [] } = releaseIn(namespace, facts.policies, configuration) ?? {};
  const [first] = remove;
  return first === undefined ? NOTHING_DUE : { ...NOTHING_DUE, remove, lane: baselineOf(first) };
}

/**
 * What becomes of policies where no baseline governs; undefined where one does, or may soon. Nothing goes by a mistake:
 * not where the namespace names a mode that there is not, nor where a baseline that is not valid may select it.
 */
export function releaseIn(
  namespace: Namespace,
  policies: readonly NetworkPolicy[],
  configuration: Configuration,
): Release | undefined {
  if (!isReleased(namespace, configuration)) return undefined;
  const { baselines, unusable } = configuration;
  const labels = namespace.metadata?.labels ?? {};
  const isMistyped = labels[MODE_LABEL] !== undefined && !isCap(labels[MODE_LABEL]);
  const isUnclear = unusable.size > 0 && governanceOf(labels, configuration).cap === "enforce";
  return releaseOf(policies, isMistyped || isUnclear ? [] : baselines);
}

/**
 * Does no baseline govern it? Not so while it goes away or waits for one, nor while the one that its label names is not
 * there (yet): what it has may be what that one wants.
 */
export function isReleased(namespace: Namespace, configuration: Configuration): boolean {
  const { name = "", labels } = namespace.metadata ?? {};
  if (isTerminating(namespace) || isPending(namespace) || SYSTEM_NAMESPACES.includes(name)) return false;
  if (enforcedBaseline(name, labels ?? {}, configuration) !== undefined) return false;
  const named = labels?.[BASELINE_LABEL];
  return named === undefined || configuration.baselines.some(({ metadata }) => metadata.name === named);
}
