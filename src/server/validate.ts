import { governingBaseline } from "../baseline/govern.ts";
import { type Configuration, governanceOf } from "../engine/configuration.ts";
import { ALLOWED, boundWarnings, type Decision, decide } from "../engine/decide.ts";
import { checkDocument } from "../engine/documents.ts";
import { evaluate, type Finding, policySubject } from "../engine/evaluate.ts";
import { relax } from "../engine/ratchet.ts";
import type { Problem } from "../model/errors.ts";
import { fieldPath } from "../model/json.ts";
import { GROUP, SYSTEM_NAMESPACES } from "../model/names.ts";
import type { NetworkPolicy } from "../model/network-policy.ts";
import type { KubernetesObject, Labels } from "../model/objects.ts";
import { type AdmissionRequest, isBeingDeleted } from "./review.ts";
import { writtenBy } from "./written.ts";

export interface ValidateDeps {
  readonly configuration: () => Configuration;
  /** Labels of a namespace; undefined where there is none. Rejects where that cannot be told within so many milliseconds. */
  readonly namespaceLabels: (name: string, waitMs: number) => Promise<Labels | undefined>;
  /** Is this request Drawbridge's own? */
  readonly isOwn: (request: AdmissionRequest) => boolean;
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
  if (object == null || request.operation === "DELETE" || isBeingDeleted(request)) return NOTHING;
  switch (`${kind.group}/${kind.kind}`) {
    case "networking.k8s.io/NetworkPolicy":
      return validatePolicy(request, object, deps, waitMs);
    case "/Namespace":
      return validateNamespace(request, object.metadata?.labels ?? {}, deps.configuration());
    case `${GROUP}/NetworkRuleset`:
    case `${GROUP}/NetworkBaseline`:
      return validateConfiguration(kind.kind, object);
    default:
      return NOTHING;
  }
}

async function validatePolicy(
  request: AdmissionRequest,
  object: NetworkPolicy,
  deps: ValidateDeps,
  waitMs: number,
): Promise<Verdict> {
  const namespace = object.metadata?.namespace ?? request.namespace ?? "";
  if (SYSTEM_NAMESPACES.includes(namespace) || deps.isOwn(request)) return NOTHING;
  const labels = (await deps.namespaceLabels(namespace, waitMs)) ?? {};
  const { cap, ruleset } = governanceOf(labels, deps.configuration());

  const written = writtenBy(request);
  const subject = policySubject(object, written.object);
  const found = evaluate(subject, ruleset, cap);
  const before = request.oldObject == null ? undefined : policySubject(request.oldObject, written.oldObject);
  const findings =
    before === undefined || found.length === 0 ? found : relax(found, subject, evaluate(before, ruleset, cap), before);
  return { decision: decide(subject.policy.ref, ruleset.name, findings), findings };
}

function validateNamespace(request: AdmissionRequest, labels: Labels, configuration: Configuration): Verdict {
  const name = request.object?.metadata?.name ?? request.name ?? "";
  if (SYSTEM_NAMESPACES.includes(name)) return NOTHING;
  const { cap, problems } = governanceOf(labels, configuration);
  const warnings = problems.map((problem) => `drawbridge: ${problem}`);
  const baseline = governingBaseline(name, labels, configuration.baselines);
  const withheld =
    request.operation === "CREATE" && cap !== "enforce"
      ? (baseline?.spec.templates.map((template) => template.name) ?? [])
      : [];
  if (withheld.length > 0 && cap === "warn") {
    warnings.push(`drawbridge: in mode enforce this namespace would get the policies ${withheld.join(", ")}`);
  }
  return { decision: { ...ALLOWED, warnings: boundWarnings(warnings) }, findings: [], withheld };
}

/** Whatever the installation's mode: a document that is not valid would not be taken over, so its author must hear it. */
function validateConfiguration(kind: string, object: KubernetesObject): Verdict {
  const { problems } = checkDocument(object);
  if (problems === undefined) return NOTHING;
  const message = [
    `${kind} ${object.metadata?.name ?? ""} is not valid:`,
    ...problems.map((problem) => `  ${problemLine(problem)}`),
  ].join("\n");
  return { decision: { ...ALLOWED, allowed: false, message }, findings: [] };
}

function problemLine({ path, message }: Problem): string {
  return `${fieldPath(path)} ${message}`;
}
