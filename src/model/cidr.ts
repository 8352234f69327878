import { Address4, Address6 } from "ip-address";
import { intersect, normalise, type Range, type RangeSet, subtract } from "./ranges.ts";

/**
 * Sets of addresses, so that breadth is judged by what is allowed and not by how it is written: two halves of the
 * internet are the internet.
 */
export type Family = "IPv4" | "IPv6";
export type AddressSet = RangeSet;

export interface Addresses {
  readonly IPv4: AddressSet;
  readonly IPv6: AddressSet;
}

export const NO_ADDRESSES: Addresses = { IPv4: [], IPv6: [] };

export const BITS: Readonly<Record<Family, number>> = { IPv4: 32, IPv6: 128 };

/** The range of a CIDR or a single address; undefined for what is neither. Host bits are masked off. */
export function parseCidr(text: string): { family: Family; range: Range } | undefined {
  try {
    return text.includes(":") ? parseIPv6(text) : parseIPv4(text);
  } catch {
    return undefined; // ip-address throws on anything that is not an address
  }
}

/** Plain numbers as long as they suffice: half of what a rule costs was this arithmetic in bigint. */
function parseIPv4(text: string): { family: Family; range: Range } {
  const { parsedAddress, subnetMask } = new Address4(text);
  const address = parsedAddress.reduce((value, byte) => value * 256 + Number(byte), 0);
  const count = 2 ** (32 - subnetMask);
  const first = address - (address % count);
  return { family: "IPv4", range: [BigInt(first), BigInt(first + count - 1)] };
}

function parseIPv6(text: string): { family: Family; range: Range } {
  const address = new Address6(text);
  const hostBits = BigInt(128 - address.subnetMask);
  const first = (address.bigInt() >> hostBits) << hostBits;
  return { family: "IPv6", range: [first, first + (1n << hostBits) - 1n] };
}

/** The addresses of `cidr` without those of `except`; nothing where `cidr` cannot be read. */
export function blockAddresses(cidr: string, except: readonly string[]): Addresses {
  const block = parseCidr(cidr);
  if (block === undefined) return NO_ADDRESSES;
  const holes = except.map(parseCidr).flatMap((hole) => (hole?.family === block.family ? [hole.range] : []));
  return { ...NO_ADDRESSES, [block.family]: subtract([block.range], normalise(holes)) };
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
export function splitNat64(set: AddressSet): Addresses {
  const base = NAT64[0]?.[0] ?? 0n;
  return {
    IPv6: subtract(set, NAT64),
    IPv4: intersect(set, NAT64).map(([first, last]) => [first - base, last - base]),
  };
}

/** What is reached where a NAT64 gateway stands on the way. */
export function throughNat64(addresses: Addresses): Addresses {
  const { IPv4, IPv6 } = splitNat64(addresses.IPv6);
  return { IPv4: normalise([...addresses.IPv4, ...IPv4]), IPv6 };
}
