import { isKept } from "../baseline/policy-names.ts";
import { CLEANERS, FORGED_ADVICE, isEdited, isOfBaseline, KEPT_ADVICE } from "../baseline/protection.ts";
import type { Baseline } from "../baseline/resolve.ts";
import { type Configuration, enforcedBaseline, governanceOf } from "../engine/configuration.ts";
import { text } from "../model/json.ts";
import { BASELINE_LABEL } from "../model/names.ts";
import type { NetworkPolicy } from "../model/network-policy.ts";
import type { Labels } from "../model/objects.ts";
import type { AdmissionRequest } from "./review.ts";

export interface ProtectDeps {
  readonly configuration: () => Configuration;
  readonly namespaceLabels: (name: string, waitMs: number) => Promise<Labels | undefined>;
  /** Is the namespace being deleted, or gone? Asked of the API server: no review tells, and a cache may be late. */
  readonly isGoing: (namespace: string, waitMs: number) => Promise<boolean>;
}

/**
 * Why a request for a NetworkPolicy, not one of our own, is refused: it edits or deletes a policy that the namespace's
 * baseline wants, or passes one off as such. Policies that no baseline wants any longer are anyone's to delete, but for
 * those that let the API server in: they go when Drawbridge takes them away.
 */
export async function protect(
  request: AdmissionRequest,
  deps: ProtectDeps,
  waitMs: number,
): Promise<readonly string[] | undefined> {
  const { operation, userInfo, oldObject, namespace = "" } = request;
  const object = operation === "DELETE" ? null : request.object;
  const was = oldObject != null && isOfBaseline(oldObject);
  const is = object != null && isOfBaseline(object);
  if (!was && !is) return undefined;

  const labels = await deps.namespaceLabels(namespace, waitMs);
  if (labels === undefined) return undefined;
  const baseline = enforcedBaseline(namespace, labels, deps.configuration());
  if (!was) {
    return baseline && [`NetworkPolicy ${namespace}/${nameOf(object)}: ${FORGED_ADVICE}`];
  }

  const keeper = keeperOf(oldObject, labels, baseline, deps.configuration());
  if (keeper === undefined || (object != null && !isEdited(oldObject, object))) return undefined;
  const isCleaner = operation === "DELETE" && CLEANERS.includes(userInfo.username ?? "");
  if (isCleaner && (await deps.isGoing(namespace, waitMs))) return undefined;
  const policy = `NetworkPolicy ${namespace}/${nameOf(oldObject)}`;
  return [
    `${policy} is part of NetworkBaseline ${keeper}: only Drawbridge changes or deletes it.`,
    ...KEPT_ADVICE.map((line) => `  ${line}`),
  ];
}

/**
 * The name of the baseline that does not let go of a policy. What one wants that is not valid is not known: all that it
 * has given stays until it is mended, or a mistake in it would open every namespace that has it.
 */
function keeperOf(
  policy: NetworkPolicy,
  labels: Labels,
  governing: Baseline | undefined,
  configuration: Configuration,
): string | undefined {
  const name = policy.metadata?.labels?.[BASELINE_LABEL] ?? "";
  const isEnforced = governanceOf(labels, configuration).cap === "enforce";
  if (isEnforced && configuration.unusable.has(name)) return name;
  return governing && isKept(governing, nameOf(policy)) ? governing.metadata.name : undefined;
}

/** Of the object: in a DELETECOLLECTION the request has none. */
function nameOf(policy: NetworkPolicy | null | undefined): string {
  return text(policy?.metadata?.name) || text(policy?.metadata?.generateName);
}
