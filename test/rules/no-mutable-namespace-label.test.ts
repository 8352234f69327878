import { describe } from "vitest";
import { noMutableNamespaceLabel } from "../../src/rules/no-mutable-namespace-label.ts";
import { egress, egressTo, expression, ingress, networkPolicy, selector } from "../helpers/build.ts";
import { testRule } from "../helpers/test-rule.ts";

const NAME = "kubernetes.io/metadata.name";
const from = (namespaceSelector: unknown) =>
  ingress({ from: [{ namespaceSelector, podSelector: selector({ app: "web" }) }], ports: [{ port: 80 }] });
const at = "/spec/ingress/0/from/0/namespaceSelector";

testRule(noMutableNamespaceLabel, {
  passes: [
    { name: "no peers", policy: networkPolicy() },
    { name: "the own namespace", policy: ingress({ from: [{ podSelector: selector({ team: "x" }) }] }) },
    { name: "a null namespaceSelector is none", policy: from(null) },
    { name: "anyone", policy: ingress({}, null, { from: [null, {}] }) },
    { name: "addresses", policy: egressTo("0.0.0.0/0") },
    { name: "the name", policy: from(selector({ [NAME]: "shop" })) },
    { name: "names", policy: from(selector({}, expression(NAME, "In", ["shop", "checkout"]))) },
    { name: "a name, and a label that narrows", policy: from(selector({ [NAME]: "shop", team: "x" })) },
    {
      name: "names, and expressions that narrow",
      policy: from(
        selector({}, expression("team", "Exists"), expression(NAME, "In", ["a", "b"]), expression("x", "NotIn", ["y"])),
      ),
    },
    { name: "every namespace, another rule's matter", policy: from({}) },
    {
      name: "all but what a label excludes, another rule's matter",
      policy: from(selector({}, expression(NAME, "Exists"), expression("team", "NotIn", ["x"]))),
    },
    { name: "labels of Pods", policy: networkPolicy({ spec: { podSelector: selector({ team: "x" }) } }) },
  ],
  fails: [
    {
      name: "a label",
      policy: from(selector({ team: "x" })),
      at: `${at}/matchLabels/team`,
      says: "whoever may label a namespace can set team and so become a peer",
    },
    {
      name: "`name`, which Kubernetes does not set",
      policy: from(selector({ name: "shop" })),
      at: `${at}/matchLabels/name`,
    },
    {
      name: "a label that looks official",
      policy: from(selector({ "pod-security.kubernetes.io/enforce": "restricted" })),
      at: `${at}/matchLabels/pod-security.kubernetes.io~1enforce`,
    },
    { name: "In", policy: from(selector({}, expression("team", "In", ["x"]))), at: `${at}/matchExpressions/0` },
    { name: "Exists", policy: from(selector({}, expression("team", "Exists"))), at: `${at}/matchExpressions/0` },
    {
      name: "an operator that nobody knows",
      policy: from(selector({}, expression("team", "is"))),
      at: `${at}/matchExpressions/0`,
    },
    {
      name: "with the name, of which nothing is asked",
      policy: from(selector({ team: "x" }, expression(NAME, "Exists"))),
      at: `${at}/matchLabels/team`,
    },
    {
      name: "with names that are only excluded",
      policy: from(selector({ team: "x" }, expression(NAME, "NotIn", ["sandbox"]))),
      at: `${at}/matchLabels/team`,
    },
    { name: "two labels are one mistake", policy: from(selector({ team: "x", environment: "y" })), at },
    {
      name: "a label, and one that must not be there",
      policy: from(selector({ team: "x" }, expression("y", "DoesNotExist"))),
      at,
    },
    {
      name: "whatever the Pods",
      policy: egress({ to: [{ namespaceSelector: selector({ team: "x" }) }] }),
      at: "/spec/egress/0/to/0/namespaceSelector/matchLabels/team",
    },
    {
      name: "each such peer",
      policy: egress(
        { to: [{ namespaceSelector: selector({ team: "x" }) }, { namespaceSelector: selector({ [NAME]: "shop" }) }] },
        { to: [{ podSelector: {} }, { namespaceSelector: selector({ team: "y" }) }] },
      ),
      at: [
        "/spec/egress/0/to/0/namespaceSelector/matchLabels/team",
        "/spec/egress/1/to/1/namespaceSelector/matchLabels/team",
      ],
    },
    {
      name: "a key that every JavaScript object has",
      policy: from(selector({ constructor: "x" })),
      at: `${at}/matchLabels/constructor`,
    },
    {
      name: "a long key",
      policy: from(selector({ ["x".repeat(300)]: "x" })),
      at: `${at}/matchLabels/${"x".repeat(300)}`,
      says: "this label",
    },
  ],
});

describe("labels that something guards", () => {
  const options = { keys: [NAME, "tenant"], prefixes: ["example.com"] };
  testRule(noMutableNamespaceLabel, {
    passes: [
      { name: "a key", policy: from(selector({ tenant: "x" })), options },
      { name: "a key that is there", policy: from(selector({}, expression("tenant", "Exists"))), options },
      { name: "a prefix", policy: from(selector({ "example.com/stage": "x" })), options },
      {
        name: "a guarded value, and a label that narrows",
        policy: from(selector({ tenant: "x", team: "y" })),
        options,
      },
    ],
    fails: [
      { name: "another key", policy: from(selector({ team: "x" })), options, at: `${at}/matchLabels/team` },
      {
        name: "another prefix",
        policy: from(selector({ "example.com.evil.org/x": "x" })),
        options,
        at: `${at}/matchLabels/example.com.evil.org~1x`,
      },
      {
        name: "a prefix alone",
        policy: from(selector({ "example.com": "x" })),
        options,
        at: `${at}/matchLabels/example.com`,
      },
      {
        name: "a guarded key that is there, of which another label chooses",
        policy: from(selector({ team: "y" }, expression("tenant", "Exists"))),
        options,
        at: `${at}/matchLabels/team`,
      },
      {
        name: "a guarded key that is there, of which another label takes away",
        policy: from(selector({}, expression("tenant", "Exists"), expression("team", "NotIn", ["y"]))),
        options,
        at: `${at}/matchExpressions/1`,
      },
      {
        name: "even the name, if it is not in the options",
        policy: from(selector({ [NAME]: "shop" })),
        options: { keys: [] },
        at: `${at}/matchLabels/kubernetes.io~1metadata.name`,
      },
    ],
  });
});
