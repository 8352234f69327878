import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assertNodeVersion } from "../src/node-version.ts";
import { freePort } from "../test/cluster/harness/net.ts";
import { installPackage } from "./package.ts";

/**
 * Does the package work where it is installed? Packs it, installs it into an empty folder without development
 * dependencies, starts `drawbridge serve` there, and lets it refuse a policy.
 */
assertNodeVersion();
const folder = await mkdtemp(join(tmpdir(), "drawbridge-smoke-"));
try {
  const { command, tarball } = await installPackage(folder);
  await refuseSomething(command);
  console.log(`the package ${tarball} installs and runs`);
} finally {
  await rm(folder, { recursive: true, force: true });
}

async function refuseSomething(command: string): Promise<void> {
  const [port, healthPort] = [await freePort(), await freePort()];
  const args = [
    "serve",
    "--port",
    String(port),
    "--health-port",
    String(healthPort),
    "--cert-dir",
    folder,
    "--drain-seconds",
    "0",
  ];
  const server = spawn(command, args, { stdio: ["ignore", "ignore", "inherit"] });
  const exited = once(server, "exit");
  try {
    await untilReady(healthPort, () => server.exitCode !== null);
    const answer = await post(port, await readFile(join(folder, "ca.crt"), "utf8"));
    if (!answer.includes('"allowed":false') || !answer.includes("no-open-egress"))
      throw new Error(`not refused: ${answer}`);
  } finally {
    server.kill("SIGTERM");
  }
  const [code] = (await exited) as [number | null];
  if (code !== 0) throw new Error(`drawbridge serve ended with ${code}`);
}

async function untilReady(port: number, hasEnded: () => boolean): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    if (hasEnded()) throw new Error("drawbridge serve ended at its start");
    const response = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => undefined);
    if (response?.ok === true) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error("drawbridge serve was not ready in time");
}

async function post(port: number, ca: string): Promise<string> {
  const outgoing = request({
    port,
    ca,
    host: "127.0.0.1",
    method: "POST",
    path: "/validate",
    headers: { "content-type": "application/json" },
  });
  outgoing.end(
    JSON.stringify({
      apiVersion: "admission.k8s.io/v1",
      kind: "AdmissionReview",
      request: {
        uid: "1",
        kind: { group: "networking.k8s.io", version: "v1", kind: "NetworkPolicy" },
        operation: "CREATE",
        userInfo: {},
        object: {
          metadata: { name: "open", namespace: "shop" },
          spec: { podSelector: {}, policyTypes: ["Egress"], egress: [{}] },
        },
      },
    }),
  );
  const [response] = await once(outgoing, "response");
  let text = "";
  for await (const chunk of response) text += String(chunk);
  return text;
}
