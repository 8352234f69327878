import { join } from "node:path";
import type { Files } from "./files.ts";

/** The range of ClusterIPs; kube-dns has the address that kubeadm gives it. */
export const SERVICE_RANGE = "10.96.0.0/16";
export const DNS_SERVICE_IP = "10.96.0.10";

/**
 * Where the Service default/kubernetes points to, as a real cluster has its API server there. Endpoints may not be on
 * loopback; this address is reserved for documentation (RFC 5737) and nobody dials it.
 */
export const ADVERTISED_ADDRESS = "192.0.2.10";

export function etcdArgs(directory: string, port: number, peerPort: number): string[] {
  const client = `http://127.0.0.1:${port}`;
  const peer = `http://127.0.0.1:${peerPort}`;
  return [
    "--name=test",
    `--data-dir=${join(directory, "etcd")}`,
    `--listen-client-urls=${client}`,
    `--advertise-client-urls=${client}`,
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=test=${peer}`,
    // The data is thrown away; without this every write waits for the disk.
    "--unsafe-no-fsync",
    "--log-level=warn",
  ];
}

interface ApiServer {
  readonly port: number;
  readonly etcdPort: number;
  readonly files: Files;
  readonly auditLog: string | undefined;
}

export function apiServerArgs({ port, etcdPort, files, auditLog }: ApiServer): string[] {
  return [
    `--etcd-servers=http://127.0.0.1:${etcdPort}`,
    "--etcd-compaction-interval=0",
    "--bind-address=127.0.0.1",
    `--secure-port=${port}`,
    `--advertise-address=${ADVERTISED_ADDRESS}`,
    `--cert-dir=${files.certDirectory}`,
    `--service-cluster-ip-range=${SERVICE_RANGE}`,
    "--authorization-mode=RBAC",
    `--token-auth-file=${files.tokenFile}`,
    "--service-account-issuer=https://kubernetes.default.svc",
    `--service-account-signing-key-file=${files.serviceAccountKey}`,
    `--service-account-key-file=${files.serviceAccountPublicKey}`,
    // It refuses Pods until a controller has created the namespace's default ServiceAccount.
    "--disable-admission-plugins=ServiceAccount",
    "--allow-privileged=true",
    "--max-requests-inflight=2000",
    "--max-mutating-requests-inflight=1000",
    "--profiling=false",
    ...(auditLog ? [`--audit-policy-file=${files.auditPolicy}`, `--audit-log-path=${auditLog}`] : []),
  ];
}

export function controllerManagerArgs(files: Files): string[] {
  return [
    `--kubeconfig=${files.controllerManagerKubeconfig}`,
    // One identity per controller, as in real clusters: without it the namespace controller lacks permissions.
    "--use-service-account-credentials=true",
    `--service-account-private-key-file=${files.serviceAccountKey}`,
    `--root-ca-file=${files.caFile}`,
    "--leader-elect=false",
    // Serves nothing: no port to find for it.
    "--secure-port=0",
    "--kube-api-qps=500",
    "--kube-api-burst=1000",
    "--profiling=false",
  ];
}
