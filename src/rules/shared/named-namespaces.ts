import { NAMESPACE_NAME_LABEL } from "../../model/names.ts";
import { holds, type Selector } from "../../model/selector.ts";

/** Options of the rules that know namespaces by name. */
export interface NamedNamespaces {
  readonly namespaces: readonly string[];
  readonly nameLabels: readonly string[];
}

export const NAMED_NAMESPACES = {
  namespaces: { type: "array", items: { type: "string", minLength: 1 }, default: ["kube-system"] },
  nameLabels: { type: "array", items: { type: "string", minLength: 1 }, default: [NAMESPACE_NAME_LABEL, "name"] },
};

/** The first of the namespaces that a selector can match by a label that says its name. */
export function namedNamespace(selector: Selector, options: NamedNamespaces): string | undefined {
  const lists = selector.requirements
    .filter(({ key, operator }) => options.nameLabels.includes(key) && operator === "In")
    .map(({ values }) => values);
  if (lists.length === 0) return undefined;
  const named = new Set(lists.flat());
  return options.namespaces.find((name) => named.has(name) && mayBeNamespace(selector, name));
}

/**
 * What the selector asks of other labels cannot be known (`name` is only there if somebody has set it), so it may match;
 * only what it asks of the label that the API server sets can rule it out.
 */
export function mayBeNamespace(selector: Selector, namespace: string): boolean {
  return selector.requirements.every(
    (requirement) =>
      requirement.key !== NAMESPACE_NAME_LABEL || holds(requirement, { [NAMESPACE_NAME_LABEL]: namespace }),
  );
}
