import type { Addresses } from "./cidr.ts";
import type { Labels, ObjectRef } from "./objects.ts";
import type { Selector } from "./selector.ts";

/**
 * One shape for what every kind of network policy says. Kubernetes' own form is full of absences with a meaning
 * ("no `from`" is everyone, "no policyTypes" is a guess); here each of them is spelt out, so that rules read as their
 * sentences do. Paths are JSON Pointers into the object as stored.
 */
export interface Policy {
  readonly ref: ObjectRef;
  readonly annotations: Labels;
  /** The Pods of its own namespace that it applies to. */
  readonly selects: Selector;
  readonly isolates: readonly Direction[];
  readonly clauses: readonly Clause[];
}

export type Direction = "ingress" | "egress";

/** One entry under `ingress` or `egress`. */
export interface Clause {
  readonly direction: Direction;
  readonly peers: readonly Peer[] | "anyone";
  readonly ports: readonly Port[] | "all";
  readonly path: string;
}

/** Pods (absent selectors spelt out), addresses, or a form of peer that this version does not know. */
export type Peer = PodPeer | AddressPeer | { readonly kind: "unknown"; readonly path: string };

export interface PodPeer {
  readonly kind: "pods";
  readonly namespaces: Selector | "own";
  readonly pods: Selector;
  readonly path: string;
}

export interface AddressPeer {
  readonly kind: "addresses";
  readonly cidr: string;
  readonly except: readonly string[];
  /** What these two come to. */
  readonly addresses: Addresses;
  readonly path: string;
}

/** `port` absent: every port of the protocol. A name stands for what the destination's container calls so. */
export interface Port {
  readonly protocol: string;
  readonly port?: number | string;
  readonly endPort?: number;
  readonly path: string;
}

/** Every peer that is Pods, with the clause it stands in. */
export function podPeersOf(policy: Policy): { peer: PodPeer; clause: Clause }[] {
  return peersOf(policy).flatMap(({ peer, clause }) => (peer.kind === "pods" ? [{ peer, clause }] : []));
}

/** Every peer that is addresses, with the clause it stands in. */
export function addressPeersOf(policy: Policy): { peer: AddressPeer; clause: Clause }[] {
  return peersOf(policy).flatMap(({ peer, clause }) => (peer.kind === "addresses" ? [{ peer, clause }] : []));
}

/** Every selector, of Pods and of namespaces, wherever it stands. */
export function selectorsOf(policy: Policy): Selector[] {
  return [
    policy.selects,
    ...podPeersOf(policy).flatMap(({ peer }) =>
      peer.namespaces === "own" ? [peer.pods] : [peer.namespaces, peer.pods],
    ),
  ];
}

function peersOf(policy: Policy): { peer: Peer; clause: Clause }[] {
  return policy.clauses.flatMap((clause) =>
    clause.peers === "anyone" ? [] : clause.peers.map((peer) => ({ peer, clause })),
  );
}
