import { at, canonical, isRecord, items, pointer, stepsOf } from "../model/json.ts";
import type { KubernetesObject } from "../model/objects.ts";
import type { Finding } from "./evaluate.ts";

/**
 * An update is refused for what it makes worse, not for what was there before: otherwise nobody could repair one fault
 * of a policy that has two, and controllers that touch old objects would break on the day a rule is switched on.
 * Returns the findings of `object`, those that `old` already had lowered to a warning.
 */
export function relax(
  findings: readonly Finding[],
  object: KubernetesObject,
  oldFindings: readonly Finding[],
  old: KubernetesObject,
): readonly Finding[] {
  if (isSameContent(object, old)) return findings.map(lowered);
  // Counted, so that a second copy of an old fault is a new one.
  const known = new Map<string, number>();
  for (const finding of oldFindings) {
    const key = contentOf(finding, old);
    known.set(key, (known.get(key) ?? 0) + 1);
  }
  return findings.map((finding) => {
    const key = contentOf(finding, object);
    const left = known.get(key) ?? 0;
    if (left === 0) return finding;
    known.set(key, left - 1);
    return lowered(finding);
  });
}

function isSameContent(a: KubernetesObject, b: KubernetesObject): boolean {
  const content = (object: KubernetesObject) =>
    canonical({ spec: specOf(object), labels: object.metadata?.labels ?? {} });
  return content(a) === content(b);
}

function specOf(object: unknown): unknown {
  return isRecord(object) ? object["spec"] : undefined;
}

/**
 * The same fault at another index is the same fault, so not its path but what stands there counts; and in a clause all
 * that decides what it opens: the rest of the clause, which Pods it is for, and whether it has an effect at all.
 */
function contentOf({ rule, message, path }: Finding, object: KubernetesObject): string {
  const [, direction, index, ...rest] = stepsOf(path);
  const isClause = direction === "ingress" || direction === "egress";
  const clause = isClause && {
    clause: at(object, pointer("/spec", direction, ...(index === undefined ? [] : [index]))),
    field: rest,
    podSelector: at(object, "/spec/podSelector"),
    isolated: items(at(object, "/spec/policyTypes")).includes(direction === "ingress" ? "Ingress" : "Egress"),
  };
  return canonical({ rule, message, ...(clause || { value: at(object, path) }) });
}

function lowered(finding: Finding): Finding {
  return finding.mode === "enforce" ? { ...finding, mode: "warn" } : finding;
}
