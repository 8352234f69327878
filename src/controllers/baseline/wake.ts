import { ApiError } from "../../cluster/api-error.ts";
import type { KubernetesClient } from "../../cluster/client.ts";
import { paths } from "../../cluster/paths.ts";
import { at, items, text } from "../../model/json.ts";
import { FIELD_MANAGER, GROUP } from "../../model/names.ts";
import type { KubernetesObject, Namespace } from "../../model/objects.ts";
import type { Logger } from "../../telemetry/log.ts";
import type { Metrics } from "../../telemetry/metrics.ts";

export interface WakeDeps {
  readonly client: Pick<KubernetesClient, "pages" | "apply">;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** When the namespace of a workload began to take Pods. A workload that has been touched by it is looked at at once. */
const ANNOTATION = `${GROUP}/pods-admitted-since`;

/** In a namespace this young no controller has waited for long: each try comes twice as late as the one before it. */
const YOUNG_MS = 5_000;

/** Other namespaces wait for it. */
const CALL_LIMIT_MS = 5_000;

/**
 * As the API server's watch cache has it. The newest would be had only after a wait for that of up to 100 ms, for each kind
 * in each namespace; and a workload that came a moment ago has not been made to wait for long.
 */
const CACHED = { resourceVersion: 0 };

interface Kind {
  readonly apiVersion: string;
  readonly kind: string;
  readonly resource: "replicationcontrollers" | "replicasets" | "statefulsets" | "daemonsets" | "jobs";
  readonly lacksPods: (workload: KubernetesObject) => boolean;
}

const KINDS: readonly Kind[] = [
  { apiVersion: "v1", kind: "ReplicationController", resource: "replicationcontrollers", lacksPods: lacksReplicas },
  { apiVersion: "apps/v1", kind: "ReplicaSet", resource: "replicasets", lacksPods: lacksReplicas },
  { apiVersion: "apps/v1", kind: "StatefulSet", resource: "statefulsets", lacksPods: lacksReplicas },
  {
    apiVersion: "apps/v1",
    kind: "DaemonSet",
    resource: "daemonsets",
    // Not those of any template: with maxSurge new ones are refused while the old ones run.
    lacksPods: (workload) =>
      number(workload, "/status/updatedNumberScheduled") < number(workload, "/status/desiredNumberScheduled") ||
      at(workload, "/status/observedGeneration") === undefined,
  },
  { apiVersion: "batch/v1", kind: "Job", resource: "jobs", lacksPods: isJobWithoutPods },
];

/**
 * Wakes the workloads of a namespace that has just begun to take Pods. Whoever has been refused Pods tries again ever
 * later, at last after a quarter of an hour, and by themselves they do not hear that they could now. What refused them
 * may have been the API server while no server ran, so it is not remembered but seen: workloads that lack Pods are
 * touched, which a second time does no harm. By their status, since that permission allows nobody to change what runs.
 */
export async function wakeWorkloads({ metadata }: Namespace, deps: WakeDeps): Promise<void> {
  const { log, metrics, now } = deps;
  const namespace = metadata?.name ?? "";
  if (now() - Date.parse(metadata?.creationTimestamp ?? "") < YOUNG_MS) return;
  const woken: string[] = [];
  for (const kind of KINDS) {
    try {
      for (const name of await touchAll(namespace, kind, deps)) {
        woken.push(`${kind.kind} ${name}`);
        metrics.workloadsWoken.inc({ kind: kind.kind });
      }
    } catch (error) {
      // They start all the same, later; to wait for it here would hold up other namespaces.
      const level = error instanceof ApiError && error.status === 403 ? "info" : "warn";
      log[level]({ namespace, kind: kind.kind, error: String(error) }, "workloads that wait for Pods are not woken");
    }
  }
  if (woken.length > 0) log.info({ namespace, woken }, "workloads woken: their Pods may start now");
}

async function touchAll(namespace: string, kind: Kind, { client, now }: WakeDeps): Promise<readonly string[]> {
  const path = paths.workloads(kind.apiVersion, namespace, kind.resource);
  const { apiVersion } = kind;
  const touched: string[] = [];
  for await (const page of client.pages<KubernetesObject>(path, { query: CACHED, timeoutMs: CALL_LIMIT_MS })) {
    for (const workload of page.items.filter(kind.lacksPods)) {
      const name = workload.metadata?.name ?? "";
      const annotations = { [ANNOTATION]: new Date(now()).toISOString() };
      const touch = { apiVersion, kind: kind.kind, metadata: { name, namespace, annotations } };
      await client.apply(`${paths.workloads(apiVersion, namespace, kind.resource, name)}/status`, touch, {
        fieldManager: FIELD_MANAGER,
        force: true,
        timeoutMs: CALL_LIMIT_MS,
      });
      touched.push(name);
    }
  }
  return touched;
}

function lacksReplicas(workload: KubernetesObject): boolean {
  return number(workload, "/status/replicas") < number(workload, "/spec/replicas");
}

function isJobWithoutPods(job: KubernetesObject): boolean {
  const isOver = items(at(job, "/status/conditions")).some(
    (condition) => ["Complete", "Failed"].includes(text(at(condition, "/type"))) && at(condition, "/status") === "True",
  );
  return !isOver && at(job, "/spec/suspend") !== true && number(job, "/status/active") === 0;
}

function number(object: KubernetesObject, path: string): number {
  return Number(at(object, path) ?? 0);
}
