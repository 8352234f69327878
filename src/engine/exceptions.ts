import type { NetworkException } from "../config/exception.ts";
import type { Target } from "../config/selector.ts";
import { DAY_MS, endOf } from "../model/dates.ts";
import { NAMESPACE_NAME_LABEL } from "../model/names.ts";
import { type Labels, labelsOf } from "../model/objects.ts";
import { matches, toSelector } from "../model/selector.ts";
import type { Subject } from "../rules/rule.ts";
import type { Finding } from "./evaluate.ts";
import type { Ruleset } from "./ruleset.ts";

/** Where an object is, and what has been agreed upon there. */
export interface Circumstances {
  /** Undefined where it is not known. */
  readonly namespace: { readonly name: string; readonly labels: Labels };
  /** Of that namespace. They need not be in date. */
  readonly exceptions: readonly NetworkException[];
  /** Milliseconds since 1970. */
  readonly now: number;
}

/**
 * What an exception is for is recorded, neither refused nor warned of: whoever may give one has decided. Where one is
 * there but does not count, the finding says why, or its owner would look for the fault in the policy.
 */
export function except(
  findings: readonly Finding[],
  subject: Subject,
  ruleset: Ruleset,
  circumstances: Circumstances,
): readonly Finding[] {
  const { namespace, exceptions, now } = circumstances;
  const permanent = ruleset.exceptions.permanent.filter(
    (exception) =>
      isTarget(exception.namespaces, namespace.name, {
        ...namespace.labels,
        [NAMESPACE_NAME_LABEL]: namespace.name,
      }) &&
      (isWide(exception) || isFor(exception, subject)),
  );
  const own = exceptions.filter((exception) => isFor(exception.spec, subject));
  if (permanent.length + own.length === 0) return findings;
  return findings.map((finding) => {
    const standing = permanent.find(({ rules }) => rules.includes(finding.rule));
    if (standing !== undefined) {
      return recorded(finding, `ruleset ${ruleset.name}, of ${standing.owner}: ${standing.reason}`);
    }
    const given = own
      .filter(({ spec }) => spec.rules.includes(finding.rule))
      .map((exception) => ({ exception, fault: faultOf(exception, finding.rule, ruleset, now) }));
    const counting = given.find(({ fault }) => fault === undefined)?.exception;
    if (counting !== undefined) {
      const { metadata, spec } = counting;
      return recorded(finding, `NetworkException ${metadata.name} of ${spec.owner} until ${spec.expires}`);
    }
    const [first] = given;
    if (first === undefined) return finding;
    return { ...finding, lapsed: `NetworkException ${first.exception.metadata.name} ${first.fault?.text ?? ""}` };
  });
}

function recorded(finding: Finding, exception: string): Finding {
  return { ...finding, mode: "audit", exception };
}

/** Why an exception does not count for a rule; `text` completes "NetworkException X ...". */
export interface ExceptionFault {
  /** It was in order, and has ended. */
  readonly isExpired: boolean;
  readonly text: string;
}

export function faultOf(
  { metadata, spec }: NetworkException,
  rule: string,
  { name, exceptions }: Ruleset,
  now: number,
): ExceptionFault | undefined {
  if (!exceptions.rules.includes(rule)) {
    const allowed =
      exceptions.rules.length === 0 ? "it allows none" : `it allows them to ${exceptions.rules.join(", ")}`;
    return { isExpired: false, text: `does not count: ruleset ${name} allows no exception to ${rule}; ${allowed}` };
  }
  const end = endOf(spec.expires) ?? 0;
  if (now >= end) return { isExpired: true, text: `expired on ${spec.expires}` };
  const { maxDays } = exceptions;
  // A day that it holds on ends with the day after.
  if (end > createdAt(metadata.creationTimestamp, now) + (maxDays + 1) * DAY_MS) {
    const limit = `the ${maxDays} days that ruleset ${name} allows from its creation`;
    return { isExpired: false, text: `does not count: until ${spec.expires} is longer than ${limit}` };
  }
  return undefined;
}

/** To edit the date does not renew an exception: it counts from its creation. What is only in a file begins now. */
function createdAt(creationTimestamp: string | undefined, now: number): number {
  const created = Date.parse(creationTimestamp ?? "");
  return Number.isNaN(created) ? now : created;
}

interface Targets {
  readonly policies?: Target;
  readonly workloads?: Target;
}

function isWide({ policies, workloads }: Targets): boolean {
  return policies === undefined && workloads === undefined;
}

function isFor({ policies, workloads }: Targets, { kind, ref, object }: Subject): boolean {
  const target = kind === "NetworkPolicy" ? policies : kind === "Workload" ? workloads : undefined;
  return target !== undefined && isTarget(target, ref.name, labelsOf(object.metadata?.labels));
}

function isTarget({ names, selector }: Target, name: string, labels: Labels): boolean {
  return names?.includes(name) === true || (selector !== undefined && matches(toSelector(selector, ""), labels));
}
