import type { KubernetesObject } from "../model/objects.ts";

/** A Lease of coordination.k8s.io/v1. */
export interface Lease extends KubernetesObject {
  readonly spec?: LeaseSpec;
}

export interface LeaseSpec {
  /** Empty: nobody, it was given back. */
  readonly holderIdentity?: string | null;
  readonly leaseDurationSeconds?: number | null;
  readonly acquireTime?: string | null;
  readonly renewTime?: string | null;
  /** How often the holder has changed. */
  readonly leaseTransitions?: number | null;
}

/** What was last seen of a record, and since when it has been so, by our own monotonic clock. */
export interface Seen {
  /** The resourceVersion; undefined: there was no record. */
  readonly version: string | undefined;
  readonly at: number;
}

/**
 * Notes what was read just now. A record that vanishes is a change like any other: its holder may not know of it yet. One
 * that was not there from the beginning has no holder.
 */
export function see(lease: Lease | undefined, before: Seen | undefined, now: number): Seen {
  const version = lease?.metadata?.resourceVersion;
  if (before === undefined) return { version, at: lease === undefined ? Number.NEGATIVE_INFINITY : now };
  return version === before.version ? before : { version, at: now };
}

/**
 * Whether this candidate may take the record as it was seen: nobody's, its own, or unchanged for as long as its holder
 * asked for. The times in the record are other machines' and tell nothing.
 */
export function isFree(lease: Lease | undefined, { at }: Seen, { identity, leaseMs, now }: Candidate): boolean {
  const holder = lease?.spec?.holderIdentity;
  if (lease !== undefined && (!holder || holder === identity)) return true;
  // A holder of another version may have asked for longer.
  const asked = (lease?.spec?.leaseDurationSeconds ?? 0) * 1000;
  return now - at >= Math.max(leaseMs, asked);
}

export interface Candidate {
  readonly identity: string;
  readonly leaseMs: number;
  readonly now: number;
}

/** The spec by which this candidate takes or renews the record. */
export function heldBy(identity: string, before: LeaseSpec | undefined, leaseMs: number, date: Date): LeaseSpec {
  const isRenewal = before?.holderIdentity === identity;
  const transitions = before?.leaseTransitions ?? 0;
  return {
    ...before,
    holderIdentity: identity,
    // Whole seconds, and never fewer than meant.
    leaseDurationSeconds: Math.ceil(leaseMs / 1000),
    acquireTime: (isRenewal && before.acquireTime) || microTime(date),
    renewTime: microTime(date),
    leaseTransitions: isRenewal || before === undefined ? transitions : transitions + 1,
  };
}

/** The spec by which the holder gives it back. */
export function givenBack(before: LeaseSpec | undefined, date: Date): LeaseSpec {
  return { ...before, holderIdentity: "", leaseDurationSeconds: 1, renewTime: microTime(date) };
}

/** "2026-11-21T16:10:33.120000Z": the API server's MicroTime takes six digits, neither more nor fewer. */
export function microTime(date: Date): string {
  return date.toISOString().replace("Z", "000Z");
}
