/** Where objects of the kinds that we judge are created; NS stands for the namespace. */
export const COLLECTIONS: Readonly<Record<string, string>> = {
  NetworkPolicy: "/apis/networking.k8s.io/v1/namespaces/NS/networkpolicies",
  Namespace: "/api/v1/namespaces",
  Pod: "/api/v1/namespaces/NS/pods",
  ReplicationController: "/api/v1/namespaces/NS/replicationcontrollers",
  Deployment: "/apis/apps/v1/namespaces/NS/deployments",
  ReplicaSet: "/apis/apps/v1/namespaces/NS/replicasets",
  DaemonSet: "/apis/apps/v1/namespaces/NS/daemonsets",
  StatefulSet: "/apis/apps/v1/namespaces/NS/statefulsets",
  Job: "/apis/batch/v1/namespaces/NS/jobs",
  CronJob: "/apis/batch/v1/namespaces/NS/cronjobs",
};
