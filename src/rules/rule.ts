import type { Mode } from "../config/mode.ts";
import type { NetworkPolicy } from "../model/network-policy.ts";
import type { KubernetesObject, Labels, ObjectRef } from "../model/objects.ts";
import type { Policy } from "../model/policy.ts";
import type { Snapshot } from "../model/snapshot.ts";
import type { Workload } from "../model/workload.ts";

/**
 * A rule is data and one pure function that returns what is wrong. It knows neither its mode nor who asked: the engine
 * adds id, severity, mode and object. Its documentation and its tests are made from the same fields.
 */
export interface Rule<Options extends object = object, Kind extends SubjectKind = "NetworkPolicy", Prepared = unknown> {
  /** `no-*` forbids, `require-*` demands. Also the name of its file, its page and its key in a NetworkRuleset. */
  readonly id: string;
  readonly on: Kind;
  readonly severity: Severity;
  /** It looks at other objects as well. So it warns at most where these come one by one, as at admission. */
  readonly isCrossObject?: true;
  /** One line, completing "this rule ...". */
  readonly title: string;
  /** What happens to whoever ignores it. */
  readonly why: string;
  /** What to write instead. */
  readonly remedy: string;
  readonly options: OptionSchemas<Options>;
  /** At least one; executed: `bad` is reported by this rule, `good` is not. */
  readonly examples: readonly Example[];
  /** What `check` needs of the options and is dear to work out: done once for a ruleset, not for each object. */
  prepare?(options: Options): Prepared;
  check(subject: SubjectOf<Kind>, context: RuleContext<Options, Prepared>): readonly Violation[];
}

/** A rule of whichever kind, as lists of rules hold it. It must be given subjects of its own kind only. */
export type AnyRule = Rule<object, SubjectKind>;

/** How bad it is to ignore the rule. (What is done about it is the mode, which is configuration.) */
export type Severity = "critical" | "high" | "medium" | "low";

/** What a rule judges. */
export type Subject = PolicySubject | WorkloadSubject | NamespaceSubject;

export type SubjectKind = Subject["kind"];

export type SubjectOf<Kind extends SubjectKind> = Extract<Subject, { kind: Kind }>;

export interface PolicySubject {
  readonly kind: "NetworkPolicy";
  readonly ref: ObjectRef;
  /** As the API server stores it. */
  readonly object: NetworkPolicy;
  readonly policy: Policy;
  /** As its author wrote it, where that can be known: at the least, which fields of `spec` are there. */
  readonly written?: NetworkPolicy;
}

/** A Pod, or what makes Pods from a template. */
export interface WorkloadSubject {
  readonly kind: "Workload";
  readonly ref: ObjectRef;
  readonly object: KubernetesObject;
  readonly workload: Workload;
}

export interface NamespaceSubject {
  readonly kind: "Namespace";
  readonly ref: ObjectRef;
  readonly object: KubernetesObject;
  readonly labels: Labels;
  /** Where the author is known and has changed governing labels without the right to. */
  readonly unbound?: Unbound;
}

export interface Unbound {
  /** What has been set, changed or removed. */
  readonly labels: readonly string[];
  /** The name of the ruleset that its author may not bind. */
  readonly ruleset: string;
}

export interface RuleContext<Options, Prepared = unknown> {
  readonly options: Options;
  /** What `prepare` made of them. */
  readonly prepared: Prepared;
  /** What is there beside the subject; undefined where nothing is known of it. */
  readonly snapshot?: Snapshot | undefined;
}

export function contextOf(rule: AnyRule, options: object): RuleContext<object> {
  return { options, prepared: rule.prepare?.(options) };
}

/** One JSON Schema (draft 7) for each option, with its default and a sentence that says what it is. */
export type OptionSchemas<Options extends object> = {
  readonly [Name in keyof Options]: OptionSchema<Options[Name]>;
};

export function defaultsOf(rule: AnyRule): Record<string, unknown> {
  const schemas: readonly [string, OptionSchema][] = Object.entries(rule.options);
  return Object.fromEntries(schemas.map(([name, schema]) => [name, schema.default]));
}

export interface OptionSchema<Value = unknown> {
  readonly type: string;
  readonly description: string;
  readonly default: Value;
  readonly [keyword: string]: unknown;
}

export interface Example {
  /** What the pair shows, as a heading. */
  readonly title: string;
  /** What else there must be for it, as YAML of several objects. Of a rule that looks at more than one. */
  readonly among?: string;
  /** YAML. */
  readonly bad: string;
  readonly good: string;
  /** What the author of `bad` lacks, where it is not in the object. */
  readonly unbound?: Unbound;
}

export interface Violation {
  /** What is there and why it matters: one line of at most 120 characters. */
  readonly message: string;
  /** JSON Pointer to the smallest wrong thing. */
  readonly path: string;
  /** Paths of the clauses that make it together; left out where it is only the one that `path` is in, or none. */
  readonly clauses?: readonly string[];
  /** Key of the annotation that is missing or wrong, wherever `path` leads: whoever removes it has made it worse. */
  readonly annotation?: string;
  /** What to write instead: one line. */
  readonly fix: string;
  /** The strongest mode that this deserves, where that is less than the rule's own: a second, softer threshold. */
  readonly atMost?: Mode;
}
