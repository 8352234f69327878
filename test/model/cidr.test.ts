import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type AddressSet,
  BITS,
  blockAddresses,
  type Family,
  intersect,
  NO_ADDRESSES,
  normalise,
  PRIVATE,
  parseCidr,
  prefixSize,
  type Range,
  size,
  splitNat64,
  subtract,
  unionAddresses,
} from "../../src/model/cidr.ts";

describe("parseCidr", () => {
  test.each([
    ["0.0.0.0/0", "IPv4", 0n, 0xffff_ffffn],
    ["255.255.255.255/32", "IPv4", 0xffff_ffffn, 0xffff_ffffn],
    ["10.0.0.0/8", "IPv4", 0x0a00_0000n, 0x0aff_ffffn],
    ["10.0.0.1", "IPv4", 0x0a00_0001n, 0x0a00_0001n],
    ["10.1.2.3/8", "IPv4", 0x0a00_0000n, 0x0aff_ffffn],
    ["128.0.0.0/1", "IPv4", 0x8000_0000n, 0xffff_ffffn],
    ["::/0", "IPv6", 0n, (1n << 128n) - 1n],
    ["::1/128", "IPv6", 1n, 1n],
    ["2001:db8::/32", "IPv6", 0x2001_0db8n << 96n, (0x2001_0db9n << 96n) - 1n],
    ["2001:DB8::1", "IPv6", (0x2001_0db8n << 96n) + 1n, (0x2001_0db8n << 96n) + 1n],
    ["64:ff9b::10.0.0.0/104", "IPv6", (0x64_ff9bn << 96n) + 0x0a00_0000n, (0x64_ff9bn << 96n) + 0x0aff_ffffn],
  ] as const)("%s", (cidr, family, first, last) => {
    expect(parseCidr(cidr)).toEqual({ family, range: [first, last] });
  });

  const nonsense = ["", " ", "/", "foo", "foo/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0/8", "010.0.0.0/8"];
  test.each([
    ...nonsense,
    "10.0.0.0/8/8",
    "10.0.0.0/8 ",
    "256.0.0.0/8",
    ":",
    "::/129",
    ":::/0",
    "1::2::3/64",
    "[::]/0",
  ])("%j is none", (text) => {
    expect(parseCidr(text)).toBeUndefined();
  });

  test("never throws", () => {
    const hostile = fc.oneof(fc.string(), fc.stringMatching(/^[0-9a-f:./%]{0,60}$/), fc.constant("1".repeat(1e5)));
    fc.assert(
      fc.property(hostile, (text) => {
        const parsed = parseCidr(text);
        if (parsed !== undefined) expect(parsed.range[0]).toBeLessThanOrEqual(parsed.range[1]);
      }),
      { numRuns: 2000 },
    );
  });

  test("is as large as its prefix says, begins where it should, and holds its address", () => {
    const v4 = fc.tuple(fc.ipV4(), fc.nat(32), fc.constant<Family>("IPv4"));
    const v6 = fc.tuple(fc.ipV6(), fc.nat(128), fc.constant<Family>("IPv6"));
    fc.assert(
      fc.property(fc.oneof(v4, v6), ([address, length, family]) => {
        const block = parseCidr(`${address}/${length}`);
        const single = parseCidr(address);
        expect(block?.family).toBe(family);
        const [first, last] = block?.range ?? [0n, 0n];
        expect(last - first + 1n).toBe(prefixSize(family, length));
        expect(first % prefixSize(family, length)).toBe(0n);
        expect(last).toBeLessThan(1n << BigInt(BITS[family]));
        expect(single?.range[0]).toBeGreaterThanOrEqual(first);
        expect(single?.range[0]).toBeLessThanOrEqual(last);
      }),
    );
  });
});

describe("sets of addresses, against numbers in a small world", () => {
  const WORLD = 48;
  const range = fc
    .tuple(fc.nat(WORLD - 1), fc.nat(WORLD - 1))
    .map(([a, b]): Range => [BigInt(Math.min(a, b)), BigInt(Math.max(a, b))]);
  const ranges = fc.array(range, { maxLength: 8 });
  const set = ranges.map(normalise);

  const members = (all: readonly Range[]) =>
    Array.from({ length: WORLD }, (_, i) => i).filter((i) => all.some(([first, last]) => first <= i && i <= last));
  const expectNormal = (result: AddressSet) => {
    for (const [i, [first, last]] of result.entries()) {
      expect(first).toBeLessThanOrEqual(last);
      const next = result[i + 1];
      if (next !== undefined) expect(next[0]).toBeGreaterThan(last + 1n);
    }
  };

  test("normalise keeps the members, in one way of writing them", () => {
    fc.assert(
      fc.property(ranges, (all) => {
        const result = normalise(all);
        expectNormal(result);
        expect(members(result)).toEqual(members(all));
        expect(normalise(result)).toEqual(result);
        expect(normalise(all.toReversed())).toEqual(result);
        expect(normalise([...all, ...all])).toEqual(result);
      }),
      { numRuns: 1000 },
    );
  });

  test("subtract", () => {
    fc.assert(
      fc.property(set, set, (a, b) => {
        const result = subtract(a, b);
        expectNormal(result);
        const holes = new Set(members(b));
        expect(members(result)).toEqual(members(a).filter((i) => !holes.has(i)));
      }),
      { numRuns: 2000 },
    );
  });

  test("intersect", () => {
    fc.assert(
      fc.property(set, set, (a, b) => {
        const result = intersect(a, b);
        expectNormal(result);
        const both = new Set(members(b));
        expect(members(result)).toEqual(members(a).filter((i) => both.has(i)));
        expect(intersect(b, a)).toEqual(result);
      }),
      { numRuns: 2000 },
    );
  });

  test("size", () => {
    fc.assert(
      fc.property(set, (a) => {
        expect(size(a)).toBe(BigInt(members(a).length));
      }),
    );
    expect(size([])).toBe(0n);
  });

  test("what is taken away and what is kept make up the whole", () => {
    fc.assert(
      fc.property(set, set, (a, b) => {
        expect(normalise([...subtract(a, b), ...intersect(a, b)])).toEqual(a);
        expect(size(subtract(a, b)) + size(intersect(a, b))).toBe(size(a));
      }),
    );
  });

  test("union", () => {
    const addresses = fc.record({ IPv4: set, IPv6: set });
    fc.assert(
      fc.property(addresses, addresses, (a, b) => {
        const both = unionAddresses([a, b]);
        expect(members(both.IPv4)).toEqual(members([...a.IPv4, ...b.IPv4]));
        expect(members(both.IPv6)).toEqual(members([...a.IPv6, ...b.IPv6]));
        expect(unionAddresses([b, a])).toEqual(both);
        expect(unionAddresses([a, a])).toEqual(a);
        expect(unionAddresses([a, NO_ADDRESSES])).toEqual(a);
      }),
    );
    expect(unionAddresses([])).toEqual(NO_ADDRESSES);
  });
});

describe("blockAddresses", () => {
  test("takes the holes away", () => {
    expect(blockAddresses("10.0.0.0/30", ["10.0.0.1/32"]).IPv4).toEqual([
      [0x0a00_0000n, 0x0a00_0000n],
      [0x0a00_0002n, 0x0a00_0003n],
    ]);
  });
  test.each([
    ["of the other family", "10.0.0.0/30", ["::/0"]],
    ["outside", "10.0.0.0/30", ["11.0.0.0/8"]],
    ["that cannot be read", "10.0.0.0/30", ["", "foo", "10.0.0.0/33"]],
    ["none", "10.0.0.0/30", []],
  ])("holes %s take nothing away", (_, cidr, except) => {
    expect(blockAddresses(cidr, except)).toEqual({ IPv4: [[0x0a00_0000n, 0x0a00_0003n]], IPv6: [] });
  });
  test("a hole as large, or larger, leaves nothing", () => {
    expect(blockAddresses("10.0.0.0/30", ["10.0.0.0/30"])).toEqual(NO_ADDRESSES);
    expect(blockAddresses("10.0.0.0/30", ["0.0.0.0/0"])).toEqual(NO_ADDRESSES);
  });
  test("nothing where the block cannot be read", () => {
    expect(blockAddresses("foo", [])).toEqual(NO_ADDRESSES);
  });
  test("is fast with many holes", () => {
    const holes = Array.from({ length: 20_000 }, (_, i) => `10.${i >> 8}.${i & 255}.1/32`);
    expect(blockAddresses("10.0.0.0/8", holes).IPv4).toHaveLength(20_001);
  });
});

test.each([
  ["10.0.0.0", true],
  ["10.255.255.255", true],
  ["11.0.0.0", false],
  ["172.15.255.255", false],
  ["172.16.0.0", true],
  ["172.31.255.255", true],
  ["172.32.0.0", false],
  ["192.167.255.255", false],
  ["192.168.0.0", true],
  ["192.168.255.255", true],
  ["100.63.255.255", false],
  ["100.64.0.0", true],
  ["100.127.255.255", true],
  ["100.128.0.0", false],
  ["169.254.169.254", true],
  ["169.253.0.0", false],
  ["8.8.8.8", false],
  ["fc00::1", true],
  ["fdff:ffff::1", true],
  ["fe00::1", false],
  ["fe80::1", true],
  ["febf:ffff::1", true],
  ["fec0::1", false],
  ["2001:db8::1", false],
  ["::1", false],
])("%s is private: %s", (address, isPrivate) => {
  const { IPv4, IPv6 } = blockAddresses(address, []);
  expect(size(intersect(IPv4, PRIVATE.IPv4)) + size(intersect(IPv6, PRIVATE.IPv6))).toBe(isPrivate ? 1n : 0n);
});

describe("NAT64", () => {
  test("an IPv4 block behind it is that block", () => {
    fc.assert(
      fc.property(fc.ipV4(), fc.nat(32), (address, length) => {
        const behind = splitNat64(blockAddresses(`64:ff9b::${address}/${96 + length}`, []).IPv6);
        expect(behind).toEqual(blockAddresses(`${address}/${length}`, []));
      }),
    );
  });
  test("the rest stays IPv6", () => {
    const { IPv4, IPv6 } = splitNat64(blockAddresses("::/0", []).IPv6);
    expect(IPv4).toEqual(blockAddresses("0.0.0.0/0", []).IPv4);
    expect(size(IPv6)).toBe((1n << 128n) - (1n << 32n));
    expect(splitNat64(blockAddresses("2001:db8::/32", []).IPv6)).toEqual(blockAddresses("2001:db8::/32", []));
    expect(splitNat64([])).toEqual(NO_ADDRESSES);
  });
});
