import { type Due, type NamespaceFacts } from "../../baseline/due.ts";
import type { Baseline } from "../../baseline/resolve.ts";
import type { Configuration } from "../../engine/configuration.ts";
import type { NetworkPolicy } from "../../model/network-policy.ts";
import type { Namespace } from "../../model/objects.ts";
import { dueIn, keptBaseline } from "./heal.ts";

export interface DuesDeps {
  readonly configuration: () => Configuration;
  /** By the cache. */
  readonly policiesIn: (namespace: string) => readonly NetworkPolicy[];
  /** Was it to have this baseline from the beginning? Then that is made up for, if nobody was there to see to it. */
  readonly isNew: (namespace: Namespace, baseline: Baseline) => boolean;
}

/** What is to be done in namespaces that wait for nothing, by the caches and by what was seen to go. */
export class Dues {
  readonly #deps: DuesDeps;
  /** Namespaces that have lost a policy of ours, or a marker, while we looked: from what is left it may not be seen. */
  readonly #lost = new Set<string>();

  constructor(deps: DuesDeps) {
    this.#deps = deps;
  }

  /** Until it is settled. */
  hasLost(namespace: string): boolean {
    return this.#lost.has(namespace);
  }

  lost(namespace: string): void {
    this.#lost.add(namespace);
  }

  settled(namespace: string): void {
    this.#lost.delete(namespace);
  }

  factsOf(namespace: Namespace): NamespaceFacts {
    const { configuration, policiesIn, isNew } = this.#deps;
    const name = namespace.metadata?.name ?? "";
    const baseline = keptBaseline(namespace, configuration());
    return {
      policies: policiesIn(name),
      isNew: baseline !== undefined && isNew(namespace, baseline),
      hasLost: this.#lost.has(name),
    };
  }

  of(namespace: Namespace): Due {
    return dueIn(namespace, this.factsOf(namespace), this.#deps.configuration());
  }
}
