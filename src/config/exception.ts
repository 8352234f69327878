import { type Static, Type } from "typebox";
import { customResource } from "./resource.ts";
import { target } from "./selector.ts";

const SAID = { pattern: "\\S" };

/** What every exception says, of whichever kind. */
export const EXCEPTION_FIELDS = {
  rules: Type.Array(Type.String({ minLength: 1 }), { minItems: 1, description: "Ids of the rules that do not apply." }),
  policies: Type.Optional(target("The NetworkPolicies that it is for.")),
  workloads: Type.Optional(target("The Pods and the kinds with Pod templates that it is for.")),
  reason: Type.String({ ...SAID, maxLength: 1000, description: "Why, for whoever looks at it next." }),
  owner: Type.String({ ...SAID, maxLength: 200, description: "Whom to ask; it is named in logs." }),
} as const;

export const NetworkExceptionSchema = customResource(
  "NetworkException",
  Type.Object(
    {
      ...EXCEPTION_FIELDS,
      expires: Type.String({
        pattern: "^\\d{4}-\\d{2}-\\d{2}(T\\d{2}:\\d{2}:\\d{2}Z)?$",
        description:
          "The last day on which it counts (2027-01-31), or the moment at which it ends (2027-01-31T18:00:00Z); UTC.",
      }),
    },
    { additionalProperties: false },
  ),
);

export type NetworkException = Static<typeof NetworkExceptionSchema>;
