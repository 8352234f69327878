import { spawn } from "node:child_process";
import { join } from "node:path";

/** The program's sources. */
export const CLI = join(import.meta.dirname, "../../src/cli.ts");

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface How {
  /** What it reads from its standard input. */
  readonly input?: string | Buffer;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs the program from its sources, as a shell would. */
export function drawbridge(args: readonly string[], { input, cwd, env: more = {} }: How = {}): Promise<Ended> {
  return new Promise((resolve, reject) => {
    // Also where the tests themselves run in a Pod, or coloured.
    const { KUBERNETES_SERVICE_HOST: _, FORCE_COLOR: __, ...env } = process.env;
    const child = spawn(process.execPath, [CLI, ...args], {
      cwd,
      env: { ...env, ...more },
      stdio: [input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
    });
    let [stdout, stderr] = ["", ""];
    child.stdout?.setEncoding("utf8").on("data", (piece: string) => (stdout += piece));
    child.stderr?.setEncoding("utf8").on("data", (piece: string) => (stderr += piece));
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, stdout, stderr }));
    child.stdin?.on("error", () => undefined).end(input);
  });
}
