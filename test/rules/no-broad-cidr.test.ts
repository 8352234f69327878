import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MODES, type Mode } from "../../src/config/mode.ts";
import { resolveRuleset } from "../../src/engine/ruleset.ts";
import { readEmbeddedPolicies } from "../../src/files/policies.ts";
import type { NetworkPolicy } from "../../src/model/network-policy.ts";
import { noBroadCidr } from "../../src/rules/no-broad-cidr.ts";
import {
  type Block,
  egress,
  egressTo,
  expression,
  ingress,
  ingressFrom,
  ipBlock,
  networkPolicy,
  selector,
} from "../helpers/build.ts";
import { check, type FailingCase, type RuleCase, testRule } from "../helpers/test-rule.ts";

const EXPOSURE = "drawbridge.dev/exposure";
const RFC1918 = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"];
const PRIVATE_IPV4 = [...RFC1918, "100.64.0.0/10", "169.254.0.0/16"];
const FIRST = "/spec/egress/0/to/0/ipBlock/cidr";

/** So many single addresses, no two of which touch. */
function scattered(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `203.${Math.floor(i / 200)}.${i % 200}.7/32`);
}

function sixteenths(): string[] {
  return Array.from({ length: 16 }, (_, i) => `${i * 16}.0.0.0/4`);
}

function exposed(podSelector: object, ...blocks: readonly (Block | string)[]): NetworkPolicy {
  const { spec } = ingressFrom(...blocks);
  return networkPolicy({ spec: { ...(spec as object), podSelector } });
}

const enforced: readonly FailingCase[] = [
  { name: "the internet", policy: egressTo("0.0.0.0/0"), at: FIRST, says: "egress to every IPv4 address" },
  {
    name: "the internet, for DNS and more",
    policy: egress({ to: [ipBlock("0.0.0.0/0")], ports: [{ port: 53, protocol: "UDP" }, { port: 80 }] }),
    at: FIRST,
  },
  {
    name: "the internet on port 53, inwards",
    policy: ingress({ from: [ipBlock("0.0.0.0/0")], ports: [{ port: 53, protocol: "UDP" }] }),
    at: "/spec/ingress/0/from/0/ipBlock/cidr",
  },
  { name: "the internet, padded with zeros", policy: egressTo("000.0.0.0/0"), at: FIRST, says: "every IPv4" },
  { name: "the internet, as IPv6 writes IPv4", policy: egressTo("::ffff:0.0.0.0/96"), at: FIRST, says: "every IPv4" },
  { name: "the internet in two halves", policy: egressTo("0.0.0.0/1", "128.0.0.0/1"), at: FIRST, says: "every IPv4" },
  {
    name: "the internet in two halves, one a clause",
    policy: egress({ to: [ipBlock("0.0.0.0/1")] }, { to: [ipBlock("128.0.0.0/1")] }),
    at: FIRST,
    says: "every IPv4",
  },
  { name: "the internet in sixteen parts", policy: egressTo(...sixteenths()), at: FIRST, says: "every IPv4" },
  {
    name: "the internet but for RFC 1918",
    policy: egressTo({ cidr: "0.0.0.0/0", except: RFC1918 }),
    at: FIRST,
    says: "4,272,816,128 public and 4,259,840 private IPv4 addresses (limit /16 and /16)",
  },
  {
    name: "the internet with a thousand holes",
    policy: egressTo({ cidr: "0.0.0.0/0", except: scattered(1000) }),
    at: FIRST,
    says: "public and 22,151,168 private IPv4 addresses (limit /16 and /8)",
  },
  { name: "one address more than a /16", policy: egressTo("8.8.0.0/16", "9.9.9.9/32"), at: "/spec/egress" },
  {
    name: "a /16 and one address, in two clauses",
    policy: egress({ to: [ipBlock("8.8.0.0/16")] }, { to: [ipBlock("9.9.9.9/32")] }),
    at: "/spec/egress",
    says: "65,537 public",
  },
  { name: "one address more than 10.0.0.0/8", policy: egressTo("10.0.0.0/8", "192.168.0.1/32"), at: "/spec/egress" },
  {
    name: "the one peer that is too broad, behind one that is not",
    policy: egress({ to: [{ podSelector: {} }] }, { to: [ipBlock("8.8.8.8/32"), ipBlock("11.0.0.0/8")] }),
    at: "/spec/egress/1/to/1/ipBlock/cidr",
  },
  { name: "every IPv6 address", policy: egressTo("::/0"), at: FIRST, says: "every IPv6 address" },
  { name: "every IPv6 address in two halves", policy: egressTo("::/1", "8000::/1"), at: FIRST, says: "every IPv6" },
  { name: "one address more than an IPv6 /32", policy: egressTo("2001:db8::/32", "2600::1/128"), at: "/spec/egress" },
  { name: "global unicast", policy: egressTo("2000::/3"), at: FIRST, says: "about 2^125 public IPv6 addresses" },
  {
    name: "both internets",
    policy: egressTo("0.0.0.0/0", "::/0"),
    at: [FIRST, "/spec/egress/0/to/1/ipBlock/cidr"],
  },
  {
    name: "both internets, the other way round",
    policy: egressTo("::/0", "0.0.0.0/0"),
    at: ["/spec/egress/0/to/1/ipBlock/cidr", FIRST],
  },
  {
    name: "NAT64 on the way in",
    policy: ingressFrom("64:ff9b::/96"),
    at: "/spec/ingress/0/from/0/ipBlock/cidr",
    says: "every IPv4 address",
  },
  { name: "NAT64", policy: egressTo("64:ff9b::/96"), at: FIRST, says: "every IPv4 address" },
  {
    name: "NAT64 in two halves",
    policy: egressTo("64:ff9b::/97", "64:ff9b::8000:0/97"),
    at: FIRST,
    says: "every IPv4",
  },
  { name: "NAT64 written with dots", policy: egressTo("64:ff9b::11.0.0.0/104"), at: FIRST, says: "16,777,216 public" },
  { name: "a network with NAT64 in it", policy: egressTo("64:ff9b::/64"), at: FIRST, says: "every IPv4 address" },
  {
    name: "a broad IPv6 network, and NAT64 beside it, which are two mistakes",
    policy: egressTo("2000::/3", "64:ff9b::/96"),
    at: ["/spec/egress/0/to/1/ipBlock/cidr", FIRST],
  },
  {
    name: "NAT64 and IPv4 together one address more than a /16",
    policy: egressTo("8.8.0.0/17", "64:ff9b::8.8.128.0/113", "64:ff9b::9.9.9.9/128"),
    at: "/spec/egress",
    says: "65,537 public IPv4",
  },
  {
    name: "an except of the other family, which takes nothing away",
    policy: egressTo({ cidr: "0.0.0.0/0", except: ["::/0"] }),
    at: FIRST,
  },
  {
    name: "an except that cannot be read, which takes nothing away",
    policy: egressTo({ cidr: "0.0.0.0/0", except: ["", "foo", "0.0.0.0/33"] }),
    at: FIRST,
  },
  {
    name: "what one peer excepts and another allows",
    policy: egressTo({ cidr: "11.0.0.0/8", except: ["11.0.0.0/9"] }, { cidr: "11.0.0.0/8", except: ["11.128.0.0/9"] }),
    at: FIRST,
    says: "16,777,216 public",
  },
  { name: "host bits, masked off", policy: egressTo("1.2.3.4/0"), at: FIRST, says: "every IPv4" },
  {
    name: "each direction by itself",
    policy: networkPolicy({
      spec: { egress: [{ to: [ipBlock("0.0.0.0/0")] }], ingress: [{ from: [ipBlock("0.0.0.0/0")] }] },
    }),
    at: ["/spec/ingress/0/from/0/ipBlock/cidr", FIRST],
  },
];

const warned: readonly FailingCase[] = [
  {
    name: "exactly a /16",
    policy: egressTo("8.8.0.0/16"),
    at: FIRST,
    says: "65,536 public IPv4 addresses (limit /24",
  },
  { name: "a /16 in two halves", policy: egressTo("8.8.0.0/17", "8.8.128.0/17"), at: FIRST },
  { name: "one address more than a /24", policy: egressTo("8.8.8.0/24", "9.9.9.9/32"), at: "/spec/egress" },
  { name: "300 scattered addresses", policy: egressTo(...scattered(300)), at: "/spec/egress", says: "300 public" },
  { name: "exactly 10.0.0.0/8", policy: egressTo("10.0.0.0/8"), at: FIRST, says: "16,777,216 private" },
  { name: "one address more than 10.1.0.0/16", policy: egressTo("10.1.0.0/16", "10.9.0.0/32"), at: "/spec/egress" },
  { name: "exactly an IPv6 /32", policy: egressTo("2001:db8::/32"), at: FIRST, says: "about 2^96 public IPv6" },
  { name: "one address more than an IPv6 /48", policy: egressTo("2001:db8::/48", "2600::1/128"), at: "/spec/egress" },
  { name: "ULA", policy: egressTo("fc00::/7"), at: FIRST, says: "private IPv6" },
  { name: "IPv6 link-local", policy: egressTo("fe80::/10"), at: FIRST, says: "private IPv6" },
  { name: "a /16 behind NAT64", policy: egressTo("64:ff9b::808:0/112"), at: FIRST, says: "65,536 public IPv4" },
  { name: "10.0.0.0/8 behind NAT64", policy: egressTo("64:ff9b::a00:0/104"), at: FIRST, says: "private IPv4" },
  {
    name: "a /16, half of it behind NAT64",
    policy: egressTo("8.8.0.0/17", "64:ff9b::8.8.128.0/113"),
    at: FIRST,
    says: "65,536 public IPv4",
  },
  {
    name: "an except outside of its cidr, which takes nothing away",
    policy: egressTo({ cidr: "8.8.8.0/23", except: ["9.9.9.0/24"] }),
    at: FIRST,
    says: "512 public",
  },
  {
    name: "a /16 in each direction, which do not add up",
    policy: networkPolicy({
      spec: { egress: [{ to: [ipBlock("8.8.0.0/16")] }], ingress: [{ from: [ipBlock("9.9.0.0/16")] }] },
    }),
    at: ["/spec/ingress/0/from/0/ipBlock/cidr", FIRST],
  },
].map((one) => ({ ...one, atMost: "warn" }));

const within: readonly RuleCase[] = [
  { name: "no addresses at all", policy: networkPolicy() },
  { name: "clauses that are open to everyone, which is no-open-egress's matter", policy: egress({}, { to: [] }) },
  {
    name: "DNS and nothing else, which is no-open-dns's matter",
    policy: egress({ to: [ipBlock("0.0.0.0/0"), ipBlock("::/0")], ports: [{ port: 53, protocol: "UDP" }] }),
  },
  { name: "a single address", policy: egressTo("8.8.8.8/32") },
  { name: "an address without a length", policy: egressTo("8.8.8.8") },
  { name: "exactly a /24", policy: egressTo("8.8.8.0/24") },
  { name: "a /24 in parts, some of them twice", policy: egressTo("8.8.8.0/25", "8.8.8.128/25", "8.8.8.128/26") },
  { name: "a /23 of which half is excepted", policy: egressTo({ cidr: "8.8.8.0/23", except: ["8.8.8.0/24"] }) },
  { name: "everything but everything", policy: egressTo({ cidr: "0.0.0.0/0", except: ["0.0.0.0/1", "128.0.0.0/1"] }) },
  { name: "an except wider than its cidr", policy: egressTo({ cidr: "8.0.0.0/8", except: ["0.0.0.0/0"] }) },
  { name: "exactly a private /16", policy: egressTo("10.1.0.0/16") },
  { name: "a public /24 and a private /16, which do not add up", policy: egressTo("8.8.8.0/24", "10.1.0.0/16") },
  { name: "exactly an IPv6 /48", policy: egressTo("2001:db8:1::/48") },
  { name: "an IPv6 /48, part of it twice", policy: egressTo("2001:db8:1::/48", "2001:db8:1::/49") },
  { name: "exactly a /32 of ULA", policy: egressTo("fd12:3456::/32") },
  { name: "a /24 behind NAT64", policy: egressTo("64:ff9b::8.8.8.0/120") },
  {
    name: "a /24 in each direction, which do not add up",
    policy: networkPolicy({
      spec: { egress: [{ to: [ipBlock("8.8.8.0/24")] }], ingress: [{ from: [ipBlock("9.9.9.0/24")] }] },
    }),
  },
  ...["foo", "10.0.0.0/33", "", "/", "0.0.0.0/-1", "::/129", ":::/0", "1.2.3/0", "0.0.0.0/0 "].map((cidr) => ({
    name: `what is not a CIDR: ${JSON.stringify(cidr)}`,
    policy: egressTo(cidr),
  })),
  ...[null, 0, true, {}, ["0.0.0.0/0"]].map((cidr) => ({
    name: `what is not even text: ${JSON.stringify(cidr)}`,
    policy: egress({ to: [{ ipBlock: { cidr, except: cidr } }, { ipBlock: cidr }] }),
  })),
];

describe("by its defaults", () => {
  testRule(noBroadCidr, { passes: within, fails: [...enforced, ...warned] });
});

describe("exposed workloads", () => {
  const internet = { cidr: "0.0.0.0/0", except: PRIVATE_IPV4 };
  const at = "/spec/ingress/0/from/0/ipBlock/cidr";
  const pinned = selector({ [EXPOSURE]: "public" });
  testRule(noBroadCidr, {
    passes: [
      { name: "any public ingress, asked for by matchLabels", policy: exposed(pinned, internet) },
      { name: "by matchExpressions", policy: exposed(selector({}, expression(EXPOSURE, "In", ["public"])), internet) },
      { name: "beside other labels", policy: exposed(selector({ app: "x", [EXPOSURE]: "public" }), internet) },
      { name: "a public /8", policy: exposed(pinned, "11.0.0.0/8") },
      {
        name: "any public IPv6",
        policy: exposed(pinned, { cidr: "::/0", except: ["fc00::/7", "fe80::/10"] }),
      },
      {
        name: "another label and value",
        policy: exposed(selector({ tier: "edge" }), internet),
        options: { exposure: { label: "tier", value: "edge" } },
      },
    ],
    fails: [
      { name: "no exposure label", policy: exposed(selector({ app: "x" }), internet), at, says: "ingress from" },
      { name: "another value", policy: exposed(selector({ [EXPOSURE]: "private" }), internet), at },
      { name: "Exists", policy: exposed(selector({}, expression(EXPOSURE, "Exists")), internet), at },
      { name: "NotIn", policy: exposed(selector({}, expression(EXPOSURE, "NotIn", ["public"])), internet), at },
      { name: "DoesNotExist", policy: exposed(selector({}, expression(EXPOSURE, "DoesNotExist")), internet), at },
      {
        name: "In with a second value",
        policy: exposed(selector({}, expression(EXPOSURE, "In", ["public", "private"])), internet),
        at,
      },
      { name: "In with no value", policy: exposed(selector({}, expression(EXPOSURE, "In", [])), internet), at },
      {
        name: "the default label where another is asked for",
        policy: exposed(pinned, internet),
        at,
        options: { exposure: { label: "tier", value: "edge" } },
      },
      {
        name: "private addresses too",
        policy: exposed(pinned, "0.0.0.0/0"),
        at,
        says: "22,151,168 private IPv4 addresses (limit /8",
      },
      { name: "10.0.0.0/8", policy: exposed(pinned, "10.0.0.0/8"), at, says: "private", atMost: "warn" },
      {
        name: "egress, which the label does not open",
        policy: networkPolicy({
          spec: { podSelector: pinned, policyTypes: ["Egress"], egress: [{ to: [ipBlock(internet)] }] },
        }),
        at: FIRST,
        says: "egress to",
      },
    ],
  });
  test("whoever exposes private addresses is told to except them", () => {
    const [violation] = check(noBroadCidr, { policy: exposed(pinned, "0.0.0.0/0") });
    expect(violation?.fix).toMatch(/except/);
  });
});

describe("in ruleset restricted", async () => {
  const { rulesets } = await readEmbeddedPolicies();
  const document = rulesets.get("restricted");
  if (document === undefined) throw new Error("ruleset restricted is missing");
  const setting = resolveRuleset(document, rulesets).settings.find(({ rule }) => rule.id === "no-broad-cidr");
  const options = setting?.options ?? {};
  testRule(noBroadCidr, {
    passes: [
      { name: "exactly a /24", policy: egressTo("8.8.8.0/24"), options },
      { name: "exactly a private /16", policy: egressTo("10.1.0.0/16"), options },
      { name: "exactly an IPv6 /48", policy: egressTo("2001:db8:1::/48"), options },
      { name: "exactly a /48 of ULA", policy: egressTo("fd12:3456:789a::/48"), options },
      { name: "exposed", policy: exposed(selector({ [EXPOSURE]: "public" }), "11.0.0.0/8"), options },
    ],
    fails: [
      {
        name: "one address more than a /24",
        policy: egressTo("8.8.8.0/24", "9.9.9.9/32"),
        at: "/spec/egress",
        options,
      },
      { name: "300 scattered addresses", policy: egressTo(...scattered(300)), at: "/spec/egress", options },
      { name: "a private /15", policy: egressTo("10.0.0.0/15"), at: FIRST, options },
      { name: "an IPv6 /47", policy: egressTo("2001:db8::/47"), at: FIRST, options },
      { name: "a /47 of ULA", policy: egressTo("fd12::/47"), at: FIRST, options },
      { name: "a /15 behind NAT64", policy: egressTo("64:ff9b::10.0.0.0/111"), at: FIRST, options },
      { name: "ingress", policy: ingressFrom("8.8.0.0/23"), at: "/spec/ingress/0/from/0/ipBlock/cidr", options },
    ],
  });
});

describe("limits as options", () => {
  const at = FIRST;
  testRule(noBroadCidr, {
    passes: [
      { name: "no limit of one kind", policy: egressTo("11.0.0.0/8"), options: { publicIPv4: {} } },
      {
        name: "a limit of everything",
        policy: egressTo("0.0.0.0/0"),
        options: { publicIPv4: { enforceAbove: 0 }, privateIPv4: {} },
      },
      { name: "one address", policy: egressTo("8.8.8.8/32"), options: { publicIPv4: { enforceAbove: 32 } } },
    ],
    fails: [
      {
        name: "two addresses where one is allowed",
        policy: egressTo("8.8.8.8/31"),
        options: { publicIPv4: { enforceAbove: 32 } },
        at,
        says: "2 public IPv4 addresses (limit /32",
      },
      {
        name: "only a warning",
        policy: egressTo("11.0.0.0/8"),
        options: { publicIPv4: { warnAbove: 24 } },
        at,
        atMost: "warn",
      },
      {
        name: "a limit for private IPv6",
        policy: egressTo("fd00::/8"),
        options: { privateIPv6: { enforceAbove: 48 } },
        at,
      },
    ],
  });
});

/**
 * How the same addresses are written must not matter. Each law takes a random list of blocks, writes it in another way
 * and compares what is done about it (not the message, whose path is that of one of the blocks).
 */
describe("laws", () => {
  type Law = (blocks: readonly Required<Block>[]) => fc.Arbitrary<readonly Required<Block>[]>;

  const address = fc.nat(0xffff_ffff);
  const length = fc.oneof(fc.integer({ min: 0, max: 32 }), fc.constantFrom(8, 15, 16, 17, 23, 24, 25));
  /** Near each other, so that they overlap and touch; public and private. */
  const start = fc.oneof(
    address,
    fc.nat(0x3ff).map((low) => 0x0808_0000 + low * 0x40),
    fc.nat(0x3ff).map((low) => 0x0a00_0000 + low * 0x4000),
  );
  const cidr = fc.tuple(start, length).map(([first, bits]) => written(first, bits));
  const block = fc
    .tuple(cidr, fc.array(fc.tuple(fc.integer({ min: 1, max: 8 }), address), { maxLength: 4 }))
    .map(([outer, holes]) => ({ cidr: outer, except: holes.map(([longer, offset]) => inside(outer, longer, offset)) }));
  const blocks = fc.array(block, { minLength: 1, maxLength: 6 });

  const laws: Readonly<Record<string, Law>> = {
    "in another order": (all) => fc.shuffledSubarray([...all], { minLength: all.length }),
    "some of it twice": (all) => fc.subarray([...all]).map((again) => [...all, ...again]),
    "each block in two halves": (all) => fc.constant(all.flatMap(halves)),
    "each block as a wider one without the rest": (all) => fc.constant(all.map(asException)),
    "each hole in two halves": (all) =>
      fc.constant(all.map(({ cidr: outer, except }) => ({ cidr: outer, except: except.flatMap(cut) }))),
    "part of it behind NAT64": (all) =>
      fc
        .array(fc.boolean(), { minLength: all.length, maxLength: all.length })
        .map((hidden) =>
          all.map((one, i) =>
            hidden[i] === true ? { cidr: behindNat64(one.cidr), except: one.except.map(behindNat64) } : one,
          ),
        ),
  };

  test.each(Object.entries(laws))("%s", (_, law) => {
    const pair = blocks.chain((all) => law(all).map((other) => [all, other] as const));
    fc.assert(
      fc.property(pair, ([all, other]) => {
        expect(modeOf(egressTo(...other))).toBe(modeOf(egressTo(...all)));
      }),
      { numRuns: 500 },
    );
  });

  test("one clause or several", () => {
    fc.assert(
      fc.property(blocks, fc.integer({ min: 1, max: 6 }), (all, size) => {
        const clauses = Array.from({ length: Math.ceil(all.length / size) }, (_, i) => ({
          to: all.slice(i * size, (i + 1) * size).map(ipBlock),
        }));
        expect(modeOf(egress(...clauses))).toBe(modeOf(egressTo(...all)));
      }),
      { numRuns: 500 },
    );
  });

  test("more is never judged more mildly", () => {
    fc.assert(
      fc.property(blocks, block, (all, more) => {
        const [before, after] = [modeOf(egressTo(...all)), modeOf(egressTo(...all, more))];
        expect(strongest(before, after)).toBe(after);
      }),
      { numRuns: 500 },
    );
  });

  test("as counted on fingers: one bit for each /12", () => {
    const limits = fc.record({
      enforceAbove: fc.integer({ min: 0, max: 12 }),
      warnAbove: fc.integer({ min: 0, max: 32 }),
    });
    const coarse = fc
      .tuple(fc.nat(0xfff), fc.integer({ min: 0, max: 12 }))
      .map(([cell, bits]) => written(cell * 2 ** 20, bits));
    const coarseBlock = fc.record({ cidr: coarse, except: fc.array(coarse, { maxLength: 3 }) });
    fc.assert(
      fc.property(fc.array(coarseBlock, { maxLength: 6 }), limits, limits, (all, publicIPv4, privateIPv4) => {
        const cells = Array.from({ length: 4096 }, (_, cell) => cell).filter((cell) =>
          all.some((one) => holds(one.cidr, cell) && !one.except.some((hole) => holds(hole, cell))),
        );
        const privates = cells.reduce((sum, cell) => sum + privateAddressesIn(cell), 0);
        const publics = cells.length * 2 ** 20 - privates;
        const options = { publicIPv4, privateIPv4 };
        expect(modeOf(egressTo(...all), options)).toBe(
          strongest(modeFor(publics, publicIPv4), modeFor(privates, privateIPv4)),
        );
      }),
      { numRuns: 500 },
    );
  });
});

function modeOf(policy: NetworkPolicy, options: object = {}): Mode {
  const violations = check(noBroadCidr, { policy, options });
  return strongest("disabled", ...violations.map(({ atMost }) => atMost ?? "enforce"));
}

function modeFor(count: number, limit: { readonly enforceAbove: number; readonly warnAbove: number }): Mode {
  if (count > 2 ** (32 - limit.enforceAbove)) return "enforce";
  return count > 2 ** (32 - limit.warnAbove) ? "warn" : "disabled";
}

function holds(cidr: string, cell: number): boolean {
  const { first, bits } = read(cidr);
  const at = cell * 2 ** 20;
  return at >= first && at < first + 2 ** (32 - bits);
}

function privateAddressesIn(cell: number): number {
  const [a, b] = [cell >> 4, (cell & 15) * 16];
  if (a === 10 || (a === 172 && b === 16)) return 2 ** 20; // 10.0.0.0/8, 172.16.0.0/12
  if (a === 100 && b >= 64 && b < 128) return 2 ** 20; // 100.64.0.0/10
  return (a === 192 && b === 160) || (a === 169 && b === 240) ? 2 ** 16 : 0; // 192.168.0.0/16, 169.254.0.0/16
}

function written(first: number, bits: number): string {
  const start = bits === 0 ? 0 : Math.floor(first / 2 ** (32 - bits)) * 2 ** (32 - bits);
  return `${[24, 16, 8, 0].map((shift) => Math.floor(start / 2 ** shift) % 256).join(".")}/${bits}`;
}

function read(cidr: string): { first: number; bits: number } {
  const [address = "", bits] = cidr.split("/");
  return { first: address.split(".").reduce((sum, octet) => sum * 256 + Number(octet), 0), bits: Number(bits) };
}

/** A CIDR somewhere in another. */
function inside(outer: string, longer: number, offset: number): string {
  const { first, bits } = read(outer);
  return written(first + (offset % 2 ** (32 - bits)), Math.min(32, bits + longer));
}

function cut(cidr: string): string[] {
  const { first, bits } = read(cidr);
  return bits === 32 ? [cidr] : [written(first, bits + 1), written(first + 2 ** (31 - bits), bits + 1)];
}

function halves({ cidr, except }: Required<Block>): Required<Block>[] {
  return cut(cidr).map((half) => ({ cidr: half, except }));
}

/** The block twice as large, without the half that was not meant. */
function asException({ cidr, except }: Required<Block>): Required<Block> {
  const { first, bits } = read(cidr);
  if (bits === 0) return { cidr, except };
  const parent = written(first, bits - 1);
  return { cidr: parent, except: [...cut(parent).filter((half) => half !== cidr), ...except] };
}

function behindNat64(cidr: string): string {
  const [address = "", bits] = cidr.split("/");
  return `64:ff9b::${address}/${96 + Number(bits)}`;
}

function strongest(...modes: readonly [Mode, ...Mode[]]): Mode {
  return modes.reduce((a, b) => (MODES.indexOf(a) >= MODES.indexOf(b) ? a : b));
}
