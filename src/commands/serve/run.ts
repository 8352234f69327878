import { setTimeout as sleep } from "node:timers/promises";
import type { FastifyInstance } from "fastify";
import { inFolder, inMemory, type ServingCertificate } from "../../certs/files.ts";
import type { KubernetesClient } from "../../cluster/client.ts";
import { connect } from "../../cluster/connect.ts";
import { connectInCluster } from "../../cluster/service-account.ts";
import { createRegistrar } from "../../controllers/webhooks.ts";
import { configure } from "../../engine/configuration.ts";
import { DocumentSet } from "../../engine/document-set.ts";
import { checkDocument } from "../../engine/check-document.ts";
import { readEmbeddedPolicies, readPolicies } from "../../files/policies.ts";
import { InputError } from "../../model/errors.ts";
import { createApp, type Phase } from "../../server/app.ts";
import { createHealthApp } from "../../server/health.ts";
import { createLogger, type Logger } from "../../telemetry/log.ts";
import { createMetrics } from "../../telemetry/metrics.ts";
import { type Cluster, watchCluster } from "./cluster.ts";
import type { ServeOptions } from "./options.ts";
import { type Settings, settingsOf } from "./settings.ts";

/** What the process may take to end beyond the draining, before it is ended by force. */
const CLOSE_LIMIT_MS = 10_000;

/**
 * Runs the server until SIGTERM or SIGINT. It listens first, then watches, and registers with the cluster only when it
 * can answer: an API server is never told of a webhook that is not ready.
 * @throws InputError
 */
export async function runServer(options: ServeOptions): Promise<void> {
  const settings = settingsOf(options);
  const log = createLogger(options.logLevel);
  const stop = stopSignal(settings.drainMs + CLOSE_LIMIT_MS);
  try {
    await serve(options, settings, stop, log);
  } catch (error) {
    if (!stop.signal.aborted) throw error; // else whatever it was, it was cut short by the stop
  }
  log.info("stopped");
}

async function serve(options: ServeOptions, settings: Settings, stop: StopSignal, log: Logger): Promise<void> {
  const { mode, policies } = options;
  const { address, host, drainMs } = settings;
  const metrics = createMetrics();
  let phase: Phase = "starting";
  const embedded = await readEmbeddedPolicies();
  const own = policies === undefined ? new DocumentSet() : await readPolicies(policies, checkDocument);
  const alone = configure(mode, embedded, own);
  const certificate = await certificateFor(settings.names, options.certDir);
  const client = await clientOf(settings);
  const registrar = client && address && createRegistrar(client, { address, caCert: certificate.caCert, mode });
  let cluster: Cluster | undefined;

  const app = createApp({
    log,
    metrics,
    tls: certificate.leaf,
    phase: () => phase,
    configuration: () => cluster?.configuration.current ?? alone,
    exceptionsIn: (namespace) => (cluster?.configuration ?? own).exceptionsIn(namespace),
    now: Date.now,
    namespaceLabels: async (name, waitMs) => cluster?.namespaceLabels(name, waitMs),
    // Without a cluster nobody could be asked, and there is nothing to be bound to.
    canBind: async (user, ruleset, waitMs) => cluster?.canBind(user, ruleset, waitMs) ?? true,
    isGoing: async (namespace, waitMs) => cluster?.isGoing(namespace, waitMs) ?? false,
    isOwn: (request) => cluster?.isOwn(request) ?? false,
    // Without a cluster there is no namespace that could wait.
    ensureBaseline: async (namespace, waitMs) => cluster?.ensureBaseline(namespace, waitMs) ?? { outcome: "unmarked" },
  });
  const health = createHealthApp({
    readiness: () => readiness(phase, cluster),
    metrics: () => {
      cluster?.measure();
      return metrics.registry;
    },
  });
  try {
    // First of all: to wait for an API server is not to be dead, which the liveness probe would take it for.
    await listen(health, host, options.healthPort, "--health-port");
    cluster = client && (await watchCluster({ client, mode, address, embedded, log, metrics, signal: stop.signal }));
    const url = await listen(app, host, settings.port, "--port");
    await cluster?.synced(stop.signal);
    phase = "serving";
    await registrar?.register();
    cluster?.registered();
    log.info({ url, mode, cluster: settings.cluster, registered: address }, "ready");
    await stop.asked;

    phase = "draining";
    log.info({ drainMs }, "stopping");
    try {
      if (await registrar?.unregister()) await cluster?.unregistered();
    } catch (error) {
      log.error(
        { error: String(error) },
        "what was registered could not be removed: remove it by kubectl (docs/serve.md)",
      );
    }
    await sleep(drainMs);
  } finally {
    await app.close();
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

function certificateFor(names: readonly string[], folder: string | undefined): Promise<ServingCertificate> {
  return folder === undefined ? inMemory(names, new Date()) : inFolder(folder, names, new Date());
}

function readiness(phase: Phase, cluster: Cluster | undefined) {
  const missing = cluster?.missing() ?? [];
  const checks = {
    ...(phase === "draining" && { server: "is stopping" }),
    ...(phase === "starting" && { server: "is starting" }),
    ...(missing.length > 0 && { caches: `not yet read from the API server: ${missing.join(", ")}` }),
  };
  return { ready: Object.keys(checks).length === 0, checks, configuration: cluster?.configuration.problems ?? [] };
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
