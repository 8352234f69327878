import { setTimeout as sleep } from "node:timers/promises";
import type { FastifyInstance } from "fastify";
import { LIVES, type Lives } from "../../certs/lives.ts";
import type { KubernetesClient } from "../../cluster/client.ts";
import { connect } from "../../cluster/connect.ts";
import type { FencedClient } from "../../cluster/fence.ts";
import { connectInCluster, namespaceOf } from "../../cluster/service-account.ts";
import { watchSuspension } from "../../controllers/registration/suspension.ts";
import { WebhookWatch } from "../../controllers/registration/webhook-watch.ts";
import { configure } from "../../engine/configuration.ts";
import { DocumentSet } from "../../engine/document-set.ts";
import { checkDocument } from "../../engine/check-document.ts";
import { readEmbeddedPolicies, readPolicies } from "../../files/policies.ts";
import { InputError } from "../../model/errors.ts";
import { createApp, type Phase } from "../../server/app.ts";
import { createHealthApp } from "../../server/health.ts";
import { type Pair, useCertificate } from "../../server/tls.ts";
import { createLogger, type Logger } from "../../telemetry/log.ts";
import { createMetrics } from "../../telemetry/metrics.ts";
import { ownCertificates, sharedCertificates } from "./certificates.ts";
import { type Cluster, troubleLog, watchCluster } from "./cluster.ts";
import { electedLeader, type Leadership, loneLeader } from "./leadership.ts";
import type { ServeOptions } from "./options.ts";
import { type Settings, settingsOf } from "./settings.ts";

/** What the process may take to end beyond the draining, before it is ended by force. */
const CLOSE_LIMIT_MS = 20_000;

/** Two readiness probes of deploy/server.yaml, and the time until every node knows of it. */
const SERVICE_LEADS_TO_US_MS = 12_000;

/**
 * Runs the server until SIGTERM or SIGINT. It listens first, then watches, and takes part in the election of who
 * registers with the cluster only when it can answer: an API server is never told of a webhook that is not ready.
 * @param lives of its certificates; another for tests that cannot wait for days
 * @throws InputError
 */
export async function runServer(options: ServeOptions, lives: Lives = LIVES): Promise<void> {
  const settings = settingsOf(options);
  const log = createLogger(options.logLevel);
  const stop = stopSignal(settings.drainMs + CLOSE_LIMIT_MS);
  try {
    await serve(options, settings, lives, stop, log);
  } catch (error) {
    if (!stop.signal.aborted) throw error; // else whatever it was, it was cut short by the stop
  }
  log.info("stopped");
}

async function serve(
  options: ServeOptions,
  settings: Settings,
  lives: Lives,
  stop: StopSignal,
  log: Logger,
): Promise<void> {
  const { mode, policies } = options;
  const { address, host, drainMs } = settings;
  const metrics = createMetrics();
  let phase: Phase = "starting";
  const embedded = await readEmbeddedPolicies();
  const own = policies === undefined ? new DocumentSet() : await readPolicies(policies, checkDocument);
  const alone = configure(mode, embedded, own);
  const client = await clientOf(settings);
  const shared = await sharedNamespace(options, settings);
  const now = (): number => client?.now() ?? Date.now();
  const suspension = watchSuspension(log, now);
  const webhooks =
    client && (shared !== undefined || address !== undefined)
      ? new WebhookWatch({ client, onTrouble: troubleLog(log, metrics), elapsed: () => performance.now() })
      : undefined;
  webhooks?.onChange(() => suspension.see(webhooks.stored.validating));
  let cluster: Cluster | undefined;
  let leadership: Leadership | undefined;
  const use = (pair: Pair): void => useCertificate(app, pair);
  const deps = { names: settings.names, lives, use, now, log, metrics };
  const certificates =
    client && shared !== undefined && webhooks
      ? await sharedCertificates(deps, client, shared, webhooks)
      : await ownCertificates(deps, options.certDir);

  const leadershipOf = (reader: KubernetesClient, { work, record, registrar: registrarFor }: Cluster): Leadership => {
    const registrarOf = registrarFor && ((writer: FencedClient) => registrarFor(writer, () => certificates.bundle));
    const duties = {
      record,
      work: async (writer: FencedClient, signal: AbortSignal) => {
        const registrar = registrarOf?.(writer);
        const reachableAfterMs = address && "service" in address ? SERVICE_LEADS_TO_US_MS : 0;
        const leading = { client: writer, signal, reachableAfterMs, ...(registrar && { registrar }) };
        await Promise.all([work(writer, signal), certificates.lead?.(leading)]);
      },
      ...(registrarOf && { registrar: registrarOf }),
    };
    const how = { client: reader, duties, log, metrics };
    return shared === undefined ? loneLeader(how) : electedLeader(how, shared);
  };

  const app = createApp({
    log,
    metrics,
    tls: certificates.initial,
    phase: () => phase,
    configuration: () => cluster?.configuration.current ?? alone,
    exceptionsIn: (namespace) => (cluster?.configuration ?? own).exceptionsIn(namespace),
    policiesIn: (namespace) => cluster?.policiesIn(namespace) ?? [],
    newestExceptionsIn: async (namespace, waitMs) =>
      cluster?.newestExceptionsIn(namespace, waitMs) ?? own.exceptionsIn(namespace),
    now,
    suspendedUntil: suspension.until,
    namespaceLabels: async (name, waitMs) => cluster?.namespaceLabels(name, waitMs),
    // Without a cluster nobody could be asked, and there is nothing to be bound to.
    canBind: async (user, ruleset, waitMs) => cluster?.canBind(user, ruleset, waitMs) ?? true,
    isGoing: async (namespace, waitMs) => cluster?.isGoing(namespace, waitMs) ?? false,
    isOwn: (request) => cluster?.isOwn(request) ?? false,
    // Without a cluster there is no namespace that could wait.
    ensureBaseline: async (namespace, waitMs) => cluster?.ensureBaseline(namespace, waitMs) ?? { outcome: "unmarked" },
  });
  const health = createHealthApp({
    readiness: () => readiness(phase, cluster, certificates.problem),
    metrics: () => {
      cluster?.measure();
      metrics.leader.set(leadership?.leads() ? 1 : 0);
      metrics.suspended.set(suspension.until() === undefined ? 0 : 1);
      return metrics.registry;
    },
  });
  try {
    // First of all: to wait for an API server is not to be dead, which the liveness probe would take it for.
    await listen(health, host, options.healthPort, "--health-port");
    cluster =
      client && (await watchCluster({ client, mode, address, shared, embedded, log, metrics, signal: stop.signal }));
    const url = await listen(app, host, settings.port, "--port");
    webhooks?.start();
    certificates.start();
    await cluster?.synced(stop.signal);
    phase = "serving";
    if (client && cluster) {
      leadership = leadershipOf(client, cluster);
      await leadership.start();
    }
    await certificates.ready(stop.signal);
    if (!stop.signal.aborted) log.info({ url, mode, cluster: settings.cluster, namespace: shared, address }, "ready");
    await stop.asked;

    phase = "draining";
    log.info({ drainMs }, "stopping");
    await leadership?.stop();
    await sleep(drainMs);
  } finally {
    await app.close();
    await certificates.stop();
    await webhooks?.stop();
    suspension.stop();
    await cluster?.stop();
    await client?.close();
    await health.close();
  }
}

/** @throws InputError invalid-kubeconfig, invalid-service-account */
async function clientOf({ cluster }: Settings): Promise<KubernetesClient | undefined> {
  if (cluster === undefined) return undefined;
  return "kubeconfig" in cluster ? connect(cluster) : connectInCluster(cluster.serviceAccount, process.env);
}

/**
 * Where several servers keep what they share; undefined: there is no other server. In a Pod there may always be one.
 * @throws InputError invalid-service-account
 */
async function sharedNamespace({ namespace }: ServeOptions, { cluster }: Settings): Promise<string | undefined> {
  if (namespace !== undefined || cluster === undefined || "kubeconfig" in cluster) return namespace;
  return namespaceOf(cluster.serviceAccount);
}

function readiness(phase: Phase, cluster: Cluster | undefined, problem: string | undefined) {
  const missing = cluster?.missing() ?? [];
  const checks = {
    ...(phase === "draining" && { server: "is stopping" }),
    ...(phase === "starting" && { server: "is starting" }),
    ...(missing.length > 0 && { caches: `not yet read from the API server: ${missing.join(", ")}` }),
    ...(problem !== undefined && { certificate: problem }),
  };
  return {
    ready: Object.keys(checks).length === 0,
    checks,
    configuration: cluster === undefined ? [] : notable(cluster.configuration),
  };
}

function notable({ problems, unarmed, leaving }: Cluster["configuration"]): readonly string[] {
  return [...problems, ...unarmed, ...leaving];
}

async function listen(app: FastifyInstance, host: string, port: number, option: string): Promise<string> {
  try {
    return await app.listen({ host, port });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new InputError(
      "port-in-use",
      `${host || "*"}:${port} cannot be listened on: ${why}. Choose another by ${option}.`,
      {
        cause,
      },
    );
  }
}

interface StopSignal {
  readonly asked: Promise<void>;
  readonly signal: AbortSignal;
}

/** SIGTERM and SIGINT ask for an orderly stop. A second one, or the limit, no longer waits for it. */
function stopSignal(limitMs: number): StopSignal {
  const controller = new AbortController();
  const { promise, resolve } = Promise.withResolvers<void>();
  const stop = (): void => {
    if (controller.signal.aborted) process.exit(1);
    setTimeout(() => process.exit(1), limitMs).unref();
    controller.abort();
    resolve();
  };
  process.on("SIGTERM", stop).on("SIGINT", stop);
  return { asked: promise, signal: controller.signal };
}
