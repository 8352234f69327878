import { setTimeout } from "node:timers/promises";

export interface Backoff {
  readonly minMs: number;
  readonly maxMs: number;
}

/**
 * How long to wait after the n-th failure in a row (n from 1): doubling from `minMs` to `maxMs`, of which the second
 * half is random, so that replicas that failed together do not come back together.
 */
export function backoffMs(failures: number, { minMs, maxMs }: Backoff): number {
  const full = Math.min(maxMs, minMs * 2 ** (failures - 1));
  return full * (0.5 + Math.random() / 2);
}

/** Waits; an abort ends the wait early and is not an error. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await setTimeout(ms, undefined, { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
