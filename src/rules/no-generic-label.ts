import { podSelectorsOf } from "../model/policy.ts";
import { isPositive, type Selector, valuesOf } from "../model/selector.ts";
import { policyYaml } from "./shared/examples.ts";
import type { Rule } from "./rule.ts";

interface Options {
  readonly keys: readonly string[];
  readonly values: readonly string[];
  readonly classKeys: readonly string[];
}

export const noGenericLabel: Rule<Options> = {
  id: "no-generic-label",
  on: "NetworkPolicy",
  severity: "medium",
  title: "forbids selectors whose only label says nothing: `app: api`, `tier: backend`.",
  why:
    "A label that many workloads carry names none. The selector means one of them today and whatever else arrives in the " +
    "namespace under the same word tomorrow: a second `app: api` gets the rights of the first, and nobody has touched " +
    "the policy.",
  remedy:
    "Give the workload a name of its own in app.kubernetes.io/name, or ask for a second label beside the first, such as " +
    "app.kubernetes.io/part-of or app.kubernetes.io/instance.",
  options: {
    keys: {
      type: "array",
      items: { type: "string", minLength: 1 },
      description: "Label keys that name a workload; one of `values` is no name.",
      default: ["app", "name", "service", "component", "role", "app.kubernetes.io/name", "app.kubernetes.io/component"],
    },
    values: {
      type: "array",
      items: { type: "string", minLength: 1 },
      description: "Values that say nothing, in lower case; upper case is no difference.",
      default: [
        "api",
        "app",
        "application",
        "back-end",
        "backend",
        "client",
        "component",
        "container",
        "default",
        "deployment",
        "main",
        "microservice",
        "pod",
        "server",
        "service",
        "svc",
        "worker",
        "workload",
      ],
    },
    classKeys: {
      type: "array",
      items: { type: "string", minLength: 1 },
      description: "Label keys that name a class of workloads, whatever their value.",
      default: ["tier", "layer"],
    },
  },
  examples: [
    {
      title: "every workload is somebody's `api`",
      bad: policyYaml(
        "orders",
        `
podSelector:
  matchLabels:
    app.kubernetes.io/name: api
policyTypes: [Ingress]
`,
      ),
      good: policyYaml(
        "orders",
        `
podSelector:
  matchLabels:
    app.kubernetes.io/name: api
    app.kubernetes.io/part-of: orders
policyTypes: [Ingress]
`,
      ),
    },
    {
      title: "a whole tier among the peers",
      bad: policyYaml(
        "database",
        `
policyTypes: [Ingress]
ingress:
  - from:
      - podSelector:
          matchLabels:
            tier: backend
    ports:
      - port: 5432
`,
      ),
      good: policyYaml(
        "database",
        `
policyTypes: [Ingress]
ingress:
  - from:
      - podSelector:
          matchLabels:
            app.kubernetes.io/name: orders
    ports:
      - port: 5432
`,
      ),
    },
  ],

  check({ policy }, { options }) {
    return podSelectorsOf(policy).flatMap((selector) => {
      const why = genericBecause(selector, options);
      if (why === undefined) return [];
      return [
        {
          message: `${why}, and no second label is asked for: others will match, too`,
          path: selector.requirements.find(isPositive)?.path ?? selector.path,
          fix: "ask for a second label, such as app.kubernetes.io/part-of, or give the workload a name of its own",
        },
      ];
    });
  },
};

/** What only excludes does not name anybody, so the labels that must be there count, each once. */
function genericBecause(selector: Selector, { keys, values, classKeys }: Options): string | undefined {
  const positive = selector.requirements.filter(isPositive);
  const key = positive[0]?.key;
  if (key === undefined || positive.some((requirement) => requirement.key !== key)) return undefined;
  const allowed = valuesOf(selector, key) ?? [];
  if (allowed.length === 0) return undefined;
  if (classKeys.includes(key)) return `label ${key} names a class of workloads`;
  const isGeneric = allowed.every((value) => values.includes(value.toLowerCase()));
  if (!isGeneric || !keys.includes(key)) return undefined;
  const more = allowed.length > 1 ? ` or ${allowed.length - 1} more such` : "";
  return `\`${key}: ${allowed[0]}\`${more} may be any workload`;
}
