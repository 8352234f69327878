import { refusalsOf } from "../apiserver/refusals.ts";
import { asStored } from "../apiserver/stored.ts";
import type { NetworkException } from "../config/exception.ts";
import { governanceOf } from "../engine/configuration.ts";
import { evaluate, type Finding } from "../engine/evaluate.ts";
import { except, faultOf } from "../engine/exceptions.ts";
import { toSubject } from "../engine/subject.ts";
import type { Problem } from "../model/errors.ts";
import { fieldPath, type JsonObject, pointer } from "../model/json.ts";
import { MODE_LABEL, RULESET_LABEL, SYSTEM_NAMESPACES } from "../model/names.ts";
import type { Labels, ObjectRef } from "../model/objects.ts";
import { groupOf } from "../model/workload.ts";
import type { Subject } from "../rules/rule.ts";
import type { LintContext } from "./context.ts";
import type { Place } from "./finding.ts";
import { configurationRef, inNamespace, isConfiguration, isNamespace, rivalOf } from "./set.ts";

/** Of one object; paths are from it. */
export interface Verdict {
  readonly is: "judged" | "exempt" | "other" | "not-object";
  readonly findings: readonly Finding[];
  readonly object?: ObjectRef;
  readonly ruleset?: string;
}

/** What the cluster would say of an object: what the API server refuses, then what the rules find in what it stores. */
export function judge(value: JsonObject, place: Place, context: LintContext): Verdict {
  const refused = refusalsOf(value).map((problem) => wrong(problem, REFUSED));
  if (isConfiguration(value)) return judgeConfiguration(value, place, refused, context);
  const subject = subjectOf(value, context.defaultNamespace);
  if (subject === undefined) return { is: "other", findings: refused };

  const object = subject.ref;
  const isOfNone = subject.kind === "Namespace";
  const name = isOfNone ? object.name : (object.namespace ?? context.defaultNamespace);
  if (SYSTEM_NAMESPACES.includes(name)) return { is: "exempt", object, findings: refused };
  const labels = isOfNone ? subject.labels : labelsOfNamespace(name, context);
  const { ruleset, cap, problems } = governanceOf(labels, context.configuration);
  const circumstances = { namespace: { name, labels }, exceptions: context.exceptionsIn(name), now: context.now };
  const evaluated = evaluate(subject, ruleset, cap, isOfNone ? undefined : context.snapshotIn(name));
  const found = except(evaluated, subject, ruleset, circumstances);
  const misled = isOfNone ? [...problems.map(governingLabel), ...contradiction(value, place, context)] : [];
  return { is: "judged", object, ruleset: ruleset.name, findings: [...refused, ...misled, ...found] };
}

/** What the cluster would not take, whatever the ruleset. */
export function invalid(path: string, message: string, fix: string): Finding {
  return { rule: "invalid-manifest", severity: "critical", mode: "enforce", path, message, fix };
}

/** Problems say of a field what it is; what is missing has no line of its own that would show which. */
function wrong({ path, message }: Problem, fix: string): Finding {
  return invalid(path, `${fieldPath(path)} ${message}`.trimStart(), fix);
}

const REFUSED = "correct it: the API server takes no such object";
const DOCUMENT = "correct it: Drawbridge takes no such document";
const EXCEPTION = "shorten it or remove the rule, or let the ruleset allow it";

function subjectOf(value: JsonObject, defaultNamespace: string): Subject | undefined {
  const { apiVersion, kind } = value;
  if (typeof apiVersion !== "string" || typeof kind !== "string") return undefined;
  const stored = kind === "NetworkPolicy" ? asStored(value) : value;
  return toSubject({ group: groupOf(apiVersion), kind }, inNamespace(stored, defaultNamespace), value);
}

function labelsOfNamespace(name: string, { set }: LintContext): Labels {
  return set.namespaces.get(name)?.labels ?? {};
}

function governingLabel(problem: string): Finding {
  const label = problem.includes(MODE_LABEL) ? MODE_LABEL : RULESET_LABEL;
  return { ...invalid(pointer("/metadata/labels", label), problem, "correct the label"), mode: "warn" };
}

/** Which of the two the cluster has in the end, nobody can tell: the verdicts on all the rest might be wrong. */
function contradiction(value: JsonObject, place: Place, context: LintContext): Finding[] {
  const rival = rivalOf(value, place, context);
  if (rival === undefined) return [];
  const what = isNamespace(value) ? "has other labels that govern" : "says something else";
  const where = `${rival.file.split("/").at(-1)}:${rival.line}`;
  return [invalid("/metadata/name", `the one of this name in ${where} ${what}, and counts`, "keep one of the two")];
}

function judgeConfiguration(
  value: JsonObject,
  place: Place,
  refused: readonly Finding[],
  context: LintContext,
): Verdict {
  const object = configurationRef(value, context.defaultNamespace);
  const problems = context.problemsOf(value).map((problem) => wrong(problem, DOCUMENT));
  // Of metadata both have something to say.
  const told = new Set(problems.map(({ path }) => path));
  const others = refused.filter(({ path }) => !told.has(path));
  const findings = [...problems, ...others, ...contradiction(value, place, context)];
  if (problems.length > 0 || object.kind !== "NetworkException") return { is: "judged", object, findings };
  // It has been checked to be one.
  const exception = value as unknown as NetworkException;
  const { ruleset } = governanceOf(labelsOfNamespace(object.namespace ?? "", context), context.configuration);
  const faults = exception.spec.rules.flatMap((rule, i) => {
    const fault = faultOf(exception, rule, ruleset, context.now);
    if (fault === undefined) return [];
    const finding = invalid(pointer("/spec/rules", i), fault.text, EXCEPTION);
    return [fault.isExpired ? { ...finding, mode: "warn" as const } : finding];
  });
  return { is: "judged", object, ruleset: ruleset.name, findings: [...findings, ...faults] };
}
