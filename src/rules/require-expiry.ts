import type { Mode } from "../config/mode.ts";
import { pointer, stepsOf } from "../model/json.ts";
import { noAllNamespacesPeer } from "./no-all-namespaces-peer.ts";
import { noBroadCidr } from "./no-broad-cidr.ts";
import { noOpenDns } from "./no-open-dns.ts";
import { noOpenEgress } from "./no-open-egress.ts";
import { noOpenIngress } from "./no-open-ingress.ts";
import { noSystemNamespacePeer } from "./no-system-namespace-peer.ts";
import { annotationOf, isDate, notADate } from "./shared/annotations.ts";
import { policyYaml } from "./shared/examples.ts";
import { contextOf, defaultsOf, type PolicySubject, type Rule } from "./rule.ts";

interface Options {
  readonly expires: string;
}

/** They say what is broad: with their defaults, whatever a ruleset makes of them. */
const BROAD = [noBroadCidr, noOpenEgress, noOpenIngress, noAllNamespacesPeer, noSystemNamespacePeer, noOpenDns].map(
  (rule: Rule) => ({ rule, context: contextOf(rule, defaultsOf(rule)) }),
);

export const requireExpiry: Rule<Options> = {
  id: "require-expiry",
  on: "NetworkPolicy",
  severity: "medium",
  title: "demands that a policy with a broad clause says when it expires.",
  why:
    "What is opened wide for a migration or an incident is seldom closed again: nobody knows any more whether it is still " +
    "needed. Broad is what no-broad-cidr, no-open-egress, no-open-ingress, no-all-namespaces-peer, no-system-namespace-peer " +
    "or no-open-dns find with their defaults, also where the ruleset has other limits or does not run them.",
  remedy:
    "Narrow the clause. Where it has to be broad, add the annotation with the day on which it is to be closed or looked " +
    "at again, as YYYY-MM-DD.",
  options: {
    expires: {
      type: "string",
      minLength: 1,
      description: "Annotation key of the day (YYYY-MM-DD) until which the policy is meant to be there.",
      default: "expires",
    },
  },
  examples: [
    {
      title: "any DNS server, until the move is over",
      bad: policyYaml(
        "resolver",
        `
policyTypes: [Egress]
egress:
  - ports:
      - port: 53
        protocol: UDP
      - port: 53
        protocol: TCP
`,
      ),
      good: policyYaml(
        "resolver",
        `
policyTypes: [Egress]
egress:
  - ports:
      - port: 53
        protocol: UDP
      - port: 53
        protocol: TCP
`,
        `
description: The old data centre's name servers, whose addresses still change.
owner: team-network@example.com
reviewed: "2026-11-01"
expires: "2027-03-31"
`,
      ),
    },
    {
      title: "all of a provider's networks, until it has said which are needed",
      bad: policyYaml(
        "export",
        `
policyTypes: [Egress]
egress:
  - to:
      - ipBlock:
          cidr: 203.0.112.0/20
    ports:
      - port: 443
`,
      ),
      good: policyYaml(
        "export",
        `
policyTypes: [Egress]
egress:
  - to:
      - ipBlock:
          cidr: 203.0.112.0/20
    ports:
      - port: 443
`,
        `
description: Nightly export to the warehouse.
owner: team-export@example.com
reviewed: "2026-11-01"
expires: "2027-03-31"
`,
      ),
    },
  ],

  check(subject, { options: { expires } }) {
    const date = annotationOf(subject.policy, expires);
    if (isDate(date)) return [];
    const broad = broadClauses(subject);
    if (broad.length > 0 && date !== "") {
      return [{ ...notADate(expires, date), clauses: [...new Set(broad.flatMap(({ clauses }) => clauses))] }];
    }
    return broad.map(({ path, clauses, rules, mode }) => ({
      message: `broad by ${rules.join(" and ")}, and the policy does not say until when`,
      path,
      clauses,
      annotation: expires,
      fix: `narrow it, or add annotation ${expires} with a date (YYYY-MM-DD)`,
      ...(mode !== "enforce" && { atMost: mode }),
    }));
  },
};

interface BroadClause {
  /** Of the clause; of the direction, where only several clauses together are broad. */
  readonly path: string;
  readonly clauses: readonly string[];
  readonly rules: readonly string[];
  /** What the broad clause itself deserves at most: its missing date is no worse. */
  readonly mode: Mode;
}

function broadClauses(subject: PolicySubject): BroadClause[] {
  const found = BROAD.flatMap(({ rule, context }) =>
    rule.check(subject, context).map((violation) => {
      const path = pointer("", ...stepsOf(violation.path).slice(0, 3));
      return { rule: rule.id, path, clauses: violation.clauses ?? [path], mode: violation.atMost ?? "enforce" };
    }),
  );
  return [...Map.groupBy(found, ({ path }) => path)].map(([path, here]) => ({
    path,
    clauses: [...new Set(here.flatMap(({ clauses }) => clauses))],
    rules: [...new Set(here.map(({ rule }) => rule))],
    mode: here.some(({ mode }) => mode === "enforce") ? "enforce" : "warn",
  }));
}
