import { isRecord, items } from "../model/json.ts";
import { policyYaml } from "./shared/examples.ts";
import type { Rule } from "./rule.ts";

/**
 * The API server fills policyTypes in before any webhook sees the object, so the stored form always has it. Only the
 * written form tells, and where that is unknown the rule is silent: no-dead-clause covers the harm.
 */
export const requirePolicyTypes: Rule = {
  id: "require-policy-types",
  on: "NetworkPolicy",
  severity: "high",
  title: "demands that the author writes `spec.policyTypes`.",
  why:
    "Left out, the API server guesses: Ingress always, Egress only if there are egress clauses. `egress: []` alone " +
    "therefore leaves egress open, and a policy that was meant for egress also cuts off ingress. Worse, the first guess " +
    "stays: when the same manifest later changes from ingress to egress clauses and is applied again, policyTypes is " +
    "still [Ingress] and the egress clauses have no effect.",
  remedy: "Write `policyTypes` with every direction that the policy is meant to isolate.",
  options: {},
  examples: [
    {
      title: "policyTypes is left to the API server",
      bad: policyYaml(
        "web",
        `
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
policyTypes: [Egress]
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

  check({ written, policy }) {
    if (written === undefined || !isRecord(written.spec)) return [];
    const types = written.spec["policyTypes"];
    if (items(types).length > 0) return [];
    const guess = `[${policy.isolates.map((direction) => (direction === "ingress" ? "Ingress" : "Egress")).join(", ")}]`;
    return [
      {
        message: `policyTypes is not written, so the API server guessed ${guess}; the guess stays when the clauses change`,
        path: "/spec/policyTypes",
        fix: `write policyTypes: ${guess} to keep what it does now, or the directions you mean`,
      },
    ];
  },
};
