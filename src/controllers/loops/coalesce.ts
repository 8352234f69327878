import { setTimeout as sleep } from "node:timers/promises";

/**
 * Runs `work` at most once at a time for a key, and begins it at most once in `everyMs`. Who asks while it runs, or too
 * soon after, gets the answer of the next run, together with all others who do: what it reads is read after they asked,
 * and many who ask at once cost two runs.
 */
export function coalesce<T>(work: (key: string) => Promise<T>, everyMs = 0): (key: string) => Promise<T> {
  const flights = new Map<string, Flight<T>>();
  const begin = (key: string): Promise<T> => {
    const current = work(key);
    const rest = everyMs > 0 ? sleep(everyMs, undefined, { ref: false }) : undefined;
    const flight: Flight<T> = { current, over: Promise.allSettled([current, rest]), next: undefined };
    flights.set(key, flight);
    void flight.over.then(() => {
      if (flight.next === undefined) flights.delete(key);
    });
    return current;
  };
  return (key) => {
    const flight = flights.get(key);
    if (flight === undefined) return begin(key);
    flight.next ??= flight.over.then(() => begin(key));
    return flight.next;
  };
}

interface Flight<T> {
  readonly current: Promise<T>;
  /** The next may begin. */
  readonly over: Promise<unknown>;
  next: Promise<T> | undefined;
}

/** Rejects with `late` where the answer takes longer; the work goes on for others. */
export async function within<T>(answer: Promise<T>, waitMs: number, late: string): Promise<T> {
  const timer = new AbortController();
  const end = sleep(waitMs, undefined, { signal: timer.signal }).then(() => {
    throw new Error(late);
  });
  end.catch(() => {}); // is told to whoever waits for it, if anyone does
  try {
    return await Promise.race([answer, end]);
  } finally {
    timer.abort();
  }
}
