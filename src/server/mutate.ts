import { whyUnarmed } from "../baseline/resolve.ts";
import { type Configuration, enforcedBaseline } from "../engine/configuration.ts";
import { isRecord, type JsonPatchOperation, pointer, text } from "../model/json.ts";
import { PENDING_LABEL } from "../model/names.ts";
import { type KubernetesObject, labelsOf } from "../model/objects.ts";
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
  const labels = labelsOf(object.metadata?.labels);
  if (Object.hasOwn(labels, PENDING_LABEL)) return [];
  if (operation === "CREATE") {
    const baseline = enforcedBaseline(text(object.metadata?.name), labels, deps.configuration());
    return baseline !== undefined && whyUnarmed(baseline) === undefined ? stamp(object) : [];
  }
  const wasPending = Object.hasOwn(labelsOf(oldObject?.metadata?.labels), PENDING_LABEL);
  return operation === "UPDATE" && wasPending && !deps.isOwn(request) ? stamp(object) : [];
}

function stamp({ metadata }: KubernetesObject): JsonPatchOperation[] {
  if (!isRecord(metadata)) return []; // which no API server sends, and where there is no place for it
  return isRecord(metadata.labels)
    ? [{ op: "add", path: pointer("/metadata/labels", PENDING_LABEL), value: "true" }]
    : [{ op: "add", path: "/metadata/labels", value: { [PENDING_LABEL]: "true" } }];
}
