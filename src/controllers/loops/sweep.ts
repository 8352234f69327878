import { setImmediate } from "node:timers/promises";

export interface SweepOptions {
  readonly look: (key: string) => void;
  readonly onError: (key: string, error: unknown) => void;
  /** None is left. `ms` is how long that took, with all that went on in between. */
  readonly onEnd: (keys: number, ms: number) => void;
}

/** What is asked of the server meanwhile waits for about this long at most. */
const SLICE_MS = 10;

/** Looks at many keys bit by bit. One that is added again before its turn is looked at once. */
export class Sweep {
  readonly #options: SweepOptions;
  readonly #left = new Set<string>();
  #isRunning = false;

  constructor(options: SweepOptions) {
    this.#options = options;
  }

  add(keys: Iterable<string>): void {
    for (const key of keys) this.#left.add(key);
    if (!this.#isRunning) void this.#run();
  }

  /** Looks at nothing more of what there is. */
  clear(): void {
    this.#left.clear();
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    const begin = performance.now();
    let [count, sliceEnd] = [0, begin + SLICE_MS];
    // What is added meanwhile comes up, too.
    for (const key of this.#left) {
      this.#left.delete(key);
      this.#look(key);
      count += 1;
      if (performance.now() < sliceEnd) continue;
      await setImmediate();
      sliceEnd = performance.now() + SLICE_MS;
    }
    this.#isRunning = false;
    this.#options.onEnd(count, performance.now() - begin);
  }

  #look(key: string): void {
    try {
      this.#options.look(key);
    } catch (error) {
      this.#options.onError(key, error);
    }
  }
}
