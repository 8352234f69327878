import { ApiError } from "../cluster/api-error.ts";
import type { KubernetesClient } from "../cluster/client.ts";
import type { Configuration } from "../engine/configuration.ts";
import { at, canonical } from "../model/json.ts";
import { FIELD_MANAGER } from "../model/names.ts";
import type { KubernetesObject } from "../model/objects.ts";
import type { Logger } from "../telemetry/log.ts";
import { type AdmissionPolicy, admissionPolicies } from "./admission-policies.ts";
import { ownersOf } from "./owner.ts";
import { KeyedQueue } from "./queue.ts";

export interface AdmissionLoopDeps {
  readonly client: Pick<KubernetesClient, "get" | "apply" | "replace" | "delete">;
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
      await unlessNotFound(this.#deps.client.delete(path, { timeoutMs: REMOVE_LIMIT_MS }));
    }
  }

  /** Once, now. What is as it should be is not written. Rejects with ApiError. */
  async reconcile(): Promise<void> {
    const { client, log, outlive } = this.#deps;
    const written: string[] = [];
    for (const { path, object } of this.#wanted(outlive ? await ownersOf(client) : [])) {
      const found = await unlessNotFound(client.get<Stored>(path));
      if (found !== undefined && isAsWanted(found, object)) continue;
      const kind = object.kind ?? "";
      if (await this.#write(path, object)) written.push(`${kind} ${object.metadata?.name ?? ""}`);
      else if (!this.#unserved.has(kind)) {
        this.#unserved.add(kind);
        log.warn({ kind }, UNSERVED);
      }
    }
    if (written.length > 0) log.info({ written }, "admission policies written");
  }

  /** False where there is no such kind: an apply creates what is missing. */
  async #write(path: string, object: Stored): Promise<boolean> {
    const { client } = this.#deps;
    const options = { fieldManager: FIELD_MANAGER };
    const stored = await unlessNotFound(client.apply<Stored>(path, object, { ...options, force: true }));
    if (stored === undefined) return false;
    // Server-side apply leaves alone what others have added, such as a condition that never holds.
    if (!isAsWanted(stored, object)) await client.replace(path, { ...stored, spec: object.spec }, options);
    return true;
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

interface Stored extends KubernetesObject {
  readonly spec?: unknown;
}

async function unlessNotFound<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return undefined;
    throw error;
  }
}

/** We write out what the API server would default, so the spec is the same to the letter. Others may add to the rest. */
function isAsWanted(found: Stored, wanted: Stored): boolean {
  const labels = Object.entries(wanted.metadata?.labels ?? {});
  const owners = new Set(found.metadata?.ownerReferences?.map((owner) => at(owner, "/uid")));
  return (
    canonical(found.spec) === canonical(wanted.spec) &&
    labels.every(([key, value]) => found.metadata?.labels?.[key] === value) &&
    (wanted.metadata?.ownerReferences ?? []).every((owner) => owners.has(at(owner, "/uid")))
  );
}
