import { Address4, Address6 } from "ip-address";
import { intersect, isSubset, normalise, type Range, type RangeSet, subtract } from "./ranges.ts";

/**
 * Sets of addresses, so that breadth is judged by what is allowed and not by how it is written: two halves of the
 * internet are the internet.
 */
export type Family = "IPv4" | "IPv6";

export interface Addresses {
  readonly IPv4: RangeSet<number>;
  readonly IPv6: RangeSet<bigint>;
}

export const NO_ADDRESSES: Addresses = { IPv4: [], IPv6: [] };

export const BITS: Readonly<Record<Family, number>> = { IPv4: 32, IPv6: 128 };

export type Block =
  | { readonly family: "IPv4"; readonly range: Range<number> }
  | { readonly family: "IPv6"; readonly range: Range<bigint> };

/** The range of a CIDR or a single address; undefined for what is neither. Host bits are masked off. */
export function parseCidr(text: string): Block | undefined {
  try {
    return text.includes(":") ? parseIPv6(text) : parseIPv4(text);
  } catch {
    return undefined; // ip-address throws on anything that is not an address
  }
}

/** One address as every API server takes it: no prefix, no leading zeros, no zone, no IPv4 written as IPv6. */
export function isAddress(text: string): boolean {
  const block = /[/%]/.test(text) || withoutZeros(text) !== text ? undefined : parseCidr(text);
  return block !== undefined && !isMapped(block);
}

/** A range of addresses as every API server takes it: of an address as above, and a prefix that leaves nothing of it out. */
export function isNetwork(text: string): boolean {
  const [address = "", prefix = "", ...more] = text.split("/");
  if (more.length > 0 || !/^(?:0|[1-9]\d*)$/.test(prefix) || !isAddress(address)) return false;
  const [first, network] = [parseCidr(address), parseCidr(text)];
  return first !== undefined && network !== undefined && first.range[0] === network.range[0];
}

/** An address as a CIDR of just itself. */
export function hostCidr(address: string): string {
  return `${address}/${address.includes(":") ? BITS.IPv6 : BITS.IPv4}`;
}

function parseIPv4(text: string): Block {
  const { parsedAddress, subnetMask } = new Address4(text);
  const address = parsedAddress.reduce((value, byte) => value * 256 + Number(byte), 0);
  return networkOf({ family: "IPv4", range: [address, address + 1] }, subnetMask);
}

function parseIPv6(text: string): Block {
  const parsed = new Address6(text);
  const address = parsed.bigInt();
  return networkOf({ family: "IPv6", range: [address, address + 1n] }, parsed.subnetMask);
}

/** The network with a prefix of this length that an address is in. */
export function networkOf({ family, range }: Block, length: number): Block {
  if (family === "IPv4") {
    const count = 2 ** (BITS.IPv4 - length);
    const first = range[0] - (range[0] % count);
    return { family, range: [first, first + count] };
  }
  const hostBits = BigInt(BITS.IPv6 - length);
  const first = (range[0] >> hostBits) << hostBits;
  return { family, range: [first, first + (1n << hostBits)] };
}

/** Have the two an address in common? */
export function overlap(a: Addresses, b: Addresses): boolean {
  return intersect(a.IPv4, b.IPv4).length > 0 || intersect(a.IPv6, b.IPv6).length > 0;
}

export function isWithinAddresses(inner: Addresses, outer: Addresses): boolean {
  return isSubset(inner.IPv4, outer.IPv4) && isSubset(inner.IPv6, outer.IPv6);
}

export function subtractAddresses(from: Addresses, holes: Addresses): Addresses {
  return { IPv4: subtract(from.IPv4, holes.IPv4), IPv6: subtract(from.IPv6, holes.IPv6) };
}

/**
 * The addresses of `cidr` without those of `except`; nothing where `cidr` cannot be read. Read as network plugins do
 * and every API server did before Kubernetes 1.36: what one of those has let in must not count as nothing.
 */
export function blockAddresses(cidr: string, except: readonly string[]): Addresses {
  const block = addressesOf(cidr);
  return except.length === 0 ? block : subtractAddresses(block, unionAddresses(except.map(addressesOf)));
}

function addressesOf(cidr: string): Addresses {
  const parsed = parseCidr(withoutZeros(cidr));
  if (parsed === undefined) return NO_ADDRESSES;
  const block = unmapped(parsed);
  return block.family === "IPv4" ? { IPv4: [block.range], IPv6: [] } : { IPv4: [], IPv6: [block.range] };
}

/** 010.0.0.08 is 10.0.0.8 (not octal), /08 is /8, and an IPv6 group has at most four digits. */
export function withoutZeros(cidr: string): string {
  return cidr
    .replace(/(?<=\/)0+(?=\d)/, "")
    .replaceAll(cidr.includes(".") ? /(?<=^|[.:])0+(?=\d)/g : /(?<=^|:)0+(?=[\da-fA-F]{4})/g, "");
}

/** ::ffff:0:0/96, where IPv6 writes IPv4 addresses. */
const MAPPED: Range<bigint> = [0xffff_0000_0000n, 0x1_0000_0000_0000n];

/** Is it IPv4, written as IPv6? Some programs read it as the one, some as the other; Go, so most plugins, as IPv4. */
export function isMapped(block: Block): boolean {
  return block.family === "IPv6" && MAPPED[0] <= block.range[0] && block.range[1] <= MAPPED[1];
}

function unmapped(block: Block): Block {
  if (!isMapped(block)) return block;
  const [first, end] = block.range;
  return { family: "IPv4", range: [Number(BigInt(first) - MAPPED[0]), Number(BigInt(end) - MAPPED[0])] };
}

export function unionAddresses(all: readonly Addresses[]): Addresses {
  return {
    IPv4: normalise(all.flatMap((addresses) => addresses.IPv4)),
    IPv6: normalise(all.flatMap((addresses) => addresses.IPv6)),
  };
}

/** How many addresses one prefix of this length holds: 65,536 for an IPv4 /16. */
export function prefixSize(family: Family, length: number): bigint {
  return 1n << BigInt(BITS[family] - length);
}

/** Addresses that never leave the organisation: RFC 1918, RFC 6598 (carrier NAT), link-local, RFC 4193 (ULA). */
export const PRIVATE: Addresses = unionAddresses(
  ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16", "fc00::/7", "fe80::/10"].map(
    (cidr) => blockAddresses(cidr, []),
  ),
);

/**
 * IPv6 addresses that are IPv4 addresses in disguise: a NAT64 gateway turns 64:ff9b::a.b.c.d into a.b.c.d (RFC 6052).
 * A limit that judged them as IPv6 would let the whole of IPv4 through as one /96.
 */
const NAT64 = blockAddresses("64:ff9b::/96", []).IPv6;

/** Splits a set of IPv6 addresses into those that stay IPv6 and the IPv4 addresses that the others stand for. */
export function splitNat64(set: RangeSet<bigint>): Addresses {
  const base = NAT64[0]?.[0] ?? 0n;
  return {
    IPv6: subtract(set, NAT64),
    IPv4: intersect(set, NAT64).map(([first, end]) => [Number(first - base), Number(end - base)]),
  };
}

/** What is reached where a NAT64 gateway stands on the way. */
export function throughNat64(addresses: Addresses): Addresses {
  if (addresses.IPv6.length === 0) return addresses;
  const { IPv4, IPv6 } = splitNat64(addresses.IPv6);
  return { IPv4: normalise([...addresses.IPv4, ...IPv4]), IPv6 };
}
