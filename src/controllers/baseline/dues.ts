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

/**
 * What is to be done in namespaces that wait for nothing, by the caches and by what was seen to go; and whose policies
 * are in the way, as far as that has been told.
 */
export class Dues {
  readonly #deps: DuesDeps;
  /** Namespaces that have lost a policy of ours, or a marker, while we looked: from what is left it may not be seen. */
  readonly #lost = new Set<string>();
  /** Namespaces where somebody's policies are in our way, and which have been told of: theirs to move. */
  readonly #conflicts = new Map<string, string>();

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

  hasConflict(namespace: string): boolean {
    return this.#conflicts.has(namespace);
  }

  /** Is this to be told? Not twice. */
  isNews(namespace: string, conflicts: readonly string[]): boolean {
    return conflicts.length > 0 && this.#conflicts.get(namespace) !== String(conflicts);
  }

  told(namespace: string, conflicts: readonly string[]): void {
    this.#conflicts.set(namespace, String(conflicts));
  }

  /** Nothing is in the way there, or it is to be told again. */
  forgetConflict(namespace: string): void {
    this.#conflicts.delete(namespace);
  }

  forgetConflicts(): void {
    this.#conflicts.clear();
  }

  settled(namespace: string): void {
    this.#lost.delete(namespace);
    this.#conflicts.delete(namespace);
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

  /** Beyond what has been told of; undefined if that is nothing, or not decided now as its baseline is leaving. */
  of(namespace: Namespace): Due | undefined {
    const name = namespace.metadata?.name ?? "";
    // Nor is anything forgotten: it may be back in a moment.
    if (keptBaseline(namespace, this.#deps.configuration())?.isLeaving === true) return undefined;
    const due = dueIn(namespace, this.factsOf(namespace), this.#deps.configuration());
    if (due.apply.length + due.remove.length > 0 || this.isNews(name, due.conflicts)) return due;
    if (due.conflicts.length === 0) this.settled(name);
    return undefined;
  }

  /** What of it waits for its turn in a rollout, and what does not. */
  shareOf(namespace: string, { claim, apply, remove, conflicts, urgent }: Due): Share {
    const names = [...apply, ...remove].map(({ metadata }) => metadata?.name ?? "");
    // In whose way somebody's policies are is to be told, but what is adopted has its turn for that.
    const isNews = this.isNews(namespace, conflicts);
    const waits = names.some((one) => !urgent.has(one)) || (isNews && claim === "adopted");
    return { waits, isUrgent: names.some((one) => urgent.has(one)) || (isNews && claim !== "adopted") };
  }
}

export interface Share {
  readonly waits: boolean;
  readonly isUrgent: boolean;
}
