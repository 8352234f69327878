import { expect, test } from "vitest";
import { itemsOf } from "../../src/linter/objects.ts";

const POLICY = { apiVersion: "networking.k8s.io/v1", kind: "NetworkPolicy", metadata: { name: "a" } };
const LIST = { apiVersion: "v1", kind: "List" };

test("a document is itself", () => {
  expect(itemsOf(POLICY)).toEqual([{ value: POLICY, base: "", isListed: false }]);
  expect(itemsOf(null)).toEqual([{ value: null, base: "", isListed: false }]);
  expect(itemsOf([POLICY])).toEqual([{ value: [POLICY], base: "", isListed: false }]);
});

test("a List is its items, also those of Lists in it", () => {
  const nested = { ...LIST, items: [POLICY, { ...LIST, items: [POLICY] }] };
  expect(itemsOf(nested)).toEqual([
    { value: POLICY, base: "/items/0", isListed: true },
    { value: POLICY, base: "/items/1/items/0", isListed: true },
  ]);
  expect(itemsOf({ ...LIST, items: [] })).toEqual([]);
});

test("in a list of one kind an item need not name it, as for kubectl", () => {
  const list = { apiVersion: "networking.k8s.io/v1", kind: "NetworkPolicyList", items: [{ metadata: { name: "a" } }] };
  expect(itemsOf(list)).toEqual([{ value: POLICY, base: "/items/0", isListed: true }]);
  // One of the two is no more than half a name.
  const half = { kind: "NetworkPolicy", metadata: { name: "a" } };
  expect(itemsOf({ ...list, items: [half] })).toEqual([{ value: half, base: "/items/0", isListed: true }]);
  expect(itemsOf({ ...LIST, items: [{ metadata: {} }] })[0]?.value).toEqual({ metadata: {} });
});

test("what has items and is named like no List is both", () => {
  const both = { ...POLICY, items: [POLICY] };
  expect(itemsOf(both).map(({ base }) => base)).toEqual(["", "/items/0"]);
});

test.each([null, {}, "x", 7])("items that are no list (%j) are none", (items) => {
  expect(itemsOf({ ...LIST, items })).toHaveLength(1);
});
