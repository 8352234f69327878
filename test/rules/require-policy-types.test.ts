import { requirePolicyTypes } from "../../src/rules/require-policy-types.ts";
import { networkPolicy } from "../helpers/build.ts";
import { testRule } from "../helpers/test-rule.ts";

const written = (policyTypes: unknown) => networkPolicy({ spec: { policyTypes } });
/** As stored: the API server has filled policyTypes in. */
const stored = networkPolicy({ spec: { policyTypes: ["Ingress", "Egress"], egress: [{ to: [{ podSelector: {} }] }] } });
const at = "/spec/policyTypes";

testRule(requirePolicyTypes, {
  passes: [
    { name: "unknown what was written", policy: stored },
    { name: "unknown what was written, and none stored", policy: written(undefined) },
    { name: "one type", policy: stored, written: written(["Egress"]) },
    { name: "both types", policy: stored, written: written(["Ingress", "Egress"]) },
    { name: "written without a spec: nothing is known of it", policy: stored, written: {} },
    { name: "written with a spec that is none", policy: stored, written: { spec: "x" } },
  ],
  fails: [
    { name: "left out", policy: stored, written: written(undefined), at, says: "guessed [Ingress, Egress]" },
    { name: "empty", policy: stored, written: written([]), at },
    { name: "null", policy: stored, written: written(null), at },
    { name: "a text instead of a list", policy: stored, written: written("Egress"), at },
    { name: "an object instead of a list", policy: stored, written: written({ Egress: true }), at },
    { name: "an empty spec", policy: stored, written: { spec: {} }, at },
    {
      name: "the guess for ingress only",
      policy: networkPolicy({ spec: { policyTypes: ["Ingress"] } }),
      written: written(undefined),
      at,
      says: "guessed [Ingress];",
    },
    {
      name: "the guess that has become stale",
      policy: networkPolicy({ spec: { policyTypes: ["Ingress"], egress: [{ to: [{ podSelector: {} }] }] } }),
      written: networkPolicy({ spec: { policyTypes: undefined, egress: [{ to: [{ podSelector: {} }] }] } }),
      at,
      says: "guessed [Ingress];",
    },
    {
      name: "a file, where what is stored is not known either",
      policy: networkPolicy({ spec: { policyTypes: undefined, egress: [] } }),
      written: networkPolicy({ spec: { policyTypes: undefined, egress: [] } }),
      at,
      says: "guessed [Ingress];",
    },
  ],
});
