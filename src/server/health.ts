import Fastify, { type FastifyInstance } from "fastify";
import type { Registry } from "prom-client";

export interface Readiness {
  readonly ready: boolean;
  /** What readiness depends on, each with why it is not there yet. */
  readonly checks: Readonly<Record<string, string>>;
  /** What is wrong without making us unready: documents that are not in force, or still are. */
  readonly configuration: readonly string[];
}

export interface HealthDeps {
  readonly readiness: () => Readiness;
  /** With gauges that are set when somebody asks. */
  readonly metrics: () => Registry;
}

/** Probes and metrics, on a port of their own: plain HTTP, nothing secret. Liveness asks nothing but that we answer. */
export function createHealthApp({ readiness, metrics }: HealthDeps): FastifyInstance {
  const app = Fastify();
  app.get("/healthz", async () => ({ alive: true }));
  app.get("/readyz", async (_request, reply) => {
    const state = readiness();
    return reply.status(state.ready ? 200 : 503).send(state);
  });
  app.get("/metrics", async (_request, reply) => {
    const registry = metrics();
    return reply.type(registry.contentType).send(await registry.metrics());
  });
  return app;
}
