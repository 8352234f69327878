import { describe } from "vitest";
import { noUnstableLabel } from "../../src/rules/no-unstable-label.ts";
import { egress, expression, ingress, networkPolicy, selector } from "../helpers/build.ts";
import { testRule } from "../helpers/test-rule.ts";

const selecting = (podSelector: object) => networkPolicy({ spec: { podSelector } });

describe("each label of its list", () => {
  const labels = [
    ["pod-template-hash", "Cilium"],
    ["pod-template-generation", "Cilium"],
    ["controller-revision-hash", "Cilium"],
    ["controller-uid", "Cilium"],
    ["batch.kubernetes.io/controller-uid", "Cilium"],
    ["batch.kubernetes.io/job-completion-index", "Cilium"],
    ["rollouts-pod-template-hash"],
    ["helm.sh/chart"],
    ["chart"],
    ["app.kubernetes.io/version"],
    ["version"],
    ["heritage"],
    ["app.kubernetes.io/managed-by"],
  ] as const;
  testRule(noUnstableLabel, {
    passes: [{ name: "a label that is not in it", policy: selecting(selector({ "app.kubernetes.io/name": "x" })) }],
    fails: labels.map(([label, cilium]) => ({
      name: label,
      policy: selecting(selector({ [label]: "x" })),
      at: `/spec/podSelector/matchLabels/${label.replaceAll("/", "~1")}`,
      says: new RegExp(`^label ${label} changes (?${cilium === undefined ? "!" : "="}.*Cilium)`),
    })),
  });
});

describe("wherever it stands", () => {
  const unstable = selector({ version: "v1" });
  const inExpression = (operator: string, values?: string[]) => selector({}, expression("version", operator, values));
  testRule(noUnstableLabel, {
    passes: [
      { name: "a selector of everything", policy: selecting({}) },
      { name: "labels that stay", policy: selecting(selector({ "app.kubernetes.io/name": "web", app: "web" })) },
      { name: "a value that looks like one", policy: selecting(selector({ app: "version" })) },
      { name: "a key that contains one", policy: selecting(selector({ "api-version": "v1", "x/version": "v1" })) },
      {
        name: "keys that every JavaScript object has",
        policy: selecting(selector({ constructor: "x", toString: "y" })),
      },
      { name: "a label of the policy itself", policy: networkPolicy({ metadata: { labels: { version: "1.2.3" } } }) },
      { name: "what the options leave out", policy: selecting(unstable), options: { labels: ["release"] } },
      { name: "selectors that are not there", policy: ingress({ from: [null, {}, { podSelector: null }] }, null) },
    ],
    fails: [
      ...[
        ["In", "soon it matches nothing"],
        ["NotIn", "soon it excludes nothing"],
      ].map(([operator = "", says = ""]) => ({
        name: `matchExpressions, ${operator}`,
        policy: selecting(inExpression(operator, ["v1"])),
        at: "/spec/podSelector/matchExpressions/0",
        says: new RegExp(`changes with releases or Pods: ${says}$`),
      })),
      ...["Exists", "DoesNotExist"].map((operator) => ({
        name: `matchExpressions, ${operator}`,
        policy: selecting(inExpression(operator)),
        at: "/spec/podSelector/matchExpressions/0",
        says: /tells how a Pod was made, not what it is$/,
      })),
      {
        name: "the second expression",
        policy: selecting(selector({}, expression("app", "Exists"), expression("chart", "Exists"))),
        at: "/spec/podSelector/matchExpressions/1",
      },
      {
        name: "a peer's podSelector",
        policy: ingress({ from: [{ podSelector: unstable }] }),
        at: "/spec/ingress/0/from/0/podSelector/matchLabels/version",
      },
      {
        name: "a peer's namespaceSelector",
        policy: egress({}, { to: [{ podSelector: {} }, { namespaceSelector: unstable }] }),
        at: "/spec/egress/1/to/1/namespaceSelector/matchLabels/version",
      },
      {
        name: "each place",
        policy: networkPolicy({
          spec: {
            podSelector: selector({ chart: "a", version: "b" }),
            ingress: [{ from: [{ podSelector: unstable, namespaceSelector: inExpression("Exists") }] }],
          },
        }),
        at: [
          "/spec/podSelector/matchLabels/chart",
          "/spec/podSelector/matchLabels/version",
          "/spec/ingress/0/from/0/namespaceSelector/matchExpressions/0",
          "/spec/ingress/0/from/0/podSelector/matchLabels/version",
        ],
      },
      {
        name: "what the options add",
        policy: selecting(selector({ release: "x", version: "y" })),
        options: { labels: ["release"] },
        at: "/spec/podSelector/matchLabels/release",
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
