import { type Addresses, isWithinAddresses, unionAddresses } from "./cidr.ts";
import type { AddressPeer, Clause, Peer, PodPeer, Port } from "./policy.ts";
import type { Requirement, Selector } from "./selector.ts";

/**
 * Whether something allows nothing but what something else allows, told from how it is written: sound, so "yes" is
 * certain, and incomplete, so "no" may only mean that it takes more than a look. For clauses of policies that select
 * the same Pods or fewer.
 */
export interface Containment {
  /** Is all that `inner` opens opened by `outers`, each of its ports to each of its peers by one of them? */
  readonly isClauseWithin: (inner: Clause, outers: readonly Clause[]) => boolean;
}

/**
 * Pairs that one question may compare. Beyond it the answer is "no": thousands of peers against thousands of others
 * would take seconds, and whoever writes them would decide about them.
 */
const MOST_COMPARISONS = 50_000;

/** Of these, so many are left to clauses that are as they were, or narrower, which takes few to see. */
const RESERVED = MOST_COMPARISONS / 2;

export function createContainment(): Containment {
  let left = MOST_COMPARISONS;
  const some = <T>(items: readonly T[], holds: (item: T) => boolean): boolean =>
    items.some((item) => left-- > 0 && holds(item));

  const isPeerWithin = (inner: Peer, outers: readonly Peer[]): boolean =>
    inner.kind === "pods" && some(outers, (outer) => outer.kind === "pods" && isPodPeerWithin(inner, outer));

  const arePeersWithin = (inner: Clause["peers"], outers: readonly Clause[]): boolean => {
    if (outers.some(({ peers }) => peers === "anyone")) return true;
    if (inner === "anyone") return false;
    const peers = outers.flatMap((outer) => (outer.peers === "anyone" ? [] : outer.peers));
    const others = inner.filter((peer) => peer.kind !== "addresses");
    return (
      isWithinAddresses(addressesOf(inner), addressesOf(peers)) && others.every((peer) => isPeerWithin(peer, peers))
    );
  };

  const isWithinPorts = (inner: Clause["ports"], outer: Clause["ports"]): boolean => {
    if (outer === "all") return true;
    return inner !== "all" && inner.every((port) => some(outer, (other) => isPortWithin(port, other)));
  };

  const isWithinOne = (inner: Clause, outer: Clause): boolean =>
    inner.direction === outer.direction &&
    isWithinPorts(inner.ports, outer.ports) &&
    arePeersWithin(inner.peers, [outer]);

  /** Clauses may have been put together: then what opens a port is looked for port by port. */
  const isWithinSeveral = (inner: Clause, outers: readonly Clause[]): boolean => {
    const ports = inner.ports === "all" ? ["all" as const] : inner.ports.map((port) => [port]);
    return ports.every((port) => {
      const opening = outers.filter(
        ({ direction, ports: others }) => direction === inner.direction && isWithinPorts(port, others),
      );
      left -= peerCount(inner) + opening.reduce((sum, outer) => sum + peerCount(outer), 0);
      return left > RESERVED && arePeersWithin(inner.peers, opening);
    });
  };

  return {
    isClauseWithin: (inner, outers) =>
      some(outers, (outer) => isWithinOne(inner, outer)) || (left > RESERVED && isWithinSeveral(inner, outers)),
  };
}

function peerCount({ peers }: Clause): number {
  return peers === "anyone" ? 1 : peers.length;
}

/** Does a selector match nothing but what another matches? It does if what it asks of each label says all that the other asks. */
export function isSelectorWithin(inner: Selector, outer: Selector): boolean {
  const demands = demandsOf(inner);
  return outer.requirements.every((requirement) => isMet(requirement, demands.get(requirement.key)));
}

/** All that a selector asks of one label. */
interface Demand {
  /** Undefined where any value will do. */
  readonly allowed: ReadonlySet<string> | undefined;
  readonly excluded: ReadonlySet<string>;
  readonly isThere: boolean;
  readonly isAbsent: boolean;
}

/** Each list is gone through only as far as it is met, so that thousands of requirements cost what they hold. */
function isMet({ operator, values }: Requirement, demand: Demand | undefined): boolean {
  if (demand === undefined) return false;
  const { allowed, excluded, isThere, isAbsent } = demand;
  switch (operator) {
    case "In": {
      const asked = new Set(values);
      return allowed !== undefined && [...allowed].every((value) => asked.has(value));
    }
    case "NotIn":
      return isAbsent || values.every((value) => excluded.has(value) || allowed?.has(value) === false);
    case "Exists":
      return isThere;
    case "DoesNotExist":
      return isAbsent;
    default:
      return false;
  }
}

function demandsOf(selector: Selector): ReadonlyMap<string, Demand> {
  const demands =
    DEMANDS.get(selector) ??
    new Map([...Map.groupBy(selector.requirements, ({ key }) => key)].map(([key, onKey]) => [key, demandOf(onKey)]));
  DEMANDS.set(selector, demands);
  return demands;
}

/** A selector is compared with many others, and may ask for thousands of things. */
const DEMANDS = new WeakMap<Selector, ReadonlyMap<string, Demand>>();

function demandOf(requirements: readonly Requirement[]): Demand {
  const has = (...operators: string[]) => requirements.some(({ operator }) => operators.includes(operator));
  const lists = requirements.filter(({ operator }) => operator === "In").map(({ values }) => new Set(values));
  const excluded = requirements.filter(({ operator }) => operator === "NotIn").flatMap(({ values }) => values);
  return {
    allowed:
      lists.length === 0
        ? undefined
        : lists.reduce((left, list) => new Set([...left].filter((value) => list.has(value)))),
    excluded: new Set(excluded),
    isThere: has("In", "Exists"),
    isAbsent: has("DoesNotExist"),
  };
}

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
