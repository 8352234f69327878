import { setTimeout as sleep } from "node:timers/promises";

/** Calls `check` until it no longer throws; after the limit its last error is thrown. */
export async function eventually<T>(check: () => T | Promise<T>, limitMs = 10_000): Promise<T> {
  const end = Date.now() + limitMs;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (Date.now() > end) throw error;
      await sleep(25);
    }
  }
}
