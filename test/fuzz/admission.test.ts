import { Writable } from "node:stream";
import { afterAll, describe, expect, test } from "vitest";
import { issueCa, issueLeaf } from "../../src/certs/issue.ts";
import { configure } from "../../src/engine/configuration.ts";
import { EMBEDDED_POLICIES, readPolicies } from "../../src/files/policies.ts";
import { createApp } from "../../src/server/app.ts";
import { createLogger } from "../../src/telemetry/log.ts";
import { createMetrics } from "../../src/telemetry/metrics.ts";
import { faultOf } from "./answers.ts";
import { admissionBody, type Path } from "./cases.ts";
import { NAMESPACES } from "./reviews.ts";

const CASES = 50_000;
const LIMIT_MS = 600_000; // a machine may be busy

const now = new Date();
const embedded = await readPolicies(EMBEDDED_POLICIES);
const configuration = configure("enforce", embedded, { rulesets: new Map(), baselines: new Map() });
const metrics = createMetrics();

let logged = "";
const app = createApp({
  log: createLogger(
    "info",
    new Writable({
      write(chunk: Buffer, _encoding, done) {
        logged += chunk.toString();
        done();
      },
    }),
  ),
  metrics,
  tls: await issueLeaf(await issueCa(now), ["localhost"], now),
  phase: () => "serving",
  configuration: () => configuration,
  namespaceLabels: async (name) => (Object.hasOwn(NAMESPACES, name) ? NAMESPACES[name] : undefined),
  isOwn: () => false,
});
afterAll(() => app.close());

interface Answered {
  readonly status: number;
  readonly text: string;
}

async function send(path: Path, payload: Buffer): Promise<Answered> {
  const headers = { "content-type": "application/json" };
  const { statusCode, body } = await app.inject({ method: "POST", url: `${path}?timeout=3s`, payload, headers });
  return { status: statusCode, text: body };
}

/** What is wrong with the answer to one case, or with what was logged of it. */
async function judge(path: Path, body: Buffer): Promise<{ fault: string | undefined; answered: Answered }> {
  logged = "";
  const answered = await send(path, body);
  return { fault: faultOf(path, body, answered.status, answered.text) ?? logFault(), answered };
}

function logFault(): string | undefined {
  const lines = logged.trimEnd().split("\n");
  if (lines.length !== 1) return `${lines.length} lines in the log`;
  if (logged.length > 16_384) return `a line of ${logged.length} characters in the log`;
  const { level } = JSON.parse(logged) as { level: number };
  return level >= 50 ? `an error in the log: ${logged.slice(0, 300)}` : undefined;
}

describe.each([
  ["/validate", 20_261],
  ["/mutate", 20_262],
] as const)("%s, seed %i", (path, seed) => {
  test(
    `answers ${CASES} odd bodies`,
    async () => {
      const kept: { body: Buffer; answered: Answered }[] = [];
      const seen = new Map<string, number>();
      const faults = new Map<string, string>();
      const start = performance.now();
      for (let number = 0; number < CASES; number++) {
        const body = admissionBody(path, seed, number);
        const { fault, answered } = await judge(path, body);
        if (fault !== undefined) {
          const kind = fault.replaceAll(/\d+/g, "N").slice(0, 80);
          if (!faults.has(kind))
            faults.set(kind, `${fault}\n  seed ${seed}, case ${number}: ${body.toString().slice(0, 3000)}`);
        }
        const outcome = outcomeOf(answered);
        seen.set(outcome, (seen.get(outcome) ?? 0) + 1);
        if (number % 100 === 0) kept.push({ body, answered });
      }
      console.log(path, Math.round(((performance.now() - start) * 1000) / CASES), "us", seen);
      expect([...faults.values()].join("\n\n")).toBe("");
      for (const { body, answered } of kept.toReversed()) expect(await send(path, body)).toEqual(answered);
    },
    LIMIT_MS,
  );
});

function outcomeOf({ status, text }: Answered): string {
  if (status !== 200) return String(status);
  const { response } = JSON.parse(text) as { response: { allowed: boolean; warnings?: unknown; patch?: unknown } };
  if (!response.allowed) return "denied";
  return response.patch !== undefined ? "patched" : response.warnings !== undefined ? "warned" : "allowed";
}
