import { setTimeout as sleep } from "node:timers/promises";

/** Asks again and again, and throws when it takes too long. `everyMs` is also how exact a time is that ends with it. */
export async function until(
  what: string,
  isSo: () => Promise<boolean>,
  { limitMs, everyMs }: { readonly limitMs: number; readonly everyMs: number },
): Promise<void> {
  const end = performance.now() + limitMs;
  while (!(await isSo())) {
    if (performance.now() > end) throw new Error(`not so after ${limitMs / 1000} s: ${what}`);
    await sleep(everyMs);
  }
}
