import { hostCidr } from "../model/cidr.ts";
import { canonical } from "../model/json.ts";
import { NAMESPACE_NAME_LABEL } from "../model/names.ts";
import type { Labels } from "../model/objects.ts";

/** Where something of the cluster answers; or why that is not known. */
export type Located =
  | {
      readonly isKnown: true;
      readonly servers: readonly Server[];
      /** There is more, of which it cannot be told now where it answers. */
      readonly isPart?: boolean;
    }
  | { readonly isKnown: false; readonly why: string };

/** Something that answers, by what a NetworkPolicy can name it. */
export interface Server {
  /** What told of it: `Service kube-system/kube-dns`. */
  readonly source: string;
  readonly peers: readonly Peer[];
  readonly ports: readonly Port[];
}

export type Peer =
  | { readonly namespace: string; readonly labels: Labels }
  /** One address, or a range of them with its prefix. */
  | { readonly address: string };

/** Of a Pod, in the form that the API server stores. A name is looked up at each Pod. */
export interface Port {
  readonly port: number | string;
  readonly protocol: "TCP" | "UDP";
}

export interface EgressClause {
  readonly to: readonly object[];
  readonly ports: readonly Port[];
}

export const NOT_LOOKED_FOR: Located = { isKnown: false, why: "it has not been looked for yet" };

export function tcp(ports: readonly (number | string)[]): Port[] {
  return ports.map((port) => ({ port, protocol: "TCP" }));
}

/**
 * What opens the way to all of them, in the form that the API server stores. Peers with the same ports are one clause,
 * in an order that does not depend on that of the objects.
 */
export function egressTo(servers: readonly Server[]): EgressClause[] {
  const clauses = new Map<string, { ports: readonly Port[]; peers: Peer[] }>();
  for (const { peers, ports } of servers) {
    const clause = clauses.get(canonical(ports)) ?? { ports, peers: [] };
    clause.peers.push(...peers);
    clauses.set(canonical(ports), clause);
  }
  return sorted(clauses).map(({ ports, peers }) => ({ to: policyPeers(peers), ports }));
}

/** As entries of `from` or `to`, each once. */
export function policyPeers(peers: readonly Peer[]): object[] {
  return sorted(new Map(peers.map(policyPeer).map((peer) => [canonical(peer), peer])));
}

function policyPeer(peer: Peer): object {
  if ("address" in peer) {
    return { ipBlock: { cidr: peer.address.includes("/") ? peer.address : hostCidr(peer.address) } };
  }
  return {
    namespaceSelector: { matchLabels: { [NAMESPACE_NAME_LABEL]: peer.namespace } },
    podSelector: { matchLabels: peer.labels },
  };
}

function sorted<T>(byText: ReadonlyMap<string, T>): T[] {
  return [...byText].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, value]) => value);
}
