import { execFile, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { open, rename } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { promisify } from "node:util";
import { withLock } from "./lock.ts";

export interface BuildOptions {
  /** Folder of the go.mod whose `tool` lines are built. */
  readonly module: string;
  readonly folder: string;
  /** Of the sentences "WHAT cannot be built", "Building WHAT with Go". */
  readonly what: string;
  /** Of "takes about DURATION on 2 cores", when Go's own cache is empty. */
  readonly duration: string;
  /** How many are compiled then: for the progress. */
  readonly packages: number;
  /** The version of Go that is needed. */
  readonly go: string;
  readonly env: NodeJS.ProcessEnv;
  readonly log: (line: string) => void;
  readonly isBuilt: () => boolean;
  /** What follows `go build`, once for each call of it. */
  readonly calls: (tools: readonly string[], output: string) => readonly (readonly string[])[];
}

const PROGRESS_EVERY = 15_000;

/** Builds the tools of the module into `folder`. Does nothing, and logs why, when Go is missing or too old. */
export async function buildTools(options: BuildOptions): Promise<void> {
  const { folder, log } = options;
  const problem = await whyGoCannotBuild(options);
  if (problem) return log(problem);
  mkdirSync(dirname(folder), { recursive: true });
  await withLock(`${folder}.lock`, log, async () => {
    if (!options.isBuilt()) await build(options);
  });
}

async function build(options: BuildOptions): Promise<void> {
  const { module, folder, env, log } = options;
  log(`Building ${options.what} with Go.`);
  log(
    `This happens once and takes about ${options.duration} on 2 cores (here: ${availableParallelism()}). Into: ${folder}`,
  );
  removeLeftovers(folder);
  // Beside the target, so that the files can be renamed: nobody ever sees half a binary.
  const temporary = mkdtempSync(`${folder}.building-`);
  const output = join(temporary, "bin");
  const work = join(temporary, "work");
  for (const name of [output, work]) mkdirSync(name);
  const progress = startProgress(log, options.packages);
  const goEnv = { ...env, GOTMPDIR: work };
  try {
    for (const args of options.calls(readTools(module), output)) {
      await runGo(["build", "-v", ...args], module, goEnv, (line) => progress.count(line));
    }
    await moveInto(folder, output);
    log(`Built in ${progress.elapsed()}.`);
  } finally {
    progress.stop();
    rmSync(temporary, { recursive: true, force: true });
  }
}

/** Packages, as in `tool helm.sh/helm/v4/cmd/helm`, or one a line in a block of them. */
export function readTools(module: string): string[] {
  const goMod = readFileSync(join(module, "go.mod"), "utf8");
  const blocks = [...goMod.matchAll(/^tool (?:\(\n([^)]*)\)|(\S+))/gm)];
  return blocks.flatMap(([, block, one]) => (block ?? one ?? "").split("\n").flatMap((line) => line.trim() || []));
}

/** Go dies of SIGPIPE at its next line when we do, as its stderr is our pipe. */
function runGo(args: string[], cwd: string, env: NodeJS.ProcessEnv, onLine: (line: string) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn("go", args, { cwd, env, stdio: ["ignore", "ignore", "pipe"] });
    let rest = "";
    let tail: string[] = [];
    child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop() ?? "";
      lines.forEach(onLine);
      tail = [...tail, ...lines].slice(-40);
    });
    child.on("error", reject);
    child.on("close", (code, signal) => {
      if (code === 0) return resolve();
      reject(new Error(`go build failed (${signal ?? `exit code ${code}`}):\n${[...tail, rest].join("\n")}`));
    });
  });
}

function startProgress(log: (line: string) => void, packages: number) {
  const start = Date.now();
  let compiled = 0;
  let downloaded = 0;
  const elapsed = () => {
    const seconds = Math.round((Date.now() - start) / 1000);
    return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  };
  const timer = setInterval(() => {
    const downloads = downloaded > 0 ? `, ${downloaded} modules downloaded` : "";
    log(`  ${elapsed()} min: ${compiled} of up to ${packages} packages compiled${downloads}`);
  }, PROGRESS_EVERY);
  return {
    elapsed,
    stop: () => clearInterval(timer),
    // `go build -v` writes the name of each package that it compiles: "k8s.io/apiserver/pkg/server".
    count(line: string) {
      if (line.startsWith("go: downloading ")) downloaded += 1;
      else compiled += 1;
    },
  };
}

async function moveInto(folder: string, output: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  for (const name of readdirSync(output)) {
    // A rename can reach the disk before the data does.
    const file = await open(join(output, name));
    await file.sync();
    await file.close();
    await rename(join(output, name), join(folder, name));
  }
}

/** Of builds that were killed; we hold the lock, so nobody else is building. */
function removeLeftovers(folder: string): void {
  for (const name of readdirSync(dirname(folder))) {
    const isLeftover = name.startsWith(`${basename(folder)}.building-`);
    if (isLeftover) rmSync(join(dirname(folder), name), { recursive: true, force: true });
  }
}

async function whyGoCannotBuild({ what, go: needed, env }: BuildOptions): Promise<string | undefined> {
  try {
    // Not in the module's folder, and with no other toolchain: what is installed here?
    const options = { cwd: tmpdir(), env: { ...env, GOTOOLCHAIN: "local" } };
    const { stdout } = await promisify(execFile)("go", ["env", "GOVERSION"], options);
    const installed = /go(\d+(?:\.\d+)*)/.exec(stdout)?.[1] ?? "0";
    if (isOlder(installed, needed)) {
      return `${what} cannot be built: Go ${needed} or newer is needed, here is ${stdout.trim()}.`;
    }
    return undefined;
  } catch {
    return `${what} cannot be built: there is no "go" on the PATH (Go ${needed} or newer is needed).`;
  }
}

function isOlder(version: string, than: string): boolean {
  return version.localeCompare(than, "en", { numeric: true }) < 0;
}
