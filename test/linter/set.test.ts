import { expect, test } from "vitest";
import { rivalOf, type SetContents, setOf } from "../../src/linter/set.ts";
import { exceptionYaml, namespaceYaml, openPolicy, rulesetYaml } from "./manifests.ts";

function setFrom(text: string): SetContents {
  return setOf([{ file: "a.yaml", text }], "default");
}

test("Namespaces with all their labels, and documents of our kinds, each with its place", () => {
  const text = [namespaceYaml("shop", "team: shop, tier: null"), openPolicy(), exceptionYaml("", "2026-12-01")].join(
    "---\n",
  );
  const { namespaces, documents } = setFrom(text);
  const labels = { team: "shop", tier: "", "kubernetes.io/metadata.name": "shop" };
  expect([...namespaces]).toEqual([["shop", expect.objectContaining({ file: "a.yaml", line: 1, column: 1, labels })]]);
  expect([...documents.values()]).toEqual([
    expect.objectContaining({
      line: 16,
      object: { kind: "NetworkException", namespace: "default", name: "legacy" },
      document: expect.objectContaining({ kind: "NetworkException" }),
    }),
  ]);
});

test.each([
  ["an escape in YAML", 'apiVersion: v1\nkind: "Namesp\\u0061ce"\nmetadata: { name: shop }\n'],
  ["an escape in JSON", '{"apiVersion":"v1","kind":"\\u004eamespace","metadata":{"name":"shop"}}'],
  ["a broken line", 'apiVersion: v1\nkind: "Name\\\n  space"\nmetadata: { name: shop }\n'],
  ["base64", "apiVersion: v1\nkind: !!binary TmFtZXNwYWNl\nmetadata: { name: shop }\n"],
  ["a List", "apiVersion: v1\nkind: NamespaceList\nitems: [{ metadata: { name: shop } }]\n"],
])("a kind is found behind %s", (_what, text) => {
  expect([...setFrom(text).namespaces.keys()]).toEqual(["shop"]);
});

test.each([
  ["another version", "apiVersion: drawbridge.dev/v9\nkind: NetworkRuleset\n"],
  ["another kind", "apiVersion: drawbridge.dev/v1alpha1\nkind: NetworkRulset\n"],
  ["no name", "apiVersion: drawbridge.dev/v1alpha1\nkind: NetworkRuleset\nmetadata: null\n"],
])("a document of ours with %s is one, so that somebody hears of it", (_what, text) => {
  expect(setFrom(text).documents.size).toBe(1);
});

test("other people's Namespaces and rulesets are theirs", () => {
  const { namespaces, documents } = setFrom(
    "apiVersion: tenancy.example.com/v1\nkind: Namespace\n---\napiVersion: example.com/v1\nkind: NetworkRuleset\n",
  );
  expect(namespaces.size + documents.size).toBe(0);
});

test("of two of one name the first counts, and the second has a rival if it says something else", () => {
  const first = rulesetYaml("default", "{ rules: {} }");
  const set = setFrom([first, namespaceYaml("shop", "drawbridge.dev/mode: warn, team: a")].join("---\n"));
  const place = (line: number) => ({ file: "b.yaml", line, column: 1, length: 1 });
  const ruleset = (spec: object) => ({
    apiVersion: "drawbridge.dev/v1alpha1",
    kind: "NetworkRuleset",
    metadata: { name: "default" },
    spec,
  });
  const namespace = (labels: object) => ({ apiVersion: "v1", kind: "Namespace", metadata: { name: "shop", labels } });
  const governingKeys = new Set(["drawbridge.dev/mode"]);
  const rival = (value: object, at: ReturnType<typeof place>) =>
    rivalOf({ ...value }, at, { set, defaultNamespace: "default", governingKeys });
  expect(rival(ruleset({ rules: {} }), place(1))).toBeUndefined();
  expect(rival(ruleset({}), place(1))).toMatchObject({ file: "a.yaml", line: 1 });
  expect(rival(ruleset({}), { ...place(1), file: "a.yaml" })).toBeUndefined();
  expect(rival(namespace({ "drawbridge.dev/mode": "warn", team: "b" }), place(1))).toBeUndefined();
  expect(rival(namespace({}), place(1))).toMatchObject({ file: "a.yaml", line: 6 });
});
