import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Cluster } from "./cluster.ts";

export interface NodesOptions {
  readonly count: number;
  /** Paths. */
  readonly kwok: string;
  readonly scheduler: string;
}

/**
 * Nodes without machines, by kwok, and a real scheduler: Pods are placed, run, are ready and, when deleted, gone a moment
 * later; no container ever starts. Resolves with the nodes' names when all of them are ready. Ends with the cluster;
 * 150 MB of memory.
 */
export async function startNodes(
  cluster: Cluster,
  { count, kwok, scheduler }: NodesOptions,
): Promise<readonly string[]> {
  const config = join(cluster.directory, "kwok.yaml");
  writeFileSync(config, STAGES.map((one) => JSON.stringify(one)).join("\n---\n"));
  cluster.startProgram("kwok", kwok, [
    `--kubeconfig=${cluster.kubeconfigs.admin}`,
    `--config=${config}`,
    "--manage-all-nodes=true",
    // Nobody asks it for logs: no port.
    "--node-port=0",
  ]);
  cluster.startProgram("kube-scheduler", scheduler, [
    `--kubeconfig=${cluster.schedulerKubeconfig}`,
    "--leader-elect=false",
    "--secure-port=0",
    "--kube-api-qps=500",
    "--kube-api-burst=1000",
    "--profiling=false",
  ]);
  const names = Array.from({ length: count }, (_, i) => `node-${i}`);
  const list = { apiVersion: "v1", kind: "List", items: names.map(node) };
  await cluster.ok(["create", "-f", "-"], { input: JSON.stringify(list) });
  try {
    await cluster.ok(["wait", "node", "--all", "--for=condition=Ready", "--timeout=60s"]);
  } catch (error) {
    const logs = ["kwok", "kube-scheduler"].map((name) => `--- ${name}\n${cluster.logTail(name)}`);
    throw new Error(`${String(error)}\n${logs.join("\n")}`, { cause: error });
  }
  return names;
}

function node(name: string): object {
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name, labels: { "kubernetes.io/hostname": name, "kubernetes.io/os": "linux" } },
    status: { capacity: CAPACITY, allocatable: CAPACITY },
  };
}

const CAPACITY = { cpu: "64", memory: "256Gi", pods: "1000" };

/** How soon, as a Pod that starts or ends at once would hide what a drain waits for. */
const START_MS = 200;
const END_MS = 500;

const NOT_DELETED = { key: ".metadata.deletionTimestamp", operator: "DoesNotExist" };
const DELETED = { key: ".metadata.deletionTimestamp", operator: "Exists" };
const PENDING = { key: ".status.phase", operator: "In", values: ["Pending"] };
const NOT_READY = {
  key: '.status.conditions.[] | select( .type == "Ready" ) | .status',
  operator: "NotIn",
  values: ["True"],
};

const condition = (type: string): string =>
  `- {type: ${type}, status: "True", reason: Simulated, lastTransitionTime: {{ Now | Quote }}}`;

/** What kwok does with an object of which all of `when` is so. The statuses are merged into those that are there. */
const STAGES: readonly object[] = [
  stage("node-ready", "Node", [NOT_READY], 0, { statusTemplate: `conditions:\n${condition("Ready")}` }),
  stage("pod-running", "Pod", [NOT_DELETED, PENDING], START_MS, {
    statusTemplate: [
      "phase: Running",
      "startTime: {{ Now | Quote }}",
      "conditions:",
      ...["Initialized", "Ready", "ContainersReady"].map(condition),
      "containerStatuses:",
      "{{ range .spec.containers }}",
      "- name: {{ .name | Quote }}",
      "  image: {{ .image | Quote }}",
      "  imageID: ''",
      "  ready: true",
      "  restartCount: 0",
      "  state: {running: {startedAt: {{ Now | Quote }}}}",
      "{{ end }}",
    ].join("\n"),
  }),
  stage("pod-gone", "Pod", [DELETED], END_MS, { delete: true }),
];

function stage(name: string, kind: string, when: readonly object[], delayMs: number, next: object): object {
  return {
    apiVersion: "kwok.x-k8s.io/v1alpha1",
    kind: "Stage",
    metadata: { name },
    spec: {
      resourceRef: { apiGroup: "v1", kind },
      selector: { matchExpressions: when },
      delay: { durationMilliseconds: delayMs },
      next,
    },
  };
}
