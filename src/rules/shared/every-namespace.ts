import { type Clause, podPeersOf, type Policy } from "../../model/policy.ts";
import { isUnbounded, selectsEveryNamespace } from "../../model/selector.ts";

export interface EveryNamespacePeer {
  readonly clause: Clause;
  /** The namespaceSelector. */
  readonly path: string;
  /** As it stands in a sentence. */
  readonly who: string;
}

/** Peers whose namespaceSelector rules out hardly anything, with a podSelector beside it or without. */
export function everyNamespacePeersOf(policy: Pick<Policy, "clauses">): EveryNamespacePeer[] {
  return podPeersOf(policy).flatMap(({ peer, clause }) => {
    if (peer.namespaces === "own" || !selectsEveryNamespace(peer.namespaces)) return [];
    const who = isUnbounded(peer.pods)
      ? "every Pod of every namespace"
      : "any Pod of every namespace that carries the label";
    return [{ clause, path: peer.namespaces.path, who }];
  });
}
