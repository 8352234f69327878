import { NO_BACKENDS } from "../baseline/backends.ts";
import { NOT_LOOKED_FOR } from "../baseline/peers.ts";
import { type Found, whyUnarmed } from "../baseline/resolve.ts";
import type { Change } from "../cluster/reflector.ts";
import type { NetworkException } from "../config/exception.ts";
import type { Cap } from "../config/mode.ts";
import type { ConfigKind } from "../config/validate.ts";
import { type Configuration, configure, type Documents } from "../engine/configuration.ts";
import { DocumentSet, documentTitle } from "../engine/document-set.ts";
import { checkDocument } from "../engine/check-document.ts";
import { canonical, fieldPath } from "../model/json.ts";
import { isTerminating, type KubernetesObject } from "../model/objects.ts";

/** How a deletion of a baseline is taken. */
export interface LeaveOptions {
  /** So long it holds its place: for one of its name, by which it may be about to be replaced. */
  readonly holdMs: number;
  /** None has come: its place is free now. */
  readonly onGone: (baseline: string) => void;
}

export interface InForce {
  readonly isInForce: boolean;
  readonly problem?: string;
}

/** Is the document another? Not where only its metadata has changed, or its status, which we write ourselves. */
export function isNewDocument({ type, object, previous }: Change<KubernetesObject>): boolean {
  return type !== "modified" || previous === undefined || contentOf(previous) !== contentOf(object);
}

function contentOf(object: KubernetesObject): string {
  return canonical({ ...object, metadata: undefined, status: undefined });
}

/**
 * The configuration of a running server: documents come and go, and the last good version of each stays in force until
 * a better one arrives. A document that was never good does not exist, so the embedded ones may hold instead. But an
 * exception is a permission, which in doubt nobody has: one that is no longer valid, or on its way out, does not count.
 * A baseline holds its place for a while when it is deleted: to replace one is to delete and create it, and nobody's
 * policies are to be changed back and forth in between.
 */
export class LiveConfiguration {
  readonly #mode: Cap;
  readonly #embedded: Documents;
  readonly #documents = new DocumentSet();
  readonly #problems = new Map<string, string>();
  readonly #leave: LeaveOptions;
  /** Names of baselines that were never valid. */
  readonly #unusable = new Set<string>();
  /** Names of baselines that were deleted, and what ends their stay. */
  readonly #leaving = new Map<string, NodeJS.Timeout>();
  #found: Found = { dns: NOT_LOOKED_FOR, apiServer: NOT_LOOKED_FOR, backends: NO_BACKENDS };
  #current: Configuration;

  constructor(mode: Cap, embedded: Documents, leave: LeaveOptions) {
    this.#mode = mode;
    this.#embedded = embedded;
    this.#leave = leave;
    this.#current = this.#configure();
  }

  get current(): Configuration {
    return this.#current;
  }

  /** One line for each document whose newest version is not in force. */
  get problems(): readonly string[] {
    return [...this.#problems.values()];
  }

  /** One line for each baseline that is in force and gives nothing. */
  get unarmed(): readonly string[] {
    return this.#current.baselines.flatMap((baseline) => {
      const { why } = whyUnarmed(baseline) ?? {};
      return why === undefined || baseline.isLeaving
        ? []
        : [`NetworkBaseline ${baseline.metadata.name} is given to no namespace: ${why}`];
    });
  }

  /** One line for each baseline that is gone, and keeps others out of its place. */
  get leaving(): readonly string[] {
    const seconds = this.#leave.holdMs / 1_000;
    return [...this.#leaving.keys()].map(
      (name) =>
        `NetworkBaseline ${name} was deleted, and holds its place for up to ${seconds} s, as it may be replaced`,
    );
  }

  exceptionsIn(namespace: string): readonly NetworkException[] {
    return this.#documents.exceptionsIn(namespace);
  }

  /** Is some version of it in force? And if not the newest, why not? */
  inForce(kind: ConfigKind, { metadata = {} }: KubernetesObject): InForce {
    const problem = this.#problems.get(documentTitle(kind, metadata));
    const isLeaving = kind === "NetworkBaseline" && this.#leaving.has(metadata.name ?? "");
    return { isInForce: this.#documents.has(kind, metadata) && !isLeaving, ...(problem !== undefined && { problem }) };
  }

  /** Takes over a document as the cluster has it. Returns what is wrong with it, if it is not taken over. */
  set(kind: ConfigKind, object: KubernetesObject): string | undefined {
    if (kind === "NetworkException" && isTerminating(object)) {
      this.remove(kind, object);
      return undefined;
    }
    const checked = checkDocument(object);
    if (checked.problems !== undefined) {
      if (kind === "NetworkException") this.#documents.delete(kind, object.metadata ?? {});
      const isKnown = this.#documents.has(kind, object.metadata ?? {});
      const inForce = isKnown ? "its last good version stays in force" : "it is not in force";
      const lines = checked.problems.map(({ path, message }) => `${fieldPath(path)} ${message}`);
      const text = `${documentTitle(kind, object.metadata ?? {})} is not valid, so ${inForce}: ${lines.join("; ")}`;
      this.#problems.set(documentTitle(kind, object.metadata ?? {}), text);
      if (kind === "NetworkBaseline") {
        this.#stays(object);
        if (!isKnown) this.#unusable.add(object.metadata?.name ?? "");
        this.#current = this.#configure();
      }
      return text;
    }
    this.#documents.set(checked.document);
    if (kind === "NetworkBaseline") {
      this.#stays(object);
      this.#unusable.delete(object.metadata?.name ?? "");
    }
    this.#changed(kind, object);
    return undefined;
  }

  remove(kind: ConfigKind, object: KubernetesObject): void {
    if (kind === "NetworkBaseline") this.#leaves(object);
    else this.#documents.delete(kind, object.metadata ?? {});
    this.#changed(kind, object);
  }

  /** No place becomes free any more by itself. */
  stop(): void {
    for (const timer of this.#leaving.values()) clearTimeout(timer);
  }

  setFound(found: Partial<Found>): void {
    this.#found = { ...this.#found, ...found };
    this.#current = this.#configure();
  }

  #leaves({ metadata = {} }: KubernetesObject): void {
    const { name = "" } = metadata;
    const { holdMs, onGone } = this.#leave;
    const go = (): void => {
      this.#leaving.delete(name);
      this.#unusable.delete(name);
      this.#documents.delete("NetworkBaseline", metadata);
      this.#current = this.#configure();
      onGone(name);
    };
    this.#stays({ metadata });
    this.#leaving.set(name, setTimeout(go, holdMs));
  }

  /** It is there, again or still. */
  #stays({ metadata }: KubernetesObject): void {
    const name = metadata?.name ?? "";
    clearTimeout(this.#leaving.get(name));
    this.#leaving.delete(name);
  }

  #changed(kind: ConfigKind, object: KubernetesObject): void {
    this.#problems.delete(documentTitle(kind, object.metadata ?? {}));
    // Exceptions are looked up one by one: there may be thousands.
    if (kind !== "NetworkException") this.#current = this.#configure();
  }

  #configure(): Configuration {
    const placeholders = { unusable: new Set(this.#unusable), leaving: new Set(this.#leaving.keys()) };
    return configure(this.#mode, this.#embedded, this.#documents, this.#found, placeholders);
  }
}
