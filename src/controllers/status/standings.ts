import { setImmediate as others } from "node:timers/promises";
import { selectingBaselines } from "../../baseline/govern.ts";
import { plan } from "../../baseline/plan.ts";
import { type Baseline, whyUnarmed } from "../../baseline/resolve.ts";
import { type GovernedNamespace, type Overlap, type Standing, toldSince } from "../../baseline/status.ts";
import { wantedPolicies } from "../../baseline/templates.ts";
import { type Configuration, enforcedBaseline } from "../../engine/configuration.ts";
import type { NetworkPolicy } from "../../model/network-policy.ts";
import { isTerminating, type Namespace } from "../../model/objects.ts";
import { isPending } from "../baseline/reconcile.ts";
import { isDue } from "../baseline/heal.ts";

export interface SurveyDeps {
  readonly configuration: () => Configuration;
  readonly policiesIn: (namespace: string) => readonly NetworkPolicy[];
  /** Why the last try to write policies there failed, where it did. */
  readonly failureOf: (namespace: string) => string | undefined;
  /** Is it known to have had its baseline, whatever is left of that? */
  readonly isOwed: (namespace: Namespace) => boolean;
}

/** Of one baseline that is in force. */
export interface Standings {
  readonly governed: readonly GovernedNamespace[];
  /** Those in which it takes part. */
  readonly overlaps: readonly Overlap[];
}

/**
 * @param statusOf the status that a baseline has now, which may say since when
 * @param now RFC 3339
 * @returns by the names of the baselines in force
 */
export type Survey = (
  namespaces: Iterable<Namespace>,
  statusOf: (baseline: string) => unknown,
  now: string,
) => Promise<ReadonlyMap<string, Standings>>;

/**
 * Looked at in one go, some milliseconds: admission requests are answered in between. To see that nothing has changed
 * takes its time too, the more the more baselines there are: 0.6 s for 5,000 namespaces and 500 of them.
 */
const AT_ONCE = 50;

/**
 * Tells how all namespaces stand with the baselines in force. It is asked every second while things change, so it finds
 * out again only what depends on something that is another than the last time.
 */
export function createSurvey(deps: SurveyDeps): Survey {
  let known = new Map<string, Known>();
  return async (namespaces, statusOf, now) => {
    const configuration = deps.configuration();
    let looked = 0;
    const next = new Map<string, Known>();
    for (const namespace of namespaces) {
      const name = namespace.metadata?.name ?? "";
      const before = known.get(name);
      const facts = factsOf(namespace, configuration, deps);
      const isKnown = before !== undefined && areSame(before.inputs, facts.inputs);
      next.set(name, isKnown ? before : { inputs: facts.inputs, ...viewOf(facts, before, statusOf, now) });
      looked += 1;
      if (looked % AT_ONCE === 0) await others();
    }
    known = next;
    return byBaseline(configuration, next);
  };
}

interface Facts {
  readonly namespace: Namespace;
  readonly configuration: Configuration;
  readonly policies: readonly NetworkPolicy[];
  readonly failure: string | undefined;
  readonly isOwed: boolean;
  /** All of them. Objects of a cache are replaced, never changed, and so is a configuration. */
  readonly inputs: readonly unknown[];
}

interface View {
  /** Of the baseline that governs the namespace, if one does. */
  readonly baseline?: string;
  readonly standing?: Standing;
  readonly since?: string;
  /** Those that select it, where there are several. */
  readonly selecting: readonly string[];
}

interface Known extends View {
  readonly inputs: readonly unknown[];
}

function factsOf(namespace: Namespace, configuration: Configuration, deps: SurveyDeps): Facts {
  const name = namespace.metadata?.name ?? "";
  const policies = deps.policiesIn(name);
  const failure = deps.failureOf(name);
  const isOwed = deps.isOwed(namespace);
  const inputs = [configuration, namespace, failure, isOwed, ...policies];
  return { namespace, configuration, policies, failure, isOwed, inputs };
}

function viewOf(facts: Facts, before: View | undefined, statusOf: (baseline: string) => unknown, now: string): View {
  const { namespace, configuration } = facts;
  if (isTerminating(namespace)) return { selecting: [] };
  const { name = "", labels } = namespace.metadata ?? {};
  const all = selectingBaselines(name, labels ?? {}, configuration.baselines).map(({ metadata }) => metadata.name);
  const selecting = all.length > 1 ? all : [];
  const baseline = enforcedBaseline(name, labels ?? {}, configuration);
  const standing = baseline && standingOf(facts, baseline);
  if (baseline === undefined || standing === undefined) return { selecting };
  const governing = baseline.metadata.name;
  const isUnchanged =
    before?.baseline === governing &&
    before.standing?.state === standing.state &&
    before.standing.message === standing.message;
  const since = (isUnchanged ? before.since : undefined) ?? toldSince(statusOf(governing), name, standing) ?? now;
  return { baseline: governing, standing, since, selecting };
}

/**
 * By the caches, and what was tried. Undefined for a namespace that is left alone: it existed before its baseline, or
 * what that is to give is not known.
 */
function standingOf({ namespace, policies, failure, isOwed }: Facts, baseline: Baseline): Standing | undefined {
  if (whyUnarmed(baseline) !== undefined) return undefined;
  const waits = isPending(namespace);
  if (!waits && !isDue(policies, baseline, isOwed)) return undefined;
  const { apply, conflicts } = plan(policies, wantedPolicies(baseline, namespace.metadata?.name ?? ""));
  if (conflicts.length > 0) {
    return { state: "conflict", message: `not Drawbridge's, and say something else: ${conflicts.join(", ")}` };
  }
  if (!waits && apply.length === 0) return { state: "finished" };
  return failure === undefined ? { state: "pending" } : { state: "failed", message: failure };
}

function byBaseline({ baselines }: Configuration, views: ReadonlyMap<string, View>): ReadonlyMap<string, Standings> {
  const found = new Map(
    baselines.map(({ metadata }) => [
      metadata.name,
      { governed: [] as GovernedNamespace[], overlaps: [] as Overlap[] },
    ]),
  );
  for (const [name, { baseline = "", standing, since = "", selecting }] of views) {
    if (standing !== undefined) found.get(baseline)?.governed.push({ name, ...standing, since });
    for (const one of selecting) found.get(one)?.overlaps.push({ namespace: name, baselines: selecting });
  }
  return found;
}

function areSame(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((one, i) => one === b[i]);
}
