/** Owners of a Pod, and whether it is judged where they are. The model and the webhook's registration must agree. */
export const OWNERS: readonly (readonly [
  name: string,
  owners: readonly object[] | undefined,
  isMadeByWorkload: boolean,
])[] = [
  ["none", undefined, false],
  ["an empty list", [], false],
  ["a Pod", [controller("v1", "Pod")], true],
  ["a ReplicationController", [controller("v1", "ReplicationController")], true],
  ["a Deployment", [controller("apps/v1", "Deployment")], true],
  ["a StatefulSet", [controller("apps/v1", "StatefulSet")], true],
  ["a DaemonSet", [controller("apps/v1", "DaemonSet")], true],
  ["a ReplicaSet", [controller("apps/v1", "ReplicaSet")], true],
  ["a ReplicaSet of an old version", [controller("apps/v1beta2", "ReplicaSet")], true],
  ["a Job", [controller("batch/v1", "Job")], true],
  ["a CronJob", [controller("batch/v1", "CronJob")], true],
  ["a ReplicaSet that does not control it", [{ ...controller("apps/v1", "ReplicaSet"), controller: false }], false],
  ["a ReplicaSet that does not say so", [{ ...controller("apps/v1", "ReplicaSet"), controller: undefined }], false],
  ["a Node, as of a static Pod", [controller("v1", "Node")], false],
  ["a kind of somebody else's", [controller("example.com/v1", "Workflow")], false],
  ["a kind of somebody else's by a name of ours", [controller("example.com/v1", "Deployment")], false],
  ["a name of ours without its group", [controller("v1", "Deployment")], false],
  ["a kind of the core in another group", [controller("apps/v1", "Pod")], false],
  [
    "two, of which one controls it",
    [{ ...controller("example.com/v1", "App", "other"), controller: false }, controller("apps/v1", "ReplicaSet")],
    true,
  ],
];

function controller(apiVersion: string, kind: string, name = "owner"): object {
  return {
    apiVersion,
    kind,
    name,
    uid: `6f1c0a52-0000-4000-8000-${name.length.toString().padStart(12, "0")}`,
    controller: true,
  };
}
