import { setTimeout as sleep } from "node:timers/promises";
import type { FastifyInstance } from "fastify";
import { inFolder, inMemory, type ServingCertificate } from "../../certs/files.ts";
import { createRegistrar } from "../../controllers/webhooks.ts";
import { configure } from "../../engine/configuration.ts";
import { DocumentSet } from "../../engine/document-set.ts";
import { checkDocument } from "../../engine/documents.ts";
import { readEmbeddedPolicies, readPolicies } from "../../files/policies.ts";
import { InputError } from "../../model/errors.ts";
import { createApp, type Phase } from "../../server/app.ts";
import { createHealthApp } from "../../server/health.ts";
import { createLogger, type Logger } from "../../telemetry/log.ts";
import { createMetrics } from "../../telemetry/metrics.ts";
import { type Cluster, watchCluster } from "./cluster.ts";
import type { ServeOptions } from "./options.ts";

const DEFAULT_PORT = 8443;

/** What the process may take to end beyond the draining, before it is ended by force. */
const CLOSE_LIMIT_MS = 10_000;

/**
 * Runs the server until SIGTERM or SIGINT. It listens first, then watches, and registers with the cluster only when it
 * can answer: an API server is never told of a webhook that is not ready.
 * @throws InputError
 */
export async function runServer(options: ServeOptions): Promise<void> {
  checkTogether(options);
  const log = createLogger(options.logLevel);
  const drainMs = (options.drainSeconds ?? defaultDrainSeconds(options)) * 1000;
  const stop = stopSignal(drainMs + CLOSE_LIMIT_MS);
  try {
    await serve(options, stop, drainMs, log);
  } catch (error) {
    if (!stop.signal.aborted) throw error; // else whatever it was, it was cut short by the stop
  }
  log.info("stopped");
}

async function serve(options: ServeOptions, stop: StopSignal, drainMs: number, log: Logger): Promise<void> {
  const { kubeconfig, webhookUrl, mode, host, policies } = options;
  const metrics = createMetrics();
  let phase: Phase = "starting";
  const embedded = await readEmbeddedPolicies();
  const own = policies === undefined ? new DocumentSet() : await readPolicies(policies, checkDocument);
  const alone = configure(mode, embedded, own);
  const certificate = await certificateFor(options);
  const cluster =
    kubeconfig === undefined
      ? undefined
      : await watchCluster({ kubeconfig, mode, embedded, log, metrics, signal: stop.signal });
  const registrar =
    cluster &&
    webhookUrl &&
    createRegistrar(cluster.client, { url: webhookUrl.origin, caCert: certificate.caCert, mode });

  const app = createApp({
    log,
    metrics,
    tls: certificate.leaf,
    phase: () => phase,
    configuration: () => cluster?.configuration.current ?? alone,
    exceptionsIn: (namespace) => (cluster?.configuration ?? own).exceptionsIn(namespace),
    now: Date.now,
    namespaceLabels: cluster?.namespaceLabels ?? (async () => undefined),
    isOwn: cluster?.isOwn ?? (() => false),
  });
  const health = createHealthApp({
    readiness: () => readiness(phase, cluster),
    metrics: () => {
      cluster?.measure();
      return metrics.registry;
    },
  });
  try {
    await listen(health, host, options.healthPort, "--health-port");
    const url = await listen(app, host, portOf(options), "--port");
    await cluster?.synced(stop.signal);
    phase = "serving";
    await registrar?.register();
    log.info({ url, mode, cluster: kubeconfig, webhookUrl: webhookUrl?.origin }, "ready");
    await stop.asked;

    phase = "draining";
    log.info({ drainMs }, "stopping");
    await registrar
      ?.unregister()
      .catch((error: unknown) =>
        log.error({ error: String(error) }, "the webhook configurations could not be removed: remove them by kubectl"),
      );
    await sleep(drainMs);
  } finally {
    await app.close();
    await cluster?.stop();
    await health.close();
  }
}

function checkTogether({ webhookUrl, kubeconfig, policies }: ServeOptions): void {
  if (webhookUrl !== undefined && kubeconfig === undefined) {
    throw new InputError("invalid-option", "--webhook-url registers with a cluster: name it by --kubeconfig.");
  }
  if (policies !== undefined && kubeconfig !== undefined) {
    const advice = "with one, `kubectl apply` the same documents to it";
    throw new InputError("invalid-option", `--policies is for use without a cluster; ${advice}.`);
  }
}

/** Nobody is sent to us any more once we have unregistered, or if there is no cluster. */
function defaultDrainSeconds({ kubeconfig, webhookUrl }: ServeOptions): number {
  if (kubeconfig === undefined) return 0;
  return webhookUrl === undefined ? 10 : 1;
}

/** A URL without a port means 443, which URL leaves out also where it was written. */
function portOf({ port, webhookUrl }: ServeOptions): number {
  if (port !== undefined) return port;
  return webhookUrl === undefined ? DEFAULT_PORT : Number(webhookUrl.port || 443);
}

function certificateFor({ webhookUrl, host, certDir }: ServeOptions): Promise<ServingCertificate> {
  const names = [...new Set(["localhost", "127.0.0.1", host, ...(webhookUrl ? [webhookUrl.hostname] : [])])];
  return certDir === undefined ? inMemory(names, new Date()) : inFolder(certDir, names, new Date());
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
    throw new InputError("port-in-use", `${host}:${port} cannot be listened on: ${why}. Choose another by ${option}.`, {
      cause,
    });
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
