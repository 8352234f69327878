export interface ServerClock {
  /** To be told of each answer: its header Date. */
  readonly hear: (date: string | readonly string[] | undefined) => void;
  /** Milliseconds since 1970, as the API server counts them; as this machine does before the first answer. */
  readonly now: () => number;
}

/** The header has whole seconds, and an answer takes its time. */
const TOLERANCE_MS = 2_000;

/** Of several API servers one may go wrong: what any of them confirms stays. */
const DOUBT_MS = 60_000;

/**
 * The API server's clock, by which the times in a cluster are written and certificates are judged. Between its answers
 * this process's monotonic clock counts on, so it makes no difference to what this machine's clock is set.
 */
export function serverClock(elapsed = (): number => performance.now(), own = (): number => Date.now()): ServerClock {
  let known: { readonly ahead: number; readonly confirmedAt: number } | undefined;
  return {
    hear: (date) => {
      const at = elapsed();
      const ahead = (typeof date === "string" ? Date.parse(date) + 500 : Number.NaN) - at;
      if (Number.isNaN(ahead)) return;
      if (known !== undefined && Math.abs(ahead - known.ahead) <= TOLERANCE_MS) known = { ...known, confirmedAt: at };
      else if (known === undefined || at - known.confirmedAt > DOUBT_MS) known = { ahead, confirmedAt: at };
    },
    now: () => (known === undefined ? own() : elapsed() + known.ahead),
  };
}
