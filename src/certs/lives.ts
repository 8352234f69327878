import { DAY_MS } from "../model/dates.ts";

/** How long certificates live and how rotation paces itself, in milliseconds. */
export interface Lives {
  readonly caMs: number;
  readonly leafMs: number;
  /** How long a new CA stands in the webhook configurations, as we see them, before anything is signed by it. */
  readonly settleMs: number;
  /** Certificates begin this long before they are made: a client whose clock is behind must find them valid. */
  readonly backdateMs: number;
}

const HOUR_MS = 60 * 60 * 1000;

/** An API server hears of a change within a second; 5 minutes is for one that is cut off from its etcd for a while. */
export const LIVES: Lives = {
  caMs: 365 * DAY_MS,
  leafMs: 7 * DAY_MS,
  settleMs: 5 * 60 * 1000,
  backdateMs: HOUR_MS,
};

/** When two thirds of a life are over. What comes before it was made (the backdating) is not counted. */
export function renewAt(of: { readonly notBefore: number; readonly notAfter: number }, { backdateMs }: Lives): number {
  return of.notAfter - Math.max(of.notAfter - of.notBefore - backdateMs, 0) / 3;
}
