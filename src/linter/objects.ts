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
export function itemsOf(value: unknown): Item[] {
  const found: Item[] = [];
  addItems({ value, base: "", isListed: false }, found);
  return found;
}

function addItems(own: Item, found: Item[]): void {
  const list = isRecord(own.value) ? asList(own.value) : undefined;
  if (list === undefined || !list.kind.endsWith("List")) found.push(own);
  if (list === undefined) return;
  const { apiVersion, items } = list;
  const kind = list.kind.replace(/List$/, "");
  // No API has longer ones. Each item would have them, and be searched for them.
  const isOfOneKind = kind !== "" && kind.length + apiVersion.length <= LONGEST_KIND;
  for (const [i, item] of items.entries()) {
    const value = isOfOneKind && isRecord(item) && !isNamed(item) ? { ...item, apiVersion, kind } : item;
    addItems({ value, base: pointer(own.base, "items", i), isListed: true }, found);
  }
}

/** A domain, a version, a kind. */
const LONGEST_KIND = 400;

interface List {
  readonly apiVersion: string;
  readonly kind: string;
  readonly items: readonly unknown[];
}

function asList({ apiVersion, kind, items }: JsonObject): List | undefined {
  if (!Array.isArray(items) || typeof apiVersion !== "string" || typeof kind !== "string") return undefined;
  return { apiVersion, kind, items };
}

/** (UnstructuredJSONScheme of k8s.io/apimachinery.) */
function isNamed({ apiVersion, kind }: JsonObject): boolean {
  return isText(apiVersion) || isText(kind);
}

function isText(value: unknown): boolean {
  return typeof value === "string" && value !== "";
}
