import { isPositive, type Requirement } from "../model/selector.ts";
import { policyYaml } from "./shared/examples.ts";
import { isUnseenByCilium, requirementsOn } from "./shared/label-keys.ts";
import type { Rule, Violation } from "./rule.ts";

interface Options {
  readonly labels: readonly string[];
}

export const noInstanceLabel: Rule<Options> = {
  id: "no-instance-label",
  on: "NetworkPolicy",
  severity: "medium",
  title: "forbids selectors on labels that stand for one Pod or one Job instead of the workload.",
  why:
    "They stay, but seldom mean what was meant: a StatefulSet that is scaled up has Pods that the policy does not know, " +
    "an index picks a Pod of every StatefulSet of the namespace, and each run of a CronJob is a Job with another name. " +
    "Cilium leaves the labels of StatefulSets out of a Pod's identity, so there they match nothing.",
  remedy:
    "Select the workload: app.kubernetes.io/name, app.kubernetes.io/component. A replica with a role of its own needs a " +
    "label for that role. All Pods of Jobs are `job-name` with `Exists`, which is fine.",
  options: {
    labels: {
      type: "array",
      items: { type: "string", minLength: 1 },
      description: "Label keys whose value stands for one instance.",
      default: [
        "statefulset.kubernetes.io/pod-name",
        "apps.kubernetes.io/pod-index",
        "job-name",
        "batch.kubernetes.io/job-name",
      ],
    },
  },
  examples: [
    {
      title: "one Pod of a StatefulSet",
      bad: policyYaml(
        "database",
        `
podSelector:
  matchLabels:
    statefulset.kubernetes.io/pod-name: database-0
policyTypes: [Ingress]
`,
      ),
      good: policyYaml(
        "database",
        `
policyTypes: [Ingress]
`,
      ),
    },
    {
      title: "one run of a CronJob among the peers",
      bad: policyYaml(
        "database",
        `
policyTypes: [Ingress]
ingress:
  - from:
      - podSelector:
          matchLabels:
            batch.kubernetes.io/job-name: nightly-report-29384720
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
            app.kubernetes.io/name: nightly-report
    ports:
      - port: 5432
`,
      ),
    },
  ],

  check({ policy }, { options }) {
    return requirementsOn(policy, options.labels).flatMap(violations);
  },
};

const STANDS_FOR = new Map([
  ["statefulset.kubernetes.io/pod-name", "one Pod, not for the workload"],
  ["apps.kubernetes.io/pod-index", "one Pod of every StatefulSet"],
  ["job-name", "one Job; each run of a CronJob has another"],
  ["batch.kubernetes.io/job-name", "one Job; each run of a CronJob has another"],
]);

function violations(requirement: Requirement): Violation[] {
  const { key, operator, path } = requirement;
  const onCilium = `on Cilium it ${isPositive(requirement) ? "matches" : "excludes"} nothing`;
  // That the key is there, or not, is true of many: of all Pods of StatefulSets or Jobs. Only Cilium does not see it.
  if (operator === "Exists" || operator === "DoesNotExist") {
    if (!isUnseenByCilium(key)) return [];
    const message = `label ${key} is not part of a Pod's identity: ${onCilium}`;
    return [{ message, path, fix: FIX, atMost: "warn" }];
  }
  const cilium = isUnseenByCilium(key) ? `; ${onCilium}` : "";
  const message = `label ${key} stands for ${STANDS_FOR.get(key) ?? "one instance, not for the workload"}${cilium}`;
  return [{ message, path, fix: FIX }];
}

const FIX = "select by a label of the whole workload, such as app.kubernetes.io/name";
