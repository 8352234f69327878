import { accessSync, constants, readFileSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, isAbsolute, join } from "node:path";
import { buildTools } from "./build.ts";

/** Paths of the programs that make a cluster without nodes. */
export interface Binaries {
  readonly etcd: string;
  readonly kubeApiserver: string;
  readonly kubectl: string;
  /** Not part of envtest's archives, so it may be missing from KUBEBUILDER_ASSETS or the PATH. */
  readonly kubeControllerManager?: string;
}

export interface FindOptions {
  /** Build with Go when nothing else is there. Default true. */
  readonly build?: boolean;
  readonly log?: (line: string) => void;
  readonly env?: NodeJS.ProcessEnv;
}

/** What test/cluster/go.mod asks for, e.g. `{ kubernetes: "1.36.3", go: "1.26.0" }`. */
export interface Versions {
  readonly kubernetes: string;
  readonly go: string;
}

const REQUIRED = ["etcd", "kube-apiserver", "kubectl"];
const MODULE = join(import.meta.dirname, "..");

/**
 * The first that has them: KUBEBUILDER_ASSETS (as envtest names it), the PATH, the cache folder, a Go build into the
 * cache folder. `undefined` when there is nothing and nothing can be built; `log` has said why.
 */
export async function findBinaries(options: FindOptions = {}): Promise<Binaries | undefined> {
  const { build = true, log = () => {}, env = process.env } = options;
  if (env["KUBEBUILDER_ASSETS"]) return fromAssets(env["KUBEBUILDER_ASSETS"]);

  const onPath = inFolders((env["PATH"] ?? "").split(delimiter).filter(Boolean));
  if (onPath) return onPath;

  const versions = readVersions();
  const folder = join(cacheHome(env), "drawbridge", `kubernetes-${versions.kubernetes}`);
  const cached = () => completeCache(folder);
  if (cached()) return cached();
  if (!build) {
    log(`No Kubernetes binaries in KUBEBUILDER_ASSETS, on the PATH or in ${folder}, and building was not asked for.`);
    return undefined;
  }
  await buildTools({
    module: MODULE,
    folder,
    what: `kube-apiserver, kube-controller-manager, kubectl and etcd (Kubernetes ${versions.kubernetes})`,
    duration: "6 minutes",
    packages: 2_650,
    go: versions.go,
    env,
    log,
    isBuilt: () => cached() !== undefined,
    calls: (tools, output) => [
      ["-ldflags", versionFlags(versions.kubernetes), "-o", `${output}/`, ...tools.filter(isOfKubernetes)],
      // The package is called "server", the program etcd.
      ["-ldflags", "-s -w", "-o", join(output, "etcd"), ...tools.filter((tool) => !isOfKubernetes(tool))],
    ],
  });
  return cached();
}

export function readVersions(goMod = readFileSync(join(MODULE, "go.mod"), "utf8")): Versions {
  const kubernetes = /^\s*(?:require )?k8s\.io\/kubernetes v(\S+)/m.exec(goMod)?.[1];
  const go = /^go (\S+)/m.exec(goMod)?.[1];
  if (!kubernetes || !go) throw new Error("test/cluster/go.mod names no version of Go or of k8s.io/kubernetes");
  return { kubernetes, go };
}

function isOfKubernetes(tool: string): boolean {
  return tool.startsWith("k8s.io/");
}

/** Without these the API server calls itself v0.0.0-master, and refuses versions of objects that it should serve. */
function versionFlags(version: string): string {
  const [major, minor] = version.split(".");
  const variables = [
    `k8s.io/component-base/version.gitVersion=v${version}`,
    `k8s.io/component-base/version.gitMajor=${major}`,
    `k8s.io/component-base/version.gitMinor=${minor}`,
    `k8s.io/client-go/pkg/version.gitVersion=v${version}`,
  ];
  return ["-s", "-w", ...variables.map((variable) => `-X ${variable}`)].join(" ");
}

function fromAssets(folder: string): Binaries {
  const found = inFolders([folder]);
  if (found) return found;
  const missing = REQUIRED.filter((name) => !isProgram(join(folder, name)));
  throw new Error(
    `KUBEBUILDER_ASSETS is ${folder}, which lacks ${missing.join(", ")} (or they are not executable). ` +
      "Fill it with setup-envtest, or unset it to have the binaries built with Go.",
  );
}

/** The cache is ours and always filled as a whole: with one file missing it does not count. */
function completeCache(folder: string): Binaries | undefined {
  const found = inFolders([folder]);
  return found?.kubeControllerManager ? found : undefined;
}

function inFolders(folders: readonly string[]): Binaries | undefined {
  const find = (name: string) => folders.map((folder) => join(folder, name)).find(isProgram);
  const [etcd, kubeApiserver, kubectl] = REQUIRED.map(find);
  const kubeControllerManager = find("kube-controller-manager");
  if (!etcd || !kubeApiserver || !kubectl) return undefined;
  return { etcd, kubeApiserver, kubectl, ...(kubeControllerManager ? { kubeControllerManager } : {}) };
}

export function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    const { size } = statSync(path);
    return size > 0 && statSync(path).isFile();
  } catch {
    return false;
  }
}

/** Of the user who runs the tests, e.g. `/home/ada/.cache`. */
export function cacheHome(env: NodeJS.ProcessEnv): string {
  const xdg = env["XDG_CACHE_HOME"];
  // The XDG specification has relative paths ignored.
  return xdg && isAbsolute(xdg) ? xdg : join(env["HOME"] || homedir(), ".cache");
}
