import type { Requirement } from "../model/selector.ts";
import { policyYaml } from "./shared/examples.ts";
import { isUnseenByCilium, requirementsOn } from "./shared/label-keys.ts";
import type { Rule } from "./rule.ts";

interface Options {
  readonly labels: readonly string[];
}

export const noUnstableLabel: Rule<Options> = {
  id: "no-unstable-label",
  on: "NetworkPolicy",
  severity: "high",
  title: "forbids selectors on labels that change with each release, rollout or Pod.",
  why:
    "The policy matches today's Pods and none of tomorrow's. After the next rollout its Pods stand open (if it isolated " +
    "them) or are cut off (if it allowed their traffic), and nobody has touched the policy. Cilium leaves several of " +
    "these labels out of a Pod's identity, so there the selector matches nothing from the first minute.",
  remedy: "Select by what stays: app.kubernetes.io/name, app.kubernetes.io/component, app.kubernetes.io/instance.",
  options: {
    labels: {
      type: "array",
      items: { type: "string", minLength: 1 },
      description: "Label keys that no selector may use.",
      default: [
        "pod-template-hash",
        "pod-template-generation",
        "controller-revision-hash",
        "controller-uid",
        "batch.kubernetes.io/controller-uid",
        "batch.kubernetes.io/job-completion-index",
        "rollouts-pod-template-hash",
        "helm.sh/chart",
        "chart",
        "app.kubernetes.io/version",
        "version",
        "heritage",
        "app.kubernetes.io/managed-by",
      ],
    },
  },
  examples: [
    {
      title: "the hash of one ReplicaSet",
      bad: policyYaml(
        "web",
        `
podSelector:
  matchLabels:
    pod-template-hash: 6f7d9c5b8
policyTypes: [Ingress]
`,
      ),
      good: policyYaml(
        "web",
        `
policyTypes: [Ingress]
`,
      ),
    },
    {
      title: "a version among the peers",
      bad: policyYaml(
        "database",
        `
policyTypes: [Ingress]
ingress:
  - from:
      - podSelector:
          matchExpressions:
            - key: app.kubernetes.io/version
              operator: In
              values: ["1.4.2"]
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
            app.kubernetes.io/name: web
    ports:
      - port: 5432
`,
      ),
    },
  ],

  check({ policy }, { options }) {
    return requirementsOn(policy, options.labels).map((requirement) => ({
      message: describe(requirement),
      path: requirement.path,
      fix: "select by a label that stays, such as app.kubernetes.io/name",
    }));
  },
};

function describe({ key, operator }: Requirement): string {
  const isUnseen = isUnseenByCilium(key);
  if (operator === "Exists" || operator === "DoesNotExist") {
    return `label ${key} tells how a Pod was made, not what it is${isUnseen ? "; Cilium never sees it" : ""}`;
  }
  const what = operator === "NotIn" ? "excludes" : "matches";
  return `label ${key} changes with releases or Pods: soon it ${what} nothing${isUnseen ? ", on Cilium at once" : ""}`;
}
