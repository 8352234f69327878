/**
 * `node demo/record.ts` writes demo/recorded/*.json anew: it carries out the tour's commands in a real cluster, with a
 * webhook that allows everything and keeps what it was asked. To be run when the tour, its manifests or the Kubernetes
 * version changes; `npm run format:write` afterwards.
 */
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:https";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { issueCa, issueLeaf } from "../src/certs/issue.ts";
import { findBinaries } from "../test/cluster/harness/binaries.ts";
import { type Cluster, startCluster } from "../test/cluster/harness/cluster.ts";
import { RECORDED } from "./recorded.ts";
import { recordedPart, TOUR } from "./tour.ts";

process.chdir(join(import.meta.dirname, ".."));
await record();

async function record(): Promise<void> {
  const binaries = await findBinaries({ log: console.log });
  if (binaries === undefined) throw new Error("Recording needs an API server");
  const cluster = await startCluster({ binaries });
  const recorder = await startRecorder();
  try {
    await cluster.ok(["create", "namespace", "shop"]);
    await register(recorder, cluster);
    mkdirSync(RECORDED, { recursive: true });
    for (const { as, kubectl, recorded } of recordedPart(TOUR).flatMap(({ commands }) => commands)) {
      const review = await recorder.next(() => cluster.ok(kubectl.split(" "), { as }));
      writeFileSync(join(RECORDED, `${recorded}.json`), `${JSON.stringify(review, null, 2)}\n`);
      console.log(`demo/recorded/${recorded}.json`);
      // Each command is to be a CREATE.
      await cluster.ok(["delete", "networkpolicies", "--all", "-n", "shop"]);
    }
  } finally {
    recorder.server.close();
    await cluster.stop();
  }
}

interface Recorder {
  readonly server: Server;
  readonly url: string;
  readonly caCert: string;
  /** The one review that comes while `act` runs. */
  readonly next: (act: () => Promise<unknown>) => Promise<unknown>;
  readonly count: () => number;
}

async function startRecorder(): Promise<Recorder> {
  const ca = await issueCa(new Date());
  const reviews: AdmissionReview[] = [];
  const server = createServer(await issueLeaf(ca, ["127.0.0.1"], new Date()), (request, response) => {
    let text = "";
    request.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
    });
    request.on("end", () => {
      const review = JSON.parse(text) as AdmissionReview;
      reviews.push(review);
      const { apiVersion, kind, request: asked } = review;
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify({ apiVersion, kind, response: { uid: asked.uid, allowed: true } }));
    });
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The recorder listens on no port");
  return {
    server,
    url: `https://127.0.0.1:${address.port}`,
    caCert: ca.cert,
    count: () => reviews.length,
    next: async (act) => {
      reviews.length = 0;
      await act();
      const [review, ...others] = reviews;
      if (review === undefined || others.length > 0) throw new Error(`There were ${reviews.length} reviews, not 1`);
      return review;
    },
  };
}

interface AdmissionReview {
  readonly apiVersion: string;
  readonly kind: string;
  readonly request: { readonly uid: string };
}

/** Resolves when the API server asks it, which is a moment after it knows of it. */
async function register({ url, caCert, count }: Recorder, cluster: Cluster): Promise<void> {
  const name = "networkpolicies.recorder.drawbridge.dev";
  const configuration = {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "ValidatingWebhookConfiguration",
    metadata: { name },
    webhooks: [
      {
        name,
        admissionReviewVersions: ["v1"],
        sideEffects: "None",
        clientConfig: { url, caBundle: Buffer.from(caCert).toString("base64") },
        rules: [
          {
            apiGroups: ["networking.k8s.io"],
            apiVersions: ["v1"],
            resources: ["networkpolicies"],
            operations: ["CREATE", "UPDATE"],
          },
        ],
      },
    ],
  };
  await cluster.ok(["apply", "--server-side", "-f", "-"], { input: JSON.stringify(configuration) });
  while (count() === 0) {
    await cluster.ok(["apply", "-n", "default", "--dry-run=server", "-f", "demo/policies/repaired.yaml"]);
    await sleep(100);
  }
}
