import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createContainment, isSelectorWithin } from "../../src/model/containment.ts";
import { toPolicy } from "../../src/model/network-policy.ts";
import type { Clause } from "../../src/model/policy.ts";
import { containsPort } from "../../src/model/ports.ts";
import { matches, toSelector } from "../../src/model/selector.ts";
import { egress, expression, ipBlock, selector } from "../helpers/build.ts";

const isWithin = (inner: object, ...outers: object[]): boolean => {
  const [clause] = toPolicy(egress(inner)).clauses;
  if (clause === undefined) throw new Error("the policy has a clause");
  return createContainment().isClauseWithin(clause, toPolicy(egress(...outers)).clauses);
};
const pods = (labels: Record<string, string>, namespaceSelector?: object) => ({
  podSelector: selector(labels),
  ...(namespaceSelector && { namespaceSelector }),
});

describe("a clause within another", () => {
  test.each([
    ["the same", { to: [pods({ a: "b" })] }, { to: [pods({ a: "b" })] }],
    ["anything, in everything", { to: [pods({ a: "b" })], ports: [{ port: 1 }] }, {}],
    ["fewer peers, in another order", { to: [pods({ c: "d" })] }, { to: [pods({ a: "b" }), pods({ c: "d" })] }],
    ["fewer Pods", { to: [pods({ a: "b", c: "d" })] }, { to: [pods({ a: "b" })] }],
    ["the own namespace, in every namespace", { to: [pods({ a: "b" })] }, { to: [pods({ a: "b" }, {})] }],
    [
      "one namespace, in every namespace",
      { to: [pods({ a: "b" }, selector({ n: "x" }))] },
      { to: [pods({ a: "b" }, {})] },
    ],
    [
      "addresses, in the sum of others",
      { to: [ipBlock("10.0.0.0/8")] },
      { to: [ipBlock("10.0.0.0/9"), ipBlock("10.128.0.0/9")] },
    ],
    ["a port, in a range", { ports: [{ port: 5 }] }, { ports: [{ port: 1, endPort: 9 }] }],
    [
      "a port, in every port of its protocol",
      { ports: [{ port: 5, protocol: "UDP" }] },
      { ports: [{ protocol: "UDP" }] },
    ],
    ["a named port, in itself", { ports: [{ port: "http" }] }, { ports: [{ port: "http" }] }],
  ])("%s", (_name, inner, outer) => {
    expect(isWithin(inner, outer)).toBe(true);
  });

  test.each([
    ["everything, in something", {}, { to: [pods({ a: "b" })] }],
    ["every port, in some", { to: [pods({ a: "b" })] }, { to: [pods({ a: "b" })], ports: [{ port: 1 }] }],
    ["more Pods", { to: [pods({ a: "b" })] }, { to: [pods({ a: "b", c: "d" })] }],
    ["other Pods", { to: [pods({ a: "c" })] }, { to: [pods({ a: "b" })] }],
    ["another peer", { to: [pods({ a: "b" }), pods({ e: "f" })] }, { to: [pods({ a: "b" })] }],
    ["every namespace, in the own", { to: [pods({ a: "b" }, {})] }, { to: [pods({ a: "b" })] }],
    [
      "the own namespace, in one that it may not be",
      { to: [pods({ a: "b" })] },
      { to: [pods({ a: "b" }, selector({ n: "x" }))] },
    ],
    ["addresses, in fewer", { to: [ipBlock("10.0.0.0/8")] }, { to: [ipBlock("10.0.0.0/9")] }],
    [
      "addresses, where a hole has been closed",
      { to: [ipBlock("10.0.0.0/8")] },
      { to: [{ ipBlock: { cidr: "10.0.0.0/8", except: ["10.1.0.0/16"] } }] },
    ],
    ["addresses, in Pods", { to: [ipBlock("10.0.0.0/8")] }, { to: [pods({})] }],
    ["Pods, in addresses", { to: [pods({ a: "b" })] }, { to: [ipBlock("0.0.0.0/0")] }],
    ["another protocol", { ports: [{ port: 5, protocol: "UDP" }] }, { ports: [{ port: 5 }] }],
    ["a longer range", { ports: [{ port: 1, endPort: 9 }] }, { ports: [{ port: 1, endPort: 8 }] }],
    ["a named port, in numbers", { ports: [{ port: "http" }] }, { ports: [{ port: 80 }] }],
    ["one of two peers", { to: [pods({ a: "b" }), pods({ c: "d" })] }, { to: [pods({ a: "b" })] }],
  ])("but not %s", (_name, inner, outer) => {
    expect(isWithin(inner, outer)).toBe(false);
  });

  const on = (...ports: number[]) => ({ ports: ports.map((port) => ({ port })) });
  const [a, c] = [{ to: [pods({ a: "b" })] }, { to: [pods({ c: "d" })] }];
  const [low, high] = [{ to: [ipBlock("10.0.0.0/9")] }, { to: [ipBlock("10.128.0.0/9")] }];

  test.each([
    ["two peers", { to: [...a.to, ...c.to] }, [a, c]],
    ["addresses", { to: [ipBlock("10.0.0.0/8")] }, [low, high]],
    [
      "addresses and Pods",
      { to: [...a.to, ipBlock("10.1.0.0/16")], ...on(1) },
      [
        { ...low, ...on(1) },
        { ...a, ...on(1) },
      ],
    ],
    ["ports", on(1, 2), [on(1), on(2)]],
    [
      "ports of one peer",
      { ...a, ...on(1, 2) },
      [
        { ...a, ...on(2) },
        { to: [...c.to, ...a.to], ...on(1) },
      ],
    ],
  ])("is also what several others open together: %s", (_name, inner, outers) => {
    expect(isWithin(inner, ...outers)).toBe(true);
    expect(isWithin(inner, ...outers.slice(1))).toBe(false);
  });

  test("but not where each part of it is opened to others, or on other ports", () => {
    const crossed = [
      { ...a, ...on(1) },
      { ...c, ...on(2) },
    ];
    expect(isWithin({ to: [...a.to, ...c.to], ...on(1, 2) }, ...crossed)).toBe(false);
    expect(isWithin({ to: [...a.to, ...c.to], ...on(1) }, ...crossed)).toBe(false);
    expect(isWithin({ ...a, ...on(2) }, ...crossed)).toBe(false);
    expect(isWithin({ to: [ipBlock("10.0.0.0/8")], ...on(1) }, { ...low, ...on(1) }, { ...high, ...on(2) })).toBe(
      false,
    );
  });

  test("of another direction is not", () => {
    const ingress = toPolicy({ spec: { podSelector: {}, policyTypes: ["Ingress"], ingress: [{}] } }).clauses;
    const [clause] = toPolicy(egress({})).clauses;
    expect(clause && createContainment().isClauseWithin(clause, ingress)).toBe(false);
  });
});

test("law: what a selector within another matches, the other matches", () => {
  const key = fc.constantFrom("a", "b", "c");
  const values = fc.subarray(["x", "y", "z"]);
  const requirement = fc.record({ key, operator: fc.constantFrom("In", "NotIn", "Exists", "DoesNotExist"), values });
  const aSelector = fc
    .array(requirement, { maxLength: 4 })
    .map((matchExpressions) => toSelector({ matchExpressions }, ""));
  const labels = fc.dictionary(key, fc.constantFrom("x", "y", "z"));
  fc.assert(
    fc.property(aSelector, aSelector, labels, (inner, more, given) => {
      const both = { path: "", requirements: [...inner.requirements, ...more.requirements] };
      expect(isSelectorWithin(both, inner)).toBe(true);
      if (isSelectorWithin(inner, more) && matches(inner, given)) expect(matches(more, given)).toBe(true);
    }),
    { numRuns: 2_000 },
  );
});

test("law: what a clause within others opens, one of them opens", () => {
  const labels = ["x", "y", "z"].map((a) => ({ a }));
  const aSelector = fc.constantFrom(
    {},
    ...labels.map((one) => selector(one)),
    selector({}, expression("a", "In", ["x", "y"])),
  );
  const peers = fc.oneof(
    aSelector.map((podSelector) => ({ podSelector })),
    fc.constantFrom("10.0.0.0/30", "10.0.0.0/31", "10.0.0.2/31").map((cidr) => ipBlock(cidr)),
  );
  const ports = fc.constantFrom({ port: 1 }, { port: 2 }, { port: 1, endPort: 2 }, { port: 2, endPort: 3 }, {});
  const aClause = fc.record({ to: fc.array(peers, { maxLength: 3 }), ports: fc.array(ports, { maxLength: 3 }) });

  /** Everything that there is, as one text for each port of each Pod and address. */
  const opened = (clause: Clause): string[] => {
    const destinations = [...labels, 0, 1, 2, 3].filter((one) => {
      if (clause.peers === "anyone") return true;
      return clause.peers.some((peer) => {
        if (typeof one !== "number") return peer.kind === "pods" && matches(peer.pods, one);
        const address = 10 * 2 ** 24 + one;
        return (
          peer.kind === "addresses" && peer.addresses.IPv4.some(([first, end]) => first <= address && address < end)
        );
      });
    });
    const numbers = [1, 2, 3, 4].filter((number) => containsPort(clause.portSet, "TCP", number));
    return destinations.flatMap((one) => numbers.map((number) => JSON.stringify([one, number])));
  };
  let found = 0;
  fc.assert(
    fc.property(aClause, fc.array(aClause, { maxLength: 4 }), (one, others) => {
      const [inner, ...outers] = toPolicy(egress(one, ...others)).clauses;
      if (inner === undefined || !createContainment().isClauseWithin(inner, outers)) return;
      found++;
      const open = new Set(outers.flatMap(opened));
      expect(opened(inner).filter((text) => !open.has(text))).toEqual([]);
    }),
    { numRuns: 3_000 },
  );
  expect(found).toBeGreaterThan(100);
});

describe("a selector within another", () => {
  const within = (inner: object, outer: object) => isSelectorWithin(toSelector(inner, ""), toSelector(outer, ""));
  const on = (operator: string, ...values: string[]) => selector({}, expression("a", operator, values));

  test.each([
    ["fewer values", on("In", "x"), on("In", "x", "y")],
    ["a value, where any is allowed", on("In", "x"), on("Exists")],
    ["a value that is not excluded", on("In", "x"), on("NotIn", "y", "z")],
    ["more that is excluded", on("NotIn", "x", "y"), on("NotIn", "x")],
    ["none, where some are excluded", on("DoesNotExist"), on("NotIn", "x")],
    ["another notation", selector({ a: "x" }), on("In", "x")],
  ])("%s", (name, inner, outer) => {
    expect(within(inner, outer)).toBe(true);
    expect(within(outer, inner)).toBe(name === "another notation");
  });

  test("a value that is listed twice counts once", () => {
    const [both, one] = [
      selector({}, expression("a", "NotIn", ["x", "y"])),
      selector({}, expression("a", "NotIn", ["x", "x"])),
    ];
    expect(within(one, both)).toBe(false);
    expect(within(one, selector({}, expression("a", "NotIn", ["x"])))).toBe(true);
  });

  test("thousands of requirements and values are compared in time", () => {
    const values = Array.from({ length: 40_000 }, (_, i) => `v${i}`);
    const many = selector(
      {},
      ...values.map((value) => expression(value, "In", [value])),
      expression("a", "In", values),
    );
    expect(within(many, structuredClone(many))).toBe(true);
    expect(within(selector({ a: "b" }), many)).toBe(false);
  });
});
