import { type Static, Type } from "typebox";

/** A label selector as Kubernetes writes it. `description` says what it selects. */
export function labelSelector(description: string) {
  return Type.Object(
    {
      matchLabels: Type.Optional(Type.Record(Type.String(), Type.String())),
      matchExpressions: Type.Optional(
        Type.Array(
          Type.Object(
            {
              key: Type.String({ minLength: 1 }),
              operator: Type.Enum(["In", "NotIn", "Exists", "DoesNotExist"]),
              values: Type.Optional(Type.Array(Type.String())),
            },
            { additionalProperties: false },
          ),
        ),
      ),
    },
    { additionalProperties: false, description },
  );
}

/** Some objects, by name or by label: what is named, and what the selector matches. */
export function target(description: string) {
  return Type.Object(
    {
      names: Type.Optional(Type.Array(Type.String({ minLength: 1 }), { minItems: 1 })),
      selector: Type.Optional(labelSelector("By their own labels; {} is all of them.")),
    },
    { additionalProperties: false, minProperties: 1, description },
  );
}

export type LabelSelector = Static<ReturnType<typeof labelSelector>>;

export type Target = Static<ReturnType<typeof target>>;
