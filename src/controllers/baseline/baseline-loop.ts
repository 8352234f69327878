import { once } from "node:events";
import { countsFor, type NamespaceFacts } from "../../baseline/due.ts";
import { isOfBaseline } from "../../baseline/protection.ts";
import { wantedPolicies } from "../../baseline/templates.ts";
import type { Standstill } from "../../baseline/status.ts";
import { ApiError } from "../../cluster/api-error.ts";
import { type FencedClient, TermEnded } from "../../cluster/fence.ts";
import type { Change } from "../../cluster/reflector.ts";
import { rolloutOf } from "../../config/baseline.ts";
import type { NetworkPolicy } from "../../model/network-policy.ts";
import type { Namespace } from "../../model/objects.ts";
import type { Logger } from "../../telemetry/log.ts";
import type { Metrics } from "../../telemetry/metrics.ts";
import type { Recorder } from "../events.ts";
import { Pace } from "../loops/pace.ts";
import { KeyedQueue } from "../loops/queue.ts";
import { Sweep } from "../loops/sweep.ts";
import { Dues, type DuesDeps, type Share } from "./dues.ts";
import { type HealDeps, isReleased, keptBaseline } from "./heal.ts";
import { isPending } from "./reconcile.ts";
import { Rollout } from "./rollout.ts";
import { tellOfRollout } from "./tell.ts";
import { Tries } from "./tries.ts";
import { finishNamespace, healNamespace, releaseNamespace, type Work } from "./work.ts";

export interface BaselineLoopDeps extends Omit<HealDeps, "client">, Pick<DuesDeps, "isNew"> {
  readonly log: Logger;
  readonly metrics: Metrics;
  /** What the caches hold: they decide whether the API server is asked at all. */
  readonly cached: {
    readonly namespace: (name: string) => Namespace | undefined;
    readonly policiesIn: DuesDeps["policiesIn"];
  };
  readonly record: Recorder;
  /** Called when something else is known of why namespaces are not finished. */
  readonly onTried: () => void;
  /** Called with a namespace that takes Pods from now on. Never rejects. */
  readonly wake: (namespace: Namespace, client: LoopClient) => Promise<void>;
}

export type LoopClient = HealDeps["client"] & Parameters<Recorder>[2] & Pick<FencedClient, "pages">;

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
  /** Namespaces that no baseline governs since a moment ago. */
  readonly #left = new Set<string>();
  readonly #dues: Dues;
  readonly #rollout: Rollout;
  /** Namespaces whose policies are being written. */
  readonly #working = new Set<string>();
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
    const { configuration, isNew, log, cached } = deps;
    this.#dues = new Dues({ configuration, isNew, policiesIn: cached.policiesIn });
    this.#rollout = new Rollout({
      settings: (name) => {
        const baseline = configuration().baselines.find(
          ({ metadata, isLeaving }) => metadata.name === name && !isLeaving,
        );
        return baseline && rolloutOf(baseline.spec);
      },
      begin: (namespace) => this.#queue?.add(namespace),
      onEnd: (namespace) => this.#add(namespace, SETTLE_MS),
      ...tellOfRollout(log),
    });
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
    this.#rollout.clear();
    this.#left.clear();
    await queue.stop();
    this.#dues.forgetConflicts();
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

  /** What is known of a namespace beside what it says of itself. */
  factsOf(namespace: Namespace): NamespaceFacts {
    return this.#dues.factsOf(namespace);
  }

  /** Why changes of a baseline come to no other namespace; undefined where they do, or have come to all. */
  standstillOf(baseline: string): Standstill | undefined {
    return this.#rollout.standstillOf(baseline);
  }

  onNamespace({ type, object, previous }: Change<Namespace>): void {
    const name = object.metadata?.name ?? "";
    if (type === "deleted") {
      this.#dues.settled(name);
      this.#left.delete(name);
      this.#rollout.remove(name);
      this.#tries.succeeded(name);
      return;
    }
    if (previous === object) {
      // In a resync what is in our way is told of again: Events are gone after an hour.
      this.#dues.forgetConflict(name);
      this.#sweep.add([name]);
    } else if (isPending(object)) this.#queue?.add(name);
    else if (previous !== undefined && isPending(previous)) {
      // Not where the marker went as there was nothing to wait for: if there is later, it existed before.
      if (keptBaseline(object, this.#deps.configuration()) !== undefined) this.#dues.lost(name);
      this.#add(name, SETTLE_MS);
    } else if (previous !== undefined && this.#isLeft(object, previous)) {
      this.#left.add(name);
      this.#queue?.add(name);
    } else this.#look(object);
  }

  /** Has it just been released, with policies that its owner had better know of? */
  #isLeft(object: Namespace, previous: Namespace): boolean {
    const configuration = this.#deps.configuration();
    if (keptBaseline(previous, configuration) === undefined || !isReleased(object, configuration)) return false;
    return this.#deps.cached.policiesIn(object.metadata?.name ?? "").some(isOfBaseline);
  }

  onPolicy({ type, object, previous }: Change<NetworkPolicy>): void {
    const name = object.metadata?.namespace ?? "";
    const namespace = this.#deps.cached.namespace(name);
    if (namespace === undefined) return;
    if (isPending(namespace)) {
      if (this.#dues.hasConflict(name)) this.#queue?.add(name);
      return;
    }
    const isOurs = type !== "deleted" && isOfBaseline(object);
    const wasOurs = previous !== undefined && isOfBaseline(previous);
    if (wasOurs && !isOurs && this.#isWanted(previous, namespace)) this.#dues.lost(name);
    if (isOurs || wasOurs || this.#dues.hasConflict(name)) this.#look(namespace);
  }

  #isWanted(policy: NetworkPolicy, namespace: Namespace): boolean {
    const baseline = keptBaseline(namespace, this.#deps.configuration());
    if (baseline === undefined || !countsFor(baseline, policy)) return false;
    const wanted = wantedPolicies(baseline, namespace.metadata?.name ?? "");
    return wanted.some(({ metadata }) => metadata?.name === policy.metadata?.name);
  }

  /** Looks at these again, whatever events there were: the configuration has changed. */
  reconsider(namespaces: Iterable<Namespace>): void {
    if (this.#queue === undefined) return;
    this.#rollout.reconsider();
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
    if (this.#queue === undefined && !this.#dues.hasLost(name)) return;
    const due = this.#dues.of(namespace);
    const { waits, isUrgent } = due === undefined ? NOTHING : this.#dues.shareOf(name, due);
    if (!waits) this.#needsNoTurn(name);
    if (this.#queue === undefined) return;
    // Where it has just been changed it is looked at again, when the caches have heard of all that was written.
    if (waits && !this.#later.has(name)) this.#rollout.add(name, due?.lane ?? "");
    if (isUrgent) this.#add(name, this.#pace.waitMs(name, performance.now()));
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

  /** Of our own writes the caches often hear before we have their answers: a turn ends with the work, and then rests. */
  #needsNoTurn(name: string): void {
    if (!this.#working.has(name)) this.#rollout.remove(name);
  }

  async #handle(name: string, client: LoopClient): Promise<void> {
    const namespace = this.#deps.cached.namespace(name);
    if (namespace === undefined) return;
    const work: Work = { ...this.#deps, client, dues: this.#dues, wake: (one) => this.#deps.wake(one, client) };
    if (isPending(namespace)) {
      this.#rollout.remove(name);
      await finishNamespace(namespace, work);
      return;
    }
    if (this.#left.has(name) && isReleased(namespace, this.#deps.configuration())) {
      // Whoever has changed its labels means this one, and may be in need.
      this.#rollout.remove(name);
      await this.#during(name, () => releaseNamespace(namespace, work));
      this.#left.delete(name);
      return;
    }
    this.#left.delete(name);
    const due = this.#dues.of(namespace);
    if (due === undefined) {
      this.#needsNoTurn(name);
      return;
    }
    const isTurn = this.#rollout.isTurnOf(name);
    if (!isTurn && !this.#dues.shareOf(name, due).isUrgent) {
      this.#look(namespace);
      return;
    }
    if (due.baseline === undefined) await this.#during(name, () => releaseNamespace(namespace, work));
    else {
      const onApplied = (): void => {
        if (!isTurn) this.#pace.took(name, performance.now());
      };
      await this.#during(name, () => healNamespace(namespace, due, { isUrgentOnly: !isTurn, onApplied }, work));
    }
    if (isTurn) this.#rollout.succeeded(name);
  }

  /** Nothing of it is settled before it has ended. */
  async #during(name: string, work: () => Promise<void>): Promise<void> {
    this.#working.add(name);
    try {
      await work();
    } finally {
      this.#working.delete(name);
    }
  }

  #failed(namespace: string, error: unknown, retryInMs: number): void {
    // The next leader finds the namespace as it is now.
    if (error instanceof TermEnded) return;
    const { log, metrics } = this.#deps;
    // A namespace that goes away takes no more policies, which is as it should be: its events end the retries.
    const isGone = error instanceof ApiError && error.causes.some(({ reason }) => reason === "NamespaceTerminating");
    if (isGone) {
      this.#rollout.remove(namespace);
      this.#tries.succeeded(namespace);
    } else {
      this.#rollout.failed(namespace);
      this.#tries.failed(namespace, error);
    }
    metrics.baselineNamespaces.inc({ outcome: "failed" });
    const details = { namespace, error: String(error), retryInMs: Math.round(retryInMs) };
    log[isGone ? "info" : "error"](details, "baseline not applied; trying again");
  }
}

const NOTHING: Share = { waits: false, isUrgent: false };
