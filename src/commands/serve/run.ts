import { setTimeout as sleep } from "node:timers/promises";
import type { FastifyInstance } from "fastify";
import { inFolder, inMemory, type ServingCertificate } from "../../certs/files.ts";
import { register, unregister } from "../../controllers/webhooks.ts";
import { configure, type Documents } from "../../engine/configuration.ts";
import { EMBEDDED_POLICIES, readPolicies } from "../../files/policies.ts";
import { InputError } from "../../model/errors.ts";
import { createApp, type Phase } from "../../server/app.ts";
import { createHealthApp } from "../../server/health.ts";
import { createLogger } from "../../telemetry/log.ts";
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
  const { kubeconfig, webhookUrl } = checked(options);
  const log = createLogger(options.logLevel);
  const metrics = createMetrics();
  const stop = stopSignal();
  let phase: Phase = "starting";

  const embedded = await readPolicies(EMBEDDED_POLICIES);
  const own = options.policies === undefined ? NO_DOCUMENTS : await readPolicies(options.policies);
  const alone = configure(options.mode, embedded, own);
  const certificate = await certificateFor(options);
  const cluster =
    kubeconfig === undefined ? undefined : await watchCluster({ ...options, kubeconfig, embedded, log, metrics });

  const app = createApp({
    log,
    metrics,
    tls: certificate.leaf,
    phase: () => phase,
    configuration: () => cluster?.configuration.current ?? alone,
    namespaceLabels: cluster?.namespaceLabels ?? (async () => undefined),
    isOwn: cluster?.isOwn ?? (() => false),
  });
  const health = createHealthApp(() => readiness(phase, cluster), metrics.registry);
  try {
    await listen(health, options.host, options.healthPort, "--health-port");
    const url = await listen(app, options.host, options.port ?? (Number(webhookUrl?.port) || DEFAULT_PORT), "--port");
    await cluster?.synced(stop.signal);
    phase = "serving";
    if (cluster !== undefined && webhookUrl !== undefined) {
      await register(cluster.client, { url: webhookUrl.origin, caCert: certificate.caCert, mode: options.mode });
    }
    log.info({ url, mode: options.mode, cluster: kubeconfig, webhookUrl: webhookUrl?.origin }, "ready");
    await stop.asked;

    phase = "draining";
    const drainSeconds = options.drainSeconds ?? (webhookUrl === undefined ? 10 : 1);
    log.info({ drainSeconds }, "stopping");
    setTimeout(() => process.exit(1), drainSeconds * 1000 + CLOSE_LIMIT_MS).unref();
    if (cluster !== undefined && webhookUrl !== undefined) {
      await unregister(cluster.client).catch((error: unknown) =>
        log.error({ error: String(error) }, "the webhook configurations could not be removed: remove them by kubectl"),
      );
    }
    await sleep(drainSeconds * 1000);
  } catch (error) {
    if (!stop.signal.aborted) throw error; // else whatever it was, it was cut short by the stop
  } finally {
    await app.close();
    await cluster?.stop();
    await health.close();
  }
  log.info("stopped");
}

const NO_DOCUMENTS: Documents = { rulesets: new Map(), baselines: new Map() };

/** Options that do not go together. */
function checked(options: ServeOptions): ServeOptions {
  const fail = (message: string) => new InputError("invalid-option", message);
  if (options.webhookUrl !== undefined && options.kubeconfig === undefined) {
    throw fail("--webhook-url registers with a cluster: name it by --kubeconfig.");
  }
  if (options.policies !== undefined && options.kubeconfig !== undefined) {
    throw fail("--policies is for use without a cluster; with one, `kubectl apply` the same documents to it.");
  }
  return options;
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

/** SIGTERM and SIGINT ask for an orderly stop; a second one no longer waits for it. */
function stopSignal(): { readonly asked: Promise<void>; readonly signal: AbortSignal } {
  const controller = new AbortController();
  const { promise, resolve } = Promise.withResolvers<void>();
  const stop = (): void => {
    if (controller.signal.aborted) process.exit(1);
    controller.abort();
    resolve();
  };
  process.on("SIGTERM", stop).on("SIGINT", stop);
  return { asked: promise, signal: controller.signal };
}
