import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { eventually } from "../../helpers/eventually.ts";
import type { Cluster } from "./cluster.ts";
import { Processes } from "./processes.ts";
import { readProgram, versionIn } from "./programs.ts";

/** How a reconciliation has ended, as the Kustomization's condition Ready says. */
export interface Reconciled {
  readonly status: "True" | "False";
  readonly message: string;
}

/** Flux's kustomize-controller, with one Kustomization (flux-system/shop, prune: true) and a "Git repository". */
export interface Flux {
  /** Resolves when the controller has dealt with it. */
  readonly push: (folder: string) => Promise<Reconciled>;
  /** As `flux reconcile kustomization shop`. */
  readonly reconcile: () => Promise<Reconciled>;
  readonly stop: () => Promise<void>;
}

const PROGRAM = "kustomize-controller";
/** It reads the artifact, builds, and applies; a machine that is busy with other tests takes its time. */
const LIMIT_MS = 60_000;

const run = promisify(execFile);

/**
 * The CRDs of the controller and of its sources, from the modules themselves: folders of Go's module cache. Not there
 * without Go.
 */
export async function fluxCrds(): Promise<readonly string[] | undefined> {
  const modules = [
    `github.com/fluxcd/kustomize-controller@v${readProgram(PROGRAM).version}`,
    // The source controller is no part of the program, only its API, which has the same versions.
    `github.com/fluxcd/source-controller@v${versionIn(PROGRAM, "github.com/fluxcd/source-controller/api")}`,
  ];
  try {
    return await Promise.all(modules.map(async (module) => join(await downloaded(module), "config/crd/bases")));
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}

async function downloaded(module: string): Promise<string> {
  const { stdout } = await run("go", ["mod", "download", "-json", module], { cwd: tmpdir() });
  return (JSON.parse(stdout) as { readonly Dir: string }).Dir;
}

export async function startFlux(cluster: Cluster, program: string, crds: readonly string[]): Promise<Flux> {
  await cluster.ok(["apply", "--server-side", ...crds.flatMap((folder) => ["-f", folder])]);
  await cluster.ok(["apply", "-f", "-"], { input: JSON.stringify({ apiVersion: "v1", kind: "List", items: OBJECTS }) });
  const artifacts = await serveArtifacts();
  const processes = await Processes.create();
  // It takes its cluster from the environment.
  processes.start(PROGRAM, "env", [`KUBECONFIG=${cluster.kubeconfigs.admin}`, program, ...FLAGS]);

  let pushed = 0;
  const settled = (isIt: (status: KustomizationStatus) => boolean): Promise<Reconciled> =>
    eventually(async () => {
      if (!processes.isRunning(PROGRAM)) throw new Error(processes.logTail(PROGRAM));
      const { status } = JSON.parse(await cluster.ok([...GET, "-o", "json"])) as { status?: KustomizationStatus };
      const ready = status?.conditions?.find(({ type }) => type === "Ready");
      if (!status || !ready || ready.status === "Unknown" || !isIt(status)) throw new Error("not reconciled in time");
      return { status: ready.status, message: ready.message };
    }, LIMIT_MS);
  return {
    push: async (folder) => {
      pushed += 1;
      const revision = `main@sha1:${String(pushed).padStart(40, "0")}`;
      const artifact = await artifacts.add(folder, pushed);
      const status = { artifact: { ...artifact, revision, lastUpdateTime: new Date().toISOString() } };
      await cluster.ok([...PATCH_SOURCE, JSON.stringify({ status })]);
      return settled(({ lastAttemptedRevision }) => lastAttemptedRevision === revision);
    },
    reconcile: async () => {
      const token = `${Date.now()}`;
      await cluster.ok([...ANNOTATE, `reconcile.fluxcd.io/requestedAt=${token}`]);
      return settled(({ lastHandledReconcileAt }) => lastHandledReconcileAt === token);
    },
    stop: async () => {
      await processes.end();
      artifacts.close();
    },
  };
}

/** Exceptions before what they are for: docs/gitops.md has the reason. */
const FLAGS = [
  "--metrics-addr=0",
  "--health-addr=0",
  "--events-addr=",
  "--custom-apply-stage-kinds=drawbridge.dev/NetworkException",
];
const NAME = { name: "shop", namespace: "flux-system" };
const GET = ["get", "kustomization", "shop", "-n", "flux-system"];
const ANNOTATE = ["annotate", "--overwrite", "kustomization", "shop", "-n", "flux-system"];
/** What the source controller does when it has fetched a revision. */
const PATCH_SOURCE = "patch gitrepository shop -n flux-system --subresource=status --type=merge -p".split(" ");
const OBJECTS = [
  { apiVersion: "v1", kind: "Namespace", metadata: { name: "flux-system" } },
  {
    apiVersion: "source.toolkit.fluxcd.io/v1",
    kind: "GitRepository",
    metadata: NAME,
    spec: { interval: "1h", url: "https://git.example.com/shop" },
  },
  {
    apiVersion: "kustomize.toolkit.fluxcd.io/v1",
    kind: "Kustomization",
    metadata: NAME,
    spec: { interval: "1h", path: "./", prune: true, sourceRef: { kind: "GitRepository", name: "shop" } },
  },
];

interface KustomizationStatus {
  readonly lastAttemptedRevision?: string;
  readonly lastHandledReconcileAt?: string;
  readonly conditions?: readonly {
    readonly type: string;
    readonly status: "True" | "False" | "Unknown";
    readonly message: string;
  }[];
}

/** As the source controller serves what it has fetched. */
async function serveArtifacts() {
  const files = new Map<string, Buffer>();
  const server = createServer((request, response) => {
    const file = files.get(request.url ?? "");
    response.statusCode = file ? 200 : 404;
    response.end(file);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    add: async (folder: string, revision: number) => {
      const path = `${revision}.tar.gz`;
      const { stdout } = await run("tar", ["-C", folder, "-czf", "-", "."], { encoding: "buffer" });
      files.set(`/${path}`, stdout);
      const digest = `sha256:${createHash("sha256").update(stdout).digest("hex")}`;
      return { path, digest, size: stdout.length, url: `http://127.0.0.1:${port}/${path}` };
    },
    close: () => server.close(),
  };
}
