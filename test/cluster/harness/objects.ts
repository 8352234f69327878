import { DNS_SERVICE_IP } from "./flags.ts";

const READ = ["get", "list", "watch"];
const WRITE = [...READ, "create", "update", "patch", "delete", "deletecollection"];

/** What the users of files.ts may do. */
export const clusterObjects: readonly object[] = [
  ...grant("platform-engineers", [
    { apiGroups: [""], resources: ["namespaces"], verbs: WRITE },
    { apiGroups: ["networking.k8s.io"], resources: ["networkpolicies"], verbs: WRITE },
    // All verbs, so also "bind".
    { apiGroups: ["drawbridge.dev"], resources: ["*"], verbs: ["*"] },
    {
      apiGroups: ["admissionregistration.k8s.io"],
      resources: ["validatingwebhookconfigurations", "mutatingwebhookconfigurations"],
      verbs: READ,
    },
  ]),
  // In every namespace, to keep tests short. Namespaces and everything of Drawbridge are for others to write.
  ...grant("tenants", [
    { apiGroups: [""], resources: ["namespaces"], verbs: READ },
    { apiGroups: [""], resources: ["pods", "configmaps"], verbs: WRITE },
    { apiGroups: ["apps"], resources: ["deployments"], verbs: WRITE },
    { apiGroups: ["networking.k8s.io"], resources: ["networkpolicies"], verbs: WRITE },
  ]),
];

/** What a DNS add-on brings; there are no Pods behind it. */
export const dnsService: object = {
  apiVersion: "v1",
  kind: "Service",
  metadata: {
    name: "kube-dns",
    namespace: "kube-system",
    labels: { "k8s-app": "kube-dns", "kubernetes.io/cluster-service": "true", "kubernetes.io/name": "CoreDNS" },
  },
  spec: {
    clusterIP: DNS_SERVICE_IP,
    selector: { "k8s-app": "kube-dns" },
    ports: [
      { name: "dns", protocol: "UDP", port: 53, targetPort: 53 },
      { name: "dns-tcp", protocol: "TCP", port: 53, targetPort: 53 },
    ],
  },
};

function grant(group: string, rules: readonly object[]): object[] {
  const apiVersion = "rbac.authorization.k8s.io/v1";
  const apiGroup = "rbac.authorization.k8s.io";
  const metadata = { name: `test:${group}` };
  return [
    { apiVersion, kind: "ClusterRole", metadata, rules },
    {
      apiVersion,
      kind: "ClusterRoleBinding",
      metadata,
      roleRef: { apiGroup, kind: "ClusterRole", name: metadata.name },
      subjects: [{ apiGroup, kind: "Group", name: group }],
    },
  ];
}
