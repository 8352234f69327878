import { type Backoff, retryMs } from "../../cluster/backoff.ts";

export interface QueueOptions {
  /** Handles one key; rejects to have it tried again. Never runs twice at once for one key. */
  readonly handle: (key: string) => Promise<void>;
  readonly onError: (key: string, error: unknown, retryInMs: number) => void;
  /** How many keys are handled at once. */
  readonly concurrency: number;
  /** How long to wait after failures of one key. */
  readonly backoff: Backoff;
}

/** What fails for one key may fail for all, as many as there are namespaces: about 50 retries a second in all. */
const RETRY_EVERY_MS = 20;

/**
 * Work by key, for level-triggered loops: a key that is added while it waits is one piece of work, one that is added
 * while it is being handled is handled again, and one that fails comes back later without holding up the others.
 */
export class KeyedQueue {
  readonly #options: QueueOptions;
  readonly #waiting = new Set<string>();
  readonly #running = new Map<string, Promise<void>>();
  readonly #retries = new Map<string, NodeJS.Timeout>();
  readonly #failures = new Map<string, number>();
  #stopped = false;

  constructor(options: QueueOptions) {
    this.#options = options;
  }

  add(key: string): void {
    if (this.#stopped) return;
    clearTimeout(this.#retries.get(key));
    this.#retries.delete(key);
    this.#waiting.add(key);
    this.#next();
  }

  /** What waits or is being handled; not what has failed and comes back later. */
  get keys(): readonly string[] {
    return [...this.#waiting, ...this.#running.keys()];
  }

  /** Starts nothing more; resolves when what is running has ended. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#waiting.clear();
    for (const timer of this.#retries.values()) clearTimeout(timer);
    this.#retries.clear();
    await Promise.all(this.#running.values());
  }

  #next(): void {
    for (const key of this.#waiting) {
      if (this.#running.size >= this.#options.concurrency) return;
      if (this.#running.has(key)) continue;
      this.#waiting.delete(key);
      // It counts as running before it begins, as what it begins with may add its own key.
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#running.set(key, promise);
      void this.#run(key).then(resolve);
    }
  }

  async #run(key: string): Promise<void> {
    try {
      await this.#options.handle(key);
      this.#failures.delete(key);
    } catch (error) {
      this.#retry(key, error);
    }
    this.#running.delete(key);
    this.#next();
  }

  #retry(key: string, error: unknown): void {
    const failures = (this.#failures.get(key) ?? 0) + 1;
    this.#failures.set(key, failures);
    const delay = Math.max(retryMs(error, failures, this.#options.backoff), this.#retries.size * RETRY_EVERY_MS);
    this.#options.onError(key, error, delay);
    if (this.#stopped || this.#waiting.has(key)) return;
    this.#retries.set(
      key,
      setTimeout(() => this.add(key), delay),
    );
  }
}
