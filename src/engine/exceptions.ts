import type { NetworkException } from "../config/exception.ts";
import type { PermanentException } from "../config/ruleset.ts";
import type { LabelSelector, Target } from "../config/selector.ts";
import { dayAfter, endOf } from "../model/dates.ts";
import { NAMESPACE_NAME_LABEL } from "../model/names.ts";
import { type Labels, labelsOf } from "../model/objects.ts";
import { printable } from "../model/printable.ts";
import { matches, type Selector, toSelector } from "../model/selector.ts";
import type { Subject } from "../rules/rule.ts";
import type { Finding } from "./evaluate.ts";
import type { Ruleset } from "./ruleset.ts";

/** Where an object is, what has been agreed upon there, and when it is judged. */
export interface Circumstances {
  readonly namespace: { readonly name: string; readonly labels: Labels };
  /** All that are there in that namespace and in no other, in date or not. */
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
  { namespace, exceptions, now }: Circumstances,
): readonly Finding[] {
  if (findings.length === 0) return findings;
  const permanent = ruleset.exceptions.permanent.filter(
    (exception) => isOfNamespace(exception, namespace) && (isForAll(exception) || isFor(exception, subject)),
  );
  const given = exceptions.filter(({ spec }) => isFor(spec, subject)).toSorted((a, b) => endingOf(b) - endingOf(a));
  if (permanent.length + given.length === 0) return findings;
  // An object may have thousands of findings, and its namespace thousands of exceptions; of rules there are a few.
  const ofRules = new Map<Finding["rule"], Agreed>();
  return findings.map((finding) => {
    const agreed = ofRules.get(finding.rule) ?? agreedOn(finding.rule, permanent, given, ruleset, now);
    ofRules.set(finding.rule, agreed);
    return { ...finding, ...agreed };
  });
}

/** What exceptions make of the findings of a rule. */
type Agreed = Partial<Pick<Finding, "mode" | "exception" | "lapsed">>;

function agreedOn(
  rule: Finding["rule"],
  permanent: readonly PermanentException[],
  given: readonly NetworkException[],
  ruleset: Ruleset,
  now: number,
): Agreed {
  const standing = permanent.find(({ rules }) => rules.includes(rule));
  if (standing !== undefined) return recorded(`ruleset ${ruleset.name}, of ${standing.owner}: ${standing.reason}`);
  const asked = given.filter(({ spec }) => spec.rules.includes(rule));
  const counting = asked.find((exception) => faultOf(exception, rule, ruleset, now) === undefined);
  const shown = counting ?? asked[0];
  if (shown === undefined) return {};
  const { metadata, spec } = shown;
  const fault = faultOf(shown, rule, ruleset, now);
  return fault === undefined
    ? recorded(`NetworkException ${metadata.name} of ${spec.owner} until ${spec.expires}`)
    : { lapsed: `NetworkException ${metadata.name} ${fault.text}` };
}

/** Owner and reason may hold anything: what is said of them goes into logs, and to terminals, which must not obey it. */
function recorded(exception: string): Agreed {
  return { mode: "audit", exception: printable(exception.replaceAll(/\s+/g, " ").trim()) };
}

/** Why an exception does not count for a rule. */
export interface ExceptionFault {
  /** It was in order, and has ended. */
  readonly isExpired: boolean;
  /** Completes "NetworkException X ...". */
  readonly text: string;
}

/** Judged anew each time: the ruleset may have changed since the exception was given, as may the namespace's label. */
export function faultOf(
  exception: NetworkException,
  rule: string,
  { name, exceptions: { rules, maxDays } }: Ruleset,
  now: number,
): ExceptionFault | undefined {
  const { metadata, spec } = exception;
  const doesNotCount = (why: string) => ({ isExpired: false, text: `does not count: ${why}` });
  if (!rules.includes(rule)) return doesNotCount(`ruleset ${name} allows no exception to ${rule}`);
  const end = endingOf(exception);
  if (now >= end) return { isExpired: true, text: `has expired: it was until ${spec.expires}` };
  // From its creation, so that editing the date does not renew it. What is only in a file begins now, whatever it says.
  const latest = dayAfter(Math.min(endOf(metadata.creationTimestamp ?? "") ?? now, now), maxDays);
  if (end <= latest.end) return undefined;
  return doesNotCount(
    `it is until ${spec.expires}, and ruleset ${name} allows ${maxDays} days from its creation, so until ${latest.day}`,
  );
}

/** When it ends, for putting the last to end first: of those that have ended, it is the one that is remembered. */
function endingOf(exception: NetworkException): number {
  const end = ENDINGS.get(exception) ?? endOf(exception.spec.expires) ?? 0;
  ENDINGS.set(exception, end);
  return end;
}

/** A date takes long to read, and thousands of exceptions are put in order for each of thousands of objects. */
const ENDINGS = new WeakMap<NetworkException, number>();

type Targets = Pick<PermanentException, "policies" | "workloads">;

function isOfNamespace({ namespaces }: PermanentException, { name, labels }: Circumstances["namespace"]): boolean {
  // Not of every namespace the labels are known. Where they are, this one is among them, and thousands need no copy.
  const carried = labels[NAMESPACE_NAME_LABEL] === name ? labels : { ...labels, [NAMESPACE_NAME_LABEL]: name };
  return isTarget(namespaces, name, carried);
}

function isForAll({ policies, workloads }: Targets): boolean {
  return policies === undefined && workloads === undefined;
}

function isFor({ policies, workloads }: Targets, { kind, object }: Subject): boolean {
  const target = kind === "NetworkPolicy" ? policies : kind === "Workload" ? workloads : undefined;
  return target !== undefined && isTarget(target, object.metadata?.name, labelsOf(object.metadata?.labels));
}

/** Named or selected. A name that is only begun (generateName) is nobody's yet. */
function isTarget({ names = [], selector }: Target, name: string | undefined, labels: Labels): boolean {
  return names.some((one) => one === name) || (selector !== undefined && matches(selectorOf(selector), labels));
}

/** It may ask for thousands of things of thousands of objects. */
function selectorOf(raw: LabelSelector): Selector {
  const selector = SELECTORS.get(raw) ?? toSelector(raw, "");
  SELECTORS.set(raw, selector);
  return selector;
}

const SELECTORS = new WeakMap<LabelSelector, Selector>();
