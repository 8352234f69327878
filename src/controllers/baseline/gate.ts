import { type BaselineDeps, type Ensured, ensurePolicies } from "./reconcile.ts";
import { coalesce, within } from "../loops/coalesce.ts";

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
  return (namespace, waitMs) => within(ensure(namespace), waitMs, `its policies were not in place within ${waitMs} ms`);
}
