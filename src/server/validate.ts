import { governingBaseline } from "../baseline/govern.ts";
import { whyUnarmed } from "../baseline/resolve.ts";
import type { NetworkException } from "../config/exception.ts";
import { type Configuration, type Governance, governanceOf } from "../engine/configuration.ts";
import { ALLOWED, boundLines, boundWarnings, type Decision, decide } from "../engine/decide.ts";
import { checkDocument } from "../engine/check-document.ts";
import { evaluate, type Finding } from "../engine/evaluate.ts";
import { type Circumstances, except, faultOf } from "../engine/exceptions.ts";
import { relax } from "../engine/ratchet.ts";
import { snapshotIn } from "../engine/snapshot.ts";
import { type Subject, subjectOf, toSubject } from "../engine/subject.ts";
import type { Problem } from "../model/errors.ts";
import { at, canonical, fieldPath, text as textOf } from "../model/json.ts";
import { GROUP, SYSTEM_NAMESPACES } from "../model/names.ts";
import type { NetworkPolicy } from "../model/network-policy.ts";
import type { KubernetesObject, Labels } from "../model/objects.ts";
import type { Snapshot } from "../model/snapshot.ts";
import { type ProtectDeps, protect } from "./protect.ts";
import { type AdmissionRequest, isBeingDeleted } from "./review.ts";
import { type UnboundDeps, unboundFindings } from "./unbound.ts";
import { writtenBy } from "./written.ts";

export interface ValidateDeps extends ProtectDeps, UnboundDeps {
  readonly configuration: () => Configuration;
  /** Labels of a namespace; undefined where there is none. Rejects where that cannot be told within so many milliseconds. */
  readonly namespaceLabels: (name: string, waitMs: number) => Promise<Labels | undefined>;
  readonly exceptionsIn: (namespace: string) => readonly NetworkException[];
  /** The NetworkPolicies of a namespace, as far as the server has heard of them. */
  readonly policiesIn: (namespace: string) => readonly NetworkPolicy[];
  /** The same as the cluster has it now. Rejects where that cannot be told within so many milliseconds. */
  readonly newestExceptionsIn: (namespace: string, waitMs: number) => Promise<readonly NetworkException[]>;
  /** Is this request Drawbridge's own? */
  readonly isOwn: (request: AdmissionRequest) => boolean;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

export interface Verdict {
  readonly decision: Decision;
  readonly findings: readonly Finding[];
  /** Policies that a new namespace does not get only because its mode is warn or audit. */
  readonly withheld?: readonly string[];
}

const NOTHING: Verdict = { decision: ALLOWED, findings: [] };

/** What /validate says of one request. Rejects only where it cannot know, which the API server sees as a failure. */
export async function validate(request: AdmissionRequest, deps: ValidateDeps, waitMs: number): Promise<Verdict> {
  const { kind, object } = request;
  if (isBeingDeleted(request)) return NOTHING;
  if (kind.kind === "NetworkPolicy" && !deps.isOwn(request)) {
    const lines = await protect(request, deps, waitMs);
    if (lines !== undefined) return refused(lines);
  }
  if (object == null || request.operation === "DELETE") return NOTHING;
  if (kind.group === GROUP) {
    const invalid = invalidDocument(kind.kind, object);
    if (invalid !== undefined || kind.kind !== "NetworkException") return invalid ?? NOTHING;
    return validateException(request, object as NetworkException, deps, waitMs);
  }
  const written = kind.kind === "NetworkPolicy" ? writtenBy(request) : {};
  const subject = toSubject(kind, object, written.object);
  if (subject === undefined || deps.isOwn(request)) return NOTHING;
  const name = namespaceOf(subject, request);
  if (SYSTEM_NAMESPACES.includes(name)) return NOTHING;
  // Also where a workload had made it: what is set free must not be refused for what it was.
  const old = request.oldObject == null ? undefined : subjectOf(kind, request.oldObject, written.oldObject);
  if (subject.kind === "Namespace") return validateNamespace(request, subject, old, deps, waitMs);

  const labels = (await deps.namespaceLabels(name, waitMs)) ?? {};
  const configuration = deps.configuration();
  const governance = governanceOf(labels, configuration);
  const { policiesIn } = deps;
  const snapshot = snapshotIn(name, configuration, { isWhole: false, policiesIn });
  const verdictWith = (exceptions: readonly NetworkException[]): Verdict => {
    const circumstances = { namespace: { name, labels }, exceptions, now: deps.now() };
    const findings = findingsOf(subject, old, governance, circumstances, snapshot);
    return { decision: decide(subject.ref, governance.ruleset.name, findings), findings };
  };
  const verdict = verdictWith(deps.exceptionsIn(name));
  if (!mayBeExcepted(verdict, governance.ruleset)) return verdict;
  // What is excepted often comes right after its exception, before the cache has heard of that. In doubt it is refused.
  const newest = await deps.newestExceptionsIn(name, waitMs).catch(() => undefined);
  return newest === undefined ? verdict : verdictWith(newest);
}

/** Is it refused for nothing but what an exception may cover? */
function mayBeExcepted({ decision, findings }: Verdict, { exceptions }: Governance["ruleset"]): boolean {
  const refusing = findings.filter(({ mode }) => mode === "enforce");
  return !decision.allowed && refusing.every(({ rule }) => exceptions.rules.includes(rule));
}

function namespaceOf({ kind, ref }: Subject, request: AdmissionRequest): string {
  return kind === "Namespace" ? ref.name || (request.name ?? "") : (ref.namespace ?? request.namespace ?? "");
}

function findingsOf(
  subject: Subject,
  old: Subject | undefined,
  { ruleset, cap }: Governance,
  circumstances: Circumstances,
  snapshot?: Snapshot,
): readonly Finding[] {
  const found = except(evaluate(subject, ruleset, cap, snapshot), subject, ruleset, circumstances);
  // What the old object is found to have, an exception changes nothing of: what was there is there. It is judged by
  // itself: what it has only together with others warns at most, which nothing lowers.
  return old === undefined || found.length === 0 ? found : relax(found, subject, evaluate(old, ruleset, cap), old);
}

async function validateNamespace(
  request: AdmissionRequest,
  subject: Extract<Subject, { kind: "Namespace" }>,
  old: Subject | undefined,
  deps: ValidateDeps,
  waitMs: number,
): Promise<Verdict> {
  const labelsBefore = old?.kind === "Namespace" ? old.labels : {};
  const unbound = await unboundFindings(request, subject, labelsBefore, deps, waitMs);
  const configuration = deps.configuration();
  const { labels, ref } = subject;
  const governance = governanceOf(labels, configuration);
  const circumstances = { namespace: { name: ref.name, labels }, exceptions: [], now: deps.now() };
  const findings = [...findingsOf(subject, old, governance, circumstances), ...unbound];
  const decision = decide(ref, governance.ruleset.name, findings);
  if (!decision.allowed) return { decision, findings };

  const { cap, problems } = governance;
  const warnings = problems.map((problem) => `drawbridge: ${problem}`);
  const isNew = request.operation === "CREATE";
  const baseline = isNew ? governingBaseline(ref.name, labels, configuration.baselines) : undefined;
  const templates = baseline?.spec.templates.map(({ name }) => name) ?? [];
  const withheld = cap === "enforce" ? [] : templates;
  const unarmed = cap === "enforce" && baseline !== undefined ? whyUnarmed(baseline) : undefined;
  if (unarmed !== undefined) warnings.push(`drawbridge: this namespace gets no policies: ${unarmed.why}`);
  // Who tries is told what comes with it, as the answer cannot show it. Who creates it sees the policies.
  else if (request.dryRun === true && cap === "enforce" && templates.length > 0) {
    warnings.push(`drawbridge: this namespace will get the policies ${templates.join(", ")}`);
  }
  if (withheld.length > 0 && cap === "warn") {
    warnings.push(`drawbridge: in mode enforce this namespace would get the policies ${withheld.join(", ")}`);
  }
  return {
    decision: { ...decision, warnings: boundWarnings([...warnings, ...decision.warnings]) },
    findings,
    withheld,
  };
}

/** Whatever the installation's mode: a document that is not valid would not be taken over, so its author must hear it. */
function invalidDocument(kind: string, object: KubernetesObject): Verdict | undefined {
  const { problems } = checkDocument(object);
  if (problems === undefined) return undefined;
  return refused([
    `${kind} ${textOf(object.metadata?.name)} is not valid:`,
    ...problems.map((problem) => `  ${problemLine(problem)}`),
  ]);
}

/**
 * An exception that would not count is refused where it is written, not found out when the policy is. But what was
 * allowed once may be written again as it is, or label changes and the syncs of GitOps tools would fail: one that has
 * expired, and one of before the ruleset was tightened.
 */
async function validateException(
  { oldObject, namespace = "" }: AdmissionRequest,
  exception: NetworkException,
  deps: ValidateDeps,
  waitMs: number,
): Promise<Verdict> {
  const labels = (await deps.namespaceLabels(namespace, waitMs)) ?? {};
  const { ruleset } = governanceOf(labels, deps.configuration());
  const faults = exception.spec.rules.flatMap((rule) => faultOf(exception, rule, ruleset, deps.now()) ?? []);
  const lines = [...new Set(faults.map(({ text }) => `NetworkException ${exception.metadata.name} ${text}`))];
  const isAsBefore = oldObject != null && canonical(at(oldObject, "/spec")) === canonical(exception.spec);
  if (!isAsBefore && faults.some(({ isExpired }) => !isExpired)) {
    const { rules } = ruleset.exceptions;
    const allowed = rules.length === 0 ? "It allows no exceptions." : `It allows exceptions to ${rules.join(", ")}.`;
    const asksTooMuch = exception.spec.rules.some((rule) => !rules.includes(rule));
    return refused([...lines, ...(asksTooMuch ? [allowed] : [])]);
  }
  return {
    decision: { ...ALLOWED, warnings: boundWarnings(lines.map((line) => `drawbridge: ${line}`)) },
    findings: [],
  };
}

function refused(lines: readonly string[]): Verdict {
  return { decision: { ...ALLOWED, allowed: false, message: boundLines(lines) }, findings: [] };
}

function problemLine({ path, message }: Problem): string {
  return `${fieldPath(path)} ${message}`;
}
