import { pointer } from "../model/json.ts";
import type { Rule } from "./rule.ts";
import { plain } from "./shared/plain.ts";

export const noUnboundLabel: Rule<object, "Namespace"> = {
  id: "no-unbound-label",
  on: "Namespace",
  severity: "critical",
  title: "forbids labels that govern a Namespace to whoever may not bind its ruleset.",
  why:
    "By drawbridge.dev/ruleset, drawbridge.dev/mode and drawbridge.dev/baseline a Namespace says by which rules, how " +
    "strictly and with which policies it is governed. Who may write the Namespace could else free it from all of this by " +
    "one label. The marker drawbridge.dev/baseline-pending is none of them: it only holds Pods back, so anyone may set it.",
  remedy:
    "Let somebody set, change or remove these labels who has the RBAC verb `bind` on the NetworkRuleset that the " +
    "Namespace names afterwards (`default` if it names none), or grant it: apiGroups [drawbridge.dev], resources " +
    "[networkrulesets], resourceNames [the ruleset], verbs [bind].",
  options: {},
  examples: [
    {
      title: "a tenant, who may edit its Namespace but bind nothing, lowers the mode",
      bad: `
apiVersion: v1
kind: Namespace
metadata:
  name: shop
  labels:
    environment: production
    domain: retail
    tenant: web-team
    drawbridge.dev/mode: audit
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
      unbound: { labels: ["drawbridge.dev/mode"], ruleset: "default" },
    },
  ],

  check({ unbound }) {
    if (unbound === undefined) return [];
    const ruleset = plain(unbound.ruleset, "of that name");
    return unbound.labels.map((label) => ({
      message: `${label} is for those to set, change or remove who may bind the ruleset`,
      path: pointer("/metadata/labels", label),
      fix: `leave the label as it is, or get the verb bind on NetworkRuleset ${ruleset} by RBAC`,
    }));
  },
};
