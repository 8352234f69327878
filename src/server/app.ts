import Fastify, { type FastifyError, type FastifyInstance } from "fastify";
import type { Finding } from "../engine/evaluate.ts";
import { text } from "../model/json.ts";
import type { Logger } from "../telemetry/log.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import { closeUnused } from "./connections.ts";
import { type GateDeps, gate } from "./gate.ts";
import { type MutateDeps, mutate } from "./mutate.ts";
import {
  ADMISSION_REVIEW_SCHEMA,
  type AdmissionRequest,
  type AdmissionReview,
  type Answer,
  toReview,
} from "./review.ts";
import { suspended } from "./suspended.ts";
import { type Pair, tlsOptions } from "./tls.ts";
import { type ValidateDeps, validate } from "./validate.ts";

export interface AppDeps extends ValidateDeps, MutateDeps, GateDeps {
  readonly log: Logger;
  readonly metrics: Metrics;
  /** The certificate to begin with; `useCertificate` changes it. */
  readonly tls: Pair;
  readonly phase: () => Phase;
  /** Until when nothing is to be refused, in milliseconds since 1970; undefined: it is. */
  readonly suspendedUntil: () => number | undefined;
}

/**
 * Starting: not yet able to judge, so every request fails, which failurePolicy decides. Draining: still answering, but
 * every reply tells the client to open its next connection elsewhere.
 */
export type Phase = "starting" | "serving" | "draining";

/** An object and its predecessor of at most 3 MiB each (what the API server takes), and the envelope around them. */
const BODY_LIMIT = 7 * 1024 * 1024;

/** The API server keeps idle connections for 90 s. Were we to close first, it would now and then write into a closed one. */
const KEEP_ALIVE_MS = 100_000;

/** POST /validate, /mutate and /gate over HTTPS. Everything else that it needs to know is passed in. */
export function createApp(deps: AppDeps): FastifyInstance {
  const app = Fastify({
    https: {
      ...tlsOptions(deps.tls),
      // As an option of Fastify itself it would be ignored.
      headersTimeout: KEEP_ALIVE_MS + 5_000,
    },
    keepAliveTimeout: KEEP_ALIVE_MS,
    requestTimeout: 30_000,
    bodyLimit: BODY_LIMIT,
    return503OnClosing: false,
    // `__proto__` is a legal key of a user's object: such an object is to be judged, not to fail the webhook.
    onProtoPoisoning: "ignore",
    onConstructorPoisoning: "ignore",
    // Fastify would else coerce types and remove properties: the envelope is to be checked, not mended.
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false, useDefaults: false, allErrors: false } },
  });
  closeUnused(app);
  app.removeContentTypeParser("text/plain");
  app.addHook("onRequest", (_request, reply, next) => {
    const phase = deps.phase();
    if (phase === "draining") reply.header("connection", "close");
    if (phase !== "starting") next();
    else reply.status(503).send({ error: "drawbridge is starting: it has not read its configuration yet" });
  });
  app.setErrorHandler((error: FastifyError, request, reply) => {
    const status = error.statusCode ?? 500;
    if (status < 500) {
      deps.metrics.badRequests.inc({ status: String(status) });
      deps.log.warn({ url: brief(request.url), status, reason: brief(error.message) }, "not an AdmissionReview");
    }
    return reply.status(status).send({ error: error.message });
  });

  const schema = { body: ADMISSION_REVIEW_SCHEMA };
  app.post<{ Body: AdmissionReview }>("/validate", { schema }, async ({ body, url }) =>
    answer("validate", body.request, deps, async () => {
      const verdict = await validate(body.request, deps, waitMsOf(url));
      for (const { rule, mode, exception } of verdict.findings) {
        // Beside audit, which tells of what would be refused or warned of in a stronger mode: this would not.
        deps.metrics.findings.inc({ rule, mode: exception === undefined ? mode : "excepted" });
      }
      if (verdict.withheld !== undefined && verdict.withheld.length > 0 && body.request.dryRun !== true) {
        deps.metrics.baselineNamespaces.inc({ outcome: "would_inject" });
      }
      return {
        answer: verdict.decision,
        verdict: verdictOf(verdict.decision, verdict.findings.length),
        details: {
          ...(verdict.findings.length > 0 && {
            rules: [...new Set(verdict.findings.map(({ rule, mode }) => `${rule}=${mode}`))],
            ...exceptionsOf(verdict.findings),
          }),
          ...(verdict.withheld !== undefined && verdict.withheld.length > 0 && { withheld: verdict.withheld }),
        },
      };
    }),
  );
  app.post<{ Body: AdmissionReview }>("/mutate", { schema }, async ({ body }) =>
    answer("mutate", body.request, deps, () => {
      const patch = mutate(body.request, deps);
      return { answer: { allowed: true, patch }, verdict: patch.length > 0 ? "patched" : "allowed", details: {} };
    }),
  );
  app.post<{ Body: AdmissionReview }>("/gate", { schema }, async ({ body, url }) =>
    answer("gate", body.request, deps, async () => {
      const start = performance.now();
      const passage = await gate(body.request, deps, waitMsOf(url));
      deps.metrics.gateDecisions.inc({ decision: passage.decision });
      deps.metrics.gateSeconds.observe((performance.now() - start) / 1000);
      const { allowed, message } = passage.answer;
      return {
        answer: passage.answer,
        verdict: allowed ? "allowed" : "denied",
        details: { gate: passage.decision, ...(!allowed && { reason: brief(message) }) },
      };
    }),
  );
  return app;
}

interface Outcome {
  readonly answer: Answer;
  readonly verdict: string;
  readonly details: object;
}

/** One request, one metric, one line in the log, whatever becomes of it. */
async function answer(
  webhook: "validate" | "mutate" | "gate",
  request: AdmissionRequest,
  { log, metrics, suspendedUntil }: AppDeps,
  decide: () => Outcome | Promise<Outcome>,
): Promise<object> {
  const start = performance.now();
  const finish = (verdict: string, details: object, level: "info" | "error"): void => {
    const ms = performance.now() - start;
    metrics.reviews.inc({ webhook, kind: kindOf(request), operation: request.operation, verdict });
    metrics.reviewSeconds.observe({ webhook }, ms / 1000);
    log[level](
      {
        webhook,
        uid: request.uid,
        operation: request.operation,
        kind: brief(request.kind.kind),
        namespace: brief(request.namespace),
        name: brief(request.object?.metadata?.name ?? request.oldObject?.metadata?.name ?? request.name),
        user: brief(request.userInfo.username),
        dryRun: request.dryRun === true ? true : undefined,
        verdict,
        ...details,
        ms: Math.round(ms * 1000) / 1000,
      },
      "admission",
    );
  };
  try {
    const outcome = await decide();
    const until = outcome.answer.allowed ? undefined : suspendedUntil();
    if (until === undefined) {
      finish(outcome.verdict, outcome.details, "info");
      return toReview(request.uid, outcome.answer);
    }
    finish("suspended", { ...outcome.details, refusal: brief(outcome.answer.message) }, "info");
    return toReview(request.uid, suspended(outcome.answer, until));
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    finish("failed", { error: brief(message) }, "error");
    const until = suspendedUntil();
    if (until === undefined) throw error;
    return toReview(request.uid, suspended({ allowed: false, message: `it could not be judged: ${message}` }, until));
  }
}

/** Which findings an exception covers, and which one that is there does not: who opens a door by one is to be seen. */
function exceptionsOf(findings: readonly Finding[]): object {
  const texts = (field: "exception" | "lapsed") => [
    ...new Set(findings.flatMap(({ rule, [field]: said }) => (said === undefined ? [] : [`${rule}: ${said}`]))),
  ];
  const [exceptions, lapsed] = [texts("exception"), texts("lapsed")];
  return { ...(exceptions.length > 0 && { exceptions }), ...(lapsed.length > 0 && { lapsed }) };
}

/** For the log: names and texts of somebody else's, which need be neither short nor texts. */
function brief(value: unknown): string | undefined {
  return value === undefined ? undefined : text(value).slice(0, BRIEF);
}

/** Room for the longest name of a user that Kubernetes makes itself, `system:serviceaccount:NAMESPACE:NAME`. */
const BRIEF = 400;

function verdictOf({ allowed, warnings }: { allowed: boolean; warnings: readonly string[] }, findings: number): string {
  if (!allowed) return "denied";
  if (warnings.length > 0) return "warned";
  return findings > 0 ? "audited" : "allowed";
}

/** What we register for; a caller that names others must not make new time series. */
const KINDS = new Set([
  "NetworkPolicy",
  "Namespace",
  "Pod",
  "ReplicationController",
  "Deployment",
  "StatefulSet",
  "DaemonSet",
  "ReplicaSet",
  "Job",
  "CronJob",
  "NetworkRuleset",
  "NetworkBaseline",
  "NetworkException",
]);

function kindOf({ kind }: AdmissionRequest): string {
  return KINDS.has(kind.kind) ? kind.kind : "other";
}

/** The API server says how long it waits (`?timeout=3s`). What waits gives up before, so that its reason is heard. */
function waitMsOf(url: string): number {
  const seconds = /[?&]timeout=(\d+)s/.exec(url)?.[1];
  const waits = seconds === undefined ? DEFAULT_WAIT_MS : Number(seconds) * 1000;
  return Math.max(waits - ANSWER_MS, ANSWER_MS);
}

const DEFAULT_WAIT_MS = 3_000;
const ANSWER_MS = 500;
