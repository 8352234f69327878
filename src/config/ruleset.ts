import { type Static, Type } from "typebox";
import { MODES } from "./mode.ts";
import { customResource } from "./resource.ts";

/** The rulesets that come with Drawbridge, and that others may start from. */
export const BASES = ["default", "restricted"] as const;

export const NetworkRulesetSchema = customResource(
  "NetworkRuleset",
  Type.Object(
    {
      description: Type.Optional(Type.String({ description: "Whom this ruleset is for." })),
      base: Type.Optional(
        Type.Enum([...BASES], {
          description:
            "The shipped ruleset that this one changes; if left out, the one of its own name, else default. Rules that are not named here are as there.",
        }),
      ),
      rules: Type.Optional(
        Type.Record(
          Type.String(),
          Type.Object(
            {
              mode: Type.Optional(
                Type.Enum([...MODES], {
                  description:
                    "What is done about a finding: refuse it, show a warning, record it, or nothing. As in the base if left out.",
                }),
              ),
              options: Type.Optional(
                Type.Record(Type.String(), Type.Unknown(), {
                  description:
                    "Options of the rule; each replaces the one in the base, of an object field by field. `docs/rules` lists them.",
                }),
              ),
            },
            { additionalProperties: false },
          ),
          { description: "Rules by their id." },
        ),
      ),
    },
    { additionalProperties: false },
  ),
);

export type NetworkRuleset = Static<typeof NetworkRulesetSchema>;
