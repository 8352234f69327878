import { isRecord } from "../model/json.ts";
import { type NetworkPolicy, toPolicy } from "../model/network-policy.ts";
import { type KubernetesObject, labelsOf, type ObjectRef } from "../model/objects.ts";
import { isMadeByWorkload, isWorkloadKind, toWorkload } from "../model/workload.ts";
import type { NamespaceSubject, PolicySubject, Subject, WorkloadSubject } from "../rules/rule.ts";

export type { Subject };

interface GroupKind {
  readonly group: string;
  readonly kind: string;
}

/** What is to be judged of an object. Nothing of what a workload has made, which is judged where that is. */
export function toSubject(id: GroupKind, object: KubernetesObject, written?: KubernetesObject): Subject | undefined {
  const subject = subjectOf(id, object, written);
  return subject?.kind === "Workload" && isMadeByWorkload(object) ? undefined : subject;
}

/** The object as rules look at it; undefined where no rule is about its kind. `written`: as its author wrote it, where that is known. */
export function subjectOf(
  { group, kind }: GroupKind,
  object: KubernetesObject,
  written?: KubernetesObject,
): Subject | undefined {
  if (group === "networking.k8s.io" && kind === "NetworkPolicy") return policySubject(object, written);
  if (group === "" && kind === "Namespace") return namespaceSubject(object);
  return isWorkloadKind(group, kind) ? workloadSubject(group, kind, object) : undefined;
}

export function policySubject(object: NetworkPolicy, written?: NetworkPolicy): PolicySubject {
  const policy = toPolicy(object);
  return { kind: "NetworkPolicy", ref: policy.ref, object, policy, ...(written !== undefined && { written }) };
}

function workloadSubject(group: string, kind: string, object: KubernetesObject): WorkloadSubject {
  return { kind: "Workload", ref: refOf(kind, object), object, workload: toWorkload(group, kind, object) };
}

export function namespaceSubject(object: KubernetesObject): NamespaceSubject {
  return { kind: "Namespace", ref: refOf("Namespace", object), object, labels: labelsOf(metadataOf(object)["labels"]) };
}

export function refOf(kind: string, object: KubernetesObject): ObjectRef {
  const { namespace, name, generateName } = metadataOf(object);
  return {
    kind,
    ...(typeof namespace === "string" && namespace !== "" && { namespace }),
    name: typeof name === "string" && name !== "" ? name : typeof generateName === "string" ? generateName : "",
  };
}

function metadataOf({ metadata }: KubernetesObject): Readonly<Record<string, unknown>> {
  return isRecord(metadata) ? metadata : {};
}
