import { noOpenEgress } from "../../src/rules/no-open-egress.ts";
import { egress, egressTo, ingress, networkPolicy } from "../helpers/build.ts";
import { testRule } from "../helpers/test-rule.ts";

testRule(noOpenEgress, {
  passes: [
    { name: "no clauses", policy: networkPolicy({ spec: { policyTypes: ["Egress"] } }) },
    { name: "an empty list of clauses, which allows nothing", policy: egress() },
    { name: "null for a list", policy: networkPolicy({ spec: { policyTypes: ["Egress"], egress: null } }) },
    { name: "Pods", policy: egress({ to: [{ podSelector: {} }] }) },
    { name: "addresses, even all of them: no-broad-cidr's matter", policy: egressTo("0.0.0.0/0") },
    { name: "a null peer, which the API server refuses", policy: egress({ to: [null] }) },
    { name: "open ingress, another rule's matter", policy: ingress({}) },
    {
      name: "DNS and nothing else, no-open-dns's matter",
      policy: egress({ ports: [{ port: 53, protocol: "UDP" }, { port: 53 }] }),
    },
  ],
  fails: [
    {
      name: "an empty clause",
      policy: egress({}),
      at: "/spec/egress/0",
      says: "a clause without `to` allows egress to everyone, in and outside the cluster, on every port",
    },
    { name: "no peers in `to`", policy: egress({ to: [] }), at: "/spec/egress/0" },
    { name: "`to` is null", policy: egress({ to: null }), at: "/spec/egress/0" },
    { name: "a null clause, which decodes to an empty one", policy: egress(null), at: "/spec/egress/0" },
    { name: "`from` instead of `to`", policy: egress({ from: [{ podSelector: {} }] }), at: "/spec/egress/0" },
    {
      name: "ports without peers",
      policy: egress({ ports: [{ port: 443 }] }),
      at: "/spec/egress/0",
      says: "on TCP 443",
    },
    {
      name: "a name of a port",
      policy: egress({ ports: [{ port: "https" }] }),
      at: "/spec/egress/0",
      says: "on TCP https",
    },
    {
      name: "a range and a protocol",
      policy: egress({ ports: [{ port: 30_000, endPort: 32_767 }, { protocol: "UDP" }] }),
      at: "/spec/egress/0",
      says: "on TCP 30000-32767 and every UDP port",
    },
    { name: "DNS and another port", policy: egress({ ports: [{ port: 53 }, { port: 443 }] }), at: "/spec/egress/0" },
    {
      name: "DNS by a name, which may be any port",
      policy: egress({ ports: [{ port: "dns" }] }),
      at: "/spec/egress/0",
    },
    { name: "port 53 of SCTP", policy: egress({ ports: [{ port: 53, protocol: "SCTP" }] }), at: "/spec/egress/0" },
    { name: "a null port", policy: egress({ ports: [null] }), at: "/spec/egress/0", says: "on every TCP port" },
    { name: "an empty list of ports", policy: egress({ ports: [] }), at: "/spec/egress/0", says: "on every port" },
    {
      name: "many ports",
      policy: egress({ ports: [{ port: 1 }, { port: 2 }, { port: 3 }] }),
      at: "/spec/egress/0",
      says: "on the ports it lists",
    },
    {
      name: "names of ports that would not fit in a message",
      policy: egress({ ports: [{ port: "x".repeat(500) }] }),
      at: "/spec/egress/0",
      says: "on the ports it lists",
    },
    {
      name: "a protocol that would break the line",
      policy: egress({ ports: [{ protocol: "T\nCP", port: 80 }] }),
      at: "/spec/egress/0",
      says: "on the ports it lists",
    },
    {
      name: "each such clause, and only those",
      policy: egress({}, { to: [{ podSelector: {} }] }, { ports: [{ port: 80 }] }),
      at: ["/spec/egress/0", "/spec/egress/2"],
    },
    {
      name: "also without policyTypes",
      policy: networkPolicy({ spec: { policyTypes: undefined, egress: [{}] } }),
      at: "/spec/egress/0",
    },
  ],
});
