import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Port } from "../../src/model/policy.ts";
import {
  containsEveryPort,
  containsPort,
  countPorts,
  isWithin,
  type PortSet,
  portsOf,
  PROTOCOLS,
  unionPorts,
} from "../../src/model/ports.ts";

type Entry = Omit<Port, "path">;
const set = (...entries: readonly Partial<Entry>[]): PortSet =>
  portsOf(entries.map((entry) => ({ protocol: "TCP", ...entry, path: "" })));
const counts = (ports: PortSet) => PROTOCOLS.map((protocol) => countPorts(ports, protocol));

const ALL = portsOf("all");
const NONE = set();

describe("one set, several ways to write it", () => {
  test.each<[string, PortSet, PortSet]>([
    ["no ports, and every protocol", set({}, { protocol: "UDP" }, { protocol: "SCTP" }), ALL],
    ["every port in two halves", set({ port: 1, endPort: 32_767 }, { port: 32_768, endPort: 65_535 }), set({})],
    ["halves that overlap", set({ port: 20_000, endPort: 65_535 }, { port: 1, endPort: 40_000 }), set({})],
    ["a range of one", set({ port: 53, endPort: 53 }), set({ port: 53 })],
    ["neighbours", set({ port: 80 }, { port: 81 }), set({ port: 80, endPort: 81 })],
    ["twice", set({ port: 80 }, { port: "http" }, { port: "http" }, { port: 80 }), set({ port: "http" }, { port: 80 })],
    ["a name among all", set({ port: "http" }, {}), set({})],
  ])("%s", (_, one, other) => {
    expect(one).toEqual(other);
  });
});

describe("what the API server would refuse allows nothing", () => {
  test.each<[string, Partial<Entry>]>([
    ["port 0", { port: 0 }],
    ["a negative port", { port: -1 }],
    ["a port beyond the last", { port: 65_536 }],
    ["half a port", { port: 80.5 }],
    ["a range that ends in half a port", { port: 80, endPort: 90.5 }],
    ["a range that ends before it begins", { port: 90, endPort: 80 }],
    ["no number", { port: Number.NaN }],
    ["a huge number", { port: 1e308 }],
    ["another protocol", { protocol: "ICMP", port: 80 }],
    ["a protocol in small letters", { protocol: "tcp", port: 80 }],
    ["a protocol that every object has", { protocol: "constructor" }],
  ])("%s", (_, entry) => {
    expect(set(entry)).toEqual(NONE);
  });
  test("but the part of a range that exists is allowed", () => {
    expect(set({ port: 0, endPort: 70_000 })).toEqual(set({}));
    expect(set({ port: -5, endPort: 5 })).toEqual(set({ port: 1, endPort: 5 }));
  });
});

test("sizes", () => {
  expect(counts(ALL)).toEqual([65_535, 65_535, 65_535]);
  expect(counts(NONE)).toEqual([0, 0, 0]);
  expect(counts(set({ port: 1, endPort: 100 }, { protocol: "UDP", port: 53 }))).toEqual([100, 1, 0]);
  expect(counts(set({ port: 80 }, { port: "http" }, { port: "https" }))).toEqual([3, 0, 0]);
});

test("a name is no number, until the destination says which", () => {
  expect(containsPort(set({ port: "80" }), "TCP", 80)).toBe(false);
  expect(isWithin(set({ port: "dns" }), set({ port: 53 }))).toBe(false);
  expect(isWithin(set({ port: "dns" }), set({ port: "dns" }, { port: 53 }))).toBe(true);
  expect(isWithin(set({ port: "dns" }), set({}))).toBe(true);
  expect(isWithin(set({ port: "dns" }), set({ protocol: "UDP" }))).toBe(false);
});

test("every port is not all but one", () => {
  expect(containsEveryPort(set({}), "TCP")).toBe(true);
  expect(containsEveryPort(set({}), "UDP")).toBe(false);
  expect(containsEveryPort(set({ port: 1, endPort: 65_534 }), "TCP")).toBe(false);
  expect(containsEveryPort(set({ port: 2, endPort: 65_535 }), "TCP")).toBe(false);
  expect(containsEveryPort(set({ port: 1, endPort: 65_534 }, { port: "http" }), "TCP")).toBe(false);
});

describe("laws", () => {
  const number = fc.oneof(fc.integer({ min: 1, max: 65_535 }), fc.integer({ min: 1, max: 20 }));
  const protocol = fc.constantFrom(...PROTOCOLS);
  const range = fc
    .tuple(protocol, number, number)
    .map(([of, a, b]): Entry => ({ protocol: of, port: Math.min(a, b), endPort: Math.max(a, b) }));
  const single = fc.record({ protocol, port: fc.oneof(number, fc.constantFrom("http", "dns")) });
  const entries = fc.array(fc.oneof<fc.Arbitrary<Entry>[]>(range, single, fc.record({ protocol })), { maxLength: 6 });

  const ways: Readonly<Record<string, (all: Entry[]) => fc.Arbitrary<Entry[]>>> = {
    "in another order": (all) => fc.shuffledSubarray(all, { minLength: all.length }),
    "some of it twice": (all) => fc.subarray(all).map((again) => [...all, ...again]),
    "each range in two": (all) => fc.double({ min: 0, max: 1, noNaN: true }).map((at) => all.flatMap(cutAt(at))),
    "from 0 and beyond the last": (all) => fc.constant(all.map(stretched)),
  };
  test.each(Object.entries(ways))("the same ports %s", (_, way) => {
    fc.assert(
      fc.property(
        entries.chain((all) => way(all).map((other) => [all, other] as const)),
        ([all, other]) => {
          expect(set(...other)).toEqual(set(...all));
        },
      ),
      { numRuns: 500 },
    );
  });

  test("contains what was written, and nothing else", () => {
    fc.assert(
      fc.property(entries, protocol, number, (all, of, one) => {
        const isWritten = all.some(
          ({ protocol: p, port, endPort }) =>
            p === of && (port === undefined || (typeof port === "number" && port <= one && one <= (endPort ?? port))),
        );
        expect(containsPort(set(...all), of, one)).toBe(isWritten);
        expect(isWithin(set({ protocol: of, port: one }), set(...all))).toBe(isWritten);
      }),
      { numRuns: 1000 },
    );
  });

  test("a union is the ports of both", () => {
    fc.assert(
      fc.property(entries, entries, (a, b) => {
        const both = unionPorts([set(...a), set(...b)]);
        expect(both).toEqual(set(...a, ...b));
        expect(isWithin(set(...a), both)).toBe(true);
        expect(unionPorts([both, set(...a)])).toEqual(both);
        expect(isWithin(both, set(...a))).toBe(isWithin(set(...b), set(...a)));
        for (const [i, count] of counts(both).entries()) {
          expect(count).toBeGreaterThanOrEqual(counts(set(...a))[i] ?? 0);
          expect(count).toBeLessThanOrEqual(65_535 + 2);
        }
      }),
      { numRuns: 500 },
    );
    expect(unionPorts([])).toEqual(NONE);
  });
});

function cutAt(share: number) {
  return ({ port, endPort, ...rest }: Entry): Entry[] => {
    const [first, last] = port === undefined ? [1, 65_535] : [port, endPort ?? port];
    if (typeof first === "string" || typeof last === "string" || first === last) return [{ ...rest, port: first }];
    const middle = first + Math.floor((last - first - 1) * share);
    return [
      { ...rest, port: first, endPort: middle },
      { ...rest, port: middle + 1, endPort: last },
    ];
  };
}

function stretched(entry: Entry): Entry {
  return {
    ...entry,
    ...(entry.endPort !== undefined && entry.port === 1 && { port: 0 }),
    ...(entry.endPort === 65_535 && { endPort: 70_000 }),
  };
}
