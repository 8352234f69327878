import { type AddressSet, type Family, PRIVATE, prefixSize, splitNat64, throughNat64 } from "../../model/cidr.ts";
import type { AddressPeer, Clause, Direction } from "../../model/policy.ts";
import { intersect, normalise, size, subtract } from "../../model/ranges.ts";

export interface Limits {
  readonly publicIPv4: Limit;
  readonly publicIPv6: Limit;
  readonly privateIPv4: Limit;
  readonly privateIPv6: Limit;
}

/** Prefix lengths: more addresses than one such prefix holds is too much. Absent: no limit of that strength. */
export interface Limit {
  readonly enforceAbove?: number;
  readonly warnAbove?: number;
}

interface Block {
  readonly peer: AddressPeer;
  readonly clause: Clause;
}

export interface BroadPart {
  /** `4,272,816,128 public IPv4 addresses (limit /16), by 2 ipBlocks together`: at most 105 characters. */
  readonly what: string;
  /** The block that is too broad by itself, or the direction. */
  readonly path: string;
  /** All that were added up. */
  readonly clauses: readonly string[];
  /** The stronger of the limits that it exceeds. */
  readonly mode: "enforce" | "warn";
}

/**
 * What no-broad-cidr and no-open-dns share: what these blocks come to together, all of one direction. One a family at
 * most: its public and private part are one mistake, mostly `0.0.0.0/0`. Exposed: any public address is fine.
 */
export function broadParts(
  direction: Direction,
  found: readonly Block[],
  byKind: Limits,
  isExposed: boolean,
): BroadPart[] {
  if (found.length === 0) return [];
  const clauses = [...new Set(found.map(({ clause }) => clause.path))];
  const limits = (family: Family) => ({
    public: isExposed ? {} : byKind[`public${family}`],
    private: byKind[`private${family}`],
  });
  const inIPv6 = found.map(({ peer }) => ({ peer, set: splitNat64(peer.addresses.IPv6).IPv6 }));
  // What a gateway would turn into IPv4 counts as IPv4; but `::/0` is one mistake, not two. (And an exposed workload
  // need not know of the private IPv4 addresses within the IPv6 that it is exposed to.)
  const inIPv4 = found
    .filter((_, i) => judge("IPv6", inIPv6[i]?.set ?? [], limits("IPv6"))?.mode !== "enforce")
    .map(({ peer }) => ({ peer, set: isExposed ? peer.addresses.IPv4 : throughNat64(peer.addresses).IPv4 }));

  const verdicts = [
    { blocks: inIPv4, verdict: judge("IPv4", normalise(inIPv4.flatMap(({ set }) => set)), limits("IPv4")) },
    { blocks: inIPv6, verdict: judge("IPv6", normalise(inIPv6.flatMap(({ set }) => set)), limits("IPv6")) },
  ];
  return verdicts.flatMap(({ blocks, verdict }) => {
    if (verdict === undefined) return [];
    const { family, mode, text } = verdict;
    const culprit = blocks.find(({ set }) => judge(family, set, limits(family))?.mode === mode);
    const path = culprit === undefined ? `/spec/${direction}` : `${culprit.peer.path}/ipBlock/cidr`;
    return [{ what: `${text}${together(blocks)}`, path, clauses, mode }];
  });
}

/** Whoever opens the line of one block must learn that it is not alone. */
function together(blocks: readonly { set: AddressSet }[]): string {
  const count = blocks.filter(({ set }) => set.length > 0).length;
  return count > 1 ? `, by ${count} ipBlocks together` : "";
}

interface Verdict {
  readonly family: Family;
  readonly mode: BroadPart["mode"];
  readonly text: string;
}

/** How many addresses are judged as of a family; those of NAT64 are judged as IPv4. */
const EVERY: Readonly<Record<Family, bigint>> = {
  IPv4: prefixSize("IPv4", 0),
  IPv6: prefixSize("IPv6", 0) - prefixSize("IPv4", 0),
};

function judge(family: Family, set: AddressSet, limits: { public: Limit; private: Limit }): Verdict | undefined {
  const parts = [
    { name: "public", count: size(subtract(set, PRIVATE[family])), limit: limits.public },
    { name: "private", count: size(intersect(set, PRIVATE[family])), limit: limits.private },
  ].flatMap((part) => {
    const over = exceeded(family, part.count, part.limit);
    return over === undefined ? [] : [{ ...part, ...over }];
  });
  if (parts.length === 0) return undefined;
  const mode = parts.some((part) => part.mode === "enforce") ? "enforce" : "warn";
  const isAll = parts.length === 2 && size(set) === EVERY[family];
  const counts = parts.map(({ name, count }) => `${inWords(count)} ${name}`).join(" and ");
  const allowed = parts.map(({ above }) => `/${above}`).join(" and ");
  return {
    family,
    mode,
    text: isAll ? `every ${family} address` : `${counts} ${family} addresses (limit ${allowed})`,
  };
}

function exceeded(family: Family, count: bigint, limit: Limit): { mode: BroadPart["mode"]; above: number } | undefined {
  for (const [mode, above] of [
    ["enforce", limit.enforceAbove],
    ["warn", limit.warnAbove],
  ] as const) {
    if (above !== undefined && count > prefixSize(family, above)) return { mode, above };
  }
  return undefined;
}

/** Whole numbers as people read them; IPv6 counts, which nobody reads, as a power of two. */
function inWords(count: bigint): string {
  return count < 1n << 40n
    ? String(count).replaceAll(/\B(?=(?:\d{3})+$)/g, ",")
    : `about 2^${count.toString(2).length - 1}`;
}
