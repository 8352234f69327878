import { describe, expect, test } from "vitest";
import { noAllNamespacesPeer } from "../../src/rules/no-all-namespaces-peer.ts";
import { noSystemNamespacePeer } from "../../src/rules/no-system-namespace-peer.ts";
import { noWholeNamespacePeer } from "../../src/rules/no-whole-namespace-peer.ts";
import { egress, egressTo, expression, ingress, networkPolicy, selector } from "../helpers/build.ts";
import { check, testRule } from "../helpers/test-rule.ts";

const NAME = "kubernetes.io/metadata.name";
/** In namespace shop, as every policy of the builder. */
const from = (namespaceSelector: unknown, podSelector?: unknown) =>
  ingress({ from: [{ namespaceSelector, ...(podSelector !== undefined && { podSelector }) }], ports: [{ port: 80 }] });
const checkout = selector({ [NAME]: "checkout" });
const at = "/spec/ingress/0/from/0";

testRule(noWholeNamespacePeer, {
  passes: [
    { name: "no peers", policy: networkPolicy() },
    { name: "the whole own namespace", policy: ingress({ from: [{ podSelector: {} }] }) },
    { name: "the whole own namespace, by its name", policy: from(selector({ [NAME]: "shop" })) },
    { name: "by its name and a label", policy: from(selector({ [NAME]: "shop", team: "x" })) },
    { name: "by its name twice", policy: from(selector({}, expression(NAME, "In", ["shop", "shop"]))) },
    { name: "a null namespaceSelector is none", policy: from(null, {}) },
    { name: "anyone", policy: ingress({}, null, { from: [null, {}] }) },
    { name: "addresses", policy: egressTo("0.0.0.0/0") },
    { name: "a podSelector", policy: from(checkout, selector({ app: "web" })) },
    {
      name: "a podSelector by an expression",
      policy: from(checkout, selector({}, expression("app", "In", ["a", "b"]))),
    },
    { name: "Pods that carry a label", policy: from(checkout, selector({}, expression("app", "Exists"))) },
    {
      name: "a podSelector, but for some",
      policy: from(checkout, selector({ app: "web" }, expression("x", "DoesNotExist"))),
    },
    {
      name: "names that contradict, which nothing has",
      policy: from(selector({ [NAME]: "checkout" }, expression(NAME, "NotIn", ["checkout"]))),
    },
    {
      name: "a system namespace of the options",
      policy: from(selector({ [NAME]: "monitoring" })),
      options: { namespaces: ["monitoring"] },
    },
    {
      name: "a system namespace by a label of the options",
      policy: from(selector({ "example.com/name": "kube-system" })),
      options: { nameLabels: ["example.com/name"] },
    },
  ],
  fails: [
    {
      name: "no podSelector",
      policy: from(checkout),
      at,
      says: "ingress from every Pod of checkout, whatever runs there",
    },
    { name: "an empty podSelector", policy: from(checkout, {}), at },
    { name: "a null podSelector", policy: from(checkout, null), at },
    {
      name: "a podSelector that only excludes",
      policy: from(checkout, selector({}, expression("app", "NotIn", ["x"]))),
      at,
    },
    {
      name: "a podSelector that only excludes by key",
      policy: from(checkout, selector({}, expression("app", "DoesNotExist"))),
      at,
    },
    {
      name: "the Pods in another list item, which is OR",
      policy: ingress({ from: [{ namespaceSelector: checkout }, { podSelector: selector({ app: "x" }) }] }),
      at,
    },
    { name: "by a label", policy: from(selector({ team: "x" })), at, says: "every Pod of the selected namespaces" },
    { name: "by a label that exists", policy: from(selector({}, expression("team", "Exists"))), at },
    {
      name: "a label, and a name that is excluded",
      policy: from(selector({ team: "x" }, expression(NAME, "NotIn", ["shop"]))),
      at,
    },
    {
      name: "several",
      policy: from(selector({}, expression(NAME, "In", ["a", "b"]))),
      at,
      says: "the selected namespaces",
    },
    { name: "the own and another", policy: from(selector({}, expression(NAME, "In", ["shop", "checkout"]))), at },
    { name: "the own by `name`, which others may have", policy: from(selector({ name: "shop" })), at },
    {
      name: "a namespace of that name, where the own is not known",
      policy: { ...from(selector({ [NAME]: "shop" })), metadata: { name: "web" } },
      at,
    },
    {
      name: "an odd name",
      policy: from(selector({ [NAME]: "\u001b[31m" })),
      at,
      says: "every Pod of another namespace",
    },
    { name: "a name that every JavaScript object has", policy: from(selector({ [NAME]: "constructor" })), at },
    {
      name: "kube-system, if the options leave it out",
      policy: from(selector({ [NAME]: "kube-system" })),
      options: { namespaces: [] },
      at,
      says: "every Pod of kube-system",
    },
    {
      name: "egress, the second peer of the second clause",
      policy: egress({ to: [{ podSelector: {} }] }, { to: [{ podSelector: {} }, { namespaceSelector: checkout }] }),
      at: "/spec/egress/1/to/1",
      says: "egress to every Pod",
    },
    {
      name: "each such peer",
      policy: ingress({ from: [{ namespaceSelector: checkout }, { namespaceSelector: selector({ team: "x" }) }] }),
      at: [at, "/spec/ingress/0/from/1"],
    },
  ],
});

describe("what another rule reports is not reported again", () => {
  test.each([
    ["every namespace", noAllNamespacesPeer, from({})],
    ["every namespace, an empty podSelector", noAllNamespacesPeer, from({}, {})],
    ["all but some", noAllNamespacesPeer, from(selector({}, expression(NAME, "NotIn", ["x"])))],
    ["all that have a name", noAllNamespacesPeer, from(selector({}, expression(NAME, "Exists")))],
    ["kube-system", noSystemNamespacePeer, from(selector({ [NAME]: "kube-system" }))],
    ["kube-system by `name`", noSystemNamespacePeer, from(selector({ name: "kube-system" }))],
    [
      "kube-system among others",
      noSystemNamespacePeer,
      from(selector({}, expression(NAME, "In", ["a", "kube-system"]))),
    ],
    [
      "kube-system, but for some",
      noSystemNamespacePeer,
      from(selector({ [NAME]: "kube-system" }), selector({}, expression("a", "NotIn", ["b"]))),
    ],
    [
      "kube-system, for DNS",
      noSystemNamespacePeer,
      egress({ to: [{ namespaceSelector: selector({ [NAME]: "kube-system" }) }], ports: [{ port: 53 }] }),
    ],
  ])("%s", (_, other, policy) => {
    expect(check(other, { policy })).toHaveLength(1);
    expect(check(noWholeNamespacePeer, { policy })).toEqual([]);
  });
});
