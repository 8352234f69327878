import type { ValidateFunction } from "ajv";
import type { NetworkRuleset } from "../config/ruleset.ts";
import { ajv, type ConfigDocument, toProblem, type Validated, validateDocument } from "../config/validate.ts";
import type { Problem } from "../model/errors.ts";
import { pointer } from "../model/json.ts";
import { RULES } from "../rules/index.ts";

/** The whole check of a document of ours: its shape, and what it says of the rules. */
export function checkDocument(raw: unknown): Validated<ConfigDocument> {
  const validated = validateDocument(raw);
  if (validated.problems !== undefined) return validated;
  const problems = ruleProblems(validated.document);
  return problems.length > 0 ? { problems } : validated;
}

function ruleProblems(document: ConfigDocument): Problem[] {
  if (document.kind === "NetworkBaseline") return [];
  if (document.kind === "NetworkException") return unknownRules(document.spec.rules, "/spec/rules");
  const { rules = [], permanent = [] } = document.spec.exceptions ?? {};
  return [
    ...optionProblems(document),
    ...unknownRules(rules, "/spec/exceptions/rules"),
    ...permanent.flatMap((exception, i) =>
      unknownRules(exception.rules, pointer("/spec/exceptions/permanent", i, "rules")),
    ),
  ];
}

function unknownRules(ids: readonly string[], path: string): Problem[] {
  return ids.flatMap((id, i) =>
    VALIDATORS.has(id) ? [] : [{ path: pointer(path, i), message: `is ${id}, which is not a rule; ${THE_RULES}` }],
  );
}

const THE_RULES = `the rules are ${RULES.map(({ id }) => id).join(", ")}`;

const VALIDATORS: ReadonlyMap<string, ValidateFunction> = new Map(
  RULES.map((rule) => [
    rule.id,
    ajv.compile({ type: "object", properties: rule.options, additionalProperties: false }),
  ]),
);

/** Rules that do not exist, and options that a rule does not have or take. */
function optionProblems({ spec }: NetworkRuleset): Problem[] {
  return Object.entries(spec.rules ?? {}).flatMap(([id, { options = {} }]) => {
    const path = pointer("/spec/rules", id);
    const validate = VALIDATORS.get(id);
    if (validate === undefined) return [{ path, message: `is not a rule; ${THE_RULES}` }];
    if (validate(options)) return [];
    return (validate.errors ?? [])
      .map(toProblem)
      .map((problem) => ({ ...problem, path: `${path}/options${problem.path}` }));
  });
}
