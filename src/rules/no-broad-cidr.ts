import type { Mode } from "../config/mode.ts";
import {
  type AddressSet,
  blockAddresses,
  type Family,
  PRIVATE,
  prefixSize,
  splitNat64,
  throughNat64,
} from "../model/cidr.ts";
import { type AddressPeer, addressPeersOf, type Direction, type Policy } from "../model/policy.ts";
import { intersect, normalise, size, subtract } from "../model/ranges.ts";
import { policyYaml } from "./shared/examples.ts";
import type { Rule, Violation } from "./rule.ts";

interface Options {
  readonly publicIPv4: Limit;
  readonly publicIPv6: Limit;
  readonly privateIPv4: Limit;
  readonly privateIPv6: Limit;
  readonly exposure: { readonly label: string; readonly value: string };
}

/** Prefix lengths: more addresses than one such prefix holds is too much. Absent: no limit of that strength. */
interface Limit {
  readonly enforceAbove?: number;
  readonly warnAbove?: number;
}

const limitSchema = (bits: number) => ({
  type: "object",
  properties: {
    enforceAbove: { type: "integer", minimum: 0, maximum: bits },
    warnAbove: { type: "integer", minimum: 0, maximum: bits },
  },
  additionalProperties: false,
});

export const noBroadCidr: Rule<Options> = {
  id: "no-broad-cidr",
  on: "NetworkPolicy",
  severity: "critical",
  title: "forbids ipBlocks that together allow more addresses than a limit.",
  why:
    "`0.0.0.0/0` is the whole internet, and so are `0.0.0.0/1` and `128.0.0.0/1`, in one clause or in two, `0.0.0.0/0` " +
    "with a thousand holes in it, and `64:ff9b::/96` behind a NAT64 gateway. The rule therefore adds up what all clauses " +
    "of one direction allow, takes `except` away, and counts: public and private addresses (RFC 1918, RFC 6598, " +
    "link-local, ULA) apart, IPv4 and IPv6 apart.",
  remedy:
    "List the networks that are needed. Inside the cluster use selectors, not addresses. For a workload that is meant to " +
    "face the internet, let podSelector ask for the exposure label and take the private ranges out with `except`.",
  options: {
    publicIPv4: {
      ...limitSchema(32),
      description: "Public IPv4 addresses: a prefix length; more than one such prefix holds is too much.",
      default: { enforceAbove: 16, warnAbove: 24 },
    },
    publicIPv6: {
      ...limitSchema(128),
      description: "The same of public IPv6.",
      default: { enforceAbove: 32, warnAbove: 48 },
    },
    privateIPv4: {
      ...limitSchema(32),
      description: "The same of private IPv4.",
      default: { enforceAbove: 8, warnAbove: 16 },
    },
    privateIPv6: { ...limitSchema(128), description: "The same of private IPv6.", default: { warnAbove: 32 } },
    exposure: {
      type: "object",
      properties: { label: { type: "string", minLength: 1 }, value: { type: "string" } },
      required: ["label", "value"],
      additionalProperties: false,
      description:
        "Pods that are meant to face the internet: a podSelector that asks for this label may have any public ingress.",
      default: { label: "drawbridge.dev/exposure", value: "public" },
    },
  },
  examples: [
    {
      title: "the internet in two halves",
      bad: policyYaml(
        "web",
        `
policyTypes: [Egress]
egress:
  - to:
      - ipBlock:
          cidr: 0.0.0.0/1
      - ipBlock:
          cidr: 128.0.0.0/1
    ports:
      - port: 443
`,
      ),
      good: policyYaml(
        "web",
        `
policyTypes: [Egress]
egress:
  - to:
      - ipBlock:
          cidr: 203.0.113.16/28
    ports:
      - port: 443
`,
      ),
    },
    {
      title: "a workload that faces the internet",
      bad: policyYaml(
        "shop-front",
        `
policyTypes: [Ingress]
ingress:
  - from:
      - ipBlock:
          cidr: 0.0.0.0/0
    ports:
      - port: 8443
`,
      ),
      good: policyYaml(
        "shop-front",
        `
podSelector:
  matchLabels:
    app.kubernetes.io/name: shop-front
    drawbridge.dev/exposure: public
policyTypes: [Ingress]
ingress:
  - from:
      - ipBlock:
          cidr: 0.0.0.0/0
          except: [10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, 100.64.0.0/10, 169.254.0.0/16]
    ports:
      - port: 8443
`,
      ),
    },
  ],

  check({ policy }, { options }) {
    return (["ingress", "egress"] as const).flatMap((direction) => {
      const peers = addressPeersOf(policy).filter(({ clause }) => clause.direction === direction);
      if (peers.length === 0) return [];
      const isExposed = direction === "ingress" && pinsExposure(policy, options);
      return violations(
        direction,
        peers.map(({ peer }) => peer),
        isExposed,
        options,
      );
    });
  },
};

/** Does the podSelector ask for the exposure label with just the exposing value? */
function pinsExposure(policy: Policy, { exposure }: Options): boolean {
  return policy.selects.requirements.some(
    ({ key, operator, values }) =>
      key === exposure.label &&
      operator === "In" &&
      values.length > 0 &&
      values.every((value) => value === exposure.value),
  );
}

/** One violation a family at most: its public and private part are one mistake, mostly one `0.0.0.0/0`. */
function violations(
  direction: Direction,
  peers: readonly AddressPeer[],
  isExposed: boolean,
  options: Options,
): Violation[] {
  const limits = (family: Family) => ({
    public: isExposed ? {} : options[`public${family}`],
    private: options[`private${family}`],
  });
  const all = peers.map((peer) => ({ peer, addresses: blockAddresses(peer.cidr, peer.except) }));
  const inIPv6 = all.map(({ peer, addresses }) => ({ peer, set: splitNat64(addresses.IPv6).IPv6 }));
  // What a gateway would turn into IPv4 counts as IPv4, on the way out; but `::/0` is one mistake, not two.
  const inIPv4 = all
    .filter((_, i) => judge("IPv6", inIPv6[i]?.set ?? [], limits("IPv6"))?.mode !== "enforce")
    .map(({ peer, addresses }) => ({ peer, set: direction === "egress" ? throughNat64(addresses).IPv4 : addresses.IPv4 }));

  const verdicts = [
    { blocks: inIPv4, verdict: judge("IPv4", normalise(inIPv4.flatMap(({ set }) => set)), limits("IPv4")) },
    { blocks: inIPv6, verdict: judge("IPv6", normalise(inIPv6.flatMap(({ set }) => set)), limits("IPv6")) },
  ];
  return verdicts.flatMap(({ blocks, verdict }) => {
    if (verdict === undefined) return [];
    const { family, mode, text } = verdict;
    const culprit = blocks.find(({ set }) => judge(family, set, limits(family))?.mode === mode);
    return [
      {
        message: `${direction} ${direction === "egress" ? "to" : "from"} ${text}${together(blocks)}`,
        path: culprit === undefined ? `/spec/${direction}` : `${culprit.peer.path}/ipBlock/cidr`,
        fix: isExposed
          ? "take the private ranges out with `except`; the exposure label opens only public ones"
          : "list only the networks that are needed; use selectors for Pods",
        ...(mode === "warn" && { atMost: "warn" as const }),
      },
    ];
  });
}

/** Whoever opens the line of one block must learn that it is not alone. */
function together(blocks: readonly { set: AddressSet }[]): string {
  const count = blocks.filter(({ set }) => set.length > 0).length;
  return count > 1 ? `, by ${count} ipBlocks together` : "";
}

interface Verdict {
  readonly family: Family;
  readonly mode: Mode;
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

function exceeded(
  family: Family,
  count: bigint,
  limit: Limit,
): { mode: "enforce" | "warn"; above: number } | undefined {
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
