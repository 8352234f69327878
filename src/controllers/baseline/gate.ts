import { setTimeout as sleep } from "node:timers/promises";
import { type BaselineDeps, type Ensured, ensurePolicies } from "./reconcile.ts";
import { coalesce } from "./coalesce.ts";

/** No caller waits longer than the 5 s of its webhook: work that takes longer is given up. */
const LIMIT_MS = 5_000;

/**
 * Puts a namespace's baseline in place, for a Pod that waits for it. The loop does the same; this does not wait for the
 * loop, and any server may do it, whether it leads or not. The marker is left to the loop: a Pod need not wait for that
 * write, and one that is refused meanwhile would only be asked about once more.
 * The answer is by what was read after the call. Rejects where that is not known in time.
 */
export function createGate(deps: BaselineDeps): (namespace: string, waitMs: number) => Promise<Ensured> {
  const ensure = coalesce((namespace) => ensurePolicies(namespace, deps, AbortSignal.timeout(LIMIT_MS)));
  return async (namespace, waitMs) => {
    const timer = new AbortController();
    const late = sleep(waitMs, undefined, { signal: timer.signal }).then(() => {
      throw new Error(`its policies were not in place within ${waitMs} ms`);
    });
    late.catch(() => {}); // is told to whoever waits for it, if anyone does
    try {
      return await Promise.race([ensure(namespace), late]);
    } finally {
      timer.abort();
    }
  };
}
