import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { Agent, request as httpsRequest } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "node:tls";
import { afterAll, beforeAll, expect, test } from "vitest";
import { admissionReview } from "../server/reviews.ts";
import { type Drawbridge, startDrawbridge } from "../cluster/harness/drawbridge.ts";
import { faultOf } from "./answers.ts";
import { admissionBody, type Path } from "./cases.ts";
import { createRandom, type Random } from "./random.ts";
import { recorded } from "./reviews.ts";

/** A real process, asked by clients that are no API server. */
const SEED = 20_264;
const LIMIT_MS = 120_000;

const directory = mkdtempSync(join(tmpdir(), "drawbridge-fuzz-"));
let server: Drawbridge;
let ca = "";
beforeAll(async () => {
  server = await startDrawbridge({ args: ["--cert-dir", directory] });
  ca = readFileSync(join(directory, "ca.crt"), "utf8");
});
afterAll(async () => {
  const code = await server.stop();
  rmSync(directory, { recursive: true });
  expect(code).toBe(0);
});

const good: Buffer = Buffer.from(JSON.stringify(admissionReview({ ...(recorded[0] as (typeof recorded)[0] & {}) })));

test(
  "1,500 odd bodies over eight connections",
  async () => {
    const agent = new Agent({ ca, keepAlive: true, maxSockets: 8 });
    const numbers = Array.from({ length: 1_500 }, (_, number) => number).values();
    const client = async (): Promise<void> => {
      for (const number of numbers) {
        const path: Path = number % 2 === 0 ? "/validate" : "/mutate";
        const body = admissionBody(path, SEED, number);
        const { status, text } = await post(agent, path, body);
        expect(faultOf(path, body, status, text), `case ${number}: ${body.toString().slice(0, 3_000)}`).toBeUndefined();
      }
    };
    await Promise.all(Array.from({ length: 8 }, client));
    agent.destroy();
    await expectHealth();
  },
  LIMIT_MS,
);

test(
  "500 requests that are not as HTTP has them",
  async () => {
    const numbers = Array.from({ length: 500 }, (_, number) => number).values();
    const client = async (): Promise<void> => {
      for (const number of numbers) {
        const what = wire(createRandom(SEED, number));
        const answer = await say(what);
        const status = /^HTTP\/1\.1 (\d{3}) /.exec(answer.replace(CONTINUE, ""))?.[1];
        // A client that does not end its request, or leaves, need not be answered.
        const expected = what.isWhole ? /^(?:200|4\d\d)$/ : /^(?:200|4\d\d|none)$/;
        expect(
          status ?? "none",
          `case ${number}: ${what.bytes.toString("latin1").slice(0, 400)}\n${answer.slice(0, 400)}`,
        ).toMatch(expected);
      }
    };
    await Promise.all(Array.from({ length: 8 }, client));
    await expectHealth();
  },
  LIMIT_MS,
);

/** What comes before the answer to who asked whether to go on. */
const CONTINUE = "HTTP/1.1 100 Continue\r\n\r\n";

/** It answers as it should, nothing failed in it, and nobody it talked to is still there. */
async function expectHealth(): Promise<void> {
  const { status, text } = await post(new Agent({ ca }), "/validate", good);
  expect(faultOf("/validate", good, status, text)).toBeUndefined();
  expect(await server.metrics()).not.toContain('verdict="failed"');
  expect(server.log.filter(({ level }) => Number(level) >= 50)).toEqual([]);
  expect(server.log.filter(({ text: noJson }) => noJson !== undefined)).toEqual([]);
  expect(server.stderr()).toBe("");
}

function post(agent: Agent, path: Path, body: Buffer): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const headers = { "content-type": "application/json", "content-length": body.length };
    const sent = httpsRequest(`${server.url}${path}?timeout=3s`, { method: "POST", agent, headers }, (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (piece: string) => {
        text += piece;
      });
      answer.on("error", reject).on("end", () => resolve({ status: answer.statusCode ?? 0, text }));
    });
    sent.on("error", reject).end(body);
  });
}

interface Wire {
  readonly bytes: Buffer;
  /** Is it a whole request, however wrong, so that an answer is due? */
  readonly isWhole: boolean;
  readonly finally: "wait" | "end" | "destroy";
}

/** Bytes that begin like a request, or not even that. */
function wire(random: Random): Wire {
  const { head, body, isWhole } = random.pick(REQUESTS)(random);
  const headers = ["host: localhost", "connection: close", ...head.slice(1)].join("\r\n");
  const bytes = Buffer.concat([Buffer.from(`${head[0]}\r\n${headers}\r\n\r\n`, "latin1"), body]);
  const end = random.pick<Wire["finally"]>(["wait", "wait", "end", "destroy"]);
  if (!random.oneIn(4)) return { bytes, isWhole: isWhole && end === "wait", finally: end };
  return { bytes: bytes.subarray(0, random.below(bytes.length)), isWhole: false, finally: end };
}

interface Request {
  readonly head: readonly string[];
  readonly body: Buffer;
  readonly isWhole: boolean;
}

const POST = "POST /validate?timeout=3s HTTP/1.1";
const JSON_TYPE = "content-type: application/json";
const EMPTY = Buffer.alloc(0);

function length(of: number | string): string {
  return `content-length: ${of}`;
}

function request(head: readonly string[], body: Buffer = good): Request {
  return { head: [...head, length(body.length)], body, isWhole: true };
}

function chunk(body: Buffer, size = body.length.toString(16)): Buffer {
  return Buffer.concat([Buffer.from(`${size}\r\n`), body, Buffer.from("\r\n")]);
}

const CHUNKED = "transfer-encoding: chunked";
const LAST = Buffer.from("0\r\n\r\n");

const REQUESTS: readonly ((random: Random) => Request)[] = [
  () => request([POST, JSON_TYPE]),
  (random) => request([POST, JSON_TYPE], admissionBody("/validate", SEED, random.below(1_000))),
  // What it says that it is.
  () => request([POST]),
  (random) => request([POST, `content-type: ${random.pick(CONTENT_TYPES)}`]),
  (random) => request([POST, JSON_TYPE, `content-encoding: ${random.pick(["gzip", "br", "identity", "x"])}`]),
  (random) => request([POST, JSON_TYPE, `expect: ${random.pick(["100-continue", "200-ok"])}`]),
  (random) => request([POST, JSON_TYPE, `x-odd: ${random.pick(["x".repeat(20_000), "\u0000", "é\t", "a\r\n b"])}`]),
  (random) => request([POST, JSON_TYPE, ...Array.from({ length: random.below(3_000) }, (_, i) => `x-${i}: y`)]),
  // Where to.
  (random) => request([`${random.pick(METHODS)} /validate HTTP/1.1`, JSON_TYPE]),
  (random) => request([`POST ${random.pick(TARGETS)} HTTP/1.1`, JSON_TYPE]),
  (random) => request([`POST /validate HTTP/${random.pick(["1.0", "0.9", "2.0", "9.9", "x"])}`, JSON_TYPE]),
  // Node closes the connection on this one without a word.
  () => ({ ...request(["CONNECT /validate HTTP/1.1", JSON_TYPE]), isWhole: false }),
  // How long.
  (random) => ({ head: [POST, JSON_TYPE, length(good.length + 1 + random.below(500))], body: good, isWhole: false }),
  (random) => ({ head: [POST, JSON_TYPE, length(random.below(good.length))], body: good, isWhole: true }),
  (random) => ({ head: [POST, JSON_TYPE, length(random.pick(LENGTHS))], body: good, isWhole: false }),
  () => ({ head: [POST, JSON_TYPE, length(good.length), length(good.length + 1)], body: good, isWhole: true }),
  () => ({ head: [POST, JSON_TYPE, length(8 * 1024 * 1024)], body: good, isWhole: true }),
  // In pieces.
  () => ({ head: [POST, JSON_TYPE, CHUNKED], body: Buffer.concat([chunk(good), LAST]), isWhole: true }),
  (random) => {
    const at = 1 + random.below(good.length - 1);
    const body = Buffer.concat([chunk(good.subarray(0, at)), chunk(good.subarray(at)), LAST]);
    return { head: [POST, JSON_TYPE, CHUNKED], body, isWhole: true };
  },
  (random) => {
    const size = random.pick(["-1", "zz", "0x10", "ffffffffffffffffff", "1", "fff", ""]);
    return { head: [POST, JSON_TYPE, CHUNKED], body: Buffer.concat([chunk(good, size), LAST]), isWhole: false };
  },
  () => ({ head: [POST, JSON_TYPE, CHUNKED, length(3)], body: Buffer.concat([chunk(good), LAST]), isWhole: true }),
  (random) => ({
    head: [POST, JSON_TYPE, `transfer-encoding: ${random.pick(["gzip", "x", "chunked, x"])}`],
    body: good,
    isWhole: false,
  }),
  // Something else altogether.
  () => ({ head: ["\u0016\u0003\u0001"], body: EMPTY, isWhole: false }),
  (random) => ({
    head: [Array.from({ length: 50 }, () => String.fromCharCode(random.below(256))).join("")],
    body: EMPTY,
    isWhole: false,
  }),
  () => ({ head: ["PRI * HTTP/2.0", "", "SM"], body: EMPTY, isWhole: false }),
];

const CONTENT_TYPES = [
  "text/plain",
  "application/x-www-form-urlencoded",
  "application/json; charset=utf-16",
  "",
  "x",
] as const;
const METHODS = ["GET", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "post", "X"] as const;
const TARGETS = [
  "/",
  "/validate/",
  "//validate",
  "/validate%00",
  "/%",
  "/../mutate",
  "*",
  "http://x/validate",
  "/x".repeat(9_000),
  "/healthz",
  "/validate?timeout=999999999999s",
  "/validate?timeout=x",
] as const;
const LENGTHS = ["-1", "1e3", "0x10", "99999999999999999999", "", "1, 2", " 5"] as const;

/** Longer than any answer takes, shorter than anyone waits for one that is not due. */
const PATIENCE_MS = 10_000;
const IMPATIENCE_MS = 300;

/** Sends bytes and does as told; what comes back until the server closes, or it is no longer waited for. */
function say({ bytes, isWhole, finally: end }: Wire): Promise<string> {
  return new Promise((resolve) => {
    let answer = "";
    const { port } = new URL(server.url);
    const socket = connect({ host: "127.0.0.1", port: Number(port), ca, servername: "localhost" }, () => {
      socket.write(bytes, () => {
        if (end === "end") socket.end();
        if (end === "destroy") socket.destroy();
      });
    });
    socket.setTimeout(isWhole ? PATIENCE_MS : IMPATIENCE_MS, () => socket.destroy());
    socket.on("data", (data) => {
      answer += data.toString("latin1");
    });
    socket.on("error", () => {}); // a server that will not listen may reset the connection
    socket.on("close", () => resolve(answer));
  });
}
