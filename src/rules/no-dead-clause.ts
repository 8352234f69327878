import type { Direction } from "../model/policy.ts";
import { policyYaml } from "./shared/examples.ts";
import type { Rule, Violation } from "./rule.ts";

export const noDeadClause: Rule = {
  id: "no-dead-clause",
  on: "NetworkPolicy",
  severity: "critical",
  title: "forbids ingress or egress clauses whose direction `policyTypes` does not list.",
  why:
    "The API server accepts such clauses and the specification ignores them: the policy looks as if it limited egress, " +
    "and every Pod it selects still reaches everything. Some network plugins have applied them nevertheless, so the same " +
    "manifest means different things in different clusters.",
  remedy: "Add the direction to `policyTypes`, or remove the clauses.",
  options: {},
  examples: [
    {
      title: "egress clauses, but only Ingress is isolated",
      bad: policyYaml(
        "web",
        `
policyTypes: [Ingress]
egress:
  - to:
      - podSelector:
          matchLabels:
            app.kubernetes.io/name: database
    ports:
      - port: 5432
`,
      ),
      good: policyYaml(
        "web",
        `
policyTypes: [Ingress, Egress]
egress:
  - to:
      - podSelector:
          matchLabels:
            app.kubernetes.io/name: database
    ports:
      - port: 5432
`,
      ),
    },
  ],

  check({ policy }) {
    return (["ingress", "egress"] as const).flatMap((direction) => {
      const dead = policy.clauses.filter((clause) => clause.direction === direction).map(({ path }) => path);
      return dead.length === 0 || policy.isolates.includes(direction) ? [] : [violation(direction, dead)];
    });
  },
};

/** One for the whole direction: the mistake is one word in policyTypes, however many clauses it kills. */
function violation(direction: Direction, clauses: readonly string[]): Violation {
  const count = clauses.length;
  const type = direction === "ingress" ? "Ingress" : "Egress";
  return {
    message: `${count === 1 ? "the" : `all ${count}`} ${direction} clause${count === 1 ? " has" : "s have"} no effect: policyTypes does not list ${type}`,
    path: `/spec/${direction}`,
    clauses,
    fix: `add ${type} to policyTypes, or remove the ${direction} clauses`,
  };
}
