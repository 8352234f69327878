import { isRecord, type JsonObject } from "../model/json.ts";
import { GROUP } from "../model/names.ts";
import { NetworkBaselineSchema } from "./baseline.ts";
import { NetworkBaselineStatusSchema } from "./baseline-status.ts";
import { NetworkExceptionSchema } from "./exception.ts";
import { NetworkRulesetSchema } from "./ruleset.ts";

/** The CustomResourceDefinitions of our kinds, by the name of their file in deploy/crds. */
export function customResourceDefinitions(): Record<string, JsonObject> {
  return {
    "networkrulesets.yaml": definition("NetworkRuleset", "Cluster", NetworkRulesetSchema, [
      { name: "Base", type: "string", jsonPath: ".spec.base" },
    ]),
    "networkbaselines.yaml": definition(
      "NetworkBaseline",
      "Cluster",
      NetworkBaselineSchema,
      [
        { name: "Governed", type: "integer", jsonPath: ".status.namespaces.governed" },
        { name: "Finished", type: "integer", jsonPath: ".status.namespaces.finished" },
        { name: "Pending", type: "integer", jsonPath: ".status.namespaces.pending" },
        { name: "Failed", type: "integer", jsonPath: ".status.namespaces.failed" },
        { name: "Conflict", type: "integer", jsonPath: ".status.namespaces.conflict" },
        { name: "Ready", type: "string", jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
        { name: "Existing", type: "integer", jsonPath: ".status.namespaces.existing", priority: 1 },
        { name: "Released", type: "integer", jsonPath: ".status.namespaces.released", priority: 1 },
        { name: "Reason", type: "string", jsonPath: '.status.conditions[?(@.type=="Ready")].reason', priority: 1 },
        { name: "Stage", type: "string", jsonPath: ".spec.stage", priority: 1 },
      ],
      NetworkBaselineStatusSchema,
    ),
    "networkexceptions.yaml": definition("NetworkException", "Namespaced", NetworkExceptionSchema, [
      { name: "Rules", type: "string", jsonPath: ".spec.rules" },
      { name: "Owner", type: "string", jsonPath: ".spec.owner" },
      { name: "Expires", type: "string", jsonPath: ".spec.expires" },
    ]),
  };
}

function definition(
  kind: string,
  scope: "Cluster" | "Namespaced",
  schema: { properties: { spec: unknown } },
  columns: readonly object[],
  status?: unknown,
): JsonObject {
  const singular = kind.toLowerCase();
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${singular}s.${GROUP}` },
    spec: {
      group: GROUP,
      scope,
      names: { kind, listKind: `${kind}List`, plural: `${singular}s`, singular, categories: ["drawbridge"] },
      versions: [
        {
          name: "v1alpha1",
          served: true,
          storage: true,
          // What is written to the object itself leaves the status alone, and the other way round.
          ...(status !== undefined && { subresources: { status: {} } }),
          additionalPrinterColumns: [
            ...columns,
            { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp" },
          ],
          schema: {
            openAPIV3Schema: {
              type: "object",
              required: ["spec"],
              properties: {
                apiVersion: { type: "string" },
                kind: { type: "string" },
                metadata: { type: "object" },
                spec: structural(schema.properties.spec),
                ...(status !== undefined && { status: structural(status) }),
              },
            },
          },
        },
      ],
    },
  };
}

/**
 * The JSON Schema that TypeBox makes, as a structural schema, which is what an API server accepts: every level has a
 * type, maps are additionalProperties. Unknown fields cannot be forbidden in one; where the JSON Schema does, they are
 * kept, so that the webhook and whoever loads the document see and refuse them. The API server would else prune them
 * unless the client asks for strict validation, and a selector with a misspelt field would select everything. No
 * defaults, for the same reason: a misspelt field would silently become one.
 */
export function structural(schema: unknown): JsonObject {
  if (!isRecord(schema) || Object.keys(schema).length === 0) return { "x-kubernetes-preserve-unknown-fields": true };
  const { additionalProperties, patternProperties, uniqueItems, ...rest } = schema;
  const result: Record<string, unknown> = { ...rest };
  if (additionalProperties === false) result["x-kubernetes-preserve-unknown-fields"] = true;
  if (Array.isArray(schema["enum"])) result["type"] = "string";
  if (isRecord(schema["properties"])) {
    result["properties"] = Object.fromEntries(
      Object.entries(schema["properties"]).map(([name, property]) => [name, structural(property)]),
    );
  }
  if (isRecord(patternProperties)) {
    const values = Object.values(patternProperties)[0];
    if (isRecord(values) && Object.keys(values).length > 0) result["additionalProperties"] = structural(values);
    else result["x-kubernetes-preserve-unknown-fields"] = true;
  }
  if (schema["items"] !== undefined) result["items"] = structural(schema["items"]);
  // The API server knows no uniqueItems; lists of named objects are maps by that name.
  if (uniqueItems === true)
    Object.assign(result, { "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"] });
  return result;
}
