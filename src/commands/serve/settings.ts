import { SERVICE_ACCOUNT_FOLDER } from "../../cluster/service-account.ts";
import type { Address } from "../../controllers/registration/webhook-configurations.ts";
import { InputError } from "../../model/errors.ts";
import type { ServeOptions } from "./options.ts";

/** What follows from the options together. */
export interface Settings {
  /** The cluster to watch, and as whom. */
  readonly cluster?: { readonly kubeconfig: string } | { readonly serviceAccount: string };
  /** How to register with it. */
  readonly address?: Address;
  readonly host: string;
  readonly port: number;
  /** DNS names and IP addresses of the certificate. */
  readonly names: readonly string[];
  readonly drainMs: number;
}

const DEFAULT_PORT = 8443;

/** Node's name for it: `::`, or 0.0.0.0 where the machine has no IPv6. */
const EVERY_ADDRESS = "";

/** @throws InputError invalid-option */
export function settingsOf(options: ServeOptions): Settings {
  checkTogether(options);
  const cluster = clusterOf(options);
  const address = addressOf(options);
  const asked = options.host ?? (options.inCluster || options.service ? EVERY_ADDRESS : "127.0.0.1");
  // Fastify would listen on ::1 too, by a second server that it shows to nobody, so its certificate would never change.
  const host = asked === "localhost" ? "127.0.0.1" : asked;
  return {
    ...(cluster && { cluster }),
    ...(address && { address }),
    host,
    port: options.port ?? defaultPort(options),
    names: [...new Set(["localhost", "127.0.0.1", ...(host === EVERY_ADDRESS ? [] : [host]), ...calledBy(options)])],
    drainMs: (options.drainSeconds ?? defaultDrainSeconds(options)) * 1000,
  };
}

function checkTogether(options: ServeOptions): void {
  const { kubeconfig, inCluster, namespace, webhookUrl, service, policies, certDir } = options;
  const refuse = (message: string): never => {
    throw new InputError("invalid-option", message);
  };
  const hasCluster = kubeconfig !== undefined || inCluster !== undefined;
  if (kubeconfig !== undefined && inCluster !== undefined) {
    refuse("--in-cluster and --kubeconfig both say which cluster: give one of them.");
  }
  if (webhookUrl !== undefined && service !== undefined) {
    refuse("--webhook-url and --service both say how the API server reaches this server: give one of them.");
  }
  if ((webhookUrl !== undefined || service !== undefined) && !hasCluster) {
    const option = service === undefined ? "--webhook-url" : "--service";
    refuse(`${option} registers with a cluster: name it by --kubeconfig, or in a Pod by --in-cluster.`);
  }
  if (namespace !== undefined && !hasCluster) {
    refuse("--namespace is a namespace of a cluster: name that by --kubeconfig, or in a Pod by --in-cluster.");
  }
  if (certDir !== undefined && (namespace !== undefined || inCluster !== undefined)) {
    refuse("--cert-dir is for a server that is alone; one of several keeps its CA in a Secret: leave --cert-dir out.");
  }
  if (policies !== undefined && hasCluster) {
    const advice = "with one, `kubectl apply` the same documents to it";
    refuse(`--policies is for use without a cluster; ${advice}.`);
  }
}

function clusterOf({ kubeconfig, inCluster }: ServeOptions): Settings["cluster"] {
  if (kubeconfig !== undefined) return { kubeconfig };
  if (inCluster === undefined) return undefined;
  return { serviceAccount: inCluster === true ? SERVICE_ACCOUNT_FOLDER : inCluster };
}

function addressOf({ webhookUrl, service }: ServeOptions): Address | undefined {
  if (webhookUrl !== undefined) return { url: webhookUrl.origin };
  return service && { service };
}

/** A URL without a port means 443, which URL leaves out also where it was written. */
function defaultPort({ webhookUrl }: ServeOptions): number {
  return webhookUrl === undefined ? DEFAULT_PORT : Number(webhookUrl.port || 443);
}

/** The API server verifies NAME.NAMESPACE.svc; the others are what Pods may call it, to look at it by curl. */
function calledBy({ webhookUrl, service }: ServeOptions): readonly string[] {
  if (webhookUrl !== undefined) return [webhookUrl.hostname];
  if (service === undefined) return [];
  const { name, namespace } = service;
  return [`${name}.${namespace}.svc`, `${name}.${namespace}.svc.cluster.local`, `${name}.${namespace}`, name];
}

/**
 * Nobody is sent to us any more once we have unregistered, or if there is no cluster. With a Service there may be
 * several API servers, and those that did not take the removal hear of it a moment later.
 */
function defaultDrainSeconds({ kubeconfig, inCluster, webhookUrl, service }: ServeOptions): number {
  if (kubeconfig === undefined && inCluster === undefined) return 0;
  if (service !== undefined) return 5;
  return webhookUrl === undefined ? 10 : 1;
}
