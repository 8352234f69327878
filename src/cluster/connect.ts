import type { KubeConfig } from "@kubernetes/client-node";
import { Agent } from "undici";
import { InputError } from "../model/errors.ts";
import { messageOf } from "./api-error.ts";
import { type Authentication, KubernetesClient } from "./client.ts";

/**
 * Finds the cluster and who we are (a kubeconfig file, or else KUBECONFIG, ~/.kube/config, the Pod's service account)
 * and returns a client. Sends nothing yet, but runs the kubeconfig's exec plugin if it has one.
 * @throws InputError invalid-kubeconfig
 */
export async function connect(options: ConnectOptions = {}): Promise<KubernetesClient> {
  // Loading the library takes half a second: who only wants ApiError or paths of this file shall not pay for it.
  const { HttpMethod, KubeConfig, RequestContext } = await import("@kubernetes/client-node");
  const config = new KubeConfig();
  const source = options.kubeconfig ?? (process.env.KUBECONFIG || "the default kubeconfig");
  try {
    if (options.kubeconfig === undefined) config.loadFromDefault();
    else config.loadFromFile(options.kubeconfig);
  } catch (cause) {
    throw unusable(source, `cannot be read: ${messageOf(cause)}. Name a readable kubeconfig file`, cause);
  }
  const { server, user } = currentServer(config, source);
  const authenticate = async (): Promise<Authentication> => {
    const context = new RequestContext(server.href, HttpMethod.GET);
    await config.applySecurityAuthentication(context);
    // A token and the system's CAs need no TLS options, and then the library sets no dispatcher.
    return { headers: context.getHeaders(), dispatcher: context.getDispatcher() ?? new Agent() };
  };
  const client = new KubernetesClient(server, authenticate, options.userAgent ?? "drawbridge");
  try {
    await client.authenticate();
  } catch (cause) {
    throw unusable(source, `cannot authenticate as user "${user}": ${messageOf(cause)}. Check its credentials`, cause);
  }
  return client;
}

export interface ConnectOptions {
  readonly kubeconfig?: string;
  readonly userAgent?: string;
}

/** The server of the current context, or what is wrong with the kubeconfig and how to put it right. */
function currentServer(config: KubeConfig, source: string): { server: URL; user: string } {
  const name = config.getCurrentContext();
  // What the library makes up where it finds nothing at all.
  if (name === "loaded-context") {
    throw unusable(source, "does not exist: KUBECONFIG is not set, no ~/.kube/config, not in a Pod. Name a file");
  }
  if (!name) throw unusable(source, "has no current-context. Choose one with `kubectl config use-context NAME`");
  const context = config.getContexts().find((known) => known.name === name);
  if (context === undefined) {
    const known = config.getContexts().map((other) => other.name);
    throw unusable(source, `has no context "${name}". It has: ${known.join(", ") || "none"}`);
  }
  const cluster = config.getCluster(context.cluster);
  if (cluster === null) throw unusable(source, `has no cluster "${context.cluster}", which context "${name}" names`);
  // Without its user the library would also ignore the cluster's CA, which then looks like a broken certificate.
  if (config.getUser(context.user) === null) {
    throw unusable(source, `has no user "${context.user}", which context "${name}" names`);
  }
  const at = `names the server "${cluster.server}" for cluster "${cluster.name}"`;
  if (!URL.canParse(cluster.server)) throw unusable(source, `${at}, which is not an address like https://host:6443`);
  const server = new URL(cluster.server);
  if (server.protocol === "http:" && !cluster.skipTLSVerify) {
    throw unusable(source, `${at}, without TLS. If that is meant, give the cluster insecure-skip-tls-verify: true`);
  }
  return { server, user: context.user };
}

function unusable(source: string, problem: string, cause?: unknown): InputError {
  return new InputError("invalid-kubeconfig", `${source}: ${problem}.`, { cause });
}
