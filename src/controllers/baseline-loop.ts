import { once } from "node:events";
import { ApiError } from "../cluster/api-error.ts";
import { TermEnded } from "../cluster/fence.ts";
import type { Change } from "../cluster/reflector.ts";
import type { NetworkPolicy } from "../model/network-policy.ts";
import type { Namespace } from "../model/objects.ts";
import type { Logger } from "../telemetry/log.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import { type BaselineDeps, isPending, reconcileBaseline } from "./baseline.ts";
import { KeyedQueue } from "./queue.ts";

export interface BaselineLoopDeps extends Omit<BaselineDeps, "client"> {
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Called with a namespace that takes Pods from now on. Never rejects. */
  readonly wake: (namespace: Namespace, client: BaselineDeps["client"]) => Promise<void>;
}

/** Namespaces that are handled at once: enough to keep up with a burst, too few to trouble an API server. */
const CONCURRENCY = 8;

/** Calls reconcileBaseline for every namespace that an event says may need it, and tells what came of it: while it runs. */
export class BaselineLoop {
  readonly #deps: BaselineLoopDeps;
  /** Namespaces where somebody's policy is in our way: theirs to move, so every change of a policy there is a chance. */
  readonly #conflicts = new Set<string>();
  /** Not there before it runs: to act on caches that are half full would be to act on what is not so. */
  #queue: KeyedQueue | undefined;

  constructor(deps: BaselineLoopDeps) {
    this.#deps = deps;
  }

  /**
   * Until the signal; resolves when nothing of it runs any more, and may then run again. It begins with every namespace
   * there is, so what happened since it last ran is not lost; what is done already is seen to be done.
   */
  async run(client: BaselineDeps["client"], namespaces: Iterable<Namespace>, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const queue = new KeyedQueue({
      handle: (namespace) => this.#handle(namespace, client),
      onError: (namespace, error, retryInMs) => this.#failed(namespace, error, retryInMs),
      concurrency: CONCURRENCY,
      backoff: { minMs: 100, maxMs: 30_000 },
    });
    this.#queue = queue;
    this.reconsider(namespaces);
    await once(signal, "abort");
    this.#queue = undefined;
    await queue.stop();
    this.#conflicts.clear();
  }

  onNamespace({ type, object }: Change<Namespace>): void {
    const name = object.metadata?.name ?? "";
    if (type !== "deleted" && isPending(object)) this.#queue?.add(name);
    else this.#conflicts.delete(name);
  }

  onPolicy({ object }: Change<NetworkPolicy>): void {
    const namespace = object.metadata?.namespace ?? "";
    if (this.#conflicts.has(namespace)) this.#queue?.add(namespace);
  }

  /** Looks at these again, whatever events there were: the configuration has changed. */
  reconsider(namespaces: Iterable<Namespace>): void {
    for (const namespace of namespaces) this.onNamespace({ type: "modified", object: namespace });
  }

  async #handle(namespace: string, client: BaselineDeps["client"]): Promise<void> {
    const { log, metrics } = this.#deps;
    const start = performance.now();
    const result = await reconcileBaseline(namespace, { ...this.#deps, client });
    if (result.outcome === "nothing") return;
    metrics.baselineNamespaces.inc({ outcome: result.outcome });
    if (result.outcome === "conflict") {
      this.#conflicts.add(namespace);
      log.error(
        { namespace, baseline: result.baseline, policies: result.conflicts },
        "the baseline is not complete: policies of these names are not Drawbridge's and say something else; remove or rename them",
      );
      return;
    }
    this.#conflicts.delete(namespace);
    const ms = Math.round(performance.now() - start);
    log.info({ namespace, baseline: result.baseline, applied: result.applied, ms }, "baseline finished");
    await this.#deps.wake(result.namespace, client);
  }

  #failed(namespace: string, error: unknown, retryInMs: number): void {
    // The next leader finds the namespace as it is now.
    if (error instanceof TermEnded) return;
    const { log, metrics } = this.#deps;
    // A namespace that goes away takes no more policies, which is as it should be: its events end the retries.
    const isGone = error instanceof ApiError && error.causes.some(({ reason }) => reason === "NamespaceTerminating");
    metrics.baselineNamespaces.inc({ outcome: "failed" });
    const details = { namespace, error: String(error), retryInMs: Math.round(retryInMs) };
    log[isGone ? "info" : "error"](details, "baseline not applied; trying again");
  }
}
