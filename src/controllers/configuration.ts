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
 */
export class LiveConfiguration {
  readonly #mode: Cap;
  readonly #embedded: Documents;
  readonly #documents = new DocumentSet();
  readonly #problems = new Map<string, string>();
  /** Names of baselines that were never valid. */
  readonly #unusable = new Set<string>();
  #found: Found = { dns: NOT_LOOKED_FOR, apiServer: NOT_LOOKED_FOR, backends: NO_BACKENDS };
  #current: Configuration;

  constructor(mode: Cap, embedded: Documents) {
    this.#mode = mode;
    this.#embedded = embedded;
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
      return why === undefined ? [] : [`NetworkBaseline ${baseline.metadata.name} is given to no namespace: ${why}`];
    });
  }

  exceptionsIn(namespace: string): readonly NetworkException[] {
    return this.#documents.exceptionsIn(namespace);
  }

  /** Is some version of it in force? And if not the newest, why not? */
  inForce(kind: ConfigKind, { metadata = {} }: KubernetesObject): InForce {
    const problem = this.#problems.get(documentTitle(kind, metadata));
    return { isInForce: this.#documents.has(kind, metadata), ...(problem !== undefined && { problem }) };
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
      if (kind === "NetworkBaseline" && !isKnown) {
        this.#unusable.add(object.metadata?.name ?? "");
        this.#current = this.#configure();
      }
      return text;
    }
    this.#documents.set(checked.document);
    this.#changed(kind, object);
    return undefined;
  }

  remove(kind: ConfigKind, object: KubernetesObject): void {
    this.#documents.delete(kind, object.metadata ?? {});
    this.#changed(kind, object);
  }

  setFound(found: Partial<Found>): void {
    this.#found = { ...this.#found, ...found };
    this.#current = this.#configure();
  }

  #changed(kind: ConfigKind, object: KubernetesObject): void {
    this.#problems.delete(documentTitle(kind, object.metadata ?? {}));
    if (kind === "NetworkBaseline") this.#unusable.delete(object.metadata?.name ?? "");
    // Exceptions are looked up one by one: there may be thousands.
    if (kind !== "NetworkException") this.#current = this.#configure();
  }

  #configure(): Configuration {
    return configure(this.#mode, this.#embedded, this.#documents, this.#found, new Set(this.#unusable));
  }
}
