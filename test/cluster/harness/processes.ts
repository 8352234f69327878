import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Report, Request } from "./supervisor.ts";

/** A set of processes with a folder, none of which outlives this process (supervisor.ts says how). */
export class Processes {
  readonly directory: string;
  readonly #supervisor: ChildProcess;
  readonly #exits = new Map<string, PromiseWithResolvers<string>>();
  readonly #ended = new Map<string, string>();

  static async create(): Promise<Processes> {
    // execArgv: a test runner's own flags are not for the supervisor.
    const supervisor = fork(join(import.meta.dirname, "supervisor.ts"), [], {
      detached: true,
      execArgv: [],
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    const died = once(supervisor, "exit").then(([code]): never => {
      throw new Error(`The supervisor of the cluster ended at its start (${code})`);
    });
    const [report]: Report[] = await Promise.race([once(supervisor, "message"), died]);
    if (report?.is !== "ready") throw new Error(`The supervisor of the cluster began with ${JSON.stringify(report)}`);
    return new Processes(supervisor, report.directory);
  }

  private constructor(supervisor: ChildProcess, directory: string) {
    this.directory = directory;
    this.#supervisor = supervisor;
    supervisor.on("message", (report: Report) => {
      if (report.is === "exited") this.#exited(report.name, report.how);
    });
    supervisor.on("exit", (_code, signal) => this.#supervisorExited(signal));
  }

  start(name: string, command: string, args: readonly string[]): void {
    if (this.isRunning(name)) throw new Error(`${name} is running already`);
    this.#ended.delete(name);
    this.#exits.set(name, Promise.withResolvers());
    this.#send({ do: "start", name, command, args });
  }

  signal(name: string, signal: NodeJS.Signals): void {
    this.#send({ do: "signal", name, signal });
  }

  isRunning(name: string): boolean {
    return this.#exits.has(name);
  }

  /** How a process that was started has ended, e.g. "exit code 1" or "SIGKILL". */
  howEnded(name: string): string | undefined {
    return this.#ended.get(name);
  }

  /** Resolves when it is not (or no longer) running. */
  async exit(name: string): Promise<void> {
    await this.#exits.get(name)?.promise;
  }

  /** The end of what a process wrote, over all its runs. */
  logTail(name: string, lines = 25): string {
    try {
      return readFileSync(join(this.directory, `${name}.log`), "utf8")
        .trimEnd()
        .split("\n")
        .slice(-lines)
        .join("\n");
    } catch {
      return "(no log)";
    }
  }

  /** Kills all, removes the folder. */
  async end(): Promise<void> {
    if (this.#supervisor.exitCode !== null || this.#supervisor.signalCode !== null) return;
    const exit = once(this.#supervisor, "exit");
    this.#send({ do: "end" });
    await exit;
  }

  #send(request: Request): void {
    // With a callback a failure is no event: the supervisor's exit says all there is to know.
    if (this.#supervisor.connected) this.#supervisor.send(request, () => {});
  }

  #exited(name: string, how: string): void {
    this.#ended.set(name, how);
    this.#exits.get(name)?.resolve(how);
    this.#exits.delete(name);
  }

  /** When somebody kills the supervisor itself, its process group is what remains to be cleaned up, by us. */
  #supervisorExited(signal: NodeJS.Signals | null): void {
    for (const name of this.#exits.keys()) this.#exited(name, "ended with its supervisor");
    if (signal === null || this.#supervisor.pid === undefined) return;
    try {
      process.kill(-this.#supervisor.pid, "SIGKILL");
    } catch {
      // Nobody was left.
    }
    rmSync(this.directory, { recursive: true, force: true, maxRetries: 5 });
  }
}
