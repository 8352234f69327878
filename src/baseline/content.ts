import { digest } from "../model/digest.ts";
import { isEqual, isRecord, items, type JsonObject } from "../model/json.ts";
import { BASELINE_LABEL, CONTENT_ANNOTATION, MANAGED_BY_LABEL } from "../model/names.ts";
import type { NetworkPolicy } from "../model/network-policy.ts";
import type { Labels } from "../model/objects.ts";

/** Does what we have written still stand there, be it what we would write today or not? */
export function isAsWritten(found: NetworkPolicy): boolean {
  return found.metadata?.annotations?.[CONTENT_ANNOTATION] === contentHash(found);
}

/** Of all that we write in a policy. Whoever changes it does not change this with it, unless they mean to deceive. */
export function contentHash({ metadata, spec }: NetworkPolicy): string {
  const ours = [
    pick(metadata?.labels, [MANAGED_BY_LABEL, BASELINE_LABEL]),
    pick(metadata?.annotations, ["description", "owner"]),
    normalised(spec),
  ];
  return digest(ours);
}

function pick(labels: Labels | null | undefined, keys: readonly string[]): Labels {
  return Object.fromEntries(Object.entries(labels ?? {}).filter(([key]) => keys.includes(key)));
}

export function saysTheSame(a: NetworkPolicy, b: NetworkPolicy): boolean {
  return isEqual(normalised(a.spec), normalised(b.spec));
}

/** The API server drops empty lists and may order policyTypes as written: neither is a difference. */
export function normalised(spec: unknown): JsonObject {
  const { policyTypes, ...rest } = isRecord(spec) ? spec : {};
  const lists = Object.entries(rest).filter(([, value]) => !(Array.isArray(value) && value.length === 0));
  return { ...Object.fromEntries(lists), policyTypes: items(policyTypes).map(String).toSorted() };
}
