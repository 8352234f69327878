import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Cluster } from "./cluster.ts";

/** What a process needs to take itself for a Pod. */
export interface PodOf {
  /** Of its service account: for `--in-cluster`. */
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
}

/** What the kubelet gives to a Pod of this service account, in a folder of this name. */
export async function podOfAccount(
  cluster: Cluster,
  {
    namespace,
    account,
    folder: name,
  }: { readonly namespace: string; readonly account: string; readonly folder: string },
): Promise<PodOf> {
  const folder = join(cluster.directory, name);
  mkdirSync(folder);
  writeFileSync(join(folder, "token"), await cluster.ok(["create", "token", account, "-n", namespace]));
  writeFileSync(join(folder, "namespace"), namespace);
  writeFileSync(join(folder, "ca.crt"), readFileSync(join(cluster.directory, "certificates/apiserver.crt")));
  const { hostname, port } = new URL(cluster.url);
  return { folder, env: { KUBERNETES_SERVICE_HOST: hostname, KUBERNETES_SERVICE_PORT: port } };
}
