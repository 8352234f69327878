import { setTimeout as sleep } from "node:timers/promises";
import { ApiError } from "../../cluster/api-error.ts";
import type { KubernetesClient } from "../../cluster/client.ts";
import { paths } from "../../cluster/paths.ts";
import type { FencedClient } from "../../cluster/fence.ts";
import type { Change, Trouble } from "../../cluster/reflector.ts";
import type { Cap } from "../../config/mode.ts";
import type { ConfigKind } from "../../config/validate.ts";
import { isPending } from "../../controllers/baseline.ts";
import { BaselineLoop } from "../../controllers/baseline-loop.ts";
import { type Caches, createCaches } from "../../controllers/caches.ts";
import { LiveConfiguration } from "../../controllers/configuration.ts";
import type { Documents } from "../../engine/configuration.ts";
import { InputError } from "../../model/errors.ts";
import { FIELD_MANAGER } from "../../model/names.ts";
import type { KubernetesObject, Labels } from "../../model/objects.ts";
import type { AdmissionRequest } from "../../server/review.ts";
import type { Logger } from "../../telemetry/log.ts";
import type { Metrics } from "../../telemetry/metrics.ts";

export interface ClusterOptions {
  readonly client: KubernetesClient;
  readonly mode: Cap;
  readonly embedded: Documents;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Ends the waiting for an API server that does not answer. */
  readonly signal: AbortSignal;
}

/** All that a server does with a cluster beside being asked by it: caches, live configuration, the baseline loop. */
export interface Cluster {
  readonly configuration: LiveConfiguration;
  /** Resources that have not been read yet. */
  readonly missing: () => readonly string[];
  /** Resolves when everything has been read once. Rejects when the signal comes first. */
  readonly synced: (signal: AbortSignal) => Promise<void>;
  /** Gives namespaces their baseline, by this client, until the signal or stop(); may then be called again. */
  readonly work: (client: FencedClient, signal: AbortSignal) => Promise<void>;
  readonly namespaceLabels: (name: string, waitMs: number) => Promise<Labels | undefined>;
  readonly isOwn: (request: AdmissionRequest) => boolean;
  /** Sets the gauges that tell how things stand now. */
  readonly measure: () => void;
  readonly stop: () => Promise<void>;
}

/** Learns who we are and starts to watch. @throws InputError cluster-unreachable */
export async function watchCluster(how: ClusterOptions): Promise<Cluster> {
  const { client, mode, embedded, log, metrics, signal } = how;
  const user = await whoAmI(client, log, signal);
  const configuration = new LiveConfiguration(mode, embedded);
  const stopping = new AbortController();
  let working = Promise.resolve();
  const loop = new BaselineLoop({
    log,
    metrics,
    configuration: () => configuration.current,
    namespace: (name) => caches.namespace(name),
    policies: (namespace) => caches.policiesIn(namespace),
    onWrite: (what) => metrics.baselineWrites.inc({ what }),
  });

  const onDocument = (kind: ConfigKind) => {
    return ({ type, object }: Change<KubernetesObject>) => {
      const { namespace, name } = object.metadata ?? {};
      if (type === "deleted") configuration.remove(kind, object);
      const problem = type === "deleted" ? undefined : configuration.set(kind, object);
      metrics.configurationErrors.set(configuration.problems.length);
      if (problem === undefined) log.info({ kind, namespace, name, change: type }, "configuration changed");
      else {
        metrics.configurationRejections.inc({ kind });
        log.error({ kind, namespace, name }, problem);
      }
      if (kind !== "NetworkException") loop.reconsider(caches.namespaces());
    };
  };
  const caches: Caches = createCaches(client, {
    onNamespace: (change) => loop.onNamespace(change),
    onPolicy: (change) => loop.onPolicy(change),
    onRuleset: onDocument("NetworkRuleset"),
    onBaseline: onDocument("NetworkBaseline"),
    onException: onDocument("NetworkException"),
    onTrouble: troubleLog(log, metrics),
  });
  caches.start();

  return {
    configuration,
    missing: caches.missing,
    synced: caches.synced,
    work: (writer, until) => {
      working = loop.run(writer, caches.namespaces(), AbortSignal.any([until, stopping.signal]));
      return working;
    },
    namespaceLabels: (name, waitMs) => namespaceLabels(name, waitMs, caches, client),
    isOwn: ({ userInfo, options }) => userInfo.username === user && options?.["fieldManager"] === FIELD_MANAGER,
    measure: () => {
      metrics.baselinePending.set(caches.namespaces().filter(isPending).length);
      for (const [resource, at] of caches.lastEvents()) metrics.cacheLastEvent.set({ resource }, at / 1000);
    },
    stop: async () => {
      stopping.abort();
      await working;
      await caches.stop();
    },
  };
}

/** Says what hinders a cache, which goes on by itself. */
export function troubleLog(log: Logger, metrics: Metrics): (resource: string, trouble: Trouble) => void {
  return (resource, { during, error, failures }) => {
    metrics.reflectorErrors.inc({ resource });
    const details = { resource, during, failures, error: String(error) };
    if (during === "list" || during === "watch") log.warn(details, "the cache of a resource is behind; trying again");
    else log.error(details, "a change of a resource was not taken in: this is a bug, please report it");
  };
}

/** A policy often comes right after its namespace, before the cache has heard of it. */
async function namespaceLabels(
  name: string,
  waitMs: number,
  caches: Caches,
  client: KubernetesClient,
): Promise<Labels | undefined> {
  const cached = caches.namespace(name);
  if (cached !== undefined) return cached.metadata?.labels ?? {};
  try {
    const found = await client.get<KubernetesObject>(paths.namespaces(name), { timeoutMs: waitMs });
    return found.metadata?.labels ?? {};
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return undefined;
    throw new Error(`the labels of namespace ${name} cannot be read: ${String(error)}`, { cause: error });
  }
}

const START_TRIES = 10;

/** The name by which the API server knows us. Waits a while for an API server that is still starting. */
async function whoAmI(client: KubernetesClient, log: Logger, signal: AbortSignal): Promise<string> {
  const review = { apiVersion: "authentication.k8s.io/v1", kind: "SelfSubjectReview" };
  for (let tries = 1; ; tries++) {
    try {
      const answer = await client.create<SelfSubjectReview>(paths.selfSubjectReviews(), review, {
        timeoutMs: 5_000,
        signal,
      });
      return answer.status?.userInfo?.username ?? "";
    } catch (error) {
      signal.throwIfAborted();
      const isPassing =
        error instanceof ApiError && (error.status === 0 || error.status === 429 || error.status >= 500);
      if (!isPassing || tries === START_TRIES) {
        throw new InputError(
          "cluster-unreachable",
          `the API server cannot be asked who we are: ${String(error)}. Check its address, the CA and the credentials.`,
          { cause: error },
        );
      }
      log.warn({ tries, error: String(error) }, "the API server does not answer yet");
      await sleep(1_000, undefined, { signal });
    }
  }
}

interface SelfSubjectReview {
  readonly status?: { readonly userInfo?: { readonly username?: string } };
}
