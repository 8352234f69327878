import { canonical, isRecord, items, type JsonObject } from "../model/json.ts";
import { LAST_APPLIED_ANNOTATION } from "../model/names.ts";
import type { NetworkPolicy } from "../model/network-policy.ts";
import type { KubernetesObject, ManagedFieldsEntry } from "../model/objects.ts";
import type { AdmissionRequest } from "./review.ts";

/** What the author wrote, of the object and of the one it replaces, where the request bears witness to it. */
export interface Written {
  readonly object?: NetworkPolicy;
  readonly oldObject?: NetworkPolicy;
}

/**
 * The API server fills defaults in before it asks us, so the object itself does not tell what its author left out. Two
 * kinds of apply leave a trace of it: server-side apply in managedFields, client-side apply in an annotation. Only a
 * trace that *this* request left counts; objects carry old ones around (a backup that is restored, say).
 */
export function writtenBy(request: AdmissionRequest): Written {
  const { object, oldObject } = request;
  if (object == null) return {};
  const manager = request.options?.["fieldManager"];
  if (typeof manager === "string" && isServerSideApply(request, manager)) {
    return pair((o) => appliedFields(o, manager), object, oldObject);
  }
  if (manager === "kubectl-client-side-apply" || hasNewAnnotation(request)) return pair(lastApplied, object, oldObject);
  return {};
}

function pair(
  read: (object: KubernetesObject) => NetworkPolicy | undefined,
  object: KubernetesObject,
  oldObject: KubernetesObject | null | undefined,
): Written {
  const written = read(object);
  const oldWritten = oldObject == null ? undefined : read(oldObject);
  return { ...(written && { object: written }), ...(oldWritten && { oldObject: oldWritten }) };
}

/**
 * The review does not say which kind of request it was (a PATCH comes with the options of a create or an update), but
 * managedFields do: an apply leaves an Apply entry, and every other write by the same manager changes its Update entry.
 */
function isServerSideApply({ object, oldObject }: AdmissionRequest, manager: string): boolean {
  if (object == null || entryOf(object, manager, "Apply") === undefined) return false;
  const update = (of: KubernetesObject | null | undefined) => canonical((of && entryOf(of, manager, "Update")) ?? null);
  return update(object) === update(oldObject);
}

function entryOf(object: KubernetesObject, manager: string, operation: string): ManagedFieldsEntry | undefined {
  return entriesOf(object).find((entry) => entry.manager === manager && entry.operation === operation);
}

function entriesOf(object: KubernetesObject): ManagedFieldsEntry[] {
  return items(object.metadata?.managedFields)
    .filter((entry): entry is ManagedFieldsEntry => isRecord(entry))
    .filter((entry) => !entry.subresource);
}

/** What an entry owns of `spec`, by `f:NAME`. */
function specOf(entry: ManagedFieldsEntry | undefined): JsonObject | undefined {
  const fields = entry?.fieldsV1;
  return isRecord(fields) && isRecord(fields["f:spec"]) ? fields["f:spec"] : undefined;
}

/**
 * The stored object, cut down to the fields of `spec` that applies contained. Unknown where this manager applies no
 * spec, but labels, say. Several managers may apply parts of one object: what one of them wrote is written.
 */
function appliedFields(object: NetworkPolicy, manager: string): NetworkPolicy | undefined {
  if (!isRecord(object.spec) || specOf(entryOf(object, manager, "Apply")) === undefined) return undefined;
  const applied = entriesOf(object).filter(({ operation }) => operation === "Apply");
  const owned = Object.assign({}, ...applied.map(specOf)) as JsonObject;
  const spec = Object.entries(object.spec).filter(([name]) => Object.hasOwn(owned, `f:${name}`));
  return { ...object, spec: Object.fromEntries(spec) };
}

/** A tool that applies as kubectl does, under another field manager's name. On CREATE it may as well be a restore. */
function hasNewAnnotation({ operation, object, oldObject }: AdmissionRequest): boolean {
  const [now, before] = [annotationOf(object), annotationOf(oldObject)];
  return operation === "UPDATE" && now !== undefined && before !== undefined && now !== before;
}

function annotationOf(object: KubernetesObject | null | undefined): string | undefined {
  const text = object?.metadata?.annotations?.[LAST_APPLIED_ANNOTATION];
  return typeof text === "string" ? text : undefined;
}

function lastApplied(object: KubernetesObject): NetworkPolicy | undefined {
  try {
    const written: unknown = JSON.parse(annotationOf(object) ?? "");
    return isRecord(written) && isRecord(written["spec"]) ? written : undefined;
  } catch {
    return undefined; // no annotation, or one that somebody wrote by hand
  }
}
