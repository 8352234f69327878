import { messageOf } from "../../cluster/api-error.ts";
import { printableUpTo } from "../../model/printable.ts";

/** Kept of an error: with many namespaces there may be as many. */
const MOST_CHARACTERS = 256;

/** What became of the last try of each key, and whether what there was at the beginning has all been tried once. */
export class Tries {
  readonly #onNews: () => void;
  readonly #failures = new Map<string, string>();
  #untried = new Set<string>();

  /** @param onNews called when something else is known than before */
  constructor(onNews: () => void) {
    this.#onNews = onNews;
  }

  begin(keys: Iterable<string>): void {
    this.#untried = new Set(keys);
  }

  get isBeginning(): boolean {
    return this.#untried.size > 0;
  }

  /** Why the last try failed, where it did. */
  failureOf(key: string): string | undefined {
    return this.#failures.get(key);
  }

  succeeded(key: string): void {
    const isNews = this.#failures.delete(key);
    if (this.#untried.delete(key) || isNews) this.#onNews();
  }

  failed(key: string, error: unknown): void {
    const failure = printableUpTo(messageOf(error), MOST_CHARACTERS);
    const isNews = this.#failures.get(key) !== failure;
    this.#failures.set(key, failure);
    if (this.#untried.delete(key) || isNews) this.#onNews();
  }

  clear(): void {
    this.#failures.clear();
    this.#untried.clear();
  }
}
