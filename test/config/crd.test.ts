import { describe, expect, test } from "vitest";
import { Type } from "typebox";
import { customResourceDefinitions, structural } from "../../src/config/crd.ts";
import { isRecord, type JsonObject } from "../../src/model/json.ts";

const CRDS = Object.entries(customResourceDefinitions());

function schemaOf(crd: JsonObject): JsonObject {
  const [version] = (crd["spec"] as { versions: { schema: { openAPIV3Schema: JsonObject } }[] }).versions;
  if (version === undefined) throw new Error("no version");
  return version.schema.openAPIV3Schema;
}

/** Every schema in a schema, with where it stands. */
function nodes(schema: unknown, path = ""): [path: string, node: JsonObject][] {
  if (!isRecord(schema)) throw new Error(`${path} is no schema: ${JSON.stringify(schema)}`);
  const properties = Object.entries((schema["properties"] as JsonObject | undefined) ?? {});
  return [
    [path, schema],
    ...properties.flatMap(([name, inner]) => nodes(inner, `${path}.${name}`)),
    ...(schema["items"] === undefined ? [] : nodes(schema["items"], `${path}[]`)),
    ...(schema["additionalProperties"] === undefined ? [] : nodes(schema["additionalProperties"], `${path}{}`)),
  ];
}

test("one for each kind", () => {
  expect(CRDS.map(([file]) => file)).toEqual([
    "networkrulesets.yaml",
    "networkbaselines.yaml",
    "networkexceptions.yaml",
  ]);
});

describe.each(CRDS)("%s", (file, crd) => {
  const plural = file.replace(".yaml", "");

  test("is named and served as Kubernetes wants it", () => {
    expect(crd).toMatchObject({
      apiVersion: "apiextensions.k8s.io/v1",
      kind: "CustomResourceDefinition",
      metadata: { name: `${plural}.drawbridge.dev` },
      spec: {
        group: "drawbridge.dev",
        scope: plural === "networkexceptions" ? "Namespaced" : "Cluster",
        names: { plural, singular: plural.slice(0, -1) },
        versions: [{ name: "v1alpha1", served: true, storage: true }],
      },
    });
  });

  /** What apiextensions v1 allows in a structural schema, of what we use. */
  const KNOWN = new Set([
    "type",
    "description",
    "enum",
    "format",
    "required",
    "properties",
    "items",
    "additionalProperties",
    "minLength",
    "maxLength",
    "pattern",
    "minimum",
    "maximum",
    "minItems",
    "minProperties",
    "x-kubernetes-preserve-unknown-fields",
    "x-kubernetes-int-or-string",
    "x-kubernetes-list-type",
    "x-kubernetes-list-map-keys",
  ]);

  test.each(nodes(schemaOf(crd)))("schema of %j is structural", (_, node) => {
    expect(Object.keys(node).filter((keyword) => !KNOWN.has(keyword))).toEqual([]);
    if (node["x-kubernetes-preserve-unknown-fields"] === true && node["properties"] === undefined) return;
    if (node["x-kubernetes-int-or-string"] === true) {
      expect(node["type"]).toBeUndefined();
      return;
    }
    expect(node["type"]).toMatch(/^(object|array|string|integer|boolean)$/);
    if (node["type"] === "array") expect(node["items"]).toBeDefined();
    expect(node["additionalProperties"] !== undefined && node["properties"] !== undefined).toBe(false);
  });

  test("everything in spec keeps a misspelt field, so that we see it: pruned, a selector would select everything", () => {
    const spec = nodes((schemaOf(crd)["properties"] as JsonObject)["spec"]);
    for (const [path, node] of spec.filter(([, { properties }]) => properties !== undefined)) {
      expect(node["x-kubernetes-preserve-unknown-fields"], path).toBe(true);
    }
  });

  test("survives being written as JSON", () => {
    expect(JSON.parse(JSON.stringify(crd))).toEqual(crd);
  });

  test("says what each field of ours is for", () => {
    const spec = (schemaOf(crd)["properties"] as JsonObject)["spec"] as { properties: Record<string, JsonObject> };
    for (const [name, node] of Object.entries(spec.properties)) expect(node["description"], name).toMatch(/\.$/);
  });
});

describe("structural", () => {
  test.each<[string, unknown, object]>([
    [
      "an object that allows nothing else",
      Type.Object({}, { additionalProperties: false }),
      { type: "object", properties: {}, "x-kubernetes-preserve-unknown-fields": true },
    ],
    [
      "an object",
      Type.Object({ a: Type.String() }),
      { type: "object", required: ["a"], properties: { a: { type: "string" } } },
    ],
    ["an enum, which has no type in JSON Schema", Type.Enum(["a", "b"]), { type: "string", enum: ["a", "b"] }],
    [
      "a map",
      Type.Record(Type.String(), Type.Integer()),
      { type: "object", additionalProperties: { type: "integer" } },
    ],
    [
      "a map of objects",
      Type.Record(Type.String(), Type.Object({}, { additionalProperties: false })),
      {
        type: "object",
        additionalProperties: { type: "object", properties: {}, "x-kubernetes-preserve-unknown-fields": true },
      },
    ],
    [
      "a map of anything",
      Type.Record(Type.String(), Type.Unknown()),
      { type: "object", "x-kubernetes-preserve-unknown-fields": true },
    ],
    ["anything", Type.Unknown(), { "x-kubernetes-preserve-unknown-fields": true }],
    ["no schema", undefined, { "x-kubernetes-preserve-unknown-fields": true }],
    ["a list", Type.Array(Type.String(), { minItems: 1 }), { type: "array", items: { type: "string" }, minItems: 1 }],
    [
      "a list whose items are unique",
      Type.Array(Type.Object({ name: Type.String() }, { additionalProperties: false }), { uniqueItems: true }),
      {
        type: "array",
        items: {
          type: "object",
          required: ["name"],
          properties: { name: { type: "string" } },
          "x-kubernetes-preserve-unknown-fields": true,
        },
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["name"],
      },
    ],
  ])("%s", (_, schema, expected) => {
    expect(JSON.parse(JSON.stringify(structural(schema)))).toEqual(expected);
  });

  test("leaves what it is given as it is", () => {
    const schema = Type.Object(
      { a: Type.Object({}, { additionalProperties: false }) },
      { additionalProperties: false },
    );
    const before = JSON.stringify(schema);
    structural(schema);
    expect(JSON.stringify(schema)).toBe(before);
  });
});
