import { spawn } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Binaries } from "./binaries.ts";
import { apiServerArgs, controllerManagerArgs, etcdArgs } from "./flags.ts";
import { type Files, type UserName, writeFiles } from "./files.ts";
import { clusterObjects, dnsService } from "./objects.ts";
import { freePort, get } from "./net.ts";
import { Processes } from "./processes.ts";

export interface ClusterOptions {
  readonly binaries: Binaries;
  /** Runs kube-controller-manager too: namespace deletion, service accounts, garbage collection, ReplicaSets. */
  readonly controllerManager?: boolean;
  /** Writes an audit log (level Metadata): true means of NetworkPolicies, Namespaces and NetworkBaselines. */
  readonly auditPolicy?: boolean | "everything";
  /** Default true: what deploy/crds holds is applied and Established. */
  readonly crds?: boolean;
  /** Default true: there is a Service kube-system/kube-dns, as real clusters have. */
  readonly dns?: boolean;
}

export type ProcessName = "etcd" | "kube-apiserver" | "kube-controller-manager";

export interface KubectlOptions {
  /** Default admin. */
  readonly as?: UserName;
  /** For `-f -`. */
  readonly input?: string;
  readonly env?: NodeJS.ProcessEnv;
}

export interface KubectlResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Cluster {
  /** `https://127.0.0.1:PORT` */
  readonly url: string;
  /** Holds the kubeconfigs, the data and `<process>.log`; gone after stop(). Tests may put files here. */
  readonly directory: string;
  /** Paths. */
  readonly kubeconfigs: Readonly<Record<UserName, string>>;
  /** Of kube-scheduler, which nodes.ts starts: a path. */
  readonly schedulerKubeconfig: string;
  readonly auditLog?: string;
  kubectl(args: readonly string[], options?: KubectlOptions): Promise<KubectlResult>;
  /** stdout; throws when kubectl fails, with what it said. */
  ok(args: readonly string[], options?: KubectlOptions): Promise<string>;
  /** Resolves when the process has ended. Default SIGTERM, which drains first (SIGKILL after 3 s). */
  stopApiServer(signal?: "SIGTERM" | "SIGKILL"): Promise<void>;
  /** On the same port with the same data. Resolves when it is ready. */
  startApiServer(): Promise<void>;
  /** For faults: SIGSTOP on etcd makes every answer wait until SIGCONT. */
  signal(name: ProcessName, signal: NodeJS.Signals): void;
  /** One more program, which ends with the cluster. Its log is `NAME.log`. */
  startProgram(name: string, command: string, args: readonly string[]): void;
  /** The end of what a process wrote. */
  logTail(name: string): string;
  stop(): Promise<void>;
}

const CRDS = join(import.meta.dirname, "../../../deploy/crds");
/** What the API server creates by itself, but only shortly after it is ready. */
const BUILT_IN = [
  "/api/v1/namespaces/kube-system",
  "/api/v1/namespaces/default",
  "/api/v1/namespaces/default/services/kubernetes",
  "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes",
];
const OUR_KINDS = ["networkrulesets", "networkbaselines", "networkexceptions"];
const START_LIMIT = 60_000;
/** The API server would wait a minute for clients that keep a watch, such as the controller manager. */
const STOP_LIMIT = 3_000;

/**
 * A Kubernetes control plane on loopback, without nodes. It ends with stop(), or when this process ends in any way.
 * About 3 s; 300 MB of memory.
 */
export async function startCluster(options: ClusterOptions): Promise<Cluster> {
  for (let attempt = 1; ; attempt += 1) {
    const processes = await Processes.create();
    try {
      return await startIn(processes, options);
    } catch (error) {
      await processes.end();
      // A free port is only free until somebody else takes it.
      if (attempt === 3 || !String(error).includes("address already in use")) throw error;
    }
  }
}

async function startIn(processes: Processes, options: ClusterOptions): Promise<Cluster> {
  const { binaries, controllerManager = false, auditPolicy = false, crds = true, dns = true } = options;
  if (controllerManager && !binaries.kubeControllerManager) {
    throw new Error("This cluster needs kube-controller-manager, and there is none beside kube-apiserver");
  }
  const [port, etcdPort, etcdPeerPort] = await Promise.all([freePort(), freePort(), freePort()]);
  const url = `https://127.0.0.1:${port}`;
  const files = writeFiles(processes.directory, url, auditPolicy === "everything" ? auditPolicy : "baselines");
  const auditLog = auditPolicy === false ? undefined : files.auditLog;

  const startApiServer = async () => {
    processes.start("kube-apiserver", binaries.kubeApiserver, apiServerArgs({ port, etcdPort, files, auditLog }));
    await until(processes, "kube-apiserver", () => isServed(files, `${url}/readyz`));
  };
  processes.start("etcd", binaries.etcd, etcdArgs(processes.directory, etcdPort, etcdPeerPort));
  await startApiServer();

  const kubectl = (args: readonly string[], { as = "admin", input, env }: KubectlOptions = {}) =>
    run(binaries.kubectl, ["--kubeconfig", files.kubeconfigs[as], ...args], input, { ...kubectlEnv(), ...env });
  const ok = async (args: readonly string[], how?: KubectlOptions) => {
    const { code, stdout, stderr } = await kubectl(args, how);
    if (code !== 0) throw new Error(`kubectl ${args.join(" ")} ended with ${code}: ${stderr || stdout}`);
    return stdout;
  };

  if (controllerManager && binaries.kubeControllerManager) {
    processes.start("kube-controller-manager", binaries.kubeControllerManager, controllerManagerArgs(files));
  }
  for (const path of BUILT_IN) await until(processes, "kube-apiserver", () => isServed(files, `${url}${path}`));
  const objects = { apiVersion: "v1", kind: "List", items: [...clusterObjects, ...(dns ? [dnsService] : [])] };
  await ok(["apply", "--server-side", "-f", "-"], { input: JSON.stringify(objects) });
  if (crds && hasManifests(CRDS)) {
    await ok(["apply", "--server-side", "-f", CRDS]);
    await ok(["wait", "--for=condition=Established", "--timeout=30s", "-f", CRDS]);
    // Established or not, for a moment more lists of a new kind are refused: "storage is (re)initializing".
    for (const resource of OUR_KINDS) {
      const list = `${url}/apis/drawbridge.dev/v1alpha1/${resource}`;
      await until(processes, "kube-apiserver", () => isServed(files, list));
    }
  }
  if (controllerManager) {
    const account = `${url}/api/v1/namespaces/default/serviceaccounts/default`;
    await until(processes, "kube-controller-manager", () => isServed(files, account));
  }

  return {
    url,
    directory: processes.directory,
    kubeconfigs: files.kubeconfigs,
    schedulerKubeconfig: files.schedulerKubeconfig,
    ...(auditLog ? { auditLog } : {}),
    kubectl,
    ok,
    startApiServer,
    stopApiServer: (signal = "SIGTERM") => stopProcess(processes, "kube-apiserver", signal),
    signal: (name, signal) => processes.signal(name, signal),
    startProgram: (name, command, args) => processes.start(name, command, args),
    logTail: (name) => processes.logTail(name),
    stop: () => processes.end(),
  };
}

/** Fails when the process, or etcd below it, ends first, and with the ends of their logs when it takes too long. */
async function until(processes: Processes, name: ProcessName, isSo: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + START_LIMIT;
  while (!(await isSo())) {
    const dead = [name, "etcd"].find((one) => processes.howEnded(one) !== undefined);
    if (dead) throw new Error(`${dead} ended (${processes.howEnded(dead)}):\n${processes.logTail(dead)}`);
    if (Date.now() > deadline) {
      const logs = [name, "etcd"].map((one) => `--- ${one}\n${processes.logTail(one)}`);
      throw new Error(`${name} was not ready after ${START_LIMIT / 1000} s\n${logs.join("\n")}`);
    }
    await sleep(30);
  }
}

async function stopProcess(processes: Processes, name: ProcessName, signal: NodeJS.Signals): Promise<void> {
  processes.signal(name, signal);
  const late = setTimeout(() => processes.signal(name, "SIGKILL"), STOP_LIMIT);
  await processes.exit(name);
  clearTimeout(late);
}

async function isServed(files: Files, url: string): Promise<boolean> {
  return (await get(url, files.caFile, files.adminToken)) === 200;
}

function hasManifests(folder: string): boolean {
  return existsSync(folder) && readdirSync(folder).some((name) => /\.(ya?ml|json)$/.test(name));
}

/** Nothing of the person who runs the tests: no cache of another cluster's API, no preferences, no kubeconfig. */
function kubectlEnv(): NodeJS.ProcessEnv {
  return { ...process.env, KUBECACHEDIR: "/dev/null", KUBERC: "off", KUBECONFIG: "/dev/null" };
}

function run(command: string, args: string[], input: string | undefined, env: NodeJS.ProcessEnv) {
  return new Promise<KubectlResult>((resolve, reject) => {
    const child = spawn(command, args, { env, stdio: [input === undefined ? "ignore" : "pipe", "pipe", "pipe"] });
    let stdout = "";
    let stderr = "";
    child.stdout?.setEncoding("utf8").on("data", (chunk: string) => (stdout += chunk));
    child.stderr?.setEncoding("utf8").on("data", (chunk: string) => (stderr += chunk));
    child.on("error", reject);
    child.on("close", (code, signal) => resolve({ code: code ?? 128, stdout, stderr: stderr + (signal ?? "") }));
    // kubectl may refuse its arguments before it reads anything.
    child.stdin?.on("error", () => {}).end(input);
  });
}
