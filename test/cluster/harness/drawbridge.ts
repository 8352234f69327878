import { type ChildProcess, type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { Readable } from "node:stream";
import type { Lives } from "../../../src/certs/lives.ts";
import type { Cluster } from "./cluster.ts";
import { freePort } from "./net.ts";

export type LogLine = Readonly<Record<string, unknown>>;

export interface Drawbridge {
  /** `https://127.0.0.1:PORT` */
  readonly url: string;
  /** `http://127.0.0.1:PORT` of probes and metrics. */
  readonly healthUrl: string;
  readonly pid: number;
  /** Everything logged so far; lines that are not JSON are in `text`. */
  readonly log: readonly LogLine[];
  readonly stderr: () => string;
  metrics(): Promise<string>;
  /** The exit code, when it ends by itself or by a signal (null). */
  readonly exited: Promise<number | null>;
  /** Resolves with the exit code. Default SIGTERM. */
  stop(signal?: "SIGTERM" | "SIGINT" | "SIGKILL"): Promise<number | null>;
}

export interface DrawbridgeOptions {
  /** Registers with this cluster; without one it serves alone. */
  readonly cluster?: Cluster;
  readonly args?: readonly string[];
  /** Beside this process's own environment. */
  readonly env?: NodeJS.ProcessEnv;
  /** Default true: resolves when it is ready. */
  readonly waitUntilReady?: boolean;
  /** Default true. Else what it logs once it is ready is read and dropped, as costs least. */
  readonly keepsLog?: boolean;
  /** Of an installed package; default: the source. */
  readonly cli?: string;
  /** Of its certificates, where a test cannot wait for days. */
  readonly lives?: Lives;
  /** To start again where another has been. */
  readonly ports?: { readonly webhook: number; readonly health: number };
}

const CLI = join(import.meta.dirname, "../../../src/cli.ts");
const BRIEFLY = join(import.meta.dirname, "serve-briefly.ts");
const END_WITH_OWNER = join(import.meta.dirname, "end-with-owner.ts");
/** Alone it takes a second or two; a machine that is busy with other tests takes its time. */
const READY_LIMIT_MS = 60_000;

/** `drawbridge serve` as a process of its own, as a person would start it. */
export async function startDrawbridge(options: DrawbridgeOptions = {}): Promise<Drawbridge> {
  const { cluster, args = [], env = {}, cli = CLI, lives, waitUntilReady = true, keepsLog = true } = options;
  const webhook = options.ports?.webhook ?? (await freePort());
  const health = options.ports?.health ?? (await freePort());
  const url = `https://127.0.0.1:${webhook}`;
  const where = cluster
    ? ["--kubeconfig", cluster.kubeconfigs.admin, "--webhook-url", url]
    : ["--port", String(webhook)];
  const program = lives === undefined ? [cli] : [BRIEFLY, JSON.stringify(lives)];
  const serve = ["serve", ...where, "--health-port", String(health), ...args];
  const child = spawn(process.execPath, [`--import=${END_WITH_OWNER}`, ...program, ...serve], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  }) as ChildProcessByStdio<null, Readable, Readable>;
  const log: LogLine[] = [];
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
    stderr += chunk;
  });
  // node:readline also takes U+2028 for the end of a line, and names may hold one.
  let rest = "";
  const keep = (piece: string): void => {
    const lines = (rest + piece).split("\n");
    rest = lines.pop() ?? "";
    log.push(...lines.map(parsed));
  };
  child.stdout.setEncoding("utf8").on("data", keep);
  // Not "exit": what it wrote last may still be in the pipe then.
  const exited = once(child, "close").then(() => child.exitCode);

  if (waitUntilReady) await untilReady(child, log, () => stderr);
  if (!keepsLog) child.stdout.off("data", keep).resume();
  const healthUrl = `http://127.0.0.1:${health}`;
  return {
    url,
    healthUrl,
    pid: child.pid ?? 0,
    log,
    stderr: () => stderr,
    metrics: async () => (await fetch(`${healthUrl}/metrics`)).text(),
    exited,
    stop: async (signal = "SIGTERM") => {
      if (child.exitCode === null && child.signalCode === null) child.kill(signal);
      return exited;
    },
  };
}

async function untilReady(child: ChildProcess, log: readonly LogLine[], stderr: () => string): Promise<void> {
  const end = Date.now() + READY_LIMIT_MS;
  while (!log.some(({ msg }) => msg === "ready")) {
    const why =
      child.exitCode === null
        ? Date.now() > end
          ? "is not ready in time"
          : undefined
        : `ended with ${child.exitCode}`;
    if (why !== undefined) {
      child.kill("SIGKILL");
      throw new Error(`drawbridge serve ${why}:\n${stderr()}${log.map((line) => JSON.stringify(line)).join("\n")}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function parsed(line: string): LogLine {
  try {
    return JSON.parse(line) as LogLine;
  } catch {
    return { text: line };
  }
}
