import { setTimeout } from "node:timers/promises";
import { ApiError } from "./api-error.ts";

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

/** How long to wait after an error that was the n-th in a row: what the API server asks for comes first. */
export function retryMs(error: unknown, failures: number, backoff: Backoff): number {
  const asked = error instanceof ApiError ? (error.retryAfterMs ?? 0) : 0;
  return Math.min(asked, MAX_RETRY_AFTER_MS) + backoffMs(failures, backoff);
}

/** A Retry-After is the server's wish, not a way to switch us off. */
const MAX_RETRY_AFTER_MS = 60_000;

/** Waits; an abort ends the wait early and is not an error. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await setTimeout(ms, undefined, { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
