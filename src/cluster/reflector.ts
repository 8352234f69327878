import { EventEmitter, once } from "node:events";
import type { KubernetesObject } from "../model/objects.ts";
import { type Backoff, pause, retryMs } from "./backoff.ts";
import type { WatchEvent } from "./answers.ts";
import { ApiError } from "./api-error.ts";
import type { KubernetesClient, Query } from "./client.ts";

export interface ReflectorOptions<T extends KubernetesObject> {
  readonly client: Pick<KubernetesClient, "pages" | "stream">;
  /** Of the collection, see `paths`. */
  readonly path: string;
  /** Say, a labelSelector. An object that stops matching is reported as deleted. */
  readonly query?: Query;
  readonly pageSize?: number;
  /** Called after the cache has changed. What it throws goes to onError. */
  readonly onChange?: (change: Change<T>) => void;
  /** Trims an object before it is kept, say of managedFields. Name, namespace, uid and resourceVersion must stay. */
  readonly transform?: (object: T) => T;
  /** For logs and metrics. Nothing needs to be done: the reflector goes on by itself. */
  readonly onError?: (trouble: Trouble) => void;
  /** HTTP 404 means that the CRD is not installed (yet): synced and empty, no error, asked again with backoff. */
  readonly absentIsEmpty?: boolean;
  /** Reports every object as modified this often, so that what a controller failed to do is done in the end. */
  readonly resyncMs?: number;
  /** A watch that is silent for longer is given up as dead. API servers send a bookmark about every minute. */
  readonly inactivityMs?: number;
  readonly backoff?: Backoff;
}

/** `previous` is what the cache held; in a resync it is `object` itself. */
export interface Change<T> {
  readonly type: "added" | "modified" | "deleted";
  readonly object: T;
  readonly previous?: T;
}

export interface Trouble {
  readonly during: "list" | "watch" | "onChange" | "transform";
  readonly error: unknown;
  /** Failed lists and watches in a row; 0 for the callbacks. */
  readonly failures: number;
}

/**
 * A cache of one resource that follows the API server: a paged list, then a watch from where the list ended. No error
 * ends it and none empties it; while it can't reach the API server it serves what it last knew.
 */
export class Reflector<T extends KubernetesObject> {
  readonly #options: ReflectorOptions<T>;
  readonly #backoff: Backoff;
  /** By namespace ("" for cluster-scoped objects), then name. */
  readonly #objects = new Map<string, Map<string, T>>();
  readonly #stopping = new AbortController();
  readonly #signals = new EventEmitter().setMaxListeners(0);
  #running: Promise<void> | undefined;
  #resync: NodeJS.Timeout | undefined;
  #hasSynced = false;
  #lastEventAt: number | undefined;
  /** The resourceVersion to watch from; undefined: a list is needed. */
  #version: string | undefined;
  #failures = 0;
  /** Lists in a row that were answered by 404. */
  #absences = 0;
  /** Whether a watch has got anywhere since the last 410. */
  #hasFollowed = false;
  /** When (performance.now()) the last watch began. */
  #watchedAt = Number.NEGATIVE_INFINITY;

  constructor(options: ReflectorOptions<T>) {
    this.#options = options;
    // A replica has a handful of these, so an API server that comes back can bear to be asked every 10 s.
    this.#backoff = options.backoff ?? { minMs: 500, maxMs: 10_000 };
  }

  start(): void {
    if (this.#running !== undefined) return;
    this.#running = this.#run();
    const { resyncMs } = this.#options;
    if (resyncMs === undefined) return;
    this.#resync = setInterval(() => {
      for (const object of this.list()) this.#emit({ type: "modified", object, previous: object });
    }, resyncMs);
  }

  /** Ends it for good; the objects stay readable. No change is reported once this has returned. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    clearInterval(this.#resync);
    await this.#running;
  }

  /** @param key "namespace/name", or "name" if cluster-scoped */
  get(key: string): T | undefined {
    const slash = key.indexOf("/");
    return this.#objects.get(key.slice(0, Math.max(slash, 0)))?.get(key.slice(slash + 1));
  }

  list(): T[] {
    return [...this.#objects.values()].flatMap((objects) => [...objects.values()]);
  }

  /** Takes time proportional to the objects of this namespace only. */
  byNamespace(namespace: string): T[] {
    return [...(this.#objects.get(namespace)?.values() ?? [])];
  }

  /** Whether the objects have been listed once. Stays true in every later trouble: see lastEventAt. */
  get hasSynced(): boolean {
    return this.#hasSynced;
  }

  /** Rejects (AbortError) when the signal or stop() comes first. */
  async synced(signal?: AbortSignal): Promise<void> {
    if (this.#hasSynced) return;
    const signals = [this.#stopping.signal, ...(signal ? [signal] : [])];
    await once(this.#signals, "synced", { signal: AbortSignal.any(signals) });
  }

  /** When (Date.now()) the API server was last heard of: a list, an event or a bookmark, so normally once a minute. */
  get lastEventAt(): number | undefined {
    return this.#lastEventAt;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      const during = this.#version === undefined ? "list" : "watch";
      try {
        if (this.#version === undefined) this.#version = await this.#list();
        else await this.#watch(this.#version);
      } catch (error) {
        if (signal.aborted) return;
        this.#failures += 1;
        if (!isPassing(error) || this.#failures % FAILURES_UNTIL_LIST === 0) this.#version = undefined;
        if (this.#isAbsent(during, error)) this.#replace(new Map());
        else this.#report({ during, error, failures: this.#failures });
        if (isApiError(error, 410) && this.#hasFollowed) {
          // What an API server that was restarted normally says: it is well, so don't wait as in the outage before.
          this.#hasFollowed = false;
          continue;
        }
        await pause(retryMs(error, this.#failures, this.#backoff), signal);
      }
    }
  }

  /**
   * What has never been there may be absent at the first 404. What has been there is only gone when lists say so again
   * and again: a proxy in front of an API server that restarts answers 404 as well.
   */
  #isAbsent(during: "list" | "watch", error: unknown): boolean {
    if (this.#options.absentIsEmpty !== true || during !== "list" || !isApiError(error, 404)) return false;
    this.#absences += 1;
    return this.#objects.size === 0 || this.#absences >= LISTS_UNTIL_ABSENT;
  }

  /** @returns the resourceVersion to watch from */
  async #list(): Promise<string> {
    const { client, path, query = {}, pageSize = 500 } = this.#options;
    const objects = new Map<string, T>();
    let version = "";
    for await (const page of client.pages<T>(path, { query, limit: pageSize, signal: this.#stopping.signal })) {
      // Page by page, so that a large list is never in memory untrimmed.
      for (const object of page.items) objects.set(keyOf(object), this.#trim(object));
      version = page.resourceVersion;
    }
    this.#absences = 0;
    this.#replace(objects);
    return version;
  }

  /** Until the server ends the watch, which it does in good order every few minutes. */
  async #watch(from: string): Promise<void> {
    const { client, path, inactivityMs = 150_000 } = this.#options;
    await this.#untilDue();
    const silence = new AbortController();
    const message = `The watch of ${path} was silent for ${inactivityMs} ms.`;
    const timer = setTimeout(() => silence.abort(new ApiError({ status: 0, reason: "Silent", message })), inactivityMs);
    const signal = AbortSignal.any([this.#stopping.signal, silence.signal]);
    // Random, so that the watches of all replicas are not renewed at the same moment.
    const timeoutSeconds = Math.round(300 * (1 + Math.random()));
    const query = { ...this.#options.query, resourceVersion: from, allowWatchBookmarks: true, timeoutSeconds };
    const began = performance.now();
    const isAlive = () => this.#version !== from || performance.now() - began >= this.#backoff.minMs;
    try {
      for await (const event of client.stream<T>(path, { query, signal })) {
        timer.refresh();
        this.#follow(event);
        if (isAlive()) this.#thrive();
      }
    } finally {
      clearTimeout(timer);
    }
    // Again at once; but something that ends every watch at once must not be asked in a hot loop.
    if (!isAlive()) throw new ApiError({ status: 0, reason: "ConnectionFailed", message: "The watch ended at once." });
    this.#thrive();
  }

  /** Nothing is wrong with a watch that tells something and ends; but if all do, a change must not cost a call each. */
  async #untilDue(): Promise<void> {
    const waitMs = this.#watchedAt + this.#backoff.minMs / 2 - performance.now();
    if (waitMs > 0) await pause(waitMs, this.#stopping.signal);
    this.#watchedAt = performance.now();
  }

  #thrive(): void {
    this.#failures = 0;
    this.#hasFollowed = true;
  }

  #follow({ type, object }: WatchEvent<T>): void {
    const { resourceVersion } = object.metadata;
    if (type === "BOOKMARK") {
      if (isOlder(resourceVersion, this.#version)) throw wentBack(resourceVersion, this.#version);
    } else if (type === "DELETED") this.#remove(this.#trim(object));
    else this.#put(this.#trim(object));
    this.#version = resourceVersion;
    this.#lastEventAt = Date.now();
  }

  /** Makes the cache equal to a complete list, reporting what is different. */
  #replace(objects: ReadonlyMap<string, T>): void {
    for (const object of this.list()) if (!objects.has(keyOf(object))) this.#remove(object);
    for (const object of objects.values()) this.#put(object);
    this.#lastEventAt = Date.now();
    this.#hasSynced = true;
    this.#signals.emit("synced");
  }

  #put(object: T): void {
    const { namespace = "", name = "", uid, resourceVersion } = object.metadata ?? {};
    let previous = this.get(keyOf(object));
    if (previous !== undefined && previous.metadata?.uid !== uid) {
      // Deleted and created again while we were not looking: whatever belonged to the old object is gone with it.
      this.#remove(previous);
      previous = undefined;
    }
    if (previous?.metadata?.resourceVersion === resourceVersion) return;
    const siblings = this.#objects.get(namespace) ?? new Map<string, T>();
    this.#objects.set(namespace, siblings.set(name, object));
    this.#emit(previous === undefined ? { type: "added", object } : { type: "modified", object, previous });
  }

  /** @param object its last state, which a watch tells and a list does not */
  #remove(object: T): void {
    const { namespace = "", name = "" } = object.metadata ?? {};
    const previous = this.get(keyOf(object));
    if (previous === undefined) return;
    const siblings = this.#objects.get(namespace);
    siblings?.delete(name);
    if (siblings?.size === 0) this.#objects.delete(namespace);
    this.#emit({ type: "deleted", object, previous });
  }

  #emit(change: Change<T>): void {
    try {
      this.#options.onChange?.(change);
    } catch (error) {
      this.#report({ during: "onChange", error, failures: 0 });
    }
  }

  /** An object that can't be trimmed is kept as it is: too large is better than missing. */
  #trim(object: T): T {
    try {
      return this.#options.transform?.(object) ?? object;
    } catch (error) {
      this.#report({ during: "transform", error, failures: 0 });
      return object;
    }
  }

  #report(trouble: Trouble): void {
    try {
      this.#options.onError?.(trouble);
    } catch {
      // There is nobody left to tell, and the cache must go on.
    }
  }
}

/** "namespace/name", or "name" if cluster-scoped. */
export function keyOf({ metadata }: KubernetesObject): string {
  const name = metadata?.name ?? "";
  return metadata?.namespace ? `${metadata.namespace}/${name}` : name;
}

const LISTS_UNTIL_ABSENT = 3;

/** Where lists get through and watches don't (some proxies), this makes us slow instead of blind. */
const FAILURES_UNTIL_LIST = 5;

/**
 * Whether the watch can go on from where it was. Listing again after every connection that broke would make the
 * restart of an API server much harder for it. After anything else (410 Gone, garbage, silence) nothing is certain.
 */
function isPassing(error: unknown): boolean {
  if (!(error instanceof ApiError)) return false;
  return ["ConnectionFailed", "Timeout"].includes(error.reason) || error.status === 429 || error.status >= 500;
}

function isApiError(error: unknown, status: number): boolean {
  return error instanceof ApiError && error.status === status;
}

/** An etcd that was restored from a backup counts from an older version; changes up to ours would be kept from us. */
function isOlder(version: string, than: string | undefined): boolean {
  return /^\d+$/.test(version) && than !== undefined && /^\d+$/.test(than) && BigInt(version) < BigInt(than);
}

function wentBack(version: string, from: string | undefined): ApiError {
  const message = `The resourceVersion went back from ${from} to ${version}: was etcd restored from a backup?`;
  return new ApiError({ status: 410, reason: "Expired", message });
}
