import { type Static, Type } from "typebox";
import { customResource } from "./resource.ts";
import { labelSelector } from "./selector.ts";

/** The policies that a baseline can inject, numbered as people number them. */
export const TEMPLATES = ["00-default-deny-ingress", "01-default-deny-egress", "10-allow-dns-egress"] as const;

export type TemplateName = (typeof TEMPLATES)[number];

export const NetworkBaselineSchema = customResource(
  "NetworkBaseline",
  Type.Object(
    {
      description: Type.Optional(Type.String({ description: "What these policies are for." })),
      namespaceSelector: labelSelector("Which namespaces get these policies; {} is all but the system's."),
      templates: Type.Array(
        Type.Object(
          {
            name: Type.Enum([...TEMPLATES], {
              description: "Which policy; its name in the namespace is drawbridge-NAME.",
            }),
          },
          { additionalProperties: false },
        ),
        {
          minItems: 1,
          uniqueItems: true,
          description: "The policies that every such namespace gets, allows applied before denies.",
        },
      ),
    },
    { additionalProperties: false },
  ),
);

export type NetworkBaseline = Static<typeof NetworkBaselineSchema>;
