import { type TSchema, Type } from "typebox";
import { API_VERSION } from "../model/names.ts";

/**
 * The frame that every kind of ours has. Strict in what is ours, so that a misspelt field is an error and not a default;
 * lenient in `metadata` and `status`, which belong to the API server.
 */
export function customResource<Kind extends string, Spec extends TSchema>(kind: Kind, spec: Spec) {
  return Type.Object(
    {
      apiVersion: Type.Literal(API_VERSION),
      kind: Type.Literal(kind),
      metadata: Type.Object({
        name: Type.String({ minLength: 1, maxLength: 253 }),
        namespace: Type.Optional(Type.String()),
        generation: Type.Optional(Type.Integer()),
        // Null is what kubectl and generators print for objects that have not been created.
        creationTimestamp: Type.Optional(Type.Unsafe<string | null>({ type: "string", nullable: true })),
      }),
      spec,
      status: Type.Optional(Type.Unknown()),
    },
    { additionalProperties: false },
  );
}
