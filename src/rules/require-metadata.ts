import { isWithinAddresses, PRIVATE, throughNat64, unionAddresses } from "../model/cidr.ts";
import { addressPeersOf, type Policy } from "../model/policy.ts";
import { annotationOf, annotationPath, isDate, notADate } from "./shared/annotations.ts";
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
      .filter((key) => annotationOf(policy, key) === "")
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
  const date = annotationOf(policy, key);
  if (date === "") {
    return [
      violation(
        key,
        `egress leaves for public addresses, and annotation ${key} does not say when this was last reviewed`,
        `add it, as YYYY-MM-DD`,
      ),
    ];
  }
  return isDate(date) ? [] : [notADate(key, date)];
}

function violation(key: string, message: string, fix: string): Violation {
  return { message, path: annotationPath(key), annotation: key, fix };
}

function reachesPublicAddresses(policy: Policy): boolean {
  const egress = policy.clauses.filter((clause) => clause.direction === "egress");
  if (egress.some((clause) => clause.peers === "anyone")) return true;
  const blocks = addressPeersOf({ clauses: egress });
  if (blocks.length === 0) return false;
  const reached = throughNat64(unionAddresses(blocks.map(({ peer }) => peer.addresses)));
  return !isWithinAddresses(reached, PRIVATE);
}
