import { ApiError } from "../../cluster/api-error.ts";
import type { KubernetesClient } from "../../cluster/client.ts";
import type { FencedClient } from "../../cluster/fence.ts";
import type { Change, Trouble } from "../../cluster/reflector.ts";
import type { NetworkException } from "../../config/exception.ts";
import type { Cap } from "../../config/mode.ts";
import type { ConfigKind } from "../../config/validate.ts";
import { AdmissionLoop } from "../../controllers/admission/admission-loop.ts";
import { isPending } from "../../controllers/baseline/reconcile.ts";
import { BaselineLoop } from "../../controllers/baseline/baseline-loop.ts";
import { type Caches, createCaches } from "../../controllers/caches.ts";
import { isNewDocument, LiveConfiguration } from "../../controllers/configuration.ts";
import { eventRecorder } from "../../controllers/events.ts";
import { createGate } from "../../controllers/baseline/gate.ts";
import { NewSinceKeeper } from "../../controllers/baseline/new-since.ts";
import { StatusLoop } from "../../controllers/status/status-loop.ts";
import { wakeWorkloads } from "../../controllers/baseline/wake.ts";
import { createRegistrar, type Registrar } from "../../controllers/registration/registrar.ts";
import { type Address, outlives } from "../../controllers/registration/webhook-configurations.ts";
import type { Documents } from "../../engine/configuration.ts";
import type { NetworkPolicy } from "../../model/network-policy.ts";
import { isTerminating, type KubernetesObject, type Labels } from "../../model/objects.ts";
import type { Ensured } from "../../server/gate.ts";
import { isOwn } from "../../server/own.ts";
import type { AdmissionRequest, UserInfo } from "../../server/review.ts";
import type { Logger } from "../../telemetry/log.ts";
import type { Metrics } from "../../telemetry/metrics.ts";
import type { LeaseRecord } from "./leadership.ts";
import { followBackends } from "./backends.ts";
import { followPlatform } from "./platform.ts";
import { canBind, exceptionReader, introduce, leaseAnnotations, liveNamespace, namespaceLabels } from "./questions.ts";

export interface ClusterOptions {
  readonly client: KubernetesClient;
  readonly mode: Cap;
  /** How the API server is told of this server, if it is. */
  readonly address: Address | undefined;
  /** Where several servers keep what they share, if there may be others. */
  readonly shared: string | undefined;
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
  readonly record: LeaseRecord;
  /** What only the one that leads does, by this client, until the signal or stop(); may then be called again. */
  readonly work: (client: FencedClient, signal: AbortSignal) => Promise<void>;
  /** Tells the API server of this server, and of what it is to do by itself. Not there where it is not to be told. */
  readonly registrar?: (client: FencedClient, caBundle: () => string) => Registrar;
  readonly namespaceLabels: (name: string, waitMs: number) => Promise<Labels | undefined>;
  readonly policiesIn: (namespace: string) => readonly NetworkPolicy[];
  readonly newestExceptionsIn: (namespace: string, waitMs: number) => Promise<readonly NetworkException[]>;
  readonly isGoing: (namespace: string, waitMs: number) => Promise<boolean>;
  readonly canBind: (user: UserInfo, ruleset: string, waitMs: number) => Promise<boolean>;
  readonly isOwn: (request: AdmissionRequest) => boolean;
  readonly ensureBaseline: (namespace: string, waitMs: number) => Promise<Ensured>;
  /** Sets the gauges that tell how things stand now. */
  readonly measure: () => void;
  readonly stop: () => Promise<void>;
}

/**
 * `kubectl replace --force` and GitOps tools create within a second what they have deleted; where a webhook of theirs or
 * ours does not answer they try again, after 10 s at most. Longer than that, and short enough for whoever means it.
 */
const HOLD_MS = 15_000;

/** Learns who we are and starts to watch. @throws InputError cluster-unreachable */
export async function watchCluster(how: ClusterOptions): Promise<Cluster> {
  const { client, mode, address, shared, embedded, log, metrics, signal } = how;
  const { user, gitVersion } = await introduce(client, log, signal);
  const configuration = new LiveConfiguration(mode, embedded, {
    holdMs: HOLD_MS,
    onGone: (baseline) => {
      log.info({ baseline }, "a NetworkBaseline that was deleted holds its place no longer");
      reconsider();
    },
  });
  const stopping = new AbortController();
  const now = (): number => client.now();
  let working: Promise<unknown> = Promise.resolve();
  const writing = {
    client,
    configuration: () => configuration.current,
    onWrite: (what: "policy" | "marker") => metrics.baselineWrites.inc({ what }),
  };
  const newSince = new NewSinceKeeper({
    configuration: () => configuration.current,
    onChange: () => loop.reconsider(caches.namespaces()),
    log,
  });
  const record = eventRecorder(log, now);
  const loop = new BaselineLoop({
    log,
    metrics,
    ...writing,
    cached: {
      namespace: (name) => caches.namespace(name),
      policiesIn: (namespace) => caches.policiesIn(namespace),
    },
    isNew: (namespace, baseline) => newSince.isNew(namespace, baseline),
    record,
    onTried: () => status.changed(),
    wake: (namespace, writer) => wakeWorkloads(namespace, { client: writer, log, metrics, now }),
  });
  const status = new StatusLoop({
    log,
    metrics,
    configuration: () => configuration.current,
    inForce: (baseline) => configuration.inForce("NetworkBaseline", baseline),
    cached: {
      namespaces: () => caches.namespaces(),
      baselines: () => caches.baselines(),
    },
    failureOf: (namespace) => loop.failureOf(namespace),
    factsOf: (namespace) => loop.factsOf(namespace),
    standstillOf: (baseline) => loop.standstillOf(baseline),
    record,
    isBeginning: () => loop.isBeginning,
    now,
  });

  // Without an address nobody calls the gate, so nothing may make it shut.
  const admission =
    address &&
    new AdmissionLoop({
      log,
      user,
      configuration: () => configuration.current,
      outlive: outlives(address),
    });

  let isSynced = false;
  const reconsider = (): void => {
    status.changed();
    loop.reconsider(caches.namespaces());
    admission?.changed();
  };
  const onDocument = (kind: ConfigKind) => {
    return (change: Change<KubernetesObject>) => {
      const { type, object } = change;
      if (kind === "NetworkBaseline") status.changed();
      if (kind !== "NetworkException" && !isNewDocument(change)) return;
      const { namespace, name } = object.metadata ?? {};
      if (type === "deleted") configuration.remove(kind, object);
      const problem = type === "deleted" ? undefined : configuration.set(kind, object);
      metrics.configurationErrors.set(configuration.problems.length);
      if (problem === undefined) log.info({ kind, namespace, name, change: type }, "configuration changed");
      else {
        metrics.configurationRejections.inc({ kind });
        log.error({ kind, namespace, name }, problem);
      }
      if (kind !== "NetworkException") reconsider();
    };
  };
  const platform = followPlatform({
    gitVersion,
    objects: () => caches,
    log,
    metrics,
    onFound: (found) => {
      configuration.setFound(found);
      reconsider();
    },
  });
  const backends = followBackends({
    find: () => caches.backends(),
    log,
    onFound: (found, namespaces) => {
      configuration.setFound({ backends: found });
      status.changed();
      loop.reconsider(namespaces.flatMap((name) => caches.namespace(name) ?? []));
    },
  });
  const caches: Caches = createCaches(client, {
    onNamespace: (change) => {
      loop.onNamespace(change);
      status.changed();
    },
    onPolicy: (change) => {
      loop.onPolicy(change);
      status.changed();
    },
    onRuleset: onDocument("NetworkRuleset"),
    onBaseline: onDocument("NetworkBaseline"),
    onException: onDocument("NetworkException"),
    // Half of it would be taken for all of it.
    onPlatform: () => isSynced && platform.look(),
    onCalled: () => isSynced && backends.look(),
    onTrouble: troubleLog(log, metrics),
  });
  caches.start();

  return {
    configuration,
    record: {
      annotate: (annotations) => platform.annotate(newSince.annotate(annotations)),
      run: (writer, until) => newSince.run(writer, until),
    },
    missing: caches.missing,
    synced: async (until) => {
      await caches.synced(until);
      if (shared !== undefined) platform.recall(await leaseAnnotations(shared, client, log, until));
      isSynced = true;
      platform.look();
      backends.look();
    },
    work: async (writer, until) => {
      const end = AbortSignal.any([until, stopping.signal]);
      working = Promise.all([
        loop.run(writer, caches.namespaces(), end),
        admission?.run(writer, end),
        status.run(writer, end),
      ]);
      await working;
    },
    ...(address &&
      admission && {
        registrar: (writer, caBundle) =>
          withAdmission(createRegistrar(writer, { address, caBundle, mode }), admission, outlives(address), writer),
      }),
    namespaceLabels: (name, waitMs) => namespaceLabels(name, waitMs, caches, client),
    policiesIn: (namespace) => caches.policiesIn(namespace),
    newestExceptionsIn: exceptionReader(client),
    isGoing: async (name, waitMs) => {
      const namespace = await liveNamespace(name, waitMs, client);
      return namespace === undefined || isTerminating(namespace);
    },
    canBind: (subject, ruleset, waitMs) => canBind(subject, ruleset, waitMs, client),
    isOwn: (request) => isOwn(request, user),
    ensureBaseline: createGate(writing),
    measure: () => {
      metrics.baselinePending.set(caches.namespaces().filter(isPending).length);
      for (const [resource, at] of caches.lastEvents()) metrics.cacheLastEvent.set({ resource }, at / 1000);
    },
    stop: async () => {
      stopping.abort();
      await working;
      await caches.stop();
      // Last: what changed until then may have begun to go, for which the process would wait.
      platform.stop();
      configuration.stop();
    },
  };
}

/** Nothing may make namespaces wait before the API server asks us, nor when nobody is left whom it could ask. */
function withAdmission(
  registrar: Registrar,
  admission: AdmissionLoop,
  outlive: boolean,
  writer: FencedClient,
): Registrar {
  return {
    register: async () => {
      await registrar.register();
      admission.registered();
    },
    deviations: registrar.deviations,
    write: async (stored) => {
      const written = await registrar.write(stored);
      admission.registered();
      return written;
    },
    unregister: async () => {
      const wasOurs = await registrar.unregister();
      if (wasOurs && !outlive) await admission.remove(writer);
      return wasOurs;
    },
  };
}

/** Says what hinders a cache, which goes on by itself. */
export function troubleLog(log: Logger, metrics: Metrics): (resource: string, trouble: Trouble) => void {
  return (resource, { during, error, failures }) => {
    metrics.reflectorErrors.inc({ resource });
    const details = { resource, during, failures, error: String(error) };
    if (during === "list" || during === "watch") {
      // To be asked to wait is nothing unusual: whoever makes a kind known is told so for some seconds.
      const isToWait = error instanceof ApiError && error.status === 429;
      log[isToWait ? "info" : "warn"](details, "the cache of a resource is behind; trying again");
    } else log.error(details, "a change of a resource was not taken in: this is a bug, please report it");
  };
}
