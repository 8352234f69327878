import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { noWidePortRange } from "../../src/rules/no-wide-port-range.ts";
import { egress, ingress, networkPolicy, selector } from "../helpers/build.ts";
import { check, testRule } from "../helpers/test-rule.ts";

const WEB = { podSelector: selector({ app: "web" }) };
const on = (...ports: readonly unknown[]) => ingress({ from: [WEB], ports });
const singles = (count: number, from = 1000) => Array.from({ length: count }, (_, i) => ({ port: from + 2 * i }));
const PORTS = "/spec/ingress/0/ports";

describe("one clause", () => {
  testRule(noWidePortRange, {
    passes: [
      { name: "no clauses", policy: networkPolicy() },
      { name: "no ports, which are all: require-ports' matter", policy: ingress({ from: [WEB] }) },
      { name: "a protocol without a port", policy: on({ protocol: "TCP" }) },
      { name: "every port in two halves", policy: on({ port: 1, endPort: 32_767 }, { port: 32_768, endPort: 65_535 }) },
      { name: "a range beside every port", policy: on({ protocol: "TCP" }, { port: 1000, endPort: 2000 }) },
      { name: "a port", policy: on({ port: 80 }) },
      { name: "exactly the limit", policy: on({ port: 40_000, endPort: 40_099 }) },
      {
        name: "the limit of each protocol",
        policy: on({ port: 1, endPort: 100 }, { port: 1, endPort: 100, protocol: "UDP" }),
      },
      { name: "the limit twice", policy: on({ port: 1, endPort: 100 }, { port: 1, endPort: 100 }, { port: 50 }) },
      { name: "a hundred single ports", policy: on(...singles(100)) },
      { name: "a range that is none", policy: on({ port: 2000, endPort: 1000 }) },
      { name: "a protocol that does not exist", policy: on({ port: 1, endPort: 1000, protocol: "tcp" }) },
    ],
    fails: [
      {
        name: "one more than the limit",
        policy: on({ port: 40_000, endPort: 40_100 }),
        at: `${PORTS}/0`,
        says: "ingress on 101 TCP ports (limit 100): ",
      },
      {
        name: "node ports",
        policy: on({ port: 80 }, { port: 30_000, endPort: 32_767 }),
        at: `${PORTS}/1`,
        says: "2768 TCP",
      },
      { name: "every port but one", policy: on({ port: 2, endPort: 65_535 }), at: `${PORTS}/0`, says: "65534 TCP" },
      {
        name: "every port but one, in parts",
        policy: on({ port: 1, endPort: 79 }, { port: 81, endPort: 150 }),
        at: PORTS,
        says: "149 TCP",
      },
      {
        name: "ranges that touch",
        policy: on({ port: 1, endPort: 60 }, { port: 61, endPort: 101 }),
        at: PORTS,
        says: "101 TCP",
      },
      { name: "101 single ports", policy: on(...singles(101)), at: PORTS },
      {
        name: "a hundred ports and a name",
        policy: on({ port: 1, endPort: 100 }, { port: "http" }),
        at: PORTS,
        says: "101 TCP",
      },
      {
        name: "UDP",
        policy: on({ port: 1024, endPort: 65_535, protocol: "UDP" }),
        at: `${PORTS}/0`,
        says: "64512 UDP",
      },
      {
        name: "two protocols in one place are one mistake",
        policy: on(
          ...[40, 70].flatMap((n) => [
            { port: n, endPort: n + 60 },
            { port: n, endPort: n + 70, protocol: "UDP" },
          ]),
          { port: 500, endPort: 540 },
          { port: 500, endPort: 540, protocol: "UDP" },
        ),
        at: PORTS,
        says: "132 TCP and 142 UDP ports (limit 100)",
      },
      {
        name: "every port of TCP, many of UDP",
        policy: on({ protocol: "TCP" }, { port: 1, endPort: 200, protocol: "UDP" }),
        at: `${PORTS}/1`,
        says: "200 UDP",
      },
      {
        name: "egress",
        policy: egress({ to: [WEB], ports: [{ port: 1, endPort: 200 }] }),
        at: "/spec/egress/0/ports/0",
        says: "egress on 200",
      },
      {
        name: "to anyone, which is another mistake",
        policy: egress({ ports: [{ port: 1, endPort: 200 }] }),
        at: "/spec/egress/0/ports/0",
      },
    ],
  });
});

describe("clauses of the very same peers are judged together", () => {
  const clauses = (...ports: readonly unknown[]) => ingress(...ports.map((port) => ({ from: [WEB], ports: [port] })));
  testRule(noWidePortRange, {
    passes: [
      {
        name: "other peers",
        policy: ingress(
          { from: [WEB], ports: [{ port: 1, endPort: 60 }] },
          { from: [{ podSelector: {} }], ports: [{ port: 61, endPort: 120 }] },
        ),
      },
      { name: "the same range twice", policy: clauses({ port: 1, endPort: 100 }, { port: 1, endPort: 100 }) },
      {
        name: "every port in two halves",
        policy: clauses({ port: 1, endPort: 32_767 }, { port: 32_768, endPort: 65_535 }),
      },
      { name: "a range, and every port in another clause", policy: clauses({ port: 1, endPort: 200 }, {}) },
    ],
    fails: [
      {
        name: "ranges that add up",
        policy: clauses({ port: 1, endPort: 60 }, { port: 61, endPort: 120 }),
        at: "/spec/ingress",
        says: "120 TCP",
      },
      {
        name: "the one that is too wide by itself",
        policy: clauses({ port: 1, endPort: 60 }, { port: 61, endPort: 300 }),
        at: "/spec/ingress/1/ports/0",
        says: "240 TCP",
      },
    ],
  });
});

describe("the limit is an option", () => {
  testRule(noWidePortRange, {
    passes: [{ name: "a thousand", policy: on({ port: 1, endPort: 1000 }), options: { limit: 1000 } }],
    fails: [
      {
        name: "one",
        policy: on({ port: 1 }, { port: 2 }),
        options: { limit: 1 },
        at: PORTS,
        says: "2 TCP ports (limit 1)",
      },
    ],
  });
});

test("how the same ports are spread over entries and clauses does not matter", () => {
  const range = fc.tuple(fc.integer({ min: 1, max: 400 }), fc.integer({ min: 0, max: 60 }));
  fc.assert(
    fc.property(fc.array(range, { minLength: 1, maxLength: 6 }), (ranges) => {
      const entries = ranges.map(([port, more]) => ({ port, endPort: port + more }));
      const ports = new Set(ranges.flatMap(([port, more]) => Array.from({ length: more + 1 }, (_, i) => port + i)));
      const isWide = ports.size > 100;
      const perClause = ingress(...entries.map((entry) => ({ from: [WEB], ports: [entry] })));
      const single = on(...[...ports].map((port) => ({ port })));
      for (const policy of [on(...entries), on(...entries.toReversed()), perClause, single]) {
        expect(check(noWidePortRange, { policy })).toHaveLength(isWide ? 1 : 0);
      }
    }),
    { numRuns: 200 },
  );
});
