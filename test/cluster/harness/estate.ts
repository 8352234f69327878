import type { KubernetesClient } from "../../../src/cluster/client.ts";
import { paths } from "../../../src/cluster/paths.ts";
import type { ObjectMeta } from "../../../src/model/objects.ts";
import { createNamespace, inParallel, podOf } from "./storm.ts";

/** A Pod, as far as these tests look at it. */
export interface RunningPod {
  readonly metadata: Omit<ObjectMeta, "ownerReferences"> & {
    readonly name: string;
    readonly namespace: string;
    readonly uid: string;
    readonly ownerReferences?: readonly { readonly kind: string }[];
  };
  readonly spec: { readonly nodeName?: string };
  readonly status: {
    readonly phase: string;
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
    readonly containerStatuses?: readonly { readonly restartCount: number }[];
  };
}

const POLICY = "policy/v1";

/**
 * Namespaces that are there before any Drawbridge, each with a Deployment of two Pods; some have a StatefulSet, a
 * DaemonSet or a budget for disruptions beside it.
 */
export async function createEstate(client: KubernetesClient, names: readonly string[], labels: object): Promise<void> {
  await inParallel(8, names.entries(), async ([i, name]) => {
    await createNamespace(client, name, labels);
    const create = (apiVersion: string, resource: string, object: object): Promise<unknown> =>
      client.create(paths.workloads(apiVersion, name, resource), { apiVersion, ...object });
    await create("apps/v1", "deployments", workload("Deployment", "web", { replicas: 2 }));
    if (i % 5 === 0) await create(POLICY, "poddisruptionbudgets", BUDGET);
    if (i % 10 === 3) {
      await create("apps/v1", "statefulsets", workload("StatefulSet", "db", { replicas: 2, serviceName: "db" }));
    }
    if (i % 10 === 5) await create("apps/v1", "daemonsets", workload("DaemonSet", "agent", {}));
  });
}

/** In all namespaces. */
export async function podsOfAll(client: KubernetesClient): Promise<readonly RunningPod[]> {
  return (await client.get<{ readonly items: readonly RunningPod[] }>("/api/v1/pods")).items;
}

export function isReady({ metadata, status }: RunningPod): boolean {
  const isSo = status.conditions?.some(({ type, status: value }) => type === "Ready" && value === "True") === true;
  return isSo && status.phase === "Running" && metadata.deletionTimestamp === undefined;
}

export function isOfDaemonSet({ metadata }: RunningPod): boolean {
  return metadata.ownerReferences?.some(({ kind }) => kind === "DaemonSet") === true;
}

const BUDGET = {
  kind: "PodDisruptionBudget",
  metadata: { name: "web" },
  spec: { minAvailable: 1, selector: { matchLabels: { app: "web" } } },
};

function workload(kind: string, name: string, spec: object): object {
  const template = podOf({ labels: { app: name } });
  return { kind, metadata: { name }, spec: { ...spec, selector: { matchLabels: { app: name } }, template } };
}
