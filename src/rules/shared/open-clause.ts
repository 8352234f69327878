import type { Clause, Direction, Policy } from "../../model/policy.ts";
import type { Violation } from "../rule.ts";
import { isDnsOnly } from "./dns.ts";

/** What no-open-egress and no-open-ingress share: clauses whose peers are "anyone", but for those of no-open-dns. */
export function openClauseViolations(policy: Policy, direction: Direction): Violation[] {
  const side = direction === "ingress" ? "from" : "to";
  return policy.clauses
    .filter((clause) => clause.direction === direction && clause.peers === "anyone" && !isDnsOnly(clause))
    .map((clause) => ({
      message: `a clause without \`${side}\` allows ${direction} ${side} everyone, in and outside the cluster, on ${portsOf(clause)}`,
      path: clause.path,
      fix: `name the peers under \`${side}\`, or remove the clause to allow nothing`,
    }));
}

/** A file may call a port or a protocol anything; what is left of a message's 120 characters is little. */
const SHORT_AND_PLAIN = /^[\w -]{1,33}[\w-]$/;

function portsOf(clause: Clause): string {
  if (clause.ports === "all") return "every port";
  const texts = clause.ports.map(({ protocol, port, endPort }) => {
    if (port === undefined) return `every ${protocol} port`;
    return `${protocol} ${port}${endPort === undefined ? "" : `-${endPort}`}`;
  });
  const both = texts.join(" and ");
  return texts.length <= 2 && SHORT_AND_PLAIN.test(both) ? both : "the ports it lists";
}
