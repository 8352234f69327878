import { describe } from "vitest";
import { requirePorts } from "../../src/rules/require-ports.ts";
import { egress, egressTo, expression, ingress, ipBlock, networkPolicy, selector } from "../helpers/build.ts";
import { testRule } from "../helpers/test-rule.ts";

const WEB = { podSelector: selector({ app: "web" }) };
const DATABASE = { podSelector: selector({ app: "database" }) };
const on = (...ports: readonly unknown[]) => ingress({ from: [WEB], ports });
const CLAUSE = "/spec/ingress/0";
const PORTS = `${CLAUSE}/ports`;

describe("one clause", () => {
  testRule(requirePorts, {
    passes: [
      { name: "no clauses", policy: networkPolicy() },
      { name: "nobody allowed", policy: egress() },
      { name: "anyone, which is no-open-egress's matter", policy: egress({}, { ports: [{ protocol: "TCP" }] }) },
      { name: "anyone, which is no-open-ingress's matter", policy: ingress({}, { from: [] }) },
      { name: "a port", policy: on({ port: 80 }) },
      { name: "a name", policy: on({ port: "http" }) },
      { name: "a range", policy: on({ port: 1024, endPort: 65_535 }) },
      { name: "all but the first", policy: on({ port: 2, endPort: 65_535 }) },
      { name: "all but the last", policy: on({ port: 1, endPort: 65_534 }) },
      {
        name: "all but one, and a name",
        policy: on({ port: 1, endPort: 79 }, { port: 81, endPort: 65_535 }, { port: "http" }),
      },
      {
        name: "halves of two protocols",
        policy: on({ port: 1, endPort: 32_767 }, { port: 32_768, endPort: 65_535, protocol: "UDP" }),
      },
      { name: "a protocol that does not exist", policy: on({ protocol: "ICMP" }, { port: 80 }) },
      { name: "addresses with a port", policy: egressTo("8.8.8.8/32") },
    ],
    fails: [
      { name: "no ports", policy: ingress({ from: [WEB] }), at: CLAUSE, says: "ingress on every port: " },
      { name: "an empty list", policy: on(), at: CLAUSE },
      { name: "null", policy: ingress({ from: [WEB], ports: null }), at: CLAUSE },
      { name: "egress", policy: egress({ to: [WEB] }), at: "/spec/egress/0", says: "egress on every port: " },
      { name: "addresses", policy: egress({ to: [ipBlock("8.8.8.8/32")] }), at: "/spec/egress/0" },
      { name: "a peer that is not known", policy: ingress({ from: [null] }), at: CLAUSE },
      { name: "a protocol", policy: on({ protocol: "TCP" }), at: `${PORTS}/0`, says: "on every TCP port: " },
      { name: "a null port, which is TCP", policy: on({ port: 80 }, null), at: `${PORTS}/1`, says: "every TCP port" },
      {
        name: "a protocol beside a port",
        policy: on({ port: 80 }, { protocol: "UDP" }),
        at: `${PORTS}/1`,
        says: "every UDP",
      },
      { name: "a whole range", policy: on({ port: 1, endPort: 65_535 }), at: `${PORTS}/0` },
      {
        name: "a range beyond what there is",
        policy: on({ port: 0, endPort: 70_000, protocol: "SCTP" }),
        at: `${PORTS}/0`,
        says: "every SCTP port",
      },
      {
        name: "two halves",
        policy: on({ port: 1, endPort: 32_767 }, { port: 32_768, endPort: 65_535 }),
        at: PORTS,
        says: "every TCP port",
      },
      {
        name: "three parts that overlap",
        policy: on({ port: 30_000, endPort: 65_535 }, { port: 80 }, { port: 1, endPort: 40_000 }),
        at: PORTS,
      },
      {
        name: "two protocols in halves are one mistake",
        policy: on(
          { port: 1, endPort: 9 },
          { port: 10, endPort: 65_535 },
          { port: 1, endPort: 9, protocol: "UDP" },
          { port: 10, endPort: 65_535, protocol: "UDP" },
        ),
        at: PORTS,
        says: "on every TCP and UDP port: ",
      },
      {
        name: "two protocols, an entry each",
        policy: on({ protocol: "TCP" }, { protocol: "UDP" }),
        at: [`${PORTS}/0`, `${PORTS}/1`],
      },
      {
        name: "each clause",
        policy: ingress({ from: [WEB] }, { from: [DATABASE], ports: [{ port: 80 }] }, { from: [WEB] }),
        at: [CLAUSE, "/spec/ingress/2"],
      },
    ],
  });
});

describe("clauses of the very same peers are judged together", () => {
  const LOW = [{ port: 1, endPort: 32_767 }];
  const HIGH = [{ port: 32_768, endPort: 65_535 }];
  const halves = (one: readonly unknown[], other: readonly unknown[]) =>
    ingress({ from: one, ports: LOW }, { from: other, ports: HIGH });
  const at = "/spec/ingress";
  const expressions = (...values: string[]) => ({ podSelector: selector({}, expression("app", "In", values)) });
  testRule(requirePorts, {
    passes: [
      { name: "other peers", policy: halves([WEB], [DATABASE]) },
      { name: "one peer more", policy: halves([WEB], [WEB, DATABASE]) },
      { name: "Pods of another namespace", policy: halves([WEB], [{ ...WEB, namespaceSelector: {} }]) },
      {
        name: "other holes",
        policy: halves([ipBlock("10.0.0.0/8")], [ipBlock({ cidr: "10.0.0.0/8", except: ["10.0.0.0/9"] })]),
      },
      {
        name: "the other direction",
        policy: networkPolicy({
          spec: { ingress: [{ from: [WEB], ports: LOW }], egress: [{ to: [WEB], ports: HIGH }] },
        }),
      },
      { name: "peers that are not known", policy: halves([null], [null]) },
      { name: "anyone", policy: ingress({ ports: LOW }, { ports: HIGH }) },
    ],
    fails: [
      { name: "Pods", policy: halves([WEB], [WEB]), at, says: "every TCP port" },
      { name: "in another order", policy: halves([WEB, DATABASE], [DATABASE, WEB]), at },
      { name: "by an expression", policy: halves([WEB], [expressions("web")]), at },
      { name: "values in another order", policy: halves([expressions("a", "b")], [expressions("b", "a")]), at },
      { name: "a value twice", policy: halves([expressions("a")], [expressions("a", "a")]), at },
      { name: "a peer twice", policy: halves([WEB], [WEB, WEB]), at },
      {
        name: "addresses that are written otherwise",
        policy: halves([ipBlock("2001:db8::/32")], [ipBlock({ cidr: "2001:0DB8::/32", except: [] })]),
        at,
      },
      {
        name: "holes in another order",
        policy: halves(
          [ipBlock({ cidr: "10.0.0.0/8", except: ["10.1.0.0/16", "10.2.0.0/16"] })],
          [ipBlock({ cidr: "10.0.0.0/8", except: ["10.2.0.0/16", "10.1.0.0/16"] })],
        ),
        at,
      },
      {
        name: "but the one clause that is too much by itself is named",
        policy: ingress({ from: [WEB], ports: LOW }, { from: [WEB] }, { from: [WEB], ports: HIGH }),
        at: "/spec/ingress/1",
      },
      { name: "addresses", policy: halves([ipBlock("10.0.0.1/32")], [ipBlock("10.0.0.1/32")]), at },
    ],
  });
});
