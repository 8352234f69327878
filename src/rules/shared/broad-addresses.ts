import { type Family, PRIVATE, prefixSize, splitNat64, throughNat64 } from "../../model/cidr.ts";
import type { AddressPeer, Clause, Direction } from "../../model/policy.ts";
import { normalise, type RangeSet, size, subtract } from "../../model/ranges.ts";

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
  const limits = (family: Family) => ({
    public: isExposed ? {} : byKind[`public${family}`],
    private: byKind[`private${family}`],
  });
  const judgeIPv4 = (set: RangeSet<number>) => judge("IPv4", set, PRIVATE.IPv4, limits("IPv4"));
  const judgeIPv6 = (set: RangeSet<bigint>) => judge("IPv6", set, PRIVATE.IPv6, limits("IPv6"));
  const inIPv6 = found.map(({ peer }) => ({ peer, set: splitNat64(peer.addresses.IPv6).IPv6 }));
  // What a gateway would turn into IPv4 counts as IPv4; but `::/0` is one mistake, not two. (And an exposed workload
  // need not know of the private IPv4 addresses within the IPv6 that it is exposed to.)
  const inIPv4 = found
    .filter((_, i) => judgeIPv6(inIPv6[i]?.set ?? [])?.mode !== "enforce")
    .map(({ peer }) => ({ peer, set: isExposed ? peer.addresses.IPv4 : throughNat64(peer.addresses).IPv4 }));
  const verdicts = [...verdictsOn(inIPv4, judgeIPv4), ...verdictsOn(inIPv6, judgeIPv6)];
  if (verdicts.length === 0) return [];
  const clauses = [...new Set(found.map(({ clause }) => clause.path))];
  return verdicts.map(({ culprit, mode, text }) => {
    const path = culprit === undefined ? `/spec/${direction}` : `${culprit.path}/ipBlock/cidr`;
    return { what: text, path, clauses, mode };
  });
}

/** The verdict on all of one family, and the block that deserves it by itself. */
function verdictsOn<N extends number | bigint>(
  found: readonly { readonly peer: AddressPeer; readonly set: RangeSet<N> }[],
  judged: (set: RangeSet<N>) => Verdict | undefined,
): (Verdict & { readonly culprit: AddressPeer | undefined })[] {
  const blocks = found.filter(({ set }) => set.length > 0);
  const verdict = judged(normalise(blocks.flatMap(({ set }) => set)));
  if (verdict === undefined) return [];
  const culprit = blocks.find(({ set }) => judged(set)?.mode === verdict.mode)?.peer;
  // Whoever opens the line of one block must learn that it is not alone.
  const together = blocks.length > 1 ? `, by ${blocks.length} ipBlocks together` : "";
  return [{ mode: verdict.mode, text: `${verdict.text}${together}`, culprit }];
}

interface Counts {
  readonly public: bigint;
  readonly private: bigint;
}

function countsOf<N extends number | bigint>(set: RangeSet<N>, privateSet: RangeSet<N>): Counts {
  const open = size(subtract(set, privateSet));
  return { public: open, private: size(set) - open };
}

interface Verdict {
  readonly mode: BroadPart["mode"];
  readonly text: string;
}

/** How many addresses are judged as of a family; those of NAT64 are judged as IPv4. */
const EVERY: Readonly<Record<Family, bigint>> = {
  IPv4: prefixSize("IPv4", 0),
  IPv6: prefixSize("IPv6", 0) - prefixSize("IPv4", 0),
};

function judge<N extends number | bigint>(
  family: Family,
  set: RangeSet<N>,
  privateSet: RangeSet<N>,
  limits: { public: Limit; private: Limit },
): Verdict | undefined {
  if (set.length === 0) return undefined;
  const counts = countsOf(set, privateSet);
  const parts = (["public", "private"] as const).flatMap((name) => {
    const over = exceeded(family, counts[name], limits[name]);
    return over === undefined ? [] : [{ name, count: counts[name], ...over }];
  });
  if (parts.length === 0) return undefined;
  const mode = parts.some((part) => part.mode === "enforce") ? "enforce" : "warn";
  const isAll = parts.length === 2 && counts.public + counts.private === EVERY[family];
  const found = parts.map(({ name, count }) => `${inWords(count)} ${name}`).join(" and ");
  const allowed = parts.map(({ above }) => `/${above}`).join(" and ");
  return { mode, text: isAll ? `every ${family} address` : `${found} ${family} addresses (limit ${allowed})` };
}

function exceeded(family: Family, count: bigint, limit: Limit): { mode: BroadPart["mode"]; above: number } | undefined {
  const isOver = (above: number | undefined): above is number =>
    above !== undefined && count > prefixSize(family, above);
  if (isOver(limit.enforceAbove)) return { mode: "enforce", above: limit.enforceAbove };
  return isOver(limit.warnAbove) ? { mode: "warn", above: limit.warnAbove } : undefined;
}

/** Whole numbers as people read them; IPv6 counts, which nobody reads, as a power of two. */
function inWords(count: bigint): string {
  return count < 1n << 40n
    ? String(count).replaceAll(/\B(?=(?:\d{3})+$)/g, ",")
    : `about 2^${count.toString(2).length - 1}`;
}
