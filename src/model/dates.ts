/**
 * The moment (milliseconds since 1970) at which something ends that is dated `2027-01-31`, a day it still holds on, or
 * `2027-01-31T18:00:00Z`. Undefined where there is no such day or time: Date would read 2027-02-31 as the third of March.
 */
export function endOf(text: string): number | undefined {
  const isDay = /^\d{4}-\d{2}-\d{2}$/.test(text);
  if (!isDay && !/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/.test(text)) return undefined;
  const start = Date.parse(isDay ? `${text}T00:00:00Z` : text);
  if (Number.isNaN(start) || !new Date(start).toISOString().startsWith(text.replace("Z", ""))) return undefined;
  return isDay ? start + DAY_MS : start;
}

/** The day (`2027-01-31`, UTC) so many days after the one that a moment is in, and the moment at which it ends. */
export function dayAfter(moment: number, days: number): { readonly day: string; readonly end: number } {
  const start = (Math.floor(moment / DAY_MS) + days) * DAY_MS;
  return { day: new Date(start).toISOString().slice(0, 10), end: start + DAY_MS };
}

/** A moment as Kubernetes writes it, in whole seconds: `2026-11-21T17:00:00Z` */
export function timestamp(moment: number): string {
  return new Date(moment).toISOString().replace(/\.\d+Z$/, "Z");
}

export const DAY_MS = 24 * 60 * 60 * 1000;
