import { at, isRecord, items, pointer, text } from "./json.ts";
import { type KubernetesObject, type Labels, labelsOf } from "./objects.ts";

/** What policies depend on of a Pod, or of the template that Pods are made from. */
export interface Workload {
  /** That its Pods carry. */
  readonly labels: Labels;
  /** JSON Pointer to the metadata of the Pod or of the template. */
  readonly metadataPath: string;
  /** JSON Pointer to the spec of the Pod or of the template. */
  readonly specPath: string;
  /** Its Pods share the network of their node, where no NetworkPolicy holds them. */
  readonly isOnHostNetwork: boolean;
}

export interface WorkloadKind {
  readonly group: string;
  readonly kind: string;
  /** As in the API's paths. */
  readonly resource: string;
  /** JSON Pointer to the Pod, or to the template that stands for it. */
  readonly podPath: string;
}

/** Pods, and the kinds that make them. Other kinds make them by way of these. All are of version v1. */
export const WORKLOAD_KINDS: readonly WorkloadKind[] = [
  { group: "", kind: "Pod", resource: "pods", podPath: "" },
  { group: "", kind: "ReplicationController", resource: "replicationcontrollers", podPath: "/spec/template" },
  { group: "apps", kind: "Deployment", resource: "deployments", podPath: "/spec/template" },
  { group: "apps", kind: "StatefulSet", resource: "statefulsets", podPath: "/spec/template" },
  { group: "apps", kind: "DaemonSet", resource: "daemonsets", podPath: "/spec/template" },
  { group: "apps", kind: "ReplicaSet", resource: "replicasets", podPath: "/spec/template" },
  { group: "batch", kind: "Job", resource: "jobs", podPath: "/spec/template" },
  { group: "batch", kind: "CronJob", resource: "cronjobs", podPath: "/spec/jobTemplate/spec/template" },
];

const POD_PATHS = new Map(WORKLOAD_KINDS.map(({ group, kind, podPath }) => [`${group}/${kind}`, podPath]));

export function isWorkloadKind(group: string, kind: string): boolean {
  return POD_PATHS.has(`${group}/${kind}`);
}

/** Never throws: what has a wrong type is read as absent. */
export function toWorkload(group: string, kind: string, object: KubernetesObject): Workload {
  const path = POD_PATHS.get(`${group}/${kind}`) ?? "";
  const [metadataPath, specPath] = [`${path}/metadata`, `${path}/spec`];
  return {
    labels: labelsOf(at(object, pointer(metadataPath, "labels"))),
    metadataPath,
    specPath,
    isOnHostNetwork: at(object, pointer(specPath, "hostNetwork")) === true,
  };
}

/**
 * Is it made by one of those kinds, so that it is judged there already, where its author sees it? A kind of somebody
 * else's is never judged, so what it makes is. The webhook's registration asks the same (controllers/registration/workload-conditions.ts).
 */
export function isMadeByWorkload(object: KubernetesObject): boolean {
  return items(object.metadata?.ownerReferences).some(
    (owner) =>
      isRecord(owner) &&
      owner["controller"] === true &&
      isWorkloadKind(groupOf(text(owner["apiVersion"])), text(owner["kind"])),
  );
}

/** `apps` of `apps/v1`, nothing of `v1`. */
export function groupOf(apiVersion: string): string {
  const slash = apiVersion.indexOf("/");
  return slash < 0 ? "" : apiVersion.slice(0, slash);
}
