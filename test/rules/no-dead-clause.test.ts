import { noDeadClause } from "../../src/rules/no-dead-clause.ts";
import { networkPolicy } from "../helpers/build.ts";
import { testRule } from "../helpers/test-rule.ts";

const clause = { to: [{ podSelector: {} }] };
const policy = (spec: Readonly<Record<string, unknown>>) => networkPolicy({ spec });

testRule(noDeadClause, {
  passes: [
    { name: "no clauses", policy: policy({ policyTypes: ["Ingress"] }) },
    { name: "egress clauses and Egress", policy: policy({ policyTypes: ["Egress"], egress: [clause] }) },
    { name: "ingress clauses and Ingress", policy: policy({ policyTypes: ["Ingress"], ingress: [{}] }) },
    { name: "both", policy: policy({ policyTypes: ["Egress", "Ingress"], ingress: [{}], egress: [clause] }) },
    {
      name: "empty egress clauses, which the API server drops",
      policy: policy({ policyTypes: ["Ingress"], egress: [] }),
    },
    { name: "null for egress clauses", policy: policy({ policyTypes: ["Ingress"], egress: null }) },
    {
      name: "no policyTypes: egress clauses imply Egress",
      policy: policy({ policyTypes: undefined, egress: [clause] }),
    },
    { name: "no policyTypes: Ingress is always implied", policy: policy({ policyTypes: undefined, ingress: [{}] }) },
    { name: "empty policyTypes, which are none", policy: policy({ policyTypes: [], ingress: [{}], egress: [clause] }) },
    { name: "null policyTypes, which are none", policy: policy({ policyTypes: null, egress: [clause] }) },
  ],
  fails: [
    {
      name: "egress clauses without Egress",
      policy: policy({ policyTypes: ["Ingress"], egress: [clause] }),
      at: "/spec/egress",
      says: "the egress clause has no effect: policyTypes does not list Egress",
    },
    {
      name: "ingress clauses without Ingress",
      policy: policy({ policyTypes: ["Egress"], ingress: [{ from: [{ podSelector: {} }] }] }),
      at: "/spec/ingress",
      says: "the ingress clause has no effect: policyTypes does not list Ingress",
    },
    {
      name: "several clauses, which are one mistake",
      policy: policy({ policyTypes: ["Ingress"], egress: [clause, clause, {}] }),
      at: "/spec/egress",
      says: "all 3 egress clauses have no effect",
    },
    {
      name: "a null clause, which is an empty one",
      policy: policy({ policyTypes: ["Ingress"], egress: [null] }),
      at: "/spec/egress",
    },
    {
      name: "only the direction that is dead",
      policy: policy({ policyTypes: ["Ingress"], ingress: [{}], egress: [clause] }),
      at: "/spec/egress",
    },
    {
      name: "a type that is misspelt",
      policy: policy({ policyTypes: ["egress"], ingress: [{}], egress: [clause] }),
      at: ["/spec/ingress", "/spec/egress"],
    },
  ],
});
