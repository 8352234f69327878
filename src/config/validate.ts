import { Ajv, type ErrorObject, type ValidateFunction } from "ajv";
import type { Problem } from "../model/errors.ts";
import { endOf } from "../model/dates.ts";
import { isRecord, items, pointer, text } from "../model/json.ts";
import { API_VERSION } from "../model/names.ts";
import { INT_OR_STRING, type NetworkBaseline, NetworkBaselineSchema } from "./baseline.ts";
import { baselineProblems } from "./baseline-problems.ts";
import { type NetworkException, NetworkExceptionSchema } from "./exception.ts";
import { type NetworkRuleset, NetworkRulesetSchema } from "./ruleset.ts";
import type { LabelSelector, Target } from "./selector.ts";
import { show } from "./show.ts";

export type ConfigDocument = NetworkRuleset | NetworkBaseline | NetworkException;

export type ConfigKind = ConfigDocument["kind"];

export type Validated<T> =
  | { readonly document: T; readonly problems?: never }
  | { readonly problems: readonly Problem[]; readonly document?: never };

/** Strict, because a schema of ours that ajv does not fully understand would let documents through unchecked. */
export const ajv = new Ajv({ allErrors: true, strict: true, verbose: true });

// Ours to check: ajv compares each item with each other, and throws where one has a field `toString` or `valueOf`.
ajv.removeKeyword("uniqueItems").addKeyword("uniqueItems");
ajv.addKeyword(INT_OR_STRING);

const VALIDATORS: ReadonlyMap<string, ValidateFunction> = new Map([
  ["NetworkRuleset", ajv.compile(NetworkRulesetSchema)],
  ["NetworkBaseline", ajv.compile(NetworkBaselineSchema)],
  ["NetworkException", ajv.compile(NetworkExceptionSchema)],
]);

/** Is this a document of ours, and is its shape right? What the rules say of their options is the engine's to check. */
export function validateDocument(raw: unknown): Validated<ConfigDocument> {
  const kind = isRecord(raw) ? raw["kind"] : undefined;
  const validate = VALIDATORS.get(text(kind));
  if (validate === undefined) {
    const allowed = [...VALIDATORS.keys()].join(", ");
    return {
      problems: [{ path: "/kind", message: `is ${show(kind)}; allowed: ${allowed} (apiVersion ${API_VERSION})` }],
    };
  }
  if (!validate(raw)) return { problems: (validate.errors ?? []).map(toProblem) };
  const document = raw as ConfigDocument;
  const problems = meaningProblems(document);
  return problems.length > 0 ? { problems } : { document };
}

/** One ajv error (of a validator with `verbose`) as what is wrong, the value, and what is allowed. */
export function toProblem(error: ErrorObject): Problem {
  const params = error.params as Record<string, unknown>;
  const at = (path: string, message: string): Problem => ({ path, message });
  const here = error.instancePath;
  switch (error.keyword) {
    case "additionalProperties": {
      const known = Object.keys((error.parentSchema?.["properties"] as object | undefined) ?? {});
      const allowed = known.length > 0 ? `allowed: ${known.join(", ")}` : "nothing is allowed here";
      return at(pointer(here, String(params["additionalProperty"])), `is not a field of this; ${allowed}`);
    }
    case "required":
      return at(pointer(here, String(params["missingProperty"])), "is missing");
    case "enum":
      return at(here, `is ${show(error.data)}; allowed: ${items(params["allowedValues"]).join(", ")}`);
    case "const":
      return at(here, `is ${show(error.data)}; must be ${show(params["allowedValue"])}`);
    case "type":
      return at(here, `is ${show(error.data)}; must be of type ${String(params["type"])}`);
    default:
      return at(here, `is ${show(error.data)}; ${error.message ?? error.keyword}`);
  }
}

/** What a schema cannot say without branches that nobody can read in an error message. */
function meaningProblems(document: ConfigDocument): Problem[] {
  if (document.kind === "NetworkBaseline") {
    const { namespaceSelector } = document.spec;
    return [...selectorProblems(namespaceSelector, "/spec/namespaceSelector"), ...baselineProblems(document)];
  }
  if (document.kind === "NetworkException") return exceptionProblems(document);
  return (document.spec.exceptions?.permanent ?? []).flatMap((exception, i) =>
    targetProblems(exception, pointer("/spec/exceptions/permanent", i)),
  );
}

function exceptionProblems({ spec }: NetworkException): Problem[] {
  const problems = targetProblems(spec, "/spec");
  if (spec.policies === undefined && spec.workloads === undefined) {
    problems.push({ path: "/spec", message: "says neither policies nor workloads; say what the exception is for" });
  }
  if (endOf(spec.expires) === undefined) {
    problems.push({ path: "/spec/expires", message: `is ${show(spec.expires)}; there is no such day or time` });
  }
  return problems;
}

function targetProblems(exception: Partial<Record<(typeof TARGETS)[number], Target>>, path: string): Problem[] {
  return TARGETS.flatMap((name) => selectorProblems(exception[name]?.selector ?? {}, pointer(path, name, "selector")));
}

const TARGETS = ["namespaces", "policies", "workloads"] as const;

function selectorProblems({ matchExpressions = [] }: LabelSelector, base: string): Problem[] {
  return matchExpressions.flatMap(({ operator, values = [] }, i) => {
    const path = pointer(base, "matchExpressions", i, "values");
    const takesValues = operator === "In" || operator === "NotIn";
    if (takesValues && values.length === 0)
      return [{ path, message: `is empty; operator ${operator} needs at least one value` }];
    if (!takesValues && values.length > 0)
      return [{ path, message: `is ${show(values)}; operator ${operator} takes no values` }];
    return [];
  });
}
