import type { Standstill } from "../../baseline/status.ts";
import type { RolloutSettings } from "../../config/baseline.ts";

export interface RolloutOptions {
  /** Of a baseline; undefined where it is gone, or leaving. */
  readonly settings: (baseline: string) => RolloutSettings | undefined;
  /** It is this namespace's turn, until ended() is called for it. */
  readonly begin: (namespace: string) => void;
  /** Its turn is over, and what it lacks now, if anything, has to be found anew. */
  readonly onEnd: (namespace: string) => void;
  /** A rollout stands still for failures, or goes on again. */
  readonly onHalt: (baseline: string, standstill: Standstill) => void;
  readonly onResume: (baseline: string) => void;
}

/**
 * What a change of a baseline comes to its namespaces by: so many at a time, and none any more while too many fail. It
 * keeps nothing that would have to outlive it. Whoever leads next begins with what is lacking then, and comes to stand
 * at the same failures.
 */
export class Rollout {
  readonly #options: RolloutOptions;
  readonly #lanes = new Map<string, Lane>();
  /** In which lane a namespace is. */
  readonly #laneOf = new Map<string, Lane>();

  constructor(options: RolloutOptions) {
    this.#options = options;
  }

  /** It waits for its turn, if it does not have it. */
  add(namespace: string, baseline: string): void {
    const before = this.#laneOf.get(namespace);
    if (before?.baseline === baseline) return this.#next(before);
    if (before !== undefined) this.remove(namespace);
    const lane = this.#lanes.get(baseline) ?? createLane(baseline);
    this.#lanes.set(baseline, lane);
    this.#laneOf.set(namespace, lane);
    // Where it still rests from its last turn the end of that finds it.
    if (!lane.resting.has(namespace)) lane.waiting.add(namespace);
    this.#next(lane);
  }

  /** Nothing is to be done there any more. */
  remove(namespace: string): void {
    const lane = this.#laneOf.get(namespace);
    // What has been changed rests: that is what it counts as being changed for.
    if (lane === undefined || lane.resting.has(namespace)) return;
    lane.waiting.delete(namespace);
    lane.running.delete(namespace);
    lane.failed.delete(namespace);
    this.#laneOf.delete(namespace);
    this.#next(lane);
  }

  isTurnOf(namespace: string): boolean {
    const lane = this.#laneOf.get(namespace);
    return lane !== undefined && (lane.running.has(namespace) || lane.failed.has(namespace));
  }

  /** What it was to get in its turn it has. */
  succeeded(namespace: string): void {
    const lane = this.#laneOf.get(namespace);
    if (lane === undefined || !this.isTurnOf(namespace)) return;
    lane.running.delete(namespace);
    lane.failed.delete(namespace);
    this.#rest(namespace, lane, performance.now());
    this.#next(lane);
  }

  /** It will be tried again, beside the others. */
  failed(namespace: string): void {
    const lane = this.#laneOf.get(namespace);
    if (lane === undefined || !this.isTurnOf(namespace)) return;
    lane.running.delete(namespace);
    lane.failed.add(namespace);
    this.#next(lane);
  }

  /** The settings may be others. */
  reconsider(): void {
    for (const lane of this.#lanes.values()) {
      if (this.#options.settings(lane.baseline) === undefined) continue;
      // A pause of a day, put right, must not hold up what follows for a day.
      for (const [namespace, { since, timer }] of lane.resting) {
        clearTimeout(timer);
        this.#rest(namespace, lane, since);
      }
      this.#next(lane);
    }
  }

  /** Why it stands still; undefined where it does not, or nothing waits. */
  standstillOf(baseline: string): Standstill | undefined {
    const lane = this.#lanes.get(baseline);
    const settings = this.#options.settings(baseline);
    if (lane === undefined || settings === undefined || lane.waiting.size === 0) return undefined;
    const standstill = { waiting: lane.waiting.size, failed: [...lane.failed].toSorted() };
    if (settings.paused) return { reason: "Paused", ...standstill };
    return lane.failed.size >= settings.maxFailures ? { reason: "Halted", ...standstill } : undefined;
  }

  clear(): void {
    for (const { resting } of this.#lanes.values()) for (const { timer } of resting.values()) clearTimeout(timer);
    this.#lanes.clear();
    this.#laneOf.clear();
  }

  /** @param since when its turn was over, by performance.now() */
  #rest(namespace: string, lane: Lane, since: number): void {
    const pauseMs = (this.#options.settings(lane.baseline)?.pauseSeconds ?? 0) * 1_000;
    const leftMs = since + pauseMs - performance.now();
    if (leftMs > 0) {
      const timer = setTimeout(() => this.#end(namespace, lane), leftMs);
      lane.resting.set(namespace, { since, timer });
    } else this.#end(namespace, lane);
  }

  #end(namespace: string, lane: Lane): void {
    lane.resting.delete(namespace);
    if (this.#laneOf.get(namespace) === lane) this.#laneOf.delete(namespace);
    this.#options.onEnd(namespace);
    this.#next(lane);
  }

  #next(lane: Lane): void {
    const settings = this.#options.settings(lane.baseline);
    if (settings === undefined) return;
    for (const namespace of lane.waiting) {
      if (this.standstillOf(lane.baseline) !== undefined) break;
      if (lane.running.size + lane.resting.size >= settings.atOnce) break;
      lane.waiting.delete(namespace);
      lane.running.add(namespace);
      this.#options.begin(namespace);
    }
    this.#tell(lane);
  }

  #tell(lane: Lane): void {
    const standstill = this.standstillOf(lane.baseline);
    const isHalted = standstill?.reason === "Halted";
    if (isHalted === lane.isHalted) return;
    lane.isHalted = isHalted;
    if (standstill !== undefined && isHalted) this.#options.onHalt(lane.baseline, standstill);
    else this.#options.onResume(lane.baseline);
  }
}

interface Lane {
  readonly baseline: string;
  readonly waiting: Set<string>;
  readonly running: Set<string>;
  /** Done, and still counted as being changed. */
  readonly resting: Map<string, Rest>;
  readonly failed: Set<string>;
  isHalted: boolean;
}

interface Rest {
  readonly since: number;
  readonly timer: NodeJS.Timeout;
}

function createLane(baseline: string): Lane {
  return { baseline, waiting: new Set(), running: new Set(), resting: new Map(), failed: new Set(), isHalted: false };
}
