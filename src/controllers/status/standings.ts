import { setImmediate as others } from "node:timers/promises";
import { baselineOf, claimOf, dueOf, type NamespaceFacts } from "../../baseline/due.ts";
import { selectingBaselines } from "../../baseline/govern.ts";
import { whyHeldBack } from "../../baseline/backends.ts";
import { plan } from "../../baseline/plan.ts";
import { type Baseline, whyUnarmed } from "../../baseline/resolve.ts";
import { type Overlap, type Standing, type StandingNamespace, toldSince } from "../../baseline/status.ts";
import { wantedPolicies } from "../../baseline/templates.ts";
import { type Configuration, enforcedBaseline } from "../../engine/configuration.ts";
import type { NetworkPolicy } from "../../model/network-policy.ts";
import { isTerminating, type Namespace } from "../../model/objects.ts";
import { isPending } from "../baseline/reconcile.ts";
import { releaseIn } from "../baseline/heal.ts";

export interface SurveyDeps {
  readonly configuration: () => Configuration;
  /** Why the last try to write policies there failed, where it did. */
  readonly failureOf: (namespace: string) => string | undefined;
  readonly factsOf: (namespace: Namespace) => NamespaceFacts;
}

/** Of one baseline that is in force. */
export interface Standings {
  readonly namespaces: readonly StandingNamespace[];
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

interface Facts extends NamespaceFacts {
  readonly namespace: Namespace;
  readonly configuration: Configuration;
  readonly failure: string | undefined;
  /** All of them. Objects of a cache are replaced, never changed, and so is a configuration. */
  readonly inputs: readonly unknown[];
}

interface View {
  /** Of the baseline that it stands so with, if it does with one. */
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
  const facts = deps.factsOf(namespace);
  const failure = deps.failureOf(namespace.metadata?.name ?? "");
  const inputs = [configuration, namespace, failure, facts.isNew, facts.hasLost, ...facts.policies];
  return { ...facts, namespace, configuration, failure, inputs };
}

function viewOf(facts: Facts, before: View | undefined, statusOf: (baseline: string) => unknown, now: string): View {
  const { namespace, configuration } = facts;
  if (isTerminating(namespace)) return { selecting: [] };
  const { name = "", labels } = namespace.metadata ?? {};
  const all = selectingBaselines(name, labels ?? {}, configuration.baselines).map(({ metadata }) => metadata.name);
  const selecting = all.length > 1 ? all : [];
  const stands = standingIn(facts);
  if (stands === undefined) return { selecting };
  const { baseline, standing } = stands;
  const isUnchanged =
    before?.baseline === baseline &&
    before.standing?.state === standing.state &&
    before.standing.message === standing.message;
  const since = (isUnchanged ? before.since : undefined) ?? toldSince(statusOf(baseline), name, standing) ?? now;
  return { baseline, standing, since, selecting };
}

interface Stands {
  readonly baseline: string;
  readonly standing: Standing;
}

function standingIn(facts: Facts): Stands | undefined {
  const { namespace, configuration } = facts;
  const { name = "", labels } = namespace.metadata ?? {};
  const baseline = enforcedBaseline(name, labels ?? {}, configuration);
  if (baseline === undefined) return released(facts) ?? withheld(facts);
  const standing = standingWith(baseline, facts);
  return standing && { baseline: baseline.metadata.name, standing };
}

/** By the caches, and what was tried. Undefined where it is left alone, or what the baseline is to give is not known. */
function standingWith(baseline: Baseline, facts: Facts): Standing | undefined {
  const { namespace, configuration, policies, failure } = facts;
  if (whyUnarmed(baseline) !== undefined) return undefined;
  const name = namespace.metadata?.name ?? "";
  const waits = isPending(namespace);
  if (!waits && claimOf(baseline, facts, configuration) === undefined) return existing(name, policies, baseline);
  const why = whyHeldBack(baseline, name);
  // Whether it is isolated already or left open: it is for somebody to look after.
  if (why !== undefined) return { state: "conflict", message: why };
  const { apply, conflicts, remove } = waits
    ? { ...plan(policies, wantedPolicies(baseline, name)), remove: [] }
    : dueOf(name, baseline, facts, configuration);
  if (conflicts.length > 0) {
    return { state: "conflict", message: `not Drawbridge's, and say something else: ${conflicts.join(", ")}` };
  }
  if (!waits && apply.length + remove.length === 0) return { state: "finished" };
  return failure === undefined ? { state: "pending" } : { state: "failed", message: failure };
}

/** Where nothing is enforced yet one looks at what would be. Not of a namespace that says itself that it is to be left out. */
function withheld({ namespace, configuration, policies }: Facts): Stands | undefined {
  const { name = "", labels } = namespace.metadata ?? {};
  const baseline = enforcedBaseline(name, labels ?? {}, { ...configuration, mode: "enforce" });
  if (baseline === undefined || whyUnarmed(baseline) !== undefined) return undefined;
  const standing = existing(name, policies, baseline);
  return standing && { baseline: baseline.metadata.name, standing };
}

/** What a namespace would get that was there before the baseline. */
function existing(name: string, policies: readonly NetworkPolicy[], baseline: Baseline): Standing | undefined {
  if (baseline.spec.existingNamespaces === "ignore") return undefined;
  const why = whyHeldBack(baseline, name);
  if (why !== undefined) return { state: "existing", message: `would get nothing: ${why}` };
  const { apply, conflicts } = plan(policies, wantedPolicies(baseline, name));
  const inTheWay = conflicts.length > 0 ? `; in the way of: ${conflicts.join(", ")}` : "";
  return { state: "existing", message: `would get ${namesOf(apply).join(", ") || "nothing"}${inTheWay}` };
}

function released({ namespace, configuration, policies, failure }: Facts): Stands | undefined {
  const { remove = [], keep = [] } = releaseIn(namespace, policies, configuration) ?? {};
  const [first] = [...remove, ...keep];
  const why = failure === undefined ? "" : `: ${failure}`;
  const parts = [
    ...(keep.length > 0 ? [`keeps ${namesOf(keep).join(", ")}`] : []),
    ...(remove.length > 0 ? [`still has ${namesOf(remove).join(", ")}${why}`] : []),
  ];
  // Those that are being removed count until they are gone: that is what somebody waits for who deletes a baseline.
  const standing: Standing = { state: "released", message: parts.join("; ") };
  return first && { baseline: baselineOf(first), standing };
}

function namesOf(policies: readonly NetworkPolicy[]): readonly string[] {
  return policies.map(({ metadata }) => metadata?.name ?? "").toSorted();
}

function byBaseline({ baselines }: Configuration, views: ReadonlyMap<string, View>): ReadonlyMap<string, Standings> {
  const found = new Map(
    baselines.map(({ metadata }) => [
      metadata.name,
      { namespaces: [] as StandingNamespace[], overlaps: [] as Overlap[] },
    ]),
  );
  for (const [name, { baseline = "", standing, since = "", selecting }] of views) {
    if (standing !== undefined) found.get(baseline)?.namespaces.push({ name, ...standing, since });
    for (const one of selecting) found.get(one)?.overlaps.push({ namespace: name, baselines: selecting });
  }
  return found;
}

function areSame(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((one, i) => one === b[i]);
}
