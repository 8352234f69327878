import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  BITS,
  blockAddresses,
  type Family,
  isAddress,
  isNetwork,
  NO_ADDRESSES,
  PRIVATE,
  parseCidr,
  prefixSize,
  splitNat64,
  throughNat64,
  unionAddresses,
} from "../../src/model/cidr.ts";
import { intersect, normalise, size } from "../../src/model/ranges.ts";

describe("as every API server takes it", () => {
  test.each([
    ["10.0.0.1", true, false],
    ["fd00::1", true, false],
    ["10.0.0.0/8", false, true],
    ["0.0.0.0/0", false, true],
    ["fd00::/48", false, true],
    ["fd00::1/128", false, true],
    ["10.0.0.1/8", false, false],
    ["fd00::1/48", false, false],
    ["10.0.0.0/33", false, false],
    ["10.0.0.0/08", false, false],
    ["010.0.0.0/8", false, false],
    ["10.0.0.0/8/8", false, false],
    ["10.0.0.0/", false, false],
    ["fe80::1%eth0", false, false],
    ["::ffff:10.0.0.1", false, false],
    ["::ffff:10.0.0.0/104", false, false],
    ["nodes", false, false],
    ["", false, false],
  ])("%j", (written, address, network) => {
    expect([isAddress(written), isNetwork(written)]).toEqual([address, network]);
  });
});

describe("parseCidr", () => {
  test.each([
    ["0.0.0.0/0", "IPv4", 0, 0x1_0000_0000],
    ["255.255.255.255/32", "IPv4", 0xffff_ffff, 0x1_0000_0000],
    ["10.0.0.0/8", "IPv4", 0x0a00_0000, 0x0b00_0000],
    ["10.0.0.1", "IPv4", 0x0a00_0001, 0x0a00_0002],
    ["10.1.2.3/8", "IPv4", 0x0a00_0000, 0x0b00_0000],
    ["128.0.0.0/1", "IPv4", 0x8000_0000, 0x1_0000_0000],
    ["::/0", "IPv6", 0n, 1n << 128n],
    ["::1/128", "IPv6", 1n, 2n],
    ["2001:db8::/32", "IPv6", 0x2001_0db8n << 96n, 0x2001_0db9n << 96n],
    ["2001:DB8::1", "IPv6", (0x2001_0db8n << 96n) + 1n, (0x2001_0db8n << 96n) + 2n],
    ["64:ff9b::10.0.0.0/104", "IPv6", (0x64_ff9bn << 96n) + 0x0a00_0000n, (0x64_ff9bn << 96n) + 0x0b00_0000n],
  ] as const)("%s", (cidr, family, first, end) => {
    expect(parseCidr(cidr)).toEqual({ family, range: [first, end] });
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
        if (parsed !== undefined) expect(parsed.range[0]).toBeLessThan(parsed.range[1]);
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
        const [first, end] = block?.range.map(BigInt) ?? [];
        if (first === undefined || end === undefined) throw new Error("it is a block");
        expect(end - first).toBe(prefixSize(family, length));
        expect(first % prefixSize(family, length)).toBe(0n);
        expect(end).toBeLessThanOrEqual(1n << BigInt(BITS[family]));
        expect(single?.range[0]).toBeGreaterThanOrEqual(first);
        expect(single?.range[0]).toBeLessThan(end);
      }),
    );
  });
});

describe("what API servers before Kubernetes 1.36 let in is read as network plugins read it", () => {
  test.each([
    ["000.0.0.0/0", "0.0.0.0/0"],
    ["0.0.0.0/00", "0.0.0.0/0"],
    ["010.0.0.08/032", "10.0.0.8/32"],
    ["10.1.2.3/8", "10.0.0.0/8"],
    ["::ffff:0.0.0.0/96", "0.0.0.0/0"],
    ["::ffff:0:0/97", "0.0.0.0/1"],
    ["::ffff:169.254.169.254/128", "169.254.169.254/32"],
    ["::ffff:010.0.0.0/0104", "10.0.0.0/8"],
    ["2001:00db8::/0032", "2001:db8::/32"],
    // Holds more than IPv4, so it is IPv6.
    ["::fffe:0:0/95", "::fffe:0:0/95"],
  ])("%s is %s", (cidr, same) => {
    const addresses = blockAddresses(same, []);
    expect(addresses).not.toEqual(NO_ADDRESSES);
    expect(blockAddresses(cidr, [])).toEqual(addresses);
    expect(blockAddresses(same.includes(".") ? "0.0.0.0/0" : "::/0", [cidr])).toEqual(
      blockAddresses(same.includes(".") ? "0.0.0.0/0" : "::/0", [same]),
    );
  });
});

test("a union is that of each family", () => {
  const addresses = fc
    .array(fc.oneof(fc.ipV4(), fc.ipV6()), { maxLength: 6 })
    .map((all) => all.map((address) => blockAddresses(address, [])));
  fc.assert(
    fc.property(addresses, (all) => {
      const whole = unionAddresses(all);
      expect(whole.IPv4).toEqual(normalise(all.flatMap(({ IPv4 }) => IPv4)));
      expect(whole.IPv6).toEqual(normalise(all.flatMap(({ IPv6 }) => IPv6)));
      expect(unionAddresses(all.toReversed())).toEqual(whole);
      expect(unionAddresses([whole, ...all, NO_ADDRESSES])).toEqual(whole);
    }),
  );
  expect(unionAddresses([])).toEqual(NO_ADDRESSES);
});

describe("blockAddresses", () => {
  test("takes the holes away", () => {
    expect(blockAddresses("10.0.0.0/30", ["10.0.0.1/32"]).IPv4).toEqual([
      [0x0a00_0000, 0x0a00_0001],
      [0x0a00_0002, 0x0a00_0004],
    ]);
  });
  test.each([
    ["of the other family", "10.0.0.0/30", ["::/0"]],
    ["outside", "10.0.0.0/30", ["11.0.0.0/8"]],
    ["that cannot be read", "10.0.0.0/30", ["", "foo", "10.0.0.0/33"]],
    ["none", "10.0.0.0/30", []],
  ])("holes %s take nothing away", (_, cidr, except) => {
    expect(blockAddresses(cidr, except)).toEqual({ IPv4: [[0x0a00_0000, 0x0a00_0004]], IPv6: [] });
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
  test("what is reached through it joins the IPv4 that is there", () => {
    const both = unionAddresses([blockAddresses("10.0.0.0/9", []), blockAddresses("64:ff9b::10.128.0.0/105", [])]);
    expect(throughNat64(both)).toEqual(blockAddresses("10.0.0.0/8", []));
    expect(throughNat64(blockAddresses("2001:db8::/32", []))).toEqual(blockAddresses("2001:db8::/32", []));
  });
});
