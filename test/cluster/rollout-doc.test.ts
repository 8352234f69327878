import { spawn } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import type { KubernetesClient } from "../../src/cluster/client.ts";
import { connect } from "../../src/cluster/connect.ts";
import { NAMESPACE_CONTRACT } from "../helpers/build.ts";
import { commandsInText, saysNo, shows, walkthrough } from "../helpers/walkthrough.ts";
import { describeCluster } from "./harness/context.ts";
import { type Kubelet, startKubelet } from "./harness/kubelet.ts";
import { type Servers, serversOfPods } from "./harness/pod-servers.ts";

const TOP = join(import.meta.dirname, "../..");
const DOCUMENT = readFileSync(join(TOP, "docs/rollout.md"), "utf8");
const STEPS = walkthrough(DOCUMENT);
const RUNS = STEPS.filter((step) => step.kind === "run");
const STEP_LIMIT_MS = 120_000;

/** There is no network: how the document's trials end is said here, so its commands are run, and the traffic is not. */
const TRIALS: Readonly<Record<string, "Succeeded" | "Failed">> = { closed: "Failed", open: "Succeeded" };

test("every command that a sentence names is run as well", () => {
  const scripts = RUNS.map(({ script }) => script).join("\n");
  expect(commandsInText(DOCUMENT).filter((command) => !scripts.includes(command))).toEqual([]);
});

test("every file is used", () => {
  const scripts = RUNS.map(({ script }) => script).join("\n");
  const files = STEPS.flatMap((step) => (step.kind === "file" ? [step.path] : []));
  expect(files.filter((path) => ![path, dirname(path)].some((one) => scripts.includes(one)))).toEqual([]);
});

describeCluster(
  "docs/rollout.md",
  (cluster) => {
    let client: KubernetesClient;
    let servers: Servers;
    let kubelet: Kubelet;
    let folder: string;
    let hasFailed = false;

    beforeAll(async () => {
      client = await connect({ kubeconfig: cluster().kubeconfigs.admin, userAgent: "test" });
      folder = join(cluster().directory, "walkthrough");
      cpSync(join(TOP, "deploy"), join(folder, "deploy"), { recursive: true });
      mkdirSync(join(folder, "bin"));
      // As they are on the PATH of a reader.
      program("kubectl", `exec ${inject("binaries")?.kubectl} "$@"`);
      program("drawbridge", `exec ${process.execPath} ${join(TOP, "src/cli.ts")} "$@"`);
      await cluster().ok(["apply", "-f", "-"], { input: JSON.stringify(list(YEARS_OLD)) });
      servers = await serversOfPods(cluster());
      kubelet = await startKubelet({
        cluster: cluster(),
        client,
        begin: async (pod) => {
          const { name = "", namespace } = pod.metadata ?? {};
          if (namespace !== "drawbridge-system") return TRIALS[name] ?? "Running";
          await servers.begin(pod);
          return "Running";
        },
        end: (pod) => servers.end(pod),
      });
    });
    afterAll(async () => {
      await kubelet?.stop();
      await servers?.stop();
      await client?.close();
    });

    const program = (name: string, script: string): void => {
      writeFileSync(join(folder, "bin", name), `#!/bin/sh\n${script}\n`);
      chmodSync(join(folder, "bin", name), 0o755);
    };
    const run = (script: string): Promise<{ readonly code: number | null; readonly output: string }> =>
      new Promise((resolve, reject) => {
        const env = {
          ...process.env,
          PATH: [join(folder, "bin"), process.env["PATH"]].join(delimiter),
          KUBECONFIG: cluster().kubeconfigs.admin,
          KUBECACHEDIR: join(folder, "cache"),
          KUBERC: "off",
        };
        // In one pipe, as in a terminal: what is said, and what is said of errors.
        const child = spawn("bash", ["-e", "-o", "pipefail", "-c", `exec 2>&1\n${script}`], {
          cwd: folder,
          env,
          stdio: ["ignore", "pipe", "ignore"],
          // A group of its own, which ends as a whole.
          detached: true,
        });
        const late = setTimeout(() => process.kill(-(child.pid ?? 0), "SIGKILL"), STEP_LIMIT_MS - 10_000);
        let output = "";
        child.stdout.setEncoding("utf8").on("data", (chunk: string) => (output += chunk));
        child.on("error", reject);
        child.on("close", (code) => {
          clearTimeout(late);
          resolve({ code, output });
        });
      });

    test.for(STEPS)("$where", { timeout: STEP_LIMIT_MS }, async (step, { skip }) => {
      skip(hasFailed, "a step before it has failed, on which it stands");
      hasFailed = true;
      if (step.kind === "file") {
        mkdirSync(dirname(join(folder, step.path)), { recursive: true });
        writeFileSync(join(folder, step.path), step.content);
      } else {
        const { code, output } = await run(step.script);
        const { seen } = step;
        if (seen === undefined) expect({ code, output }).toMatchObject({ code: 0 });
        else {
          if (!shows(output, seen)) expect(output).toBe(seen);
          expect(code === 0).toBe(!saysNo(seen));
        }
      }
      hasFailed = false;
    });
  },
  { crds: false, controllerManager: true },
);

function list(items: readonly object[]): object {
  return { apiVersion: "v1", kind: "List", items };
}

function namespaceOf(name: string): object {
  return { apiVersion: "v1", kind: "Namespace", metadata: { name, labels: NAMESPACE_CONTRACT } };
}

/** What the document finds. */
const YEARS_OLD: readonly object[] = [
  ...["bank", "cert-manager", "ingress-nginx", "media", "shop"].map(namespaceOf),
  {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "web", namespace: "shop" },
    spec: { selector: { "app.kubernetes.io/name": "web" }, ports: [{ port: 80, targetPort: 8080 }] },
  },
  {
    apiVersion: "networking.k8s.io/v1",
    kind: "Ingress",
    metadata: { name: "web", namespace: "shop" },
    spec: {
      ingressClassName: "nginx",
      rules: [
        {
          host: "shop.example",
          http: {
            paths: [{ path: "/", pathType: "Prefix", backend: { service: { name: "web", port: { number: 80 } } } }],
          },
        },
      ],
    },
  },
  {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "ValidatingWebhookConfiguration",
    metadata: { name: "cert-manager-webhook" },
    webhooks: [
      {
        name: "webhook.cert-manager.io",
        clientConfig: { service: { namespace: "cert-manager", name: "cert-manager-webhook" } },
        rules: [
          { apiGroups: ["cert-manager.io"], apiVersions: ["v1"], operations: ["CREATE"], resources: ["certificates"] },
        ],
        admissionReviewVersions: ["v1"],
        sideEffects: "None",
      },
    ],
  },
];
