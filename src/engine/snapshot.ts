import { BACKEND_PREFIX } from "../baseline/policy-names.ts";
import { isOfBaseline } from "../baseline/protection.ts";
import type { NetworkPolicy } from "../model/network-policy.ts";
import { type Snapshot, snapshotOf } from "../model/snapshot.ts";
import type { Configuration } from "./configuration.ts";

/** The policies of a namespace, and whether there will be no others. */
export interface Surrounding {
  readonly isWhole: boolean;
  readonly policiesIn: (namespace: string) => readonly NetworkPolicy[];
}

/** What is known of a namespace beside the object that is judged; undefined: nothing that any rule looks at. */
export function snapshotIn(
  namespace: string,
  { backends }: Pick<Configuration, "backends">,
  { isWhole, policiesIn }: Surrounding,
): Snapshot | undefined {
  const called = backends.get(namespace);
  if (called === undefined) return undefined;
  const policies = policiesIn(namespace);
  // These a baseline keeps open itself, to whatever it says that calls come from.
  const kept = new Set(policies.filter(isOfBaseline).map(({ metadata }) => metadata?.name));
  const others = called.filter(({ service }) => !kept.has(`${BACKEND_PREFIX}${service}`));
  return others.length === 0 ? undefined : snapshotOf({ isWhole, backends: others, policies: () => policies });
}
