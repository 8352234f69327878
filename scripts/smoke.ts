import { deepEqual, equal, match } from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { assertNodeVersion } from "../src/node-version.ts";
import { freePort } from "../test/cluster/harness/net.ts";
import { installPackage } from "./package.ts";

const POLICY = `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: web
  annotations: { description: What the shop's pages need., owner: team-shop@example.com }
spec:
  podSelector: { matchLabels: { app.kubernetes.io/name: web } }
  policyTypes: [Egress]
`;

const LAX = `apiVersion: drawbridge.dev/v1alpha1
kind: NetworkRuleset
metadata: { name: default }
spec: { rules: { no-open-egress: { mode: audit } } }
`;

/**
 * Does the package work where it is installed? Packs it, installs it into an empty folder without development
 * dependencies, runs every command of it there, and lets `drawbridge serve` refuse a policy.
 */
assertNodeVersion();
const top = fileURLToPath(new URL("..", import.meta.url));
const folder = await mkdtemp(join(tmpdir(), "drawbridge-smoke-"));
try {
  const { command, tarball } = await installPackage(folder);
  await lintSomething(command);
  await refuseSomething(command);
  console.log(`the package ${tarball} installs and runs`);
} finally {
  await rm(folder, { recursive: true, force: true });
}

/** From another folder than that of the package, as users do. */
async function lintSomething(command: string): Promise<void> {
  const manifests = join(folder, "manifests");
  await mkdir(manifests);
  await writeFile(join(manifests, "good.yaml"), POLICY);
  await writeFile(join(manifests, "bad.yaml"), `${POLICY}  egress:\n    - {}\n`);
  await writeFile(join(manifests, "ruleset.yaml"), LAX);
  const run = (args: readonly string[], input = "") => {
    const { status, stdout, stderr } = spawnSync(command, args, { cwd: manifests, encoding: "utf8", input });
    return { status, stdout, stderr };
  };

  const stdout = "1 object judged in 1 file: 0 errors, 0 warnings, 0 notes.\n";
  deepEqual(run(["lint", "good.yaml"]), { status: 0, stdout, stderr: "" });
  const bad = run(["lint", "bad.yaml"]);
  equal(bad.status, 1, bad.stderr);
  match(bad.stdout, /^bad\.yaml:10:7: error: no-open-egress: /m);
  const piped = run(["lint", "--format", "json", "-"], `${POLICY}  egress: [{}]\n`);
  equal(piped.status, 1, piped.stderr);
  match(JSON.stringify(JSON.parse(piped.stdout)), /"rule":"no-open-egress".*"file":"<stdin>","line":9/);
  // A ruleset among them loads the validators, which other runs do not need.
  equal(run(["lint", "bad.yaml", "ruleset.yaml"]).status, 0);
  equal(run(["lint", "nowhere.yaml"]).status, 2);

  match(run(["rules"]).stdout, /^no-open-egress +NetworkPolicy +critical +enforce +enforce$/m);
  match(run(["rules", "no-open-egress"]).stdout, /^Example: /m);
  const { version } = JSON.parse(await readFile(join(top, "package.json"), "utf8")) as { readonly version: string };
  equal(run(["version"]).stdout, `drawbridge ${version} (Node.js ${process.version})\n`);
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
