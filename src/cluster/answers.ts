import type { KubernetesObject } from "../model/objects.ts";
import { ApiError, errorOf, type Status } from "./api-error.ts";

export interface Page<T> {
  readonly items: readonly T[];
  readonly resourceVersion: string;
}

export interface WatchEvent<T> {
  readonly type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK";
  readonly object: T & { readonly metadata: { readonly resourceVersion: string } };
}

export interface RawList<T> {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata?: { readonly resourceVersion?: string; readonly continue?: string };
  readonly items?: readonly T[] | null;
}

/** etcd holds objects of up to 1.5 MiB; nothing that a watch sends comes near this, so it is not the API server. */
const MAX_EVENT_LENGTH = 16 * 1024 * 1024;

/** Lists of built-in kinds leave apiVersion and kind out of their items; watches and webhooks do not. */
export function pageOf<T extends KubernetesObject>(list: RawList<T> | null, path: string): Page<T> {
  const { apiVersion, kind, metadata, items } = list ?? {};
  // Whatever else answers with 200 (a proxy's login page, say) must not pass for an empty list.
  if (apiVersion === undefined || kind?.endsWith("List") !== true || !metadata?.resourceVersion) {
    throw new ApiError({ status: 0, reason: "InvalidResponse", message: `GET ${path}: the answer is not a list` });
  }
  const type = { apiVersion, kind: kind.slice(0, -"List".length) };
  return { items: (items ?? []).map((item) => ({ ...type, ...item })), resourceVersion: metadata.resourceVersion };
}

/** Chunks end anywhere, also within a character. */
export async function* linesOf(body: AsyncIterable<Uint8Array>): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of body) {
    const [first = "", ...more] = decoder.decode(chunk, { stream: true }).split("\n");
    rest += first;
    for (const next of more) {
      yield rest;
      rest = next;
    }
    if (rest.length > MAX_EVENT_LENGTH) throw new SyntaxError(`an event is longer than ${MAX_EVENT_LENGTH} characters`);
  }
  if (rest !== "") throw new Error("the connection ended in the middle of an event");
}

export function eventOf<T extends KubernetesObject>(line: string): WatchEvent<T> {
  const event: { readonly type?: unknown; readonly object?: Status | null } | null = JSON.parse(line);
  if (event?.type === "ERROR") {
    throw errorOf(event.object ?? {}, { status: 0, reason: "Unknown", message: "The watch ended with an error." });
  }
  if (!isWatchEvent<T>(event)) throw new SyntaxError(`not a watch event: ${line.slice(0, 200)}`);
  return event;
}

function isWatchEvent<T extends KubernetesObject>(event: unknown): event is WatchEvent<T> {
  const { type, object } = (event ?? {}) as Partial<WatchEvent<KubernetesObject>>;
  const isKnown = type === "ADDED" || type === "MODIFIED" || type === "DELETED" || type === "BOOKMARK";
  return isKnown && typeof object?.metadata?.resourceVersion === "string";
}
