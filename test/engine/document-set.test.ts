import { describe, expect, test } from "vitest";
import { DocumentSet, documentTitle } from "../../src/engine/document-set.ts";
import { networkBaseline, networkException, networkRuleset } from "../helpers/build.ts";

const named = (name: string, namespace: string) => networkException({}, { name, namespace });

test("an exception is of its own namespace only", () => {
  const documents = new DocumentSet();
  const [a, b, other] = [named("a", "shop"), named("b", "shop"), named("a", "bank")];
  for (const one of [a, b, other]) documents.set(one);
  expect(documents.exceptionsIn("shop")).toEqual([a, b]);
  expect(documents.exceptionsIn("bank")).toEqual([other]);
  expect(documents.exceptionsIn("constructor")).toEqual([]);
});

test("one of a file that names no namespace is of default, as kubectl has it", () => {
  const documents = new DocumentSet();
  const { namespace: _, ...metadata } = networkException().metadata;
  documents.set({ ...networkException(), metadata });
  expect(documents.exceptionsIn("default")).toHaveLength(1);
  expect(documents.exceptionsIn("")).toEqual([]);
});

test.each([networkRuleset("x"), networkBaseline("x"), named("x", "shop")])(
  "$kind: there, replaced, gone",
  (document) => {
    const documents = new DocumentSet();
    const { kind, metadata } = document;
    const isThere = () => [documents.has(kind, metadata), documents.isEmpty];
    expect(isThere()).toEqual([false, true]);
    documents.set(document);
    documents.set(document);
    expect(isThere()).toEqual([true, false]);
    documents.delete(kind, { ...metadata, name: "y" });
    documents.delete(kind, { ...metadata, ...(metadata.namespace !== undefined && { namespace: "other" }), name: "y" });
    expect(isThere()).toEqual([true, false]);
    documents.delete(kind, metadata);
    documents.delete(kind, metadata);
    expect(isThere()).toEqual([false, true]);
  },
);

test("to delete one exception leaves those beside it and those of its name elsewhere", () => {
  const documents = new DocumentSet();
  for (const one of [named("a", "shop"), named("b", "shop"), named("a", "bank")]) documents.set(one);
  documents.delete("NetworkException", { name: "a", namespace: "shop" });
  const names = (namespace: string) => documents.exceptionsIn(namespace).map(({ metadata }) => metadata.name);
  expect([names("shop"), names("bank")]).toEqual([["b"], ["a"]]);
});

describe("titles", () => {
  test.each([
    [networkRuleset("x"), "NetworkRuleset x"],
    [networkBaseline("x"), "NetworkBaseline x"],
    [named("x", "shop"), "NetworkException shop/x"],
  ])("%#", ({ kind, metadata }, title) => {
    expect(documentTitle(kind, metadata)).toBe(title);
  });
});
