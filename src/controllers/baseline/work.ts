import type { Due } from "../../baseline/due.ts";
import type { NetworkPolicy } from "../../model/network-policy.ts";
import type { Namespace } from "../../model/objects.ts";
import type { Recorder } from "../events.ts";
import type { Dues } from "./dues.ts";
import { type Conflict, type HealDeps, healBaseline, releasePolicies } from "./heal.ts";
import type { Applied } from "./policies.ts";
import { reconcileBaseline } from "./reconcile.ts";
import { type Telling, tellOfAdoption, tellOfConflict, tellOfHealing, tellOfRelease } from "./tell.ts";

/** What it takes to do something in a namespace, and to tell of it. */
export interface Work extends Omit<HealDeps, "client">, Telling {
  readonly client: HealDeps["client"] & Parameters<Recorder>[2];
  readonly dues: Dues;
  readonly cached: { readonly policiesIn: (namespace: string) => readonly NetworkPolicy[] };
  /** Called with a namespace that takes Pods from now on. Never rejects. */
  readonly wake: (namespace: Namespace) => Promise<void>;
}

/** One that waits gets its baseline, and then takes Pods. */
export async function finishNamespace(namespace: Namespace, work: Work): Promise<void> {
  const { log, metrics, dues, wake } = work;
  const name = nameOf(namespace);
  const start = performance.now();
  const result = await reconcileBaseline(name, work);
  if (result.outcome === "nothing") return;
  if (result.outcome === "conflict") {
    toldOf(result, namespace, work);
    return;
  }
  metrics.baselineNamespaces.inc({ outcome: result.outcome });
  dues.forgetConflict(name);
  const stoodOpen = Date.parse(result.since ?? "") - Date.parse(result.namespace.metadata?.creationTimestamp ?? "");
  // A policy that was there before the namespace is a restored one.
  if (!Number.isNaN(stoodOpen)) metrics.unprotectedSeconds.observe(Math.max(0, stoodOpen / 1000));
  const ms = Math.round(performance.now() - start);
  log.info({ namespace: name, baseline: result.baseline, applied: result.applied, ms }, "baseline finished");
  await wake(result.namespace);
}

export interface HealingOptions {
  /** Only what does not wait for its turn in a rollout. */
  readonly isUrgentOnly: boolean;
  /** Something was written. */
  readonly onApplied: () => void;
}

/** One that is finished has again what it lacks, and no more what it is to lose. */
export async function healNamespace(
  namespace: Namespace,
  { claim, baseline = "", isLoss }: Due,
  { isUrgentOnly, onApplied }: HealingOptions,
  work: Work,
): Promise<void> {
  const { dues, client } = work;
  const name = nameOf(namespace);
  const applied: Applied[] = [];
  const how = {
    factsOf: (live: Namespace) => dues.factsOf(live),
    isUrgentOnly,
    onApplied: (one: Applied) => void applied.push(one),
  };
  try {
    const conflict = await healBaseline(name, work, how);
    if (conflict === undefined) dues.forgetConflict(name);
    else toldOf(conflict, namespace, work);
  } finally {
    if (applied.length > 0) {
      onApplied();
      tellOfHealing(namespace, applied, isLoss, work, client);
      const isAdopted = claim === "adopted" || (claim === "new" && !isLoss);
      if (isAdopted) tellOfAdoption(namespace, baseline, applied, work, client);
    }
  }
}

/** One that no baseline governs any longer loses what is to go; its owner hears of all. */
export async function releaseNamespace(namespace: Namespace, work: Work): Promise<void> {
  const released = await releasePolicies(nameOf(namespace), work, work.cached.policiesIn);
  if (released !== undefined) tellOfRelease(namespace, released, work, work.client);
}

function toldOf(conflict: Conflict, namespace: Namespace, work: Work): void {
  const { dues, metrics, client } = work;
  const name = nameOf(namespace);
  metrics.baselineNamespaces.inc({ outcome: "conflict" });
  if (!dues.isNews(name, conflict.conflicts)) return;
  dues.told(name, conflict.conflicts);
  tellOfConflict(namespace, conflict, work, client);
}

function nameOf({ metadata }: Namespace): string {
  return metadata?.name ?? "";
}
