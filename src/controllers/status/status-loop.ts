import { whyUnarmed } from "../../baseline/resolve.ts";
import { baselineStatus, saysAll, type Standstill } from "../../baseline/status.ts";
import { ApiError } from "../../cluster/api-error.ts";
import { type FencedClient, TermEnded } from "../../cluster/fence.ts";
import { paths } from "../../cluster/paths.ts";
import { type NetworkBaselineStatus, STATES, UNGOVERNED } from "../../config/baseline-status.ts";
import { timestamp } from "../../model/dates.ts";
import { at, items, text } from "../../model/json.ts";
import { API_VERSION, FIELD_MANAGER } from "../../model/names.ts";
import { isTerminating, type KubernetesObject, type Namespace } from "../../model/objects.ts";
import type { Logger } from "../../telemetry/log.ts";
import type { Metrics } from "../../telemetry/metrics.ts";
import type { InForce } from "../configuration.ts";
import type { Notice, Recorder } from "../events.ts";
import { type Loop, startLoop } from "../loops/loop.ts";
import { createSurvey, type Standings, type Survey, type SurveyDeps } from "./standings.ts";

export type StatusLoopClient = Pick<FencedClient, "apply" | "create">;

export interface StatusLoopDeps extends SurveyDeps {
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly cached: {
    readonly namespaces: () => readonly Namespace[];
    /** As they are in the cluster, whether in force or not. */
    readonly baselines: () => readonly KubernetesObject[];
  };
  /** Is some version of a baseline of the cluster in force? And why is the newest not? */
  readonly inForce: (baseline: KubernetesObject) => InForce;
  /** Why changes of a baseline come to no other namespace. */
  readonly standstillOf: (baseline: string) => Standstill | undefined;
  readonly record: Recorder;
  /** Not all is known yet that the last leader may have told of. */
  readonly isBeginning: () => boolean;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** Of what happens within it only the outcome is written. */
const GATHER_MS = 1_000;

const LOOK_EVERY_MS = 10 * 60_000;
const BACKOFF = { minMs: 1_000, maxMs: 60_000 };

/**
 * While it runs, writes into the NetworkBaselines of the cluster how the namespaces stand that they govern, at most once
 * a second each, and only where that is something else than what is there. By the caches alone: it reads nothing.
 */
export class StatusLoop {
  readonly #deps: StatusLoopDeps;
  /** What was written last, of which the cache may not have heard yet. */
  readonly #written = new Map<string, { readonly over: KubernetesObject; readonly status: NetworkBaselineStatus }>();
  #loop: Loop | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(deps: StatusLoopDeps) {
    this.#deps = deps;
  }

  /** Until the signal; resolves when nothing of it runs any more, and may then run again. */
  async run(client: StatusLoopClient, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const survey = createSurvey(this.#deps);
    this.#loop = startLoop({
      look: () => this.#look(client, survey),
      onError: (error, retryInMs) => this.#failed(error, retryInMs),
      everyMs: LOOK_EVERY_MS,
      backoff: BACKOFF,
      signal,
    });
    await this.#loop.ended;
    this.#loop = undefined;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#written.clear();
    this.#deps.metrics.baselineStates.reset();
  }

  /** To be called whenever something has changed: a namespace, a policy, a baseline, or what is known of failures. */
  changed(): void {
    if (this.#loop === undefined || this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#loop?.wake();
    }, GATHER_MS);
  }

  async #look(client: StatusLoopClient, survey: Survey): Promise<void> {
    const { cached, isBeginning, now } = this.#deps;
    // Whatever ends the beginning tells of it.
    if (isBeginning()) return;
    const baselines = cached.baselines();
    const statusOf = new Map(baselines.map((one) => [one.metadata?.name ?? "", at(one, "/status")]));
    const time = timestamp(now());
    const standings = await survey(cached.namespaces(), (name) => statusOf.get(name), time);
    this.#measure(standings);
    for (const name of this.#written.keys()) if (!statusOf.has(name)) this.#written.delete(name);
    const results = await Promise.allSettled(baselines.map((one) => this.#tell(one, standings, time, client)));
    const failed = results.find((result) => result.status === "rejected");
    if (failed !== undefined) throw failed.reason;
  }

  async #tell(
    baseline: KubernetesObject,
    standings: ReadonlyMap<string, Standings>,
    now: string,
    client: StatusLoopClient,
  ): Promise<void> {
    if (isTerminating(baseline)) return;
    const { name = "", uid, generation = 0 } = baseline.metadata ?? {};
    const { isInForce, problem } = this.#deps.inForce(baseline);
    const written = this.#written.get(name);
    // As long as the cache holds what was there before our write.
    const before = written?.over === baseline ? written.status : at(baseline, "/status");
    const { namespaces = [], overlaps = [] } = (isInForce ? standings.get(name) : undefined) ?? {};
    const document = this.#deps.configuration().baselines.find(({ metadata }) => metadata.name === name);
    const unarmed = isInForce && document !== undefined ? whyUnarmed(document) : undefined;
    const status = baselineStatus({
      generation,
      problem,
      unarmed,
      standstill: isInForce ? this.#deps.standstillOf(name) : undefined,
      namespaces,
      overlaps,
      before,
      now,
    });
    if (saysAll(before, status)) return;
    // Of this very object, not of one that was created since under its name.
    const object = { apiVersion: API_VERSION, kind: KIND, metadata: { name, uid }, status };
    try {
      await client.apply(`${paths.networkBaselines(name)}/status`, object, {
        fieldManager: FIELD_MANAGER,
        force: true,
      });
    } catch (error) {
      // It is gone, or another; or the kind is of a version without a status. What there is then is told of by an event.
      if (!(error instanceof ApiError && (error.status === 404 || error.status === 409))) throw error;
    }
    this.#written.set(name, { over: baseline, status });
    const notice = noticeOf(before, status);
    if (notice !== undefined) this.#deps.record({ ...baseline, apiVersion: API_VERSION, kind: KIND }, notice, client);
  }

  #measure(standings: ReadonlyMap<string, Standings>): void {
    const { baselineStates } = this.#deps.metrics;
    baselineStates.reset();
    for (const [baseline, { namespaces }] of standings) {
      for (const state of [...STATES, ...UNGOVERNED]) {
        baselineStates.set({ baseline, state }, namespaces.filter((one) => one.state === state).length);
      }
    }
  }

  #failed(error: unknown, retryInMs: number): void {
    // The next leader finds it as it is now.
    if (error instanceof TermEnded) return;
    this.#deps.log.error(
      { error: String(error), retryInMs: Math.round(retryInMs) },
      "the status of a NetworkBaseline could not be written; trying again",
    );
  }
}

const KIND = "NetworkBaseline";

/** For which a baseline gives nothing, or nothing more: somebody has to do something, and may not be looking. */
const STUCK = ["Invalid", "DNSUnknown", "APIServerUnknown", "Halted"];

/** Told when it becomes so, for another reason or no longer. */
function noticeOf(before: unknown, { conditions }: NetworkBaselineStatus): Notice | undefined {
  const now = conditions.find(({ type }) => type === "Ready");
  const was = items(at(before, "/conditions")).find((one) => at(one, "/type") === "Ready");
  const reasonBefore = text(at(was, "/reason"));
  if (now === undefined || now.reason === reasonBefore) return undefined;
  const { reason, message } = now;
  if (STUCK.includes(reason)) return { type: "Warning", reason, message };
  return STUCK.includes(reasonBefore)
    ? { type: "Normal", reason, message: `no longer ${reasonBefore}: ${message}` }
    : undefined;
}
