import { pointer } from "../model/json.ts";
import type { Rule } from "./rule.ts";

export const noHostNetwork: Rule<object, "Workload"> = {
  id: "no-host-network",
  on: "Workload",
  severity: "high",
  title: "forbids Pods on the network of their node.",
  why:
    "A Pod with hostNetwork has its node's addresses. No NetworkPolicy holds it: neither the default-deny of its " +
    "namespace nor any other, in either direction. It reaches what the node reaches, the services that listen on the " +
    "node's loopback and the cloud's metadata endpoint among it, and to other Pods it looks like the node, which they cannot keep out.",
  remedy:
    "Leave hostNetwork out, and let others reach the Pod by a Service or, for one port of the node, by hostPort. Agents " +
    "that need the node's network belong into a namespace of their own that is excepted by the ruleset.",
  options: {},
  examples: [
    {
      title: "a DaemonSet that only wants to be reached on its node",
      bad: `
apiVersion: apps/v1
kind: DaemonSet
metadata:
  name: metrics
spec:
  selector:
    matchLabels:
      app.kubernetes.io/name: metrics
  template:
    metadata:
      labels:
        app.kubernetes.io/name: metrics
        app.kubernetes.io/part-of: monitoring
    spec:
      hostNetwork: true
      containers:
        - name: metrics
          image: registry.example.com/metrics:2.1
`,
      good: `
apiVersion: apps/v1
kind: DaemonSet
metadata:
  name: metrics
spec:
  selector:
    matchLabels:
      app.kubernetes.io/name: metrics
  template:
    metadata:
      labels:
        app.kubernetes.io/name: metrics
        app.kubernetes.io/part-of: monitoring
    spec:
      containers:
        - name: metrics
          image: registry.example.com/metrics:2.1
          ports:
            - containerPort: 9100
              hostPort: 9100
`,
    },
  ],

  check({ workload: { isOnHostNetwork, specPath } }) {
    if (!isOnHostNetwork) return [];
    return [
      {
        message: "hostNetwork puts these Pods on their node's network, where no NetworkPolicy holds them",
        path: pointer(specPath, "hostNetwork"),
        fix: "leave it out, and use a Service or a hostPort to be reached",
      },
    ];
  },
};
