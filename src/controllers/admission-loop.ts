import { ApiError } from "../cluster/api-error.ts";
import type { KubernetesClient } from "../cluster/client.ts";
import type { Configuration } from "../engine/configuration.ts";
import { isRecord } from "../model/json.ts";
import { FIELD_MANAGER } from "../model/names.ts";
import type { KubernetesObject } from "../model/objects.ts";
import type { Logger } from "../telemetry/log.ts";
import { type AdmissionPolicy, admissionPolicies } from "./admission-policies.ts";
import { ownersOf } from "./owner.ts";
import { KeyedQueue } from "./queue.ts";

export interface AdmissionLoopDeps {
  readonly client: Pick<KubernetesClient, "get" | "apply" | "delete">;
  readonly log: Logger;
  /** The name by which the API server knows us. */
  readonly user: string;
  readonly configuration: () => Configuration;
  /** Do they go with the installation, and not with this process? */
  readonly outlive: boolean;
}

/** Somebody may change them where we do not look: they are looked at this often. */
const RESYNC_MS = 5 * 60_000;

/** A stop must not wait for an API server that hangs. */
const REMOVE_LIMIT_MS = 5_000;

const EVERYTHING = "admission policies";

/** Keeps what the API server does by itself (admission-policies.ts) in step with the configuration. */
export class AdmissionLoop {
  readonly #deps: AdmissionLoopDeps;
  readonly #queue: KeyedQueue;
  readonly #unserved = new Set<string>();
  #timer: NodeJS.Timeout | undefined;

  constructor(deps: AdmissionLoopDeps) {
    this.#deps = deps;
    this.#queue = new KeyedQueue({
      handle: () => this.reconcile(),
      onError: (_key, error, retryInMs) =>
        deps.log.error(
          { error: String(error), retryInMs: Math.round(retryInMs) },
          "the admission policies are not as they should be; trying again",
        ),
      concurrency: 1,
      backoff: { minMs: 500, maxMs: 60_000 },
    });
  }

  start(): void {
    this.#timer = setInterval(() => this.changed(), RESYNC_MS);
    this.changed();
  }

  /** The configuration has. Before the start nothing happens: what has not been read yet must not be taken for all. */
  changed(): void {
    if (this.#timer !== undefined) this.#queue.add(EVERYTHING);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#timer = undefined;
    await this.#queue.stop();
  }

  /** In the order in which nothing is decided by half. What is not there is fine. */
  async remove(): Promise<void> {
    for (const { path } of this.#wanted([]).toReversed()) {
      await unless(isNotFound, this.#deps.client.delete(path, { timeoutMs: REMOVE_LIMIT_MS }));
    }
  }

  /** Once, now. What is as it should be is not written. Rejects with ApiError. */
  async reconcile(): Promise<void> {
    const { client, log, outlive } = this.#deps;
    const written: string[] = [];
    for (const { path, object } of this.#wanted(outlive ? await ownersOf(client) : [])) {
      const kind = object.kind ?? "";
      let found: KubernetesObject | undefined;
      try {
        found = await unless(isAbsent, client.get<KubernetesObject>(path));
      } catch (error) {
        if (!isUnserved(error)) throw error;
        if (!this.#unserved.has(kind)) log.warn({ kind }, UNSERVED);
        this.#unserved.add(kind);
        continue;
      }
      if (found !== undefined && includes(found, object)) continue;
      await client.apply(path, object, { fieldManager: FIELD_MANAGER, force: true });
      written.push(`${kind} ${object.metadata?.name ?? ""}`);
    }
    if (written.length > 0) log.info({ written }, "admission policies written");
  }

  #wanted(ownerReferences: readonly object[]): readonly AdmissionPolicy[] {
    const { configuration, user } = this.#deps;
    return admissionPolicies({
      configuration: configuration(),
      user,
      ...(ownerReferences.length > 0 && { ownerReferences }),
    });
  }
}

const UNSERVED =
  "this API server does not serve this kind as admissionregistration.k8s.io/v1: what it is for holds only while " +
  "Drawbridge runs (docs/namespaces.md)";

async function unless<T>(isFine: (error: unknown) => boolean, answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (isFine(error)) return undefined;
    throw error;
  }
}

function isNotFound(error: unknown): boolean {
  return error instanceof ApiError && error.status === 404;
}

function isAbsent(error: unknown): boolean {
  return isNotFound(error) && !isUnserved(error);
}

/** Of a resource that it does not know, an API server says so in plain text; of a missing object, by a Status. */
function isUnserved(error: unknown): boolean {
  return error instanceof ApiError && error.status === 404 && error.reason !== "NotFound";
}

/** Is everything in `found` that is in `wanted`? The API server adds what it defaults. Lists are compared whole. */
function includes(found: unknown, wanted: unknown): boolean {
  if (Array.isArray(wanted)) {
    return (
      Array.isArray(found) && found.length === wanted.length && wanted.every((item, i) => includes(found[i], item))
    );
  }
  if (!isRecord(wanted)) return found === wanted;
  return isRecord(found) && Object.entries(wanted).every(([key, value]) => includes(found[key], value));
}
