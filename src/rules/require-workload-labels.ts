import { contractOptions, contractViolations, type LabelContract } from "./shared/label-contract.ts";
import type { Rule } from "./rule.ts";

export const requireWorkloadLabels: Rule<LabelContract, "Workload"> = {
  id: "require-workload-labels",
  on: "Workload",
  severity: "medium",
  title: "demands the labels of the platform's contract on Pods and on the templates that Pods are made from.",
  why:
    "A NetworkPolicy finds Pods by their labels and by nothing else. A Pod that does not carry those that everybody " +
    "has agreed upon can be named by no policy, or only by a label that its author happened to choose. The labels of a " +
    "Deployment itself do not count: its Pods get those of its template.",
  remedy:
    "Write the labels into the Pod's metadata; of a Deployment, StatefulSet, DaemonSet or Job into spec.template.metadata, " +
    "of a CronJob into spec.jobTemplate.spec.template.metadata. A platform with another contract says so in the option `labels`.",
  options: contractOptions("Pods", ["app.kubernetes.io/name", "app.kubernetes.io/part-of"]),
  examples: [
    {
      title: "labels on the Deployment, and not on its Pods",
      bad: `
apiVersion: apps/v1
kind: Deployment
metadata:
  name: checkout
  labels:
    app.kubernetes.io/name: checkout
    app.kubernetes.io/part-of: shop
spec:
  selector:
    matchLabels:
      app: checkout
  template:
    metadata:
      labels:
        app: checkout
    spec:
      containers:
        - name: checkout
          image: registry.example.com/checkout:1.4
`,
      good: `
apiVersion: apps/v1
kind: Deployment
metadata:
  name: checkout
spec:
  selector:
    matchLabels:
      app.kubernetes.io/name: checkout
  template:
    metadata:
      labels:
        app.kubernetes.io/name: checkout
        app.kubernetes.io/part-of: shop
    spec:
      containers:
        - name: checkout
          image: registry.example.com/checkout:1.4
`,
    },
    {
      title: "a value that was never filled in",
      bad: `
apiVersion: v1
kind: Pod
metadata:
  name: import
  labels:
    app.kubernetes.io/name: import
    app.kubernetes.io/part-of: ""
spec:
  containers:
    - name: import
      image: registry.example.com/import:1.0
`,
      good: `
apiVersion: v1
kind: Pod
metadata:
  name: import
  labels:
    app.kubernetes.io/name: import
    app.kubernetes.io/part-of: shop
spec:
  containers:
    - name: import
      image: registry.example.com/import:1.0
`,
    },
  ],

  check: ({ workload }, { options }) =>
    contractViolations(workload.labels, workload.metadataPath, options, "no policy can name these Pods by it"),
};
