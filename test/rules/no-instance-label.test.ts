import { describe } from "vitest";
import { noInstanceLabel } from "../../src/rules/no-instance-label.ts";
import { egress, expression, ingress, networkPolicy, selector } from "../helpers/build.ts";
import { testRule } from "../helpers/test-rule.ts";

const selecting = (podSelector: object) => networkPolicy({ spec: { podSelector } });
const POD_NAME = "statefulset.kubernetes.io/pod-name";
const at = "/spec/podSelector/matchExpressions/0";

describe("each label of its list", () => {
  const labels = [
    [POD_NAME, /one Pod, not for the workload; on Cilium it matches nothing$/],
    ["apps.kubernetes.io/pod-index", /one Pod of every StatefulSet; on Cilium it matches nothing$/],
    ["job-name", /one Job; each run of a CronJob has another$/],
    ["batch.kubernetes.io/job-name", /one Job; each run of a CronJob has another$/],
  ] as const;
  testRule(noInstanceLabel, {
    passes: [
      { name: "a label of the workload", policy: selecting(selector({ "app.kubernetes.io/name": "x" })) },
      {
        name: "a label that is another rule's matter",
        policy: selecting(selector({ "batch.kubernetes.io/job-completion-index": "0", "pod-template-hash": "x" })),
      },
    ],
    fails: labels.map(([label, says]) => ({
      name: label,
      policy: selecting(selector({ [label]: "x" })),
      at: `/spec/podSelector/matchLabels/${label.replaceAll("/", "~1")}`,
      says,
    })),
  });
});

describe("by what is asked of it", () => {
  testRule(noInstanceLabel, {
    passes: [
      { name: "all Pods of Jobs", policy: selecting(selector({}, expression("job-name", "Exists"))) },
      { name: "all that are of no Job", policy: selecting(selector({}, expression("job-name", "DoesNotExist"))) },
      {
        name: "a label of the options that is there",
        policy: selecting(selector({}, expression("replica", "Exists"))),
        options: { labels: ["replica"] },
      },
    ],
    fails: [
      { name: "In", policy: selecting(selector({}, expression("job-name", "In", ["a", "b"]))), at },
      { name: "NotIn", policy: selecting(selector({}, expression("job-name", "NotIn", ["a"]))), at },
      {
        name: "NotIn of what Cilium does not see",
        policy: selecting(selector({}, expression(POD_NAME, "NotIn", ["a"]))),
        at,
        says: "on Cilium it excludes nothing",
      },
      {
        name: "all Pods of StatefulSets: only wrong on Cilium",
        policy: selecting(selector({}, expression(POD_NAME, "Exists"))),
        at,
        says: "is not part of a Pod's identity: on Cilium it matches nothing",
        atMost: "warn",
      },
      {
        name: "all Pods of no StatefulSet: only wrong on Cilium",
        policy: selecting(selector({}, expression(POD_NAME, "DoesNotExist"))),
        at,
        says: "is not part of a Pod's identity: on Cilium it excludes nothing",
        atMost: "warn",
      },
      { name: "an operator that nobody knows", policy: selecting(selector({}, expression("job-name", "is"))), at },
    ],
  });
});

describe("wherever it stands", () => {
  const one = selector({ "job-name": "x" });
  testRule(noInstanceLabel, {
    passes: [
      { name: "a selector of everything", policy: selecting({}) },
      { name: "a value that looks like one", policy: selecting(selector({ app: "job-name" })) },
      { name: "a key that contains one", policy: selecting(selector({ "x/job-name": "a", "cron-job-name": "b" })) },
      { name: "keys that every JavaScript object has", policy: selecting(selector({ constructor: "x" })) },
      { name: "a label of the policy itself", policy: networkPolicy({ metadata: { labels: { "job-name": "x" } } }) },
      { name: "what the options leave out", policy: selecting(one), options: { labels: ["replica"] } },
      { name: "selectors that are not there", policy: ingress({ from: [null, {}, { podSelector: null }] }, null) },
    ],
    fails: [
      {
        name: "a peer's podSelector",
        policy: ingress({ from: [{ podSelector: {} }, { podSelector: one }] }),
        at: "/spec/ingress/0/from/1/podSelector/matchLabels/job-name",
      },
      {
        name: "a peer's namespaceSelector",
        policy: egress({ to: [{ namespaceSelector: one }] }),
        at: "/spec/egress/0/to/0/namespaceSelector/matchLabels/job-name",
      },
      {
        name: "each place",
        policy: networkPolicy({
          spec: {
            podSelector: selector({ "job-name": "a", [POD_NAME]: "b" }),
            egress: [{ to: [{ podSelector: one }] }],
          },
        }),
        at: [
          "/spec/podSelector/matchLabels/job-name",
          "/spec/podSelector/matchLabels/statefulset.kubernetes.io~1pod-name",
          "/spec/egress/0/to/0/podSelector/matchLabels/job-name",
        ],
      },
      {
        name: "what the options add",
        policy: selecting(selector({ replica: "x", "job-name": "y" })),
        options: { labels: ["replica"] },
        at: "/spec/podSelector/matchLabels/replica",
        says: "label replica stands for one instance, not for the workload",
      },
      {
        name: "even a key that every JavaScript object has",
        policy: selecting(selector({ constructor: "x" })),
        options: { labels: ["constructor"] },
        at: "/spec/podSelector/matchLabels/constructor",
      },
    ],
  });
});
