import { noAmbiguousPeers } from "../../src/rules/no-ambiguous-peers.ts";
import { egress, egressTo, expression, ingress, ipBlock, networkPolicy, selector } from "../helpers/build.ts";
import { testRule } from "../helpers/test-rule.ts";

const namespaces = { namespaceSelector: selector({ "kubernetes.io/metadata.name": "shop" }) };
const pods = { podSelector: selector({ app: "web" }) };
const from = (...peers: unknown[]) => ingress({ from: peers, ports: [{ port: 80 }] });
const peer = (i: number) => `/spec/ingress/0/from/${i}`;

testRule(noAmbiguousPeers, {
  passes: [
    { name: "no peers", policy: networkPolicy() },
    { name: "anyone", policy: ingress({}, null, { from: [] }) },
    { name: "addresses", policy: egressTo("192.0.2.0/24", "198.51.100.0/24") },
    { name: "one item", policy: from({ ...namespaces, ...pods }) },
    { name: "one namespaceSelector", policy: from(namespaces) },
    { name: "one podSelector", policy: from(pods) },
    { name: "namespaces only", policy: from(namespaces, namespaces) },
    { name: "Pods only", policy: from(pods, pods) },
    { name: "both in one item, Pods in the next", policy: from({ ...namespaces, ...pods }, pods) },
    { name: "namespaces, and both in the next item", policy: from(namespaces, { ...namespaces, ...pods }) },
    { name: "all Pods there, and it says so", policy: from({ ...namespaces, podSelector: {} }, pods) },
    { name: "the whole own namespace", policy: from(namespaces, { podSelector: {} }) },
    { name: "the whole own namespace, first", policy: from({ podSelector: { matchLabels: {} } }, namespaces) },
    { name: "something between them", policy: from(namespaces, ipBlock("192.0.2.0/24"), pods) },
    { name: "null between them", policy: from(namespaces, null, pods) },
    { name: "in two clauses", policy: ingress({ from: [namespaces] }, { from: [pods] }) },
    {
      name: "in two directions",
      policy: networkPolicy({ spec: { ingress: [{ from: [namespaces] }], egress: [{ to: [pods] }] } }),
    },
  ],
  fails: [
    { name: "namespaces, then Pods", policy: from(namespaces, pods), at: peer(1), says: "two list items are OR" },
    { name: "Pods, then namespaces", policy: from(pods, namespaces), at: peer(1) },
    { name: "a null podSelector is none", policy: from({ ...namespaces, podSelector: null }, pods), at: peer(1) },
    {
      name: "a null namespaceSelector is none",
      policy: from(namespaces, { ...pods, namespaceSelector: null }),
      at: peer(1),
    },
    { name: "every namespace", policy: from({ namespaceSelector: {} }, pods), at: peer(1) },
    {
      name: "Pods by what they are not",
      policy: from(namespaces, { podSelector: selector({}, expression("app", "NotIn", ["x"])) }),
      at: peer(1),
    },
    { name: "after others", policy: from(ipBlock("192.0.2.0/24"), namespaces, pods), at: peer(2) },
    {
      name: "even where another item has both",
      policy: from({ ...namespaces, ...pods }, namespaces, pods),
      at: peer(2),
    },
    { name: "three in a row are one pair", policy: from(namespaces, pods, namespaces), at: peer(1) },
    { name: "and Pods after a pair are none", policy: from(namespaces, pods, pods), at: peer(1) },
    { name: "the nearer neighbours", policy: from(pods, pods, namespaces), at: peer(2) },
    { name: "two pairs", policy: from(namespaces, pods, namespaces, pods), at: [peer(1), peer(3)] },
    {
      name: "egress, in the second clause",
      policy: egress({ to: [pods] }, { to: [namespaces, pods] }),
      at: "/spec/egress/1/to/1",
    },
    {
      name: "each clause",
      policy: ingress({ from: [namespaces, pods] }, { from: [pods, namespaces] }),
      at: [peer(1), "/spec/ingress/1/from/1"],
    },
  ],
});
