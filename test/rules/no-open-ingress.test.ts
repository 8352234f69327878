import { noOpenIngress } from "../../src/rules/no-open-ingress.ts";
import { egress, ingress, ingressFrom, networkPolicy } from "../helpers/build.ts";
import { testRule } from "../helpers/test-rule.ts";

testRule(noOpenIngress, {
  passes: [
    { name: "no clauses", policy: networkPolicy() },
    { name: "an empty list of clauses, which allows nothing", policy: ingress() },
    { name: "null for a list", policy: networkPolicy({ spec: { ingress: null } }) },
    { name: "Pods", policy: ingress({ from: [{ podSelector: {} }] }) },
    { name: "addresses, even all of them: no-broad-cidr's matter", policy: ingressFrom("0.0.0.0/0") },
    { name: "a null peer, which the API server refuses", policy: ingress({ from: [null] }) },
    { name: "open egress, another rule's matter", policy: egress({}) },
  ],
  fails: [
    {
      name: "port 53, on which it is the Pods that serve DNS",
      policy: ingress({ ports: [{ port: 53, protocol: "UDP" }] }),
      at: "/spec/ingress/0",
      says: "on UDP 53",
    },
    {
      name: "an empty clause",
      policy: ingress({}),
      at: "/spec/ingress/0",
      says: "a clause without `from` allows ingress from everyone, in and outside the cluster, on every port",
    },
    { name: "no peers in `from`", policy: ingress({ from: [] }), at: "/spec/ingress/0" },
    { name: "`from` is null", policy: ingress({ from: null }), at: "/spec/ingress/0" },
    { name: "a null clause, which decodes to an empty one", policy: ingress(null), at: "/spec/ingress/0" },
    { name: "`to` instead of `from`", policy: ingress({ to: [{ podSelector: {} }] }), at: "/spec/ingress/0" },
    {
      name: "ports without peers",
      policy: ingress({ ports: [{ port: 8080, protocol: "TCP" }] }),
      at: "/spec/ingress/0",
      says: "on TCP 8080",
    },
    {
      name: "two ranges with the longest numbers there are",
      policy: ingress({
        ports: [
          { port: 30_000, endPort: 32_767, protocol: "SCTP" },
          { port: 40_000, endPort: 65_535, protocol: "SCTP" },
        ],
      }),
      at: "/spec/ingress/0",
      says: "on the ports it lists",
    },
    {
      name: "each such clause, and only those",
      policy: ingress({ from: [{ podSelector: {} }] }, {}, null),
      at: ["/spec/ingress/1", "/spec/ingress/2"],
    },
  ],
});
