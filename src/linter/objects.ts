import { isRecord, type JsonObject, pointer } from "../model/json.ts";

/** Something in a document that should be an object of Kubernetes, and where it is in there. */
export interface Item {
  readonly value: unknown;
  /** JSON Pointer from the document. */
  readonly base: string;
  /** Of a List, so that it is meant to be an object whatever it looks like. */
  readonly isListed: boolean;
}

/**
 * What kubectl makes of a document: itself, or the items of a List. To kubectl whatever has `items` is a List, and in a
 * list of one kind (NetworkPolicyList) an item need not name its own. What has `items` and is named like no List is both
 * here, since other tools apply it as it is.
 */
export function itemsOf(value: unknown, base = "", isListed = false): Item[] {
  const own: Item = { value, base, isListed };
  if (!isRecord(value)) return [own];
  const { apiVersion, kind, items } = value;
  if (!Array.isArray(items) || typeof apiVersion !== "string" || typeof kind !== "string") return [own];
  const listed = items.flatMap((item: unknown, i) => itemsOf(withKindOf(value, item), pointer(base, "items", i), true));
  return kind.endsWith("List") ? listed : [own, ...listed];
}

/** (UnstructuredJSONScheme of k8s.io/apimachinery.) */
function withKindOf({ apiVersion, kind }: JsonObject, item: unknown): unknown {
  const itemKind = String(kind).replace(/List$/, "");
  if (!isRecord(item) || itemKind === "" || isText(item["apiVersion"]) || isText(item["kind"])) return item;
  return { ...item, apiVersion, kind: itemKind };
}

function isText(value: unknown): boolean {
  return typeof value === "string" && value !== "";
}
