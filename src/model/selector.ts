import { isRecord, items, pointer, text } from "./json.ts";
import { NAMESPACE_NAME_LABEL } from "./names.ts";
import type { Labels } from "./objects.ts";

/** A label selector, its two notations folded into one list: `matchLabels: {k: v}` is `k In [v]`. All must hold. */
export interface Selector {
  readonly requirements: readonly Requirement[];
  readonly path: string;
}

export interface Requirement {
  readonly key: string;
  readonly operator: string;
  readonly values: readonly string[];
  readonly path: string;
}

export const EVERYTHING = (path: string): Selector => ({ requirements: [], path });

/** Reads a LabelSelector as the API server decodes it: null and missing are `{}`, which selects everything. */
export function toSelector(raw: unknown, path: string): Selector {
  if (!isRecord(raw)) return EVERYTHING(path);
  const labels = isRecord(raw["matchLabels"]) ? Object.entries(raw["matchLabels"]) : [];
  const requirements: Requirement[] = labels.map(([key, value]) => ({
    key,
    operator: "In",
    values: [text(value)],
    path: pointer(path, "matchLabels", key),
  }));
  for (const [i, item] of items(raw["matchExpressions"]).entries()) {
    requirements.push(toRequirement(item, pointer(path, "matchExpressions", i)));
  }
  return { path, requirements };
}

function toRequirement(raw: unknown, path: string): Requirement {
  const item = isRecord(raw) ? raw : {};
  return {
    key: text(item["key"]),
    operator: text(item["operator"]),
    values: items(item["values"]).map(text),
    path,
  };
}

/** Does nothing here name what must be there? Empty selectors, and those that only say what must not be. */
export function isUnbounded(selector: Selector): boolean {
  return !selector.requirements.some(isPositive);
}

/** The same of namespaces, all of which carry their name as a label: asking that it exists asks nothing. */
export function selectsEveryNamespace(selector: Selector): boolean {
  return !selector.requirements.some(
    (r) => isPositive(r) && !(r.key === NAMESPACE_NAME_LABEL && r.operator === "Exists"),
  );
}

/** Must the label be there for this to hold? */
export function isPositive(requirement: Requirement): boolean {
  return requirement.operator !== "NotIn" && requirement.operator !== "DoesNotExist";
}

/** The values that a label may have, all requirements on it together; undefined if none of them lists what is allowed. */
export function valuesOf(selector: Selector, key: string): readonly string[] | undefined {
  const onKey = selector.requirements.filter((requirement) => requirement.key === key);
  const lists = onKey.filter(({ operator }) => operator === "In").map(({ values }) => values);
  if (lists.length === 0) return undefined;
  // Value by value against requirement by requirement would take minutes where there are thousands of both.
  const others = onKey.filter(({ operator }) => operator !== "In" && operator !== "NotIn");
  if (!others.every((requirement) => holds(requirement, { [key]: "" }))) return [];
  const excluded = new Set(onKey.filter(({ operator }) => operator === "NotIn").flatMap(({ values }) => values));
  return lists
    .map((values) => new Set(values))
    .reduce((left, list) => left.filter((value) => list.has(value)), lists[0] ?? [])
    .filter((value) => !excluded.has(value));
}

export function matches(selector: Selector, labels: Labels): boolean {
  return selector.requirements.every((requirement) => holds(requirement, labels));
}

/** Of something that has these labels, and may have others: might it match? */
export function mayMatch(selector: Selector, labels: Labels): boolean {
  return selector.requirements.every(
    (requirement) => !Object.hasOwn(labels, requirement.key) || holds(requirement, labels),
  );
}

/** NotIn and DoesNotExist hold for labels that lack the key; an operator that nobody knows holds for nothing. */
export function holds({ key, operator, values }: Requirement, labels: Labels): boolean {
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
  switch (operator) {
    case "In":
      return value !== undefined && values.includes(value);
    case "NotIn":
      return value === undefined || !values.includes(value);
    case "Exists":
      return value !== undefined;
    case "DoesNotExist":
      return value === undefined;
    default:
      return false;
  }
}
