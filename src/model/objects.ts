import { isRecord } from "./json.ts";

/**
 * Kubernetes objects as they travel over the wire: plain JSON, so dates are RFC 3339 strings. Only what Drawbridge
 * reads is named; an object may hold anything else besides, and nothing here is checked at run time.
 */
export interface ObjectMeta {
  readonly name?: string;
  readonly generateName?: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly generation?: number;
  readonly creationTimestamp?: string | null;
  readonly deletionTimestamp?: string | null;
  readonly labels?: Labels | null;
  readonly annotations?: Labels | null;
  readonly ownerReferences?: readonly unknown[] | null;
  readonly managedFields?: readonly ManagedFieldsEntry[] | null;
}

export type Labels = Readonly<Record<string, string>>;

export interface ManagedFieldsEntry {
  readonly manager?: string;
  readonly operation?: string;
  readonly subresource?: string;
  readonly time?: string;
  readonly fieldsV1?: unknown;
}

export interface KubernetesObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata?: ObjectMeta;
}

export interface Namespace extends KubernetesObject {
  readonly status?: { readonly phase?: string };
}

/** Which object a finding or a log line is about. */
export interface ObjectRef {
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
}

/** `NetworkPolicy shop/web` */
export function titleOf({ kind, namespace, name }: ObjectRef): string {
  return `${kind} ${namespace === undefined ? "" : `${namespace}/`}${name === "" ? "(no name)" : name}`;
}

export function isTerminating(object: KubernetesObject): boolean {
  return object.metadata?.deletionTimestamp != null;
}

/** Labels or annotations that are really texts: a file may hold anything. Null is decoded as the empty text. */
export function labelsOf(raw: unknown): Labels {
  if (!isRecord(raw)) return {};
  return Object.fromEntries(
    Object.entries(raw)
      .map(([key, value]) => [key, value ?? ""])
      .filter((entry): entry is [string, string] => typeof entry[1] === "string"),
  );
}
