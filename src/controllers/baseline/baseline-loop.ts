import { once } from "node:events";
import { isOfBaseline } from "../../baseline/protection.ts";
import type { Baseline } from "../../baseline/resolve.ts";
import { ApiError } from "../../cluster/api-error.ts";
import { TermEnded } from "../../cluster/fence.ts";
import type { Change } from "../../cluster/reflector.ts";
import type { NetworkPolicy } from "../../model/network-policy.ts";
import type { Namespace } from "../../model/objects.ts";
import type { Logger } from "../../telemetry/log.ts";
import type { Metrics } from "../../telemetry/metrics.ts";
import { type BaselineDeps, isPending, reconcileBaseline } from "./reconcile.ts";
import type { Applied } from "./policies.ts";
import type { Recorder } from "../events.ts";
import { healBaseline, keptBaseline, lackedBy } from "./heal.ts";
import { Pace } from "../loops/pace.ts";
import { KeyedQueue } from "../loops/queue.ts";
import { Sweep } from "../loops/sweep.ts";
import { type Conflict, tellOfConflict, tellOfHealing } from "./tell.ts";
import { Tries } from "./tries.ts";

export interface BaselineLoopDeps extends Omit<BaselineDeps, "client"> {
  readonly log: Logger;
  readonly metrics: Metrics;
  /** What the caches hold: they decide whether the API server is asked at all. */
  readonly cached: {
    readonly namespace: (name: string) => Namespace | undefined;
    readonly policiesIn: (namespace: string) => readonly NetworkPolicy[];
  };
  /** Was it to have this baseline from the beginning? Then that is made up for, if nobody was there to see to it. */
  readonly isNew: (namespace: Namespace, baseline: Baseline) => boolean;
  readonly record: Recorder;
  /** Called when something else is known of why namespaces are not finished. */
  readonly onTried: () => void;
  /** Called with a namespace that takes Pods from now on. Never rejects. */
  readonly wake: (namespace: Namespace, client: BaselineDeps["client"]) => Promise<void>;
}

export type LoopClient = BaselineDeps["client"] & Parameters<Recorder>[2];

/** Namespaces that are handled at once: enough to keep up with a burst, too few to trouble an API server. */
const CONCURRENCY = 8;

/** For somebody who undoes it again and again. */
const HEAL_PACE = { minMs: 1_000, maxMs: 60_000, forgetMs: 10 * 60_000 };

/** How long the cache of policies may hear of them after that of namespaces has heard that they are there. */
const SETTLE_MS = 1_000;

/**
 * While it runs, finishes the namespaces that wait for their baseline, and puts back what is lost of it in those that
 * have it. Events say where to look, the caches whether anything is to be done, and the API server what.
 */
export class BaselineLoop {
  readonly #deps: BaselineLoopDeps;
  /** Namespaces where somebody's policies are in our way, and which have been told of: theirs to move. */
  readonly #conflicts = new Map<string, string>();
  /** Namespaces that have lost a policy of ours, or a marker, while we looked: from what is left it may not be seen. */
  readonly #owed = new Set<string>();
  readonly #tries: Tries;
  readonly #pace = new Pace(HEAL_PACE);
  readonly #later = new Map<string, NodeJS.Timeout>();
  readonly #sweep = new Sweep({
    look: (name) => {
      const object = this.#deps.cached.namespace(name);
      if (object !== undefined) this.onNamespace({ type: "modified", object });
    },
    onError: (namespace, error) => {
      const message = "a namespace could not be looked at: this is a bug, please report it";
      this.#deps.log.error({ namespace, error: String(error) }, message);
    },
    onEnd: (namespaces, ms) => this.#looked(namespaces, ms),
  });
  /** Since it last began to run. */
  #hasLooked = false;
  /** Not there before it runs: to act on caches that are half full would be to act on what is not so. */
  #queue: KeyedQueue | undefined;

  constructor(deps: BaselineLoopDeps) {
    this.#deps = deps;
    this.#tries = new Tries(deps.onTried);
  }

  /**
   * Until the signal; resolves when nothing of it runs any more, and may then run again. It begins with every namespace
   * there is, so what happened since it last ran is not lost; what is done already is seen to be done.
   */
  async run(client: LoopClient, namespaces: Iterable<Namespace>, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const queue = new KeyedQueue({
      handle: async (namespace) => {
        await this.#handle(namespace, client);
        this.#tries.succeeded(namespace);
      },
      onError: (namespace, error, retryInMs) => this.#failed(namespace, error, retryInMs),
      concurrency: CONCURRENCY,
      backoff: { minMs: 100, maxMs: 30_000 },
    });
    this.#queue = queue;
    this.#hasLooked = false;
    this.reconsider(namespaces);
    await once(signal, "abort");
    this.#queue = undefined;
    this.#sweep.clear();
    for (const timer of this.#later.values()) clearTimeout(timer);
    this.#later.clear();
    await queue.stop();
    this.#conflicts.clear();
    this.#tries.clear();
  }

  /** Before it has tried everything once it cannot tell what waits from what fails. */
  get isBeginning(): boolean {
    return this.#queue === undefined || !this.#hasLooked || this.#tries.isBeginning;
  }

  /** Why the last try failed, where it did. */
  failureOf(namespace: string): string | undefined {
    return this.#tries.failureOf(namespace);
  }

  /** Is it to have its baseline, whatever policies it has? It has lost one, or was to have it from the beginning. */
  isOwed(namespace: Namespace): boolean {
    if (this.#owed.has(namespace.metadata?.name ?? "")) return true;
    const baseline = keptBaseline(namespace, this.#deps.configuration());
    return baseline !== undefined && this.#deps.isNew(namespace, baseline);
  }

  onNamespace({ type, object, previous }: Change<Namespace>): void {
    const name = object.metadata?.name ?? "";
    if (type === "deleted") {
      this.#conflicts.delete(name);
      this.#owed.delete(name);
      this.#tries.succeeded(name);
      return;
    }
    if (previous === object) {
      // In a resync what is in our way is told of again: Events are gone after an hour.
      this.#conflicts.delete(name);
      this.#sweep.add([name]);
    } else if (isPending(object)) this.#queue?.add(name);
    else if (previous !== undefined && isPending(previous)) {
      // Not where the marker went as there was nothing to wait for: if there is later, it existed before.
      if (keptBaseline(object, this.#deps.configuration()) !== undefined) this.#owed.add(name);
      this.#add(name, SETTLE_MS);
    } else this.#look(object);
  }

  onPolicy({ type, object, previous }: Change<NetworkPolicy>): void {
    const { cached, configuration } = this.#deps;
    const name = object.metadata?.namespace ?? "";
    const namespace = cached.namespace(name);
    if (namespace === undefined) return;
    if (isPending(namespace)) {
      if (this.#conflicts.has(name)) this.#queue?.add(name);
      return;
    }
    const isOurs = type !== "deleted" && isOfBaseline(object);
    const wasOurs = previous !== undefined && isOfBaseline(previous);
    if (wasOurs && !isOurs && keptBaseline(namespace, configuration()) !== undefined) this.#owed.add(name);
    if (isOurs || wasOurs || this.#conflicts.has(name)) this.#look(namespace);
  }

  /** Looks at these again, whatever events there were: the configuration has changed. */
  reconsider(namespaces: Iterable<Namespace>): void {
    if (this.#queue === undefined) return;
    this.#sweep.add(Array.from(namespaces, ({ metadata }) => metadata?.name ?? ""));
  }

  #looked(namespaces: number, ms: number): void {
    const { log, onTried } = this.#deps;
    if (this.#queue === undefined) return;
    log.info({ namespaces, ms: Math.round(ms) }, "every namespace has been looked at");
    if (this.#hasLooked) return;
    this.#hasLooked = true;
    this.#tries.begin([...this.#queue.keys].filter((name) => this.#tries.failureOf(name) === undefined));
    onTried();
  }

  #look(namespace: Namespace): void {
    const name = namespace.metadata?.name ?? "";
    // One that only follows has nothing to do, but does not remember what is settled.
    if (this.#queue === undefined && !this.#owed.has(name)) return;
    if (this.#isLacking(namespace)) this.#add(name, this.#pace.waitMs(name, performance.now()));
  }

  #add(name: string, waitMs: number): void {
    if (this.#queue === undefined) return;
    const add = (): void => {
      clearTimeout(this.#later.get(name));
      this.#later.delete(name);
      this.#queue?.add(name);
    };
    if (waitMs <= 0) add();
    else if (!this.#later.has(name)) this.#later.set(name, setTimeout(add, waitMs));
  }

  /** By the caches, and beyond what has been told of. */
  #isLacking(namespace: Namespace): boolean {
    const { cached, configuration } = this.#deps;
    const name = namespace.metadata?.name ?? "";
    const baseline = keptBaseline(namespace, configuration());
    const lacked = baseline && lackedBy(namespace, cached.policiesIn(name), baseline, this.isOwed(namespace));
    if (lacked === undefined || lacked.apply.length + lacked.conflicts.length === 0) {
      this.#owed.delete(name);
      this.#conflicts.delete(name);
      return false;
    }
    return lacked.apply.length > 0 || this.#conflicts.get(name) !== String(lacked.conflicts);
  }

  async #handle(name: string, client: LoopClient): Promise<void> {
    const namespace = this.#deps.cached.namespace(name);
    if (namespace === undefined) return;
    if (isPending(namespace)) await this.#finish(namespace, client);
    else if (this.#isLacking(namespace)) await this.#heal(namespace, client);
  }

  async #finish(namespace: Namespace, client: LoopClient): Promise<void> {
    const { log, metrics } = this.#deps;
    const name = namespace.metadata?.name ?? "";
    const start = performance.now();
    const result = await reconcileBaseline(name, { ...this.#deps, client });
    if (result.outcome === "nothing") return;
    if (result.outcome === "conflict") {
      this.#tellOfConflict(namespace, result, client);
      return;
    }
    metrics.baselineNamespaces.inc({ outcome: result.outcome });
    this.#conflicts.delete(name);
    const stoodOpen = Date.parse(result.since ?? "") - Date.parse(result.namespace.metadata?.creationTimestamp ?? "");
    // A policy that was there before the namespace is a restored one.
    if (!Number.isNaN(stoodOpen)) metrics.unprotectedSeconds.observe(Math.max(0, stoodOpen / 1000));
    const ms = Math.round(performance.now() - start);
    log.info({ namespace: name, baseline: result.baseline, applied: result.applied, ms }, "baseline finished");
    await this.#deps.wake(result.namespace, client);
  }

  async #heal(namespace: Namespace, client: LoopClient): Promise<void> {
    const name = namespace.metadata?.name ?? "";
    const isOwed = (live: Namespace): boolean => this.isOwed(live);
    const applied: Applied[] = [];
    const onApplied = (one: Applied): void => void applied.push(one);
    try {
      const healed = await healBaseline(name, { ...this.#deps, client }, { isOwed, onApplied });
      if (healed.outcome === "conflict") this.#tellOfConflict(namespace, healed, client);
      else this.#conflicts.delete(name);
    } finally {
      if (applied.length > 0) {
        this.#pace.took(name, performance.now());
        tellOfHealing(namespace, applied, this.#deps, client);
      }
    }
  }

  #tellOfConflict(namespace: Namespace, conflict: Conflict, client: LoopClient): void {
    const name = namespace.metadata?.name ?? "";
    this.#deps.metrics.baselineNamespaces.inc({ outcome: "conflict" });
    if (this.#conflicts.get(name) === String(conflict.conflicts)) return;
    this.#conflicts.set(name, String(conflict.conflicts));
    tellOfConflict(namespace, conflict, this.#deps, client);
  }

  #failed(namespace: string, error: unknown, retryInMs: number): void {
    // The next leader finds the namespace as it is now.
    if (error instanceof TermEnded) return;
    const { log, metrics } = this.#deps;
    // A namespace that goes away takes no more policies, which is as it should be: its events end the retries.
    const isGone = error instanceof ApiError && error.causes.some(({ reason }) => reason === "NamespaceTerminating");
    if (isGone) this.#tries.succeeded(namespace);
    else this.#tries.failed(namespace, error);
    metrics.baselineNamespaces.inc({ outcome: "failed" });
    const details = { namespace, error: String(error), retryInMs: Math.round(retryInMs) };
    log[isGone ? "info" : "error"](details, "baseline not applied; trying again");
  }
}
