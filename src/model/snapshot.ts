import type { Backend } from "./backends.ts";
import { type NetworkPolicy, toPolicy } from "./network-policy.ts";
import type { Policy } from "./policy.ts";

/**
 * What else there is in the namespace of an object that is judged, as far as it is known. There may be more than it
 * holds: what is unknown is never a violation.
 */
export interface Snapshot {
  /**
   * Is this all that there will be, as in a set of files? At admission objects come one by one, and what is missing may
   * be the next: there nothing is refused for want of it.
   */
  readonly isWhole: boolean;
  /** What the API server calls in this namespace. */
  readonly backends: readonly Backend[];
  /** Its NetworkPolicies; among them may be the one that is judged, as it was before. There may be thousands. */
  readonly policies: () => readonly Policy[];
}

interface SnapshotParts extends Pick<Snapshot, "isWhole" | "backends"> {
  readonly policies: () => readonly NetworkPolicy[];
}

/** Policies are read only when a rule asks for them, and each once: objects must be replaced by others, not changed. */
export function snapshotOf({ isWhole, backends, policies }: SnapshotParts): Snapshot {
  return { isWhole, backends, policies: () => policies().map(readOnce) };
}

function readOnce(object: NetworkPolicy): Policy {
  const policy = READ.get(object) ?? toPolicy(object);
  READ.set(object, policy);
  return policy;
}

const READ = new WeakMap<NetworkPolicy, Policy>();
