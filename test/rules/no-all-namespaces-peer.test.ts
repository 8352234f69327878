import { noAllNamespacesPeer } from "../../src/rules/no-all-namespaces-peer.ts";
import { egress, egressTo, expression, ingress, networkPolicy, selector } from "../helpers/build.ts";
import { testRule } from "../helpers/test-rule.ts";

const NAME = "kubernetes.io/metadata.name";
const pods = selector({ app: "web" });
const from = (namespaceSelector: unknown, podSelector?: unknown) =>
  ingress({ from: [{ namespaceSelector, ...(podSelector !== undefined && { podSelector }) }], ports: [{ port: 80 }] });
const at = "/spec/ingress/0/from/0/namespaceSelector";

testRule(noAllNamespacesPeer, {
  passes: [
    { name: "no peers", policy: networkPolicy() },
    { name: "no namespaceSelector: the own namespace", policy: ingress({ from: [{ podSelector: {} }] }) },
    { name: "a null namespaceSelector is none", policy: from(null, {}) },
    { name: "anyone, which is no-open-ingress's matter", policy: ingress({}) },
    { name: "addresses", policy: egressTo("0.0.0.0/0") },
    { name: "a namespace by name", policy: from(selector({ [NAME]: "shop" })) },
    { name: "namespaces by name", policy: from(selector({}, expression(NAME, "In", ["shop", "checkout"]))) },
    { name: "namespaces by a label's value", policy: from(selector({ tenant: "shop" })) },
    { name: "namespaces that carry a label", policy: from(selector({}, expression("tenant", "Exists"))) },
    {
      name: "what is named, but for what is excluded",
      policy: from(selector({ tenant: "shop" }, expression(NAME, "NotIn", ["sandbox"]))),
    },
    { name: "`name`, which not every namespace has", policy: from(selector({}, expression("name", "Exists"))) },
    {
      name: "DNS and nothing else, no-open-dns's matter",
      policy: egress({ to: [{ namespaceSelector: {} }], ports: [{ port: 53, protocol: "UDP" }] }),
    },
    { name: "an unknown operator, which matches nothing", policy: from(selector({}, expression(NAME, "exists"))) },
  ],
  fails: [
    {
      name: "DNS and another port",
      policy: egress({ to: [{ namespaceSelector: {} }], ports: [{ port: 53 }, { port: 80 }] }),
      at: "/spec/egress/0/to/0/namespaceSelector",
    },
    {
      name: "ingress on port 53",
      policy: ingress({ from: [{ namespaceSelector: {} }], ports: [{ port: 53 }] }),
      at,
    },
    { name: "an empty selector", policy: from({}), at, says: "ingress from every Pod of every namespace" },
    { name: "empty matchLabels", policy: from({ matchLabels: {}, matchExpressions: [] }), at },
    { name: "null matchLabels", policy: from({ matchLabels: null, matchExpressions: null }), at },
    {
      name: "the name label, which every namespace has",
      policy: from(selector({}, expression(NAME, "Exists"))),
      at,
    },
    { name: "NotIn", policy: from(selector({}, expression(NAME, "NotIn", ["kube-system"]))), at },
    { name: "DoesNotExist", policy: from(selector({}, expression("tenant", "DoesNotExist"))), at },
    {
      name: "several that only exclude",
      policy: from(
        selector({}, expression(NAME, "Exists"), expression(NAME, "NotIn", ["a"]), expression("x", "DoesNotExist")),
      ),
      at,
    },
    {
      name: "a podSelector beside it",
      policy: from({}, pods),
      at,
      says: "any Pod of every namespace that carries the label",
    },
    { name: "an empty podSelector beside it", policy: from({}, {}), at, says: "every Pod of every namespace" },
    {
      name: "an unbounded podSelector beside it",
      policy: from({}, selector({}, expression("app", "NotIn", ["x"]))),
      at,
      says: "every Pod of every namespace",
    },
    {
      name: "egress, the second peer of the second clause",
      policy: egress({ to: [{ podSelector: pods }] }, { to: [{ podSelector: pods }, { namespaceSelector: {} }] }),
      at: "/spec/egress/1/to/1/namespaceSelector",
      says: "egress to every Pod",
    },
    {
      name: "each such peer",
      policy: ingress({ from: [{ namespaceSelector: {} }, { namespaceSelector: {}, podSelector: pods }] }),
      at: [at, "/spec/ingress/0/from/1/namespaceSelector"],
    },
  ],
});
