import { Writable } from "node:stream";
import { issueCa, issueLeaf } from "../../src/certs/issue.ts";
import { configure } from "../../src/engine/configuration.ts";
import { readEmbeddedPolicies } from "../../src/files/policies.ts";
import { createApp } from "../../src/server/app.ts";
import { createLogger } from "../../src/telemetry/log.ts";
import { createMetrics } from "../../src/telemetry/metrics.ts";
import { faultOf } from "./answers.ts";
import type { Path } from "./cases.ts";
import { EXCEPTION, NAMESPACES } from "./reviews.ts";

export interface Answered {
  readonly status: number;
  readonly text: string;
}

const now = new Date();
const tls = await issueLeaf(await issueCa(now), ["localhost"], now);
const none = { rulesets: new Map(), baselines: new Map() };
const configuration = configure("enforce", await readEmbeddedPolicies(), none);

/** A verdict may depend on the day. */
const NOW = Date.parse("2026-11-22T12:00:00Z");

let logged = "";
const sink = new Writable({
  write(chunk: Buffer, _encoding, done) {
    logged += chunk.toString();
    done();
  },
});

const app = createApp({
  log: createLogger("info", sink),
  metrics: createMetrics(),
  tls,
  phase: () => "serving",
  configuration: () => configuration,
  namespaceLabels: async (name) => (Object.hasOwn(NAMESPACES, name) ? NAMESPACES[name] : undefined),
  exceptionsIn: () => [EXCEPTION],
  policiesIn: () => [],
  newestExceptionsIn: async () => [EXCEPTION],
  isGoing: async () => false,
  canBind: async () => true,
  ensureBaseline: async (namespace) => {
    if (namespace.length % 3 === 0) throw new Error(`no answer about ${namespace}`);
    const conflicts = [namespace, "drawbridge-00-default-deny-ingress"];
    return namespace.length % 3 === 1
      ? { outcome: "complete" }
      : { outcome: "conflict", baseline: "default", conflicts };
  },
  isOwn: () => false,
  now: () => NOW,
  suspendedUntil: () => undefined,
});

/** As a server without a cluster answers, asked without a network. */
export async function send(path: Path, payload: Buffer | string): Promise<Answered> {
  const headers = { "content-type": "application/json" };
  const { statusCode, body } = await app.inject({ method: "POST", url: `${path}?timeout=3s`, payload, headers });
  return { status: statusCode, text: body };
}

/** What is wrong with the answer to a body, or with what was logged of it. */
export async function judge(path: Path, body: Buffer): Promise<{ fault: string | undefined; answered: Answered }> {
  logged = "";
  const answered = await send(path, body);
  return { fault: faultOf(path, body, answered.status, answered.text) ?? logFault(), answered };
}

const LONGEST_LINE = 8 * 1024;

function logFault(): string | undefined {
  const lines = logged.trimEnd().split("\n");
  if (lines.length !== 1) return `${lines.length} lines in the log`;
  if (logged.length > LONGEST_LINE) return `a line of ${logged.length} characters in the log`;
  const { level } = JSON.parse(logged) as { level: number };
  return level >= 50 ? `an error in the log: ${logged.slice(0, 300)}` : undefined;
}
