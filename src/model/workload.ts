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

/** Where the Pod is in the kinds that make Pods. Other kinds make them by way of these. */
const POD_PATHS: ReadonlyMap<string, string> = new Map([
  ["/Pod", ""],
  ["/ReplicationController", "/spec/template"],
  ["apps/Deployment", "/spec/template"],
  ["apps/StatefulSet", "/spec/template"],
  ["apps/DaemonSet", "/spec/template"],
  ["apps/ReplicaSet", "/spec/template"],
  ["batch/Job", "/spec/template"],
  ["batch/CronJob", "/spec/jobTemplate/spec/template"],
]);

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
 * else's is never judged, so what it makes is.
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
