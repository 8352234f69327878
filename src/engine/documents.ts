import type { ValidateFunction } from "ajv";
import type { NetworkRuleset } from "../config/ruleset.ts";
import { ajv, type ConfigDocument, toProblem, type Validated, validateDocument } from "../config/validate.ts";
import type { Problem } from "../model/errors.ts";
import { pointer } from "../model/json.ts";
import { RULES } from "../rules/index.ts";

/** The whole check of a document of ours: its shape, and what it says of the rules. */
export function checkDocument(raw: unknown): Validated<ConfigDocument> {
  const validated = validateDocument(raw);
  if (validated.problems !== undefined || validated.document.kind !== "NetworkRuleset") return validated;
  const problems = ruleProblems(validated.document);
  return problems.length > 0 ? { problems } : validated;
}

const VALIDATORS: ReadonlyMap<string, ValidateFunction> = new Map(
  RULES.map((rule) => [
    rule.id,
    ajv.compile({ type: "object", properties: rule.options, additionalProperties: false }),
  ]),
);

/** Rules that do not exist, and options that a rule does not have or take. */
function ruleProblems({ spec }: NetworkRuleset): Problem[] {
  return Object.entries(spec.rules ?? {}).flatMap(([id, { options = {} }]) => {
    const path = pointer("/spec/rules", id);
    const validate = VALIDATORS.get(id);
    if (validate === undefined) {
      return [{ path, message: `is not a rule; the rules are ${RULES.map((rule) => rule.id).join(", ")}` }];
    }
    if (validate(options)) return [];
    return (validate.errors ?? [])
      .map(toProblem)
      .map((problem) => ({ ...problem, path: `${path}/options${problem.path}` }));
  });
}
