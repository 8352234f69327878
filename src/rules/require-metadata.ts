import { blockAddresses, PRIVATE, throughNat64, unionAddresses } from "../model/cidr.ts";
import { pointer } from "../model/json.ts";
import { addressPeersOf, type Policy } from "../model/policy.ts";
import { size, subtract } from "../model/ranges.ts";
import { policyYaml } from "./shared/examples.ts";
import type { Rule, Violation } from "./rule.ts";

interface Options {
  readonly annotations: readonly string[];
  readonly reviewed: string;
}

export const requireMetadata: Rule<Options> = {
  id: "require-metadata",
  on: "NetworkPolicy",
  severity: "low",
  title:
    "demands annotations that say what a policy is for, who owns it and, for external egress, when it was reviewed.",
  why:
    "A policy outlives the people who wrote it. Without a purpose and an owner nobody dares to remove it, and traffic to " +
    "the internet that nobody looks at again is how data leaves.",
  remedy: "Add the annotations; the review date as YYYY-MM-DD.",
  options: {
    annotations: {
      type: "array",
      items: { type: "string", minLength: 1 },
      description: "Annotation keys that every policy must carry, with a text that is not empty.",
      default: ["description", "owner"],
    },
    reviewed: {
      type: "string",
      minLength: 1,
      description:
        "Annotation key of the review date (YYYY-MM-DD) that a policy with egress to public addresses must carry.",
      default: "reviewed",
    },
  },
  examples: [
    {
      title: "nobody knows whose it is",
      bad: policyYaml(
        "payments-out",
        `
podSelector:
  matchLabels:
    app.kubernetes.io/name: payments
policyTypes: [Egress]
egress:
  - to:
      - ipBlock:
          cidr: 203.0.113.0/28
    ports:
      - port: 443
`,
      ),
      good: policyYaml(
        "payments-out",
        `
podSelector:
  matchLabels:
    app.kubernetes.io/name: payments
policyTypes: [Egress]
egress:
  - to:
      - ipBlock:
          cidr: 203.0.113.0/28
    ports:
      - port: 443
`,
        `
description: Card payments go to the acquirer's gateway.
owner: team-payments@example.com
reviewed: "2026-11-01"
`,
      ),
    },
  ],

  check({ policy }, { options }) {
    const missing = options.annotations
      .filter((key) => textOf(policy, key) === "")
      .map((key) =>
        violation(
          key,
          `annotation ${key} is missing: nobody can tell what this policy is for and whose it is`,
          "add it",
        ),
      );
    return [...missing, ...reviewViolations(policy, options.reviewed)];
  },
};

function reviewViolations(policy: Policy, key: string): Violation[] {
  if (!reachesPublicAddresses(policy)) return [];
  const date = textOf(policy, key);
  if (date === "") {
    return [
      violation(
        key,
        `egress leaves for public addresses, and annotation ${key} does not say when this was last reviewed`,
        `add it, as YYYY-MM-DD`,
      ),
    ];
  }
  if (isDate(date)) return [];
  // Cut after it is quoted, which makes six characters of some. JSON leaves a few that break a line or steer a terminal.
  const quoted = JSON.stringify(date)
    .replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]/gu, "?")
    .slice(0, 40);
  return [violation(key, `annotation ${key} is not a date: ${quoted}`, "write it as YYYY-MM-DD")];
}

function violation(key: string, message: string, fix: string): Violation {
  return { message, path: pointer("", "metadata", "annotations", key), fix };
}

function textOf(policy: Policy, key: string): string {
  return Object.hasOwn(policy.annotations, key) ? (policy.annotations[key] ?? "").trim() : "";
}

function reachesPublicAddresses(policy: Policy): boolean {
  const egress = policy.clauses.filter((clause) => clause.direction === "egress");
  if (egress.some((clause) => clause.peers === "anyone")) return true;
  const blocks = addressPeersOf(policy).filter(({ clause }) => clause.direction === "egress");
  if (blocks.length === 0) return false;
  const reached = throughNat64(unionAddresses(blocks.map(({ peer }) => blockAddresses(peer.cidr, peer.except))));
  return size(subtract(reached.IPv4, PRIVATE.IPv4)) > 0n || size(subtract(reached.IPv6, PRIVATE.IPv6)) > 0n;
}

/** A day that exists: Date would read 2026-02-31 as the third of March. */
function isDate(text: string): boolean {
  const date = /^\d{4}-\d{2}-\d{2}$/.test(text) ? new Date(`${text}T00:00:00Z`) : undefined;
  return date !== undefined && !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text);
}
