import { contractOptions, contractViolations, type LabelContract } from "./shared/label-contract.ts";
import type { Rule } from "./rule.ts";

export const requireNamespaceLabels: Rule<LabelContract, "Namespace"> = {
  id: "require-namespace-labels",
  on: "Namespace",
  severity: "medium",
  title: "demands the labels of the platform's contract on Namespaces.",
  why:
    "Policies between namespaces, rulesets and baselines choose them by label: production from test, one domain or one " +
    "tenant from another. A Namespace without these labels is chosen by none of them, or by all that exclude instead of " +
    "naming, and nobody can tell whose it is.",
  remedy:
    "Write the labels into the Namespace's metadata. A platform with another contract says so in the option `labels`, " +
    "and in `values` what they may be.",
  options: contractOptions("Namespaces", ["environment", "domain", "tenant"]),
  examples: [
    {
      title: "nobody can tell whether it is production",
      bad: `
apiVersion: v1
kind: Namespace
metadata:
  name: shop
  labels:
    domain: retail
    tenant: web-team
`,
      good: `
apiVersion: v1
kind: Namespace
metadata:
  name: shop
  labels:
    environment: production
    domain: retail
    tenant: web-team
`,
    },
  ],

  check: ({ labels }, { options }) =>
    contractViolations(labels, "/metadata", options, "no policy can choose this Namespace by it"),
};
