import { BASELINE_LABEL, NAMESPACE_NAME_LABEL, SYSTEM_NAMESPACES } from "../model/names.ts";
import type { Labels } from "../model/objects.ts";
import { matches, toSelector } from "../model/selector.ts";
import type { Baseline } from "./resolve.ts";

/**
 * The one baseline of a namespace: the one that its label names, else the first by name whose selector matches. A label
 * that names a baseline that does not exist selects none: to fall back would give the namespace another contract than
 * the one it asked for.
 */
export function governingBaseline(
  namespace: string,
  labels: Labels,
  baselines: readonly Baseline[],
): Baseline | undefined {
  if (SYSTEM_NAMESPACES.includes(namespace)) return undefined;
  const named = labels[BASELINE_LABEL];
  if (named !== undefined) return baselines.find(({ metadata }) => metadata.name === named);
  return selectingBaselines(namespace, labels, baselines)[0];
}

/** Those whose selectors match a namespace that names none by its label. The first of them applies. */
export function selectingBaselines(
  namespace: string,
  labels: Labels,
  baselines: readonly Baseline[],
): readonly Baseline[] {
  if (SYSTEM_NAMESPACES.includes(namespace) || labels[BASELINE_LABEL] !== undefined) return [];
  // Which the API server sets on every namespace, and a manifest may lack.
  const all = { ...labels, [NAMESPACE_NAME_LABEL]: namespace };
  return inOrder(baselines.filter(({ spec }) => matches(toSelector(spec.namespaceSelector, ""), all)));
}

/** By their names: where several select a namespace the first applies. */
export function inOrder(baselines: readonly Baseline[]): readonly Baseline[] {
  return baselines.toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
}
