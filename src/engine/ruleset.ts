import type { Mode } from "../config/mode.ts";
import type { NetworkRuleset, PermanentException } from "../config/ruleset.ts";
import { isRecord, type JsonObject } from "../model/json.ts";
import { RULES } from "../rules/index.ts";
import { type AnyRule, contextOf, defaultsOf } from "../rules/rule.ts";

/** A NetworkRuleset with everything filled in: what `evaluate` runs. */
export interface Ruleset {
  readonly name: string;
  /** Rules that are disabled are not in it. */
  readonly settings: readonly RuleSetting[];
  readonly exceptions: ExceptionTerms;
}

/** What may be excepted by a NetworkException and for how long, and what is excepted for good. */
export interface ExceptionTerms {
  readonly rules: readonly string[];
  readonly maxDays: number;
  readonly permanent: readonly PermanentException[];
}

/** Where no ruleset says anything, nothing is excepted. */
const NO_EXCEPTIONS: ExceptionTerms = { rules: [], maxDays: 0, permanent: [] };

export interface RuleSetting {
  readonly rule: AnyRule;
  readonly mode: Mode;
  readonly options: object;
  /** What the rule has prepared of its options. */
  readonly prepared?: unknown;
}

/** A document must have been validated. A rule that neither it nor its base names is disabled. */
export function resolveRuleset(document: NetworkRuleset, bases: ReadonlyMap<string, NetworkRuleset>): Ruleset {
  const layers = layersOf(document, bases);
  const settings = RULES.map((rule): RuleSetting => {
    const entries = layers.flatMap(({ spec }) => {
      const rules = spec.rules ?? {};
      return Object.hasOwn(rules, rule.id) ? [rules[rule.id] ?? {}] : [];
    });
    const mode = entries.findLast((entry) => entry.mode !== undefined)?.mode ?? "disabled";
    const options = entries.reduce((below, entry) => merged(below, entry.options ?? {}), defaultsOf(rule));
    return { rule, mode, ...contextOf(rule, options) };
  });
  return {
    name: document.metadata.name,
    settings: settings.filter(({ mode }) => mode !== "disabled"),
    exceptions: layers.reduce((terms, { spec }) => ({ ...terms, ...spec.exceptions }), NO_EXCEPTIONS),
  };
}

/** The shipped ruleset that a document changes (that of its own name, where it says nothing), then the document. */
function layersOf(document: NetworkRuleset, bases: ReadonlyMap<string, NetworkRuleset>): NetworkRuleset[] {
  const { name } = document.metadata;
  const base = bases.get(document.spec.base ?? (bases.has(name) ? name : "default"));
  return base === undefined || base === document ? [document] : [base, document];
}

/** Option by option; where an option is an object, field by field, so that to change one limit removes no other. */
function merged(below: JsonObject, above: JsonObject): JsonObject {
  const entries = Object.entries(above).map(([name, value]) => {
    const base = below[name];
    return [name, isRecord(base) && isRecord(value) ? { ...base, ...value } : value];
  });
  return { ...below, ...Object.fromEntries(entries) };
}
