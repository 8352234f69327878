import type { Backends } from "../baseline/backends.ts";
import { governingBaseline } from "../baseline/govern.ts";
import { type Baseline, CONVENTIONAL, resolveBaseline } from "../baseline/resolve.ts";
import type { NetworkBaseline } from "../config/baseline.ts";
import { CAPS, type Cap, isCap } from "../config/mode.ts";
import type { NetworkRuleset } from "../config/ruleset.ts";
import { MODE_LABEL, RULESET_LABEL } from "../model/names.ts";
import type { Labels } from "../model/objects.ts";
import { type Ruleset, resolveRuleset } from "./ruleset.ts";

/** Valid documents of the kinds that make a configuration, by name. */
export interface Documents {
  readonly rulesets: ReadonlyMap<string, NetworkRuleset>;
  readonly baselines: ReadonlyMap<string, NetworkBaseline>;
}

/** Names of NetworkBaselines that keep others from what they have given, though they are not in force as others are. */
export interface Placeholders {
  /** They are there and not in force, as no version of them was valid. */
  readonly unusable: ReadonlySet<string>;
  /** They are among the documents, and have just been deleted. */
  readonly leaving: ReadonlySet<string>;
}

/** Everything that decides, ready to be used. Immutable: a change makes another. */
export interface Configuration extends Pick<Placeholders, "unusable"> {
  /** Of the installation: what holds in a namespace without a mode label. */
  readonly mode: Cap;
  readonly rulesets: ReadonlyMap<string, Ruleset>;
  readonly defaultRuleset: Ruleset;
  readonly baselines: readonly Baseline[];
  /** What the API server calls, by namespace. */
  readonly backends: Backends;
}

/**
 * `own` over `embedded`: a ruleset replaces the embedded one of its name (and may build upon it), the first baseline of
 * one's own replaces the embedded one whatever its name, or there would be no way to get rid of that.
 * @param found in the cluster; by default what is usual, where there is none that could be asked
 */
export function configure(
  mode: Cap,
  embedded: Documents,
  own: Documents,
  found = CONVENTIONAL,
  { unusable, leaving }: Placeholders = { unusable: new Set(), leaving: new Set() },
): Configuration {
  const documents = [...new Map([...embedded.rulesets, ...own.rulesets]).values()];
  const rulesets = new Map(
    documents.map((document) => [document.metadata.name, resolveRuleset(document, embedded.rulesets)]),
  );
  const defaultRuleset = rulesets.get("default");
  if (defaultRuleset === undefined) throw new Error("the embedded ruleset default is missing");
  const isShipped = own.baselines.size === 0;
  const baselines = isShipped ? embedded.baselines : own.baselines;
  return {
    mode,
    rulesets,
    defaultRuleset,
    unusable,
    baselines: [...baselines.values()].map((document) =>
      resolveBaseline(document, found, { isShipped, isLeaving: !isShipped && leaving.has(document.metadata.name) }),
    ),
    backends: found.backends,
  };
}

/** What governs a namespace. `problems`: labels that say nothing we know, and what holds instead. */
export interface Governance {
  readonly cap: Cap;
  readonly ruleset: Ruleset;
  readonly problems: readonly string[];
}

export function governanceOf(labels: Labels, configuration: Configuration): Governance {
  const problems: string[] = [];
  const wantedMode = labels[MODE_LABEL];
  if (wantedMode !== undefined && !isCap(wantedMode)) {
    problems.push(
      `label ${MODE_LABEL}: ${wantedMode} is not one of ${CAPS.join(", ")}; mode ${configuration.mode} holds`,
    );
  }
  const wantedRuleset = labels[RULESET_LABEL] ?? "default";
  const ruleset = configuration.rulesets.get(wantedRuleset);
  if (ruleset === undefined) {
    const known = [...configuration.rulesets.keys()].join(", ");
    problems.push(
      `label ${RULESET_LABEL}: there is no NetworkRuleset ${wantedRuleset} (there are ${known}); default holds`,
    );
  }
  return {
    cap: isCap(wantedMode) ? wantedMode : configuration.mode,
    ruleset: ruleset ?? configuration.defaultRuleset,
    problems,
  };
}

/** The baseline whose policies a namespace gets: none where its mode is not enforce. */
export function enforcedBaseline(
  namespace: string,
  labels: Labels,
  configuration: Configuration,
): Baseline | undefined {
  const isEnforced = governanceOf(labels, configuration).cap === "enforce";
  return isEnforced ? governingBaseline(namespace, labels, configuration.baselines) : undefined;
}
