import { addressPeersOf, type Policy } from "../model/policy.ts";
import { broadParts, type Limits } from "./shared/broad-addresses.ts";
import { isDnsOnly } from "./shared/dns.ts";
import { policyYaml } from "./shared/examples.ts";
import type { Rule } from "./rule.ts";

interface Options extends Limits {
  readonly exposure: { readonly label: string; readonly value: string };
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
    "link-local, ULA) apart, IPv4 and IPv6 apart. Egress clauses that allow DNS and nothing else are left to no-open-dns.",
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
    const found = addressPeersOf(policy).filter(({ clause }) => !isDnsOnly(clause));
    if (found.length === 0) return [];
    return (["ingress", "egress"] as const).flatMap((direction) => {
      const blocks = found.filter(({ clause }) => clause.direction === direction);
      if (blocks.length === 0) return [];
      const isExposed = direction === "ingress" && pinsExposure(policy, options);
      return broadParts(direction, blocks, options, isExposed).map(({ what, mode, ...where }) => ({
        message: `${direction} ${direction === "egress" ? "to" : "from"} ${what}`,
        ...where,
        fix: isExposed
          ? "take the private ranges out with `except`; the exposure label opens only public ones"
          : "list only the networks that are needed; use selectors for Pods",
        ...(mode === "warn" && { atMost: "warn" as const }),
      }));
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
