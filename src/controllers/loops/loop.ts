import { type Backoff, pause, retryMs } from "../../cluster/backoff.ts";

export interface LoopOptions {
  /** Level-triggered: looks at how things are and does what is to be done. */
  readonly look: () => Promise<void>;
  readonly onError: (error: unknown, retryInMs: number) => void;
  /** Without being woken it looks this often. */
  readonly everyMs: number;
  readonly backoff: Backoff;
  readonly signal: AbortSignal;
}

export interface Loop {
  /** Looks again, now or as soon as it has looked; after a failure not before the wait for that is over. */
  readonly wake: () => void;
  /** Resolves when the signal has ended it. */
  readonly ended: Promise<void>;
}

export function startLoop({ look, onError, everyMs, backoff, signal }: LoopOptions): Loop {
  let sleep = new AbortController();
  const wake = (): void => sleep.abort();
  signal.addEventListener("abort", wake, { once: true });
  const run = async (): Promise<void> => {
    let failures = 0;
    while (!signal.aborted) {
      sleep = new AbortController();
      try {
        await look();
        failures = 0;
        await pause(everyMs, sleep.signal);
      } catch (error) {
        if (signal.aborted) return;
        failures += 1;
        const retryInMs = retryMs(error, failures, backoff);
        onError(error, retryInMs);
        await pause(retryInMs, signal);
      }
    }
  };
  const ended = run();
  return { wake, ended };
}
