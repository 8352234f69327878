import { governingBaseline } from "../baseline/govern.ts";
import { type Configuration, governanceOf } from "../engine/configuration.ts";
import { type JsonPatchOperation, pointer } from "../model/json.ts";
import { PENDING_LABEL } from "../model/names.ts";
import type { Labels } from "../model/objects.ts";
import { type AdmissionRequest, isBeingDeleted } from "./review.ts";

export interface MutateDeps {
  readonly configuration: () => Configuration;
  /** Is this request Drawbridge's own? */
  readonly isOwn: (request: AdmissionRequest) => boolean;
}

/**
 * What /mutate changes: it stamps the marker on a namespace that is to get a baseline, and puts it back where an update
 * drops it (a PUT of the manifest does, without meaning to). Idempotent: what carries the marker is left as it is.
 */
export function mutate(request: AdmissionRequest, deps: MutateDeps): readonly JsonPatchOperation[] {
  const { kind, operation, object, oldObject } = request;
  if (kind.group !== "" || kind.kind !== "Namespace" || object == null || isBeingDeleted(request)) return [];
  const labels = object.metadata?.labels ?? undefined;
  if (labels !== undefined && Object.hasOwn(labels, PENDING_LABEL)) return [];
  if (operation === "CREATE") {
    return isToBeInjected(object.metadata?.name ?? "", labels ?? {}, deps.configuration()) ? stamp(labels) : [];
  }
  const wasPending = Object.hasOwn(oldObject?.metadata?.labels ?? {}, PENDING_LABEL);
  return operation === "UPDATE" && wasPending && !deps.isOwn(request) ? stamp(labels) : [];
}

function isToBeInjected(name: string, labels: Labels, configuration: Configuration): boolean {
  return (
    governanceOf(labels, configuration).cap === "enforce" &&
    governingBaseline(name, labels, configuration.baselines) !== undefined
  );
}

function stamp(labels: Labels | undefined): JsonPatchOperation[] {
  return labels === undefined
    ? [{ op: "add", path: "/metadata/labels", value: { [PENDING_LABEL]: "true" } }]
    : [{ op: "add", path: pointer("/metadata/labels", PENDING_LABEL), value: "true" }];
}
