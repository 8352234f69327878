import { unlessNotFound } from "../../cluster/api-error.ts";
import { type FencedClient, TermEnded } from "../../cluster/fence.ts";
import type { Configuration } from "../../engine/configuration.ts";
import { at, canonical } from "../../model/json.ts";
import { FIELD_MANAGER } from "../../model/names.ts";
import type { KubernetesObject } from "../../model/objects.ts";
import type { Logger } from "../../telemetry/log.ts";
import { type AdmissionPolicy, admissionPolicies } from "./admission-policies.ts";
import { startLoop } from "../loops/loop.ts";
import { ownersOf } from "../registration/owner.ts";

export type AdmissionLoopClient = Pick<FencedClient, "get" | "apply" | "replace" | "delete">;

export interface AdmissionLoopDeps {
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

/** Keeps what the API server does by itself (admission-policies.ts) in step with the configuration: while it runs. */
export class AdmissionLoop {
  readonly #deps: AdmissionLoopDeps;
  readonly #unserved = new Set<string>();
  /** What makes namespaces wait must not be there before the API server asks those who end the waiting. */
  #isRegistered = false;
  #wake: (() => void) | undefined;

  constructor(deps: AdmissionLoopDeps) {
    this.#deps = deps;
  }

  /** Until the signal; resolves when nothing of it runs any more, and may then run again. */
  async run(client: AdmissionLoopClient, signal: AbortSignal): Promise<void> {
    const { wake, ended } = startLoop({
      look: async () => {
        if (this.#isRegistered) await this.reconcile(client);
      },
      onError: (error, retryInMs) => this.#failed(error, retryInMs),
      everyMs: RESYNC_MS,
      backoff: { minMs: 500, maxMs: 60_000 },
      signal,
    });
    this.#wake = wake;
    await ended;
    this.#wake = undefined;
  }

  /** The API server asks us from now on. */
  registered(): void {
    this.#isRegistered = true;
    this.changed();
  }

  /** The configuration has, or something else that they depend on. */
  changed(): void {
    this.#wake?.();
  }

  /** To be called when it does not run. In the order in which nothing is decided by half. What is not there is fine. */
  async remove(client: AdmissionLoopClient): Promise<void> {
    this.#isRegistered = false;
    for (const { path } of this.#wanted([]).toReversed()) {
      await unlessNotFound(client.delete(path, { timeoutMs: REMOVE_LIMIT_MS }));
    }
  }

  /** Once, now. What is as it should be is not written. Rejects with ApiError. */
  async reconcile(client: AdmissionLoopClient): Promise<void> {
    const { log, outlive } = this.#deps;
    const written: string[] = [];
    for (const { path, object } of this.#wanted(outlive ? await ownersOf(client) : [])) {
      const found = await unlessNotFound(client.get<Stored>(path));
      if (found !== undefined && isAsWanted(found, object)) continue;
      const kind = object.kind ?? "";
      if (await write(path, object, client)) written.push(`${kind} ${object.metadata?.name ?? ""}`);
      else if (!this.#unserved.has(kind)) {
        this.#unserved.add(kind);
        log.warn({ kind }, UNSERVED);
      }
    }
    if (written.length > 0) log.info({ written }, "admission policies written");
  }

  #failed(error: unknown, retryInMs: number): void {
    // The next leader finds them as they are now.
    if (error instanceof TermEnded) return;
    this.#deps.log.error(
      { error: String(error), retryInMs: Math.round(retryInMs) },
      "the admission policies are not as they should be; trying again",
    );
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

/** False where there is no such kind: an apply creates what is missing. */
async function write(path: string, object: Stored, client: AdmissionLoopClient): Promise<boolean> {
  const options = { fieldManager: FIELD_MANAGER };
  const stored = await unlessNotFound(client.apply<Stored>(path, object, { ...options, force: true }));
  if (stored === undefined) return false;
  // Server-side apply leaves alone what others have added, such as a condition that never holds.
  if (!isAsWanted(stored, object)) await client.replace(path, { ...stored, spec: object.spec }, options);
  return true;
}

const UNSERVED =
  "this API server does not serve this kind as admissionregistration.k8s.io/v1: what it is for holds only while " +
  "Drawbridge runs (docs/namespaces.md)";

interface Stored extends KubernetesObject {
  readonly spec?: unknown;
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
