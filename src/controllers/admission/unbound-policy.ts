import type { Configuration } from "../../engine/configuration.ts";
import type { Ruleset } from "../../engine/ruleset.ts";
import { GOVERNING_LABELS, GROUP, RULESET_LABEL } from "../../model/names.ts";
import { capOf, isOwn, labelsOf, list, quoted } from "./cel.ts";

/**
 * As `unboundFindings` of server/unbound.ts, of which it is what is refused: a ValidatingAdmissionPolicy's spec, but for
 * what it matches. Who changes no governing label costs a comparison; the authorizer is asked only where it decides.
 */
export function keepLabels({
  configuration,
  user,
}: {
  readonly configuration: Configuration;
  /** The name by which the API server knows us. */
  readonly user: string;
}): object {
  const [before, after] = [`(oldObject == null ? {} : ${labelsOf("oldObject")})`, labelsOf("object")];
  const isChanged = `${after}[?label] != ${before}[?label]`;
  const refusing = `${capOf("labels", configuration.mode)} == "enforce" && ${refuses("labels", configuration)}`;
  return {
    matchConditions: [
      { name: "changes-a-governing-label", expression: `${list(GOVERNING_LABELS)}.exists(label, ${isChanged})` },
      { name: "is-not-going", expression: "oldObject == null || !has(oldObject.metadata.deletionTimestamp)" },
      { name: "is-not-by-drawbridge", expression: `!${isOwn(user)}` },
    ],
    variables: [
      { name: "ruleset", expression: rulesetOf(after) },
      // As it was governed before or will be, whichever is stronger: else the label would decide what becomes of it.
      { name: "isRefusing", expression: `[${before}, ${after}].exists(labels, ${refusing})` },
      { name: "changed", expression: `${list(GOVERNING_LABELS)}.filter(label, ${isChanged})` },
    ],
    validations: [
      {
        expression:
          `!variables.isRefusing || authorizer.group(${quoted(GROUP)}).resource("networkrulesets")` +
          `.name(variables.ruleset).check("bind").allowed()`,
        messageExpression:
          `"Namespace " + object.metadata.name + " breaks rule no-unbound-label: only who may bind the ruleset may set, " + ` +
          `"change or remove " + variables.changed.join(", ") + ". Fix: leave that as it is, or get the verb bind on " + ` +
          `"NetworkRuleset " + (variables.ruleset == "" ? "of that name" : variables.ruleset) + " by RBAC."`,
        reason: "Forbidden",
      },
    ],
  };
}

function rulesetOf(labels: string): string {
  return `${labels}[?${quoted(RULESET_LABEL)}].orValue("default")`;
}

/** Does the rule refuse in the ruleset of a namespace with these labels? One that nobody knows is the default one. */
function refuses(labels: string, { rulesets, defaultRuleset }: Configuration): string {
  const known = [...rulesets].toSorted(([a], [b]) => (a < b ? -1 : 1));
  const isDefault = isRefusedIn(defaultRuleset);
  const others = known.filter(([, ruleset]) => isRefusedIn(ruleset) !== isDefault).map(([name]) => name);
  return `${isDefault ? "!" : ""}(${rulesetOf(labels)} in ${list(others)})`;
}

function isRefusedIn({ settings }: Ruleset): boolean {
  return settings.some(({ rule, mode }) => rule.id === "no-unbound-label" && mode === "enforce");
}
