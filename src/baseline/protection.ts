import { canonical } from "../model/json.ts";
import { BASELINE_LABEL, FIELD_MANAGER, GROUP, MANAGED_BY_LABEL } from "../model/names.ts";
import type { NetworkPolicy } from "../model/network-policy.ts";

/** Does it say that it is ours, a policy of a baseline? Only where this is enforced can nobody else say so. */
export function isOfBaseline({ metadata }: NetworkPolicy): boolean {
  return metadata?.labels?.[MANAGED_BY_LABEL] === FIELD_MANAGER && metadata.labels[BASELINE_LABEL] !== undefined;
}

/** Does it say something else than before, or no longer that it is ours? Other labels and annotations are free. */
export function isEdited(before: NetworkPolicy, now: NetworkPolicy): boolean {
  return said(before) !== said(now);
}

function said({ metadata, spec }: NetworkPolicy): string {
  const { [MANAGED_BY_LABEL]: by = null, [BASELINE_LABEL]: baseline = null } = metadata?.labels ?? {};
  return canonical([by, baseline, spec]);
}

/** What the author of a refused request is told to do instead; after a line that says which policy it is about. */
export const KEPT_ADVICE: readonly string[] = [
  "To open more, add a NetworkPolicy of your own: policies add up.",
  `To change what namespaces get, change the NetworkBaseline. To get another one, name it by the label ${BASELINE_LABEL}.`,
  `To be left alone, lower the namespace's mode by the label ${GROUP}/mode: then its policies can be deleted.`,
];

export const FORGED_ADVICE =
  `only Drawbridge writes policies with the labels ${MANAGED_BY_LABEL}: ${FIELD_MANAGER} and ${BASELINE_LABEL}. ` +
  "Leave one of them out, and the policy is yours.";

/** Who deletes what is in a namespace that is being deleted, without a person having asked for the policy to go. */
export const CLEANERS: readonly string[] = [
  "system:serviceaccount:kube-system:namespace-controller",
  "system:serviceaccount:kube-system:generic-garbage-collector",
  // Both of them, where controllers have no service accounts of their own.
  "system:kube-controller-manager",
];
