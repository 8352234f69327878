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
      dns: Type.Optional(
        Type.Object(
          {
            pods: Type.Optional(
              Type.Array(
                Type.Object(
                  {
                    namespace: Type.String({ minLength: 1, description: "Where they are." }),
                    labels: Type.Record(Type.String(), Type.String(), {
                      minProperties: 1,
                      description: "What all of them carry.",
                    }),
                  },
                  { additionalProperties: false },
                ),
                { minItems: 1, description: "Pods that answer." },
              ),
            ),
            addresses: Type.Optional(
              Type.Array(Type.String(), {
                minItems: 1,
                description: "What answers on the network of a node, or outside of the cluster: single addresses.",
              }),
            ),
            port: Type.Optional(
              Type.Integer({
                minimum: 1,
                maximum: 65_535,
                description: "Where they listen: the port of the Pod, not of a Service. Default 53.",
              }),
            ),
          },
          {
            additionalProperties: false,
            description:
              "Where the cluster's DNS answers, over UDP and TCP, for 10-allow-dns-egress. Without it Drawbridge finds that by itself.",
          },
        ),
      ),
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
