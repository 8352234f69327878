/**
 * One process per cluster, started by processes.ts, that owns the cluster's processes and its folder. It lives exactly
 * as long as the IPC channel to its owner: the kernel closes that however the owner dies, SIGKILL included. It has a
 * process group of its own, so a Ctrl+C in the terminal reaches the owner only.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdtempSync, openSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** From the owner. */
export type Request =
  | { readonly do: "start"; readonly name: string; readonly command: string; readonly args: readonly string[] }
  | { readonly do: "signal"; readonly name: string; readonly signal: NodeJS.Signals }
  | { readonly do: "end" };

/** To the owner. `how` is for people: "exit code 1", "SIGKILL". */
export type Report =
  | { readonly is: "ready"; readonly directory: string }
  | { readonly is: "exited"; readonly name: string; readonly how: string };

// The owner may have died before this file was read.
if (process.connected) supervise(mkdtempSync(join(tmpdir(), "drawbridge-cluster-")));

function supervise(directory: string): void {
  const children = new Map<string, ChildProcess>();
  let ending = false;

  const end = async () => {
    if (ending) return;
    ending = true;
    // At once and without asking: the data is thrown away.
    for (const child of children.values()) child.kill("SIGKILL");
    await Promise.all(Array.from(children.values(), (child) => once(child, "exit")));
    await rm(directory, { recursive: true, force: true, maxRetries: 5 });
    process.exit(0);
  };

  const start = (name: string, command: string, args: readonly string[]) => {
    const logFile = openSync(join(directory, `${name}.log`), "a");
    const child = spawn(command, args, { cwd: directory, stdio: ["ignore", logFile, logFile] });
    closeSync(logFile);
    const exited = (how: string) => {
      children.delete(name);
      report({ is: "exited", name, how });
    };
    if (child.pid !== undefined) children.set(name, child);
    child.on("exit", (code, signal) => exited(signal ?? `exit code ${code}`));
    child.on("error", (error) => exited(error.message));
  };

  process.on("message", (request: Request) => {
    if (ending) return;
    if (request.do === "start") start(request.name, request.command, request.args);
    else if (request.do === "signal") children.get(request.name)?.kill(request.signal);
    else void end();
  });
  for (const event of ["disconnect", "SIGINT", "SIGTERM", "SIGHUP"]) process.on(event, () => void end());
  process.on("uncaughtException", (error) => {
    process.stderr.write(`The supervisor of ${directory} failed: ${error.stack}\n`);
    void end();
  });
  report({ is: "ready", directory });
}

function report(message: Report): void {
  // An owner that has just died needs no report; its disconnect event is on the way.
  if (process.connected) process.send?.(message, undefined, {}, () => {});
}
