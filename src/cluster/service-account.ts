import { readFile } from "node:fs/promises";
import { isIPv6 } from "node:net";
import { join } from "node:path";
import { Agent } from "undici";
import { InputError } from "../model/errors.ts";
import { messageOf } from "./api-error.ts";
import { type Authentication, KubernetesClient } from "./client.ts";

/** Where Kubernetes puts `token`, `ca.crt` and `namespace` into a Pod's containers. */
export const SERVICE_ACCOUNT_FOLDER = "/var/run/secrets/kubernetes.io/serviceaccount";

/**
 * A client for the API server of the cluster that this process is a Pod of. Sends nothing yet. The files are read again
 * every few seconds and after a 401: the kubelet renews the token long before it ends (of an hour's life at 80 %), and
 * the client library, which is not needed here, would hold on to an old one for a minute.
 * @throws InputError invalid-service-account
 */
export async function connectInCluster(folder: string, env: NodeJS.ProcessEnv): Promise<KubernetesClient> {
  const authenticate = async (): Promise<Authentication> => {
    const [token, ca] = await Promise.all([read(folder, "token"), read(folder, "ca.crt")]);
    const dispatcher = new Agent({ connect: { ca } });
    return { headers: { authorization: `Bearer ${token}` }, dispatcher };
  };
  const client = new KubernetesClient(apiServer(env), authenticate, "drawbridge");
  try {
    await client.authenticate();
  } catch (cause) {
    const advice = "Does the Pod's spec have a serviceAccountName, and automountServiceAccountToken: true?";
    throw unusable(`${messageOf(cause)}. ${advice}`, cause);
  }
  return client;
}

/** The namespace that the Pod is in. @throws InputError invalid-service-account */
export async function namespaceOf(folder: string): Promise<string> {
  try {
    return await read(folder, "namespace");
  } catch (cause) {
    throw unusable(`${messageOf(cause)}. Name the namespace by --namespace`, cause);
  }
}

async function read(folder: string, name: string): Promise<string> {
  const text = (await readFile(join(folder, name), "utf8")).trim();
  if (text === "") throw new Error(`${join(folder, name)} is empty`);
  return text;
}

/** The kubelet tells every container: the address of the Service default/kubernetes, which needs no DNS. */
function apiServer({ KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port }: NodeJS.ProcessEnv): URL {
  if (!host || !port) {
    const missing = host ? "KUBERNETES_SERVICE_PORT" : "KUBERNETES_SERVICE_HOST";
    throw unusable(`${missing} is not set, so this is no Pod. Outside a cluster name it by --kubeconfig`);
  }
  const text = `https://${isIPv6(host) ? `[${host}]` : host}:${port}`;
  if (!URL.canParse(text)) throw unusable(`KUBERNETES_SERVICE_HOST and _PORT make no address: ${text}`);
  return new URL(text);
}

function unusable(problem: string, cause?: unknown): InputError {
  return new InputError("invalid-service-account", `--in-cluster: ${problem}`, { cause });
}
