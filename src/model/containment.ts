import { type Addresses, isWithinAddresses, unionAddresses } from "./cidr.ts";
import type { AddressPeer, Clause, Peer, PodPeer, Port } from "./policy.ts";
import type { Selector } from "./selector.ts";

/**
 * Whether something allows nothing but what something else allows, told from how it is written: sound, so "yes" is
 * certain, and incomplete, so "no" may only mean that it takes more than a look. For clauses of policies that select
 * the same Pods or fewer.
 */
export interface Containment {
  /** Is all that `inner` opens opened by one of `outers` alone? */
  readonly isClauseWithin: (inner: Clause, outers: readonly Clause[]) => boolean;
}

/**
 * Pairs that one question may compare. Beyond it the answer is "no": thousands of peers against thousands of others
 * would take seconds, and whoever writes them would decide about them.
 */
const MOST_COMPARISONS = 50_000;

export function createContainment(): Containment {
  let left = MOST_COMPARISONS;
  const some = <T>(items: readonly T[], holds: (item: T) => boolean): boolean =>
    items.some((item) => left-- > 0 && holds(item));

  const isPeerWithin = (inner: Peer, outers: readonly Peer[]): boolean =>
    inner.kind === "pods" && some(outers, (outer) => outer.kind === "pods" && isPodPeerWithin(inner, outer));

  const isWithinOne = (inner: Clause, outer: Clause): boolean => {
    if (inner.direction !== outer.direction || !isWithinPorts(inner.ports, outer.ports)) return false;
    if (outer.peers === "anyone") return true;
    if (inner.peers === "anyone") return false;
    const { peers } = outer;
    const others = inner.peers.filter((peer) => peer.kind !== "addresses");
    return (
      isWithinAddresses(addressesOf(inner.peers), addressesOf(peers)) &&
      others.every((peer) => isPeerWithin(peer, peers))
    );
  };

  const isWithinPorts = (inner: Clause["ports"], outer: Clause["ports"]): boolean => {
    if (outer === "all") return true;
    return inner !== "all" && inner.every((port) => some(outer, (other) => isPortWithin(port, other)));
  };

  return { isClauseWithin: (inner, outers) => some(outers, (outer) => isWithinOne(inner, outer)) };
}

/** Does a selector match nothing but what another matches? It does if it asks for all that the other asks for. */
export function isSelectorWithin(inner: Selector, outer: Selector): boolean {
  const own = requirementTexts(inner);
  return [...requirementTexts(outer)].every((asked) => own.has(asked));
}

/** One text for each, whatever the order of its values and however often one is there. */
function requirementTexts(selector: Selector): ReadonlySet<string> {
  const texts =
    TEXTS.get(selector) ??
    new Set(
      selector.requirements.map(({ key, operator, values }) =>
        JSON.stringify([key, operator, [...new Set(values)].toSorted()]),
      ),
    );
  TEXTS.set(selector, texts);
  return texts;
}

/** A selector is compared with many others, and may ask for thousands of things. */
const TEXTS = new WeakMap<Selector, ReadonlySet<string>>();

function isPodPeerWithin(inner: PodPeer, outer: PodPeer): boolean {
  if (!isSelectorWithin(inner.pods, outer.pods)) return false;
  if (outer.namespaces === "own") return inner.namespaces === "own";
  // The own namespace is among all of them; whether it is among some cannot be told from here.
  if (inner.namespaces === "own") return outer.namespaces.requirements.length === 0;
  return isSelectorWithin(inner.namespaces, outer.namespaces);
}

function addressesOf(peers: readonly Peer[]): Addresses {
  return unionAddresses(
    peers.filter((peer): peer is AddressPeer => peer.kind === "addresses").map((peer) => peer.addresses),
  );
}

function isPortWithin(inner: Port, outer: Port): boolean {
  if (inner.protocol !== outer.protocol) return false;
  if (outer.port === undefined) return true;
  if (typeof inner.port !== "number" || typeof outer.port !== "number") return inner.port === outer.port;
  return inner.port >= outer.port && (inner.endPort ?? inner.port) <= (outer.endPort ?? outer.port);
}
