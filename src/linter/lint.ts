import { refusalsOf } from "../apiserver/refusals.ts";
import { asStored } from "../apiserver/stored.ts";
import type { NetworkException } from "../config/exception.ts";
import { type Configuration, governanceOf } from "../engine/configuration.ts";
import { evaluate, type Finding } from "../engine/evaluate.ts";
import { except, faultOf } from "../engine/exceptions.ts";
import { refOf, toSubject } from "../engine/subject.ts";
import type { ManifestChunk } from "../manifest/chunks.ts";
import type { Position } from "../manifest/locate.ts";
import { type ManifestProblem, readChunk } from "../manifest/read.ts";
import type { Problem } from "../model/errors.ts";
import { isRecord, type JsonObject, pointer } from "../model/json.ts";
import { MODE_LABEL, NAMESPACE_NAME_LABEL, RULESET_LABEL, SYSTEM_NAMESPACES } from "../model/names.ts";
import type { KubernetesObject, Labels, ObjectRef } from "../model/objects.ts";
import { groupOf } from "../model/workload.ts";
import type { Excerpt, LintFinding } from "./finding.ts";
import { type Item, itemsOf } from "./objects.ts";
import { isConfiguration } from "./set.ts";

export interface LintContext {
  readonly configuration: Configuration;
  /** Labels of the namespaces of the set, by name. */
  readonly namespaces: ReadonlyMap<string, Labels>;
  readonly exceptionsIn: (namespace: string) => readonly NetworkException[];
  /** What is wrong with a document of our own kinds. */
  readonly problemsOf: (document: JsonObject) => readonly Problem[];
  /** Of objects that name none. */
  readonly defaultNamespace: string;
  /** Milliseconds since 1970. */
  readonly now: number;
}

export interface LintSource {
  readonly file: string;
  /** Named itself, so that everything in it is meant to be an object; or only found in a folder. */
  readonly isNamed: boolean;
}

export interface Linted {
  readonly findings: readonly LintFinding[];
  readonly judged: number;
  readonly exempt: number;
}

/** Judges one document as the cluster would: what the API server makes of it first, then the rules. */
export function lintChunk(chunk: ManifestChunk, source: LintSource, context: LintContext): Linted {
  const read = readChunk(chunk);
  if (read === undefined) return { findings: [], judged: 0, exempt: 0 };
  const verdicts =
    read.kind === "problem"
      ? [{ findings: [unreadable(read)] }]
      : itemsOf(read.value).map((item) => judge(item, source, context));
  const locate = read.kind === "problem" ? () => read.position : read.locate;
  const lines = linesOf(chunk);
  const findings = verdicts.flatMap(({ findings: found, object, ruleset, base = "" }: Verdict) =>
    found.map((finding): LintFinding => {
      const position = locate(base + finding.path);
      return {
        ...finding,
        file: source.file,
        position,
        excerpt: lines(position),
        ...(object !== undefined && { object }),
        ...(ruleset !== undefined && { ruleset }),
      };
    }),
  );
  return {
    findings: findings.toSorted((a, b) => a.position.line - b.position.line || a.position.column - b.position.column),
    judged: verdicts.filter(({ isJudged }: Verdict) => isJudged === true).length,
    exempt: verdicts.filter(({ isExempt }: Verdict) => isExempt === true).length,
  };
}

/** Of one object; paths are from `base`. */
interface Verdict {
  readonly findings: readonly Finding[];
  readonly base?: string;
  readonly object?: ObjectRef;
  readonly ruleset?: string;
  readonly isJudged?: boolean;
  readonly isExempt?: boolean;
}

function judge({ value, base }: Item, { isNamed }: LintSource, context: LintContext): Verdict {
  if (!isRecord(value)) return { base, findings: [invalid("", "is no object", NO_OBJECT)] };
  if (value["apiVersion"] === undefined && value["kind"] === undefined) {
    // In folders there are other files too: values of charts, kustomizations, pipelines.
    const finding = invalid("", "has neither apiVersion nor kind, so it is no object of Kubernetes", NO_OBJECT);
    return { base, findings: [isNamed ? finding : { ...finding, mode: "warn" }] };
  }
  const refused = refusalsOf(value).map(({ path, message }) => invalid(path, message, REFUSED));
  if (isConfiguration(value)) return { base, ...judgeConfiguration(value, refused, context) };

  const { apiVersion, kind } = value;
  if (typeof apiVersion !== "string" || typeof kind !== "string") return { base, findings: refused };
  const id = { group: groupOf(apiVersion), kind };
  const stored = id.kind === "NetworkPolicy" ? asStored(value) : value;
  const subject = toSubject(id, inNamespace(stored, context.defaultNamespace), value);
  if (subject === undefined) return { base, findings: refused };

  const object = subject.ref;
  const name = subject.kind === "Namespace" ? object.name : (object.namespace ?? context.defaultNamespace);
  if (SYSTEM_NAMESPACES.includes(name)) return { base, object, findings: refused, isExempt: true };
  const labels = subject.kind === "Namespace" ? subject.labels : (context.namespaces.get(name) ?? {});
  const namespace = { name, labels: { ...labels, [NAMESPACE_NAME_LABEL]: name } };
  const { ruleset, cap, problems } = governanceOf(labels, context.configuration);
  const circumstances = { namespace, exceptions: context.exceptionsIn(name), now: context.now };
  const found = except(evaluate(subject, ruleset, cap), subject, ruleset, circumstances);
  const misled = subject.kind === "Namespace" ? problems.map(governingLabel) : [];
  return { base, object, ruleset: ruleset.name, findings: [...refused, ...misled, ...found], isJudged: true };
}

function judgeConfiguration(value: JsonObject, refused: readonly Finding[], context: LintContext): Verdict {
  const problems = context.problemsOf(value);
  const object = refOf(String(value["kind"]), value);
  if (problems.length > 0) {
    return {
      object,
      isJudged: true,
      findings: [...refused, ...problems.map(({ path, message }) => invalid(path, message, DOCUMENT))],
    };
  }
  if (object.kind !== "NetworkException") return { object, isJudged: true, findings: refused };
  // It has been checked to be one.
  const exception = value as unknown as NetworkException;
  const labels = context.namespaces.get(object.namespace ?? context.defaultNamespace) ?? {};
  const { ruleset } = governanceOf(labels, context.configuration);
  const faults = exception.spec.rules.flatMap((rule, i) => {
    const fault = faultOf(exception, rule, ruleset, context.now);
    if (fault === undefined) return [];
    const finding = invalid(pointer("/spec/rules", i), `this exception ${fault.text}`, EXCEPTION);
    return [fault.isExpired ? { ...finding, mode: "warn" as const } : finding];
  });
  return { object, ruleset: ruleset.name, isJudged: true, findings: [...refused, ...faults] };
}

const NO_OBJECT = "leave it out, or write the object's apiVersion, kind and metadata";
const REFUSED = "correct it: the API server takes no such object";
const DOCUMENT = "correct it: Drawbridge takes no such document";
const EXCEPTION = "shorten it or remove the rule, or let the ruleset allow it";

function unreadable({ message, fix }: ManifestProblem): Finding {
  return invalid("", message, fix);
}

function governingLabel(problem: string): Finding {
  const label = problem.includes(MODE_LABEL) ? MODE_LABEL : RULESET_LABEL;
  return { ...invalid(pointer("/metadata/labels", label), problem, "correct the label"), mode: "warn" };
}

/** What the cluster would not take, whatever the ruleset. */
function invalid(path: string, message: string, fix: string): Finding {
  return { rule: "invalid-manifest", severity: "critical", mode: "enforce", path, message, fix };
}

function inNamespace(object: KubernetesObject, namespace: string): KubernetesObject {
  const { metadata } = object;
  return metadata?.namespace || !isRecord(metadata) || object.kind === "Namespace"
    ? object
    : { ...object, metadata: { ...metadata, namespace } };
}

/** The line of a position, without what a terminal would act upon. Most documents never need it. */
function linesOf({ text, line, column }: ManifestChunk) {
  let lines: readonly string[] | undefined;
  return (position: Position): Excerpt => {
    lines ??= text.split("\n");
    const isFirst = position.line === line;
    const raw = lines[position.line - line] ?? "";
    return {
      text: raw.replaceAll(/[^\P{C}\t]/gu, (one) => (one === "\r" ? "" : "?")),
      column: position.column - (isFirst ? column - 1 : 0),
    };
  };
}
