import { type Policy, selectorsOf } from "../../model/policy.ts";
import type { Requirement } from "../../model/selector.ts";

/** Every requirement on one of these keys, in selectors of Pods and of namespaces, wherever it stands. */
export function requirementsOn(policy: Policy, keys: readonly string[]): Requirement[] {
  const found: Requirement[] = [];
  for (const { requirements } of selectorsOf(policy)) {
    for (const requirement of requirements) if (keys.includes(requirement.key)) found.push(requirement);
  }
  return found;
}

/** Left out of a Pod's identity by Cilium unless it is configured otherwise (its documentation, "Limiting Identity-Relevant Labels"). */
const UNSEEN_BY_CILIUM = new Set([
  "pod-template-hash",
  "pod-template-generation",
  "controller-revision-hash",
  "controller-uid",
  "batch.kubernetes.io/controller-uid",
  "batch.kubernetes.io/job-completion-index",
  "statefulset.kubernetes.io/pod-name",
  "apps.kubernetes.io/pod-index",
]);

export function isUnseenByCilium(key: string): boolean {
  return UNSEEN_BY_CILIUM.has(key);
}

/** Options of the rules that allow a list of labels. A prefix is what stands before the slash, as Kubernetes calls it. */
export interface KeyList {
  readonly keys: readonly string[];
  readonly prefixes: readonly string[];
}

export const KEY_SCHEMA = { type: "array", items: { type: "string", minLength: 1 } };
export const PREFIX_SCHEMA = { type: "array", items: { type: "string", pattern: "^[^/]+$" } };

export function isListed(key: string, { keys, prefixes }: KeyList): boolean {
  const slash = key.indexOf("/");
  return keys.includes(key) || (slash > 0 && prefixes.includes(key.slice(0, slash)));
}
