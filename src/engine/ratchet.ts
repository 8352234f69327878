import { createContainment, isSelectorWithin } from "../model/containment.ts";
import { at, canonical, isRecord, pointer, stepsOf } from "../model/json.ts";
import type { KubernetesObject } from "../model/objects.ts";
import type { Direction, Policy } from "../model/policy.ts";
import type { Subject } from "../rules/rule.ts";
import type { Finding } from "./evaluate.ts";

/**
 * An update is refused for what it makes worse, not for what was there before: otherwise nobody could repair one fault
 * of a policy that has two, and controllers that touch old objects would break on the day a rule is switched on.
 * Returns the findings of `now`, lowered to a warning where it is no worse than `before`:
 *
 * - all of them, if what rules look at is as it was (of a workload its Pods' labels and network, not its replicas);
 * - those about clauses that open nothing which a clause of `before` did not open, for the same Pods or fewer;
 * - others, if `before` had the same finding about the same value.
 *
 * What is wrong for want of an annotation is new where `before` had it, whatever else is as it was.
 */
export function relax(
  findings: readonly Finding[],
  now: Subject,
  findingsBefore: readonly Finding[],
  before: Subject,
): readonly Finding[] {
  const isSame = contentOf(now) === contentOf(before);
  const lacked = new Set(findingsBefore.map(annotationOf));
  const known = new Set(findingsBefore.map((finding) => identityOf(finding, before.object)));
  const opensMore =
    !isSame && now.kind === "NetworkPolicy" && before.kind === "NetworkPolicy"
      ? newlyOpening(now.policy, before.policy)
      : undefined;
  const isOld = (finding: Finding): boolean => {
    if (finding.annotation !== undefined && !lacked.has(annotationOf(finding))) return false;
    if (isSame) return true;
    const clauses = opensMore === undefined ? [] : (finding.clauses ?? clauseOf(finding.path));
    return clauses.length > 0 ? !clauses.some((path) => opensMore?.(path)) : known.has(identityOf(finding, now.object));
  };
  return findings.map((finding) => (isOld(finding) ? lowered(finding) : finding));
}

/** Of which rule and about which annotation a finding is. */
function annotationOf({ rule, annotation }: Finding): string {
  return canonical([rule, annotation ?? null]);
}

/** Of the clause at a path of `now`: might it open what nothing in `before` opened? Asked once for each clause. */
function newlyOpening(now: Policy, before: Policy): (path: string) => boolean {
  const selectsNoMore = isSelectorWithin(now.selects, before.selects);
  const isAsEffective = (direction: Direction) =>
    now.isolates.includes(direction) === before.isolates.includes(direction);
  const { isClauseWithin } = createContainment();
  const answers = new Map(
    now.clauses.map((clause) => [
      clause.path,
      !(selectsNoMore && isAsEffective(clause.direction) && isClauseWithin(clause, before.clauses)),
    ]),
  );
  return (path) => answers.get(path) ?? true;
}

/** The clause that a path leads into, if it does. */
function clauseOf(path: string): string[] {
  const [spec, direction, index] = stepsOf(path);
  const isInClause = spec === "spec" && (direction === "ingress" || direction === "egress") && index !== undefined;
  return isInClause ? [pointer("/spec", direction, index)] : [];
}

function contentOf(subject: Subject): string {
  if (subject.kind === "Workload") return canonical(subject.workload);
  if (subject.kind === "Namespace") return canonical(subject.labels);
  const { object } = subject;
  return canonical({ spec: isRecord(object) ? object.spec : undefined, labels: object.metadata?.labels ?? {} });
}

/** By the key and the value at the path, not by the indices in it: the same fault at another place of a list is the same. */
function identityOf({ rule, path }: Finding, object: KubernetesObject): string {
  const key = stepsOf(path).findLast((step) => !/^\d+$/.test(step));
  return canonical([rule, key, at(object, path) ?? null]);
}

function lowered(finding: Finding): Finding {
  return finding.mode === "enforce" ? { ...finding, mode: "warn" } : finding;
}
