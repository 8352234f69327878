import type { Authority, Leaf, Signer } from "./inspect.ts";
import { type Lives, renewAt } from "./lives.ts";

/**
 * What is kept of our CAs. Two rules make that a client which trusts the bundle accepts every certificate in use, at
 * every moment: nothing is signed by a CA before the bundle with it has settled, and none leaves the bundle before the
 * last certificate that it signed has ended. All here is pure.
 */
export interface Generations {
  /** Signs certificates. */
  readonly ca: Signer;
  /** In the bundle already; will sign when that has settled. */
  readonly next?: Signer;
  /** Signed once. Their keys are forgotten. */
  readonly previous: readonly Authority[];
  /** When `ca` began to sign, and so the previous ones ended. */
  readonly since: number;
}

/** What the webhook configurations say, as we see them. */
export interface Observed {
  /** Whether there are any: else nobody verifies anything. */
  readonly registered: boolean;
  /** The CAs that every webhook carries, and for how long we have seen that, by a clock that nobody sets. */
  readonly carried: ReadonlyMap<string, number>;
  /** The CAs that any of them carries. */
  readonly trusted: readonly Authority[];
}

/** PEM of all whom clients are to trust. */
export function bundleOf({ ca, next, previous }: Generations): string {
  return authoritiesOf({ ca, ...(next && { next }), previous })
    .map(({ cert }) => cert)
    .join("");
}

function authoritiesOf({ ca, next, previous }: Omit<Generations, "since">): readonly Authority[] {
  return [ca, ...(next === undefined ? [] : [next]), ...previous];
}

/** What the leader is to do next: write these generations; `make` needs a CA that has just been issued. */
export type Step =
  | { readonly what: "issue"; readonly make: (fresh: Signer) => Generations }
  | { readonly what: "prepare"; readonly make: (fresh: Signer) => Generations }
  | { readonly what: "restore" | "adopt" | "switch" | "drop"; readonly make: () => Generations };

export interface Situation {
  /** What the Secret holds; undefined where it is missing or cannot be used. */
  readonly stored: Generations | undefined;
  /** What it held last, as far as this process knows: certificates that are in use were signed by it. */
  readonly remembered: Generations | undefined;
  readonly observed: Observed;
}

export function nextStep({ stored, remembered, observed }: Situation, now: number, lives: Lives): Step | undefined {
  const known = stored ?? remembered;
  if (known === undefined || !isValid(known.ca, now)) {
    // There is nothing to wait for: no certificate of this CA is accepted anyway.
    if (known?.next !== undefined && isValid(known.next, now)) return switchOf(known, known.next, now);
    const others = [...(known === undefined ? [] : authoritiesOf(known)), ...observed.trusted];
    const previous = unique(others).filter(({ notAfter }) => notAfter > now);
    return { what: "issue", make: (ca) => ({ ca, previous, since: now }) };
  }
  const { ca, next, previous, since } = known;
  const hasNext = next !== undefined && next.notAfter > now;
  const prepare: Step = { what: "prepare", make: (fresh) => ({ ca, next: fresh, previous, since }) };
  // Who deletes the Secret wants another CA, but not that certificates in use are refused.
  if (stored === undefined) return hasNext ? { what: "restore", make: () => known } : prepare;
  const unknown = unknownTo(known, observed).filter(({ notAfter }) => notAfter > now);
  if (unknown.length > 0) {
    return { what: "adopt", make: () => ({ ...known, previous: unique([...previous, ...unknown]), since: now }) };
  }
  if (!hasNext && (next !== undefined || now >= renewAt(ca, lives))) return prepare;
  if (hasNext && hasSettled(next, observed, lives)) return switchOf(known, next, now);
  // A server hears of the switch in less time than a bundle needs to settle; what it signed until then lives so long.
  if (previous.length > 0 && now >= since + lives.settleMs + lives.leafMs) {
    return { what: "drop", make: () => ({ ca, ...(next && { next }), previous: [], since }) };
  }
  return undefined;
}

/**
 * Where the Secret was replaced or restored from a backup it names a CA that nobody was told of, and forgets those that
 * signed what is in use. (Who takes one out of the bundle on purpose leaves a CA that is known.)
 */
function unknownTo(generations: Generations, { registered, trusted }: Observed): readonly Authority[] {
  if (!registered || trusted.some(({ id }) => id === generations.ca.id)) return [];
  const known = new Set(authoritiesOf(generations).map(({ id }) => id));
  return trusted.filter(({ id }) => !known.has(id));
}

function switchOf({ ca, previous }: Generations, next: Signer, now: number): Step {
  const { key: _, ...old } = ca;
  return { what: "switch", make: () => ({ ca: next, previous: unique([old, ...previous]), since: now }) };
}

/**
 * By whom a server's certificate is to be signed now; undefined: it stays as it is. A Secret that was deleted, restored
 * or replaced names a CA that nobody was told of yet: while the certificate in use is still trusted, that has time.
 */
export function signerFor(
  { ca }: Generations,
  leaf: Leaf | undefined,
  observed: Observed,
  now: number,
  lives: Lives,
): Signer | undefined {
  if (ca.notAfter <= now) return undefined;
  if (leaf === undefined || !isValid(leaf, now)) return ca;
  if (leaf.issuer === ca.id) return now >= renewAt(leaf, lives) ? ca : undefined;
  const isTrusted = observed.registered && observed.carried.has(leaf.issuer);
  return isTrusted && !hasSettled(ca, observed, lives) ? undefined : ca;
}

/** Why a server with this certificate is not to be asked; undefined: it may be. */
export function whyUntrusted(leaf: Leaf | undefined, observed: Observed, now: number): string | undefined {
  if (leaf === undefined) return "there is none yet: no CA has been read that could sign it";
  if (leaf.notAfter <= now) return `it ended at ${new Date(leaf.notAfter).toISOString()}`;
  if (!observed.registered || observed.carried.has(leaf.issuer)) return undefined;
  return "the webhook configurations do not carry the CA that signed it";
}

function hasSettled({ id }: Authority, { registered, carried }: Observed, { settleMs }: Lives): boolean {
  return !registered || (carried.get(id) ?? -1) >= settleMs;
}

/** The start counts too: by a clock that was ahead something is made that nobody accepts yet. */
function isValid({ notBefore, notAfter }: { readonly notBefore: number; readonly notAfter: number }, now: number) {
  return notBefore <= now && now < notAfter;
}

/** Without their keys. */
function unique(authorities: readonly Authority[]): readonly Authority[] {
  return [
    ...new Map(
      authorities.map(({ cert, id, name, notBefore, notAfter }) => [id, { cert, id, name, notBefore, notAfter }]),
    ).values(),
  ];
}
