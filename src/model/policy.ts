import type { Addresses } from "./cidr.ts";
import type { Labels, ObjectRef } from "./objects.ts";
import type { PortSet } from "./ports.ts";
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
  /** What these come to. */
  readonly portSet: PortSet;
  readonly path: string;
}

/** Pods (absent selectors spelt out), addresses, or a form of peer that this version does not know. */
export type Peer = PodPeer | AddressPeer | { readonly kind: "unknown"; readonly path: string };

export interface PodPeer {
  readonly kind: "pods";
  readonly namespaces: Selector | "own";
  /** Where none is written, every Pod, with the path of the peer. */
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
export function podPeersOf({ clauses }: Pick<Policy, "clauses">): { peer: PodPeer; clause: Clause }[] {
  const found: { peer: PodPeer; clause: Clause }[] = [];
  for (const clause of clauses) {
    for (const peer of peersOf(clause)) if (peer.kind === "pods") found.push({ peer, clause });
  }
  return found;
}

/** Every peer that is addresses, with the clause it stands in. */
export function addressPeersOf({ clauses }: Pick<Policy, "clauses">): { peer: AddressPeer; clause: Clause }[] {
  const found: { peer: AddressPeer; clause: Clause }[] = [];
  for (const clause of clauses) {
    for (const peer of peersOf(clause)) if (peer.kind === "addresses") found.push({ peer, clause });
  }
  return found;
}

/** Every selector, of Pods and of namespaces, wherever it stands. */
export function selectorsOf(policy: Policy): Selector[] {
  const found = [policy.selects];
  for (const { peer } of podPeersOf(policy)) {
    if (peer.namespaces !== "own") found.push(peer.namespaces);
    found.push(peer.pods);
  }
  return found;
}

/** Every selector of Pods: those that the policy is for, and its peers. */
export function podSelectorsOf(policy: Policy): Selector[] {
  return [policy.selects, ...podPeersOf(policy).map(({ peer }) => peer.pods)];
}

function peersOf({ peers }: Clause): readonly Peer[] {
  return peers === "anyone" ? [] : peers;
}
