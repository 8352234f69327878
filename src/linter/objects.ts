import { isRecord, type JsonObject, pointer } from "../model/json.ts";

/** Something in a document that should be an object of Kubernetes, and where it is in there. */
export interface Item {
  readonly value: unknown;
  /** JSON Pointer from the document. */
  readonly base: string;
}

/** What a document holds: itself, or the items of a List, such as `kubectl get -o yaml` prints. */
export function itemsOf(value: unknown, base = ""): Item[] {
  if (!isRecord(value) || !isList(value)) return [{ value, base }];
  return value["items"].flatMap((item, i) => itemsOf(item, pointer(base, "items", i)));
}

function isList(value: JsonObject): value is JsonObject & { readonly items: readonly unknown[] } {
  const { kind, items } = value;
  return typeof kind === "string" && kind.endsWith("List") && Array.isArray(items);
}
