import { authoritiesIn } from "../../certs/inspect.ts";
import type { Logger } from "../../telemetry/log.ts";
import type { Metrics } from "../../telemetry/metrics.ts";
import { Pace, type PaceOptions } from "../loops/pace.ts";
import type { WebhookWatch } from "./webhook-watch.ts";
import type { Registrar, Which } from "./registrar.ts";

export interface KeepDeps {
  readonly registrar: Pick<Registrar, "deviations" | "write">;
  readonly webhooks: Pick<WebhookWatch, "stored" | "isComplete">;
  /** A monotonic clock, in milliseconds. */
  readonly elapsed: () => number;
  /** When calls find the way to a server, by that clock. */
  readonly reachableAt: number;
  /** Tells of a restoration where people look: best effort. */
  readonly notify: (message: string) => void;
  readonly log: Logger;
  readonly metrics: Metrics;
}

/** The watch tells of what we have written in far less; until then it is not written again. */
const WRITTEN_IS_SEEN_MS = 5_000;

/** Who owns them is asked of the API server, so this seldom. */
const CHECK_EVERY_MS = 5 * 60_000;

/** Somebody who changes them again and again is answered ever more slowly, until they have been left alone for a while. */
const RESTORE: PaceOptions = { minMs: 500, maxMs: 5_000, forgetMs: 2 * 60_000 };
const REGISTRATION = "registration";

/**
 * Keeps the registration as it is to be, in one term: called again and again with the bundle that is to be in force, it
 * writes what is missing, old, or changed by somebody else. Rejects with ApiError, and is then to be called later.
 */
export function keepRegistration(deps: KeepDeps): (bundle: string) => Promise<void> {
  const { registrar, webhooks, elapsed, reachableAt, notify, log, metrics } = deps;
  const written = new Map<Which, { readonly over: string | undefined; readonly at: number }>();
  let checkedAt: number | undefined;
  let bundleWritten: string | undefined;
  const pace = new Pace(RESTORE);

  const isUnseen = (): boolean =>
    [...written].some(
      ([which, { over, at }]) =>
        over === webhooks.stored[which]?.metadata?.resourceVersion && elapsed() - at < WRITTEN_IS_SEEN_MS,
    );
  const restoredNow = (which: Which, changes: readonly string[]): void => {
    metrics.registrationRestored.inc({ configuration: which });
    log.warn({ configuration: which, changes }, "somebody has changed the registration; it was restored");
    notify(`the ${which} webhook configuration was changed by somebody else, and restored: ${changes.join("; ")}`);
  };

  return async (bundle) => {
    // Where there is a registration already, others stand behind it.
    if (checkedAt === undefined && !webhooks.isComplete && elapsed() < reachableAt) return;
    const { stored } = webhooks;
    const isRotated = bundle !== bundleWritten;
    const isDue = checkedAt === undefined || elapsed() - checkedAt >= CHECK_EVERY_MS;
    if (!isDue && registrar.deviations(stored).length === 0) return;
    if (isUnseen() || (!isRotated && pace.waitMs(REGISTRATION, elapsed()) > 0)) return;

    const isFirst = checkedAt === undefined;
    const result = await registrar.write(stored);
    checkedAt = elapsed();
    bundleWritten = bundle;
    const isRestoration = !isFirst && !isRotated && result.length > 0;
    if (isRestoration) pace.took(REGISTRATION, elapsed());
    for (const { which, changes } of result) {
      written.set(which, { over: stored[which]?.metadata?.resourceVersion, at: elapsed() });
      if (isRestoration) restoredNow(which, changes);
    }
    const cas = authoritiesIn(bundle).map(({ name }) => name);
    if (isFirst) log.info({ cas, written: result }, "registered");
    else if (isRotated) log.info({ cas, written: result }, "webhook configurations written");
  };
}
