import { type Static, Type } from "typebox";
import { EXCEPTION_FIELDS } from "./exception.ts";
import { MODES } from "./mode.ts";
import { customResource } from "./resource.ts";
import { target } from "./selector.ts";

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
      exceptions: Type.Optional(
        Type.Object(
          {
            rules: Type.Optional(
              Type.Array(Type.String({ minLength: 1 }), {
                description:
                  "Ids of the rules that a NetworkException may except; [] is none. As in the base if left out.",
              }),
            ),
            maxDays: Type.Optional(
              Type.Integer({
                minimum: 1,
                maximum: 3650,
                description:
                  "How long a NetworkException may last, in days from its creation. As in the base if left out.",
              }),
            ),
            permanent: Type.Optional(
              Type.Array(
                Type.Object(
                  {
                    ...EXCEPTION_FIELDS,
                    namespaces: target("The namespaces that it is for."),
                  },
                  { additionalProperties: false },
                ),
                {
                  description:
                    "Exceptions that do not end, to any rule. Without policies and workloads: everything in these namespaces. As in the base if left out.",
                },
              ),
            ),
          },
          { additionalProperties: false, description: "The orderly way round a rule." },
        ),
      ),
    },
    { additionalProperties: false },
  ),
);

export type NetworkRuleset = Static<typeof NetworkRulesetSchema>;

export type PermanentException = NonNullable<NonNullable<NetworkRuleset["spec"]["exceptions"]>["permanent"]>[number];
