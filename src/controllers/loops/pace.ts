import type { Backoff } from "../../cluster/backoff.ts";

export interface PaceOptions extends Backoff {
  /** Who has been quiet for so long begins anew. */
  readonly forgetMs: number;
}

interface Turn {
  readonly at: number;
  readonly count: number;
}

/**
 * How long to wait before something is done again for a key: not at all the first time, then twice as long each time.
 * So somebody who undoes it over and over again costs a bounded number of writes, and loses all the same.
 * Times are milliseconds of a clock that does not go back.
 */
export class Pace {
  readonly #options: PaceOptions;
  /** The latest of each key, the oldest first. */
  readonly #turns = new Map<string, Turn>();

  constructor(options: PaceOptions) {
    this.#options = options;
  }

  /** It has been done. */
  took(key: string, now: number): void {
    this.#forget(now);
    const count = (this.#turns.get(key)?.count ?? 0) + 1;
    this.#turns.delete(key);
    this.#turns.set(key, { at: now, count });
  }

  waitMs(key: string, now: number): number {
    this.#forget(now);
    const turn = this.#turns.get(key);
    if (turn === undefined) return 0;
    const { minMs, maxMs } = this.#options;
    return Math.max(0, turn.at + Math.min(maxMs, minMs * 2 ** (turn.count - 1)) - now);
  }

  #forget(now: number): void {
    for (const [key, { at }] of this.#turns) {
      if (now - at < this.#options.forgetMs) return;
      this.#turns.delete(key);
    }
  }
}
