/** A process of its own: the least that a webhook in Node can be. It allows everything and looks at nothing. */
import { createServer, type Server } from "node:https";
import { once } from "node:events";
import type { KeyPair } from "../src/certs/inspect.ts";
import { replyToParent } from "./child.ts";

export type Question =
  | { readonly serve: { readonly leaf: KeyPair; readonly port: number } }
  | { readonly serve?: never };

export interface Counted {
  readonly judged: number;
  readonly cpuSeconds: number;
  readonly memoryBytes: number;
}

/** As Drawbridge's, for the same reason: the API server keeps idle connections for 90 s. */
const KEEP_ALIVE_MS = 100_000;

let judged = 0;

if (process.connected) {
  process.on("message", (question: Question) => void replyToParent(serveAndCount(question)));
  process.on("disconnect", () => process.exit(0));
}

async function serveAndCount({ serve }: Question): Promise<Counted> {
  if (serve !== undefined) await once(createWebhook(serve.leaf).listen(serve.port, "127.0.0.1"), "listening");
  const { user, system } = process.cpuUsage();
  return { judged, cpuSeconds: (user + system) / 1e6, memoryBytes: process.memoryUsage.rss() };
}

function createWebhook(leaf: KeyPair): Server {
  const timeouts = { keepAliveTimeout: KEEP_ALIVE_MS, headersTimeout: KEEP_ALIVE_MS + 5_000 };
  return createServer({ ...leaf, ...timeouts }, (request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      judged += 1;
      const review: { readonly request: { readonly uid: string } } = JSON.parse(Buffer.concat(chunks).toString());
      const answer = JSON.stringify({
        apiVersion: "admission.k8s.io/v1",
        kind: "AdmissionReview",
        response: { uid: review.request.uid, allowed: true },
      });
      response.writeHead(200, { "content-type": "application/json", "content-length": Buffer.byteLength(answer) });
      response.end(answer);
    });
  });
}
