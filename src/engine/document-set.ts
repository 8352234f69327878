import type { NetworkBaseline } from "../config/baseline.ts";
import type { NetworkException } from "../config/exception.ts";
import type { NetworkRuleset } from "../config/ruleset.ts";
import type { ConfigDocument, ConfigKind } from "../config/validate.ts";
import { type ObjectMeta, titleOf } from "../model/objects.ts";
import type { Documents } from "./configuration.ts";

/** Documents of our kinds, as they come and go. All of them have been checked (check-document.ts). */
export class DocumentSet implements Documents {
  readonly rulesets = new Map<string, NetworkRuleset>();
  readonly baselines = new Map<string, NetworkBaseline>();
  readonly #exceptions = new Map<string, Map<string, NetworkException>>();

  /** Of a namespace; not all of them need be in date. */
  exceptionsIn(namespace: string): readonly NetworkException[] {
    return [...(this.#exceptions.get(namespace)?.values() ?? [])];
  }

  get isEmpty(): boolean {
    return this.rulesets.size + this.baselines.size + this.#exceptions.size === 0;
  }

  has(kind: ConfigKind, metadata: ObjectMeta): boolean {
    return this.#ofKind(kind, metadata)?.has(nameOf(metadata)) === true;
  }

  /** In place of one of the same kind and name, if there is one. */
  set(document: ConfigDocument): void {
    const { metadata } = document;
    switch (document.kind) {
      case "NetworkRuleset":
        this.rulesets.set(nameOf(metadata), document);
        break;
      case "NetworkBaseline":
        this.baselines.set(nameOf(metadata), document);
        break;
      case "NetworkException": {
        const inNamespace = this.#exceptions.get(namespaceOf(metadata)) ?? new Map<string, NetworkException>();
        inNamespace.set(nameOf(metadata), document);
        this.#exceptions.set(namespaceOf(metadata), inNamespace);
      }
    }
  }

  delete(kind: ConfigKind, metadata: ObjectMeta): void {
    this.#ofKind(kind, metadata)?.delete(nameOf(metadata));
    if (this.#exceptions.get(namespaceOf(metadata))?.size === 0) this.#exceptions.delete(namespaceOf(metadata));
  }

  #ofKind(kind: ConfigKind, metadata: ObjectMeta): Map<string, unknown> | undefined {
    if (kind === "NetworkException") return this.#exceptions.get(namespaceOf(metadata));
    return kind === "NetworkRuleset" ? this.rulesets : this.baselines;
  }
}

/** `NetworkRuleset default`, `NetworkException shop/legacy` */
export function documentTitle(kind: ConfigKind, metadata: ObjectMeta): string {
  const namespace = kind === "NetworkException" ? { namespace: namespaceOf(metadata) } : {};
  return titleOf({ kind, ...namespace, name: nameOf(metadata) });
}

function nameOf({ name = "" }: ObjectMeta): string {
  return name;
}

/** In a file the namespace may be left out; then it is that of kubectl without `-n`. */
function namespaceOf({ namespace = "default" }: ObjectMeta): string {
  return namespace;
}
