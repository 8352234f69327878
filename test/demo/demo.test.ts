import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, inject, test } from "vitest";
import { runDemo } from "../../demo/run.ts";
import { recordedPart, type Step, TOUR } from "../../demo/tour.ts";

const CHECKOUT = join(import.meta.dirname, "../..");
const LIMIT = 120_000;
const LINUX = process.platform === "linux";

/** Everything that a demo writes is in here, and so its name is in the environment of all that it starts. */
let temporary: string;

beforeEach(() => {
  temporary = mkdtempSync(join(tmpdir(), "drawbridge-demo-test-"));
});

afterEach(() => {
  rmSync(temporary, { recursive: true, force: true });
});

describe("without a cluster", () => {
  test("--once shows each step that was recorded, and says what is left out", async () => {
    const { code, output } = await ended(["--once", "--without-cluster"]);
    expect(output).toContain("All as told");
    expect(code).toBe(0);
    for (const title of titlesOf(recordedPart(TOUR))) expect(output).toContain(title);
    expect(output).toContain("Two steps are left out");
    expectNothingLeft();
  });

  test("is what there is where there are neither binaries nor Go, and the demo says so", async () => {
    const empty = join(temporary, "empty");
    mkdirSync(empty);
    const { code, output } = await ended(["--once"], { PATH: empty, XDG_CACHE_HOME: empty, KUBEBUILDER_ASSETS: "" });
    expect(output).toContain('there is no "go" on the PATH');
    expect(output).toContain("So this is the short tour, without an API server.");
    expect(output).toContain("All as told");
    expect(code).toBe(0);
  });

  test.each(["SIGINT", "SIGTERM"] as const)("it stays up until %s, and ends with 0", async (signal) => {
    const demo = start(["--without-cluster"]);
    await demo.says("Ctrl+C ends it all");
    const [, command = ""] = /^ {3}(curl .*whole-internet\.json \S+)/m.exec(demo.output()) ?? [];
    const [, ca = ""] = /export CURL_CA_BUNDLE=(\S+)/.exec(demo.output()) ?? [];
    const answer = await typed(command, { CURL_CA_BUNDLE: ca });
    expect(JSON.parse(answer)).toMatchObject({ response: { allowed: false } });
    await demo.says("denied   CREATE NetworkPolicy shop/payments by tenant: no-broad-cidr=enforce");

    demo.process.kill(signal);
    expect(await demo.exit).toBe(0);
    expectNothingLeft();
  });
});

describe.skipIf(inject("binaries") === undefined)("with a cluster", () => {
  test(
    "--once shows each step",
    async () => {
      const { code, output } = await ended(["--once"]);
      expect(output).toContain("All as told");
      expect(code).toBe(0);
      for (const title of titlesOf(TOUR)) expect(output).toContain(title);
      expect(output).toContain("verdict=audited rules=no-broad-cidr=audit,require-expiry=audit");
      expectNothingLeft();
    },
    LIMIT,
  );

  test(
    "it stays up, does what it says one can do, and ends with 0",
    async () => {
      const demo = start([]);
      await demo.says("Ctrl+C ends it all");
      const kubectl = inject("binaries")?.kubectl ?? "";
      const [, KUBECONFIG = ""] = /export KUBECONFIG=(\S+)/.exec(demo.output()) ?? [];
      const commands = Array.from(demo.output().matchAll(/^ {3}kubectl (.*?) +# /gm), ([, words]) => words ?? "");
      expect(commands).toHaveLength(3);
      const [applied = "", labelled = "", created = ""] = commands.map((words) => `${kubectl} ${words} 2>&1`);
      expect(await typed(`${applied} || true`, { KUBECONFIG })).toContain("no-broad-cidr");
      await typed(labelled, { KUBECONFIG });
      expect(await typed(applied, { KUBECONFIG })).toMatch(/^Warning: drawbridge: no-broad-cidr/);
      await typed(created, { KUBECONFIG });
      await demo.says("warned   CREATE NetworkPolicy shop/payments");
      await demo.says("CREATE NetworkPolicy returns/drawbridge-01-default-deny-egress");

      demo.process.kill("SIGINT");
      expect(await demo.exit).toBe(0);
      expectNothingLeft();
    },
    LIMIT,
  );

  test(
    "an interrupt during the tour leaves nothing",
    async () => {
      const demo = start([]);
      await demo.says("A selector on pod-template-hash");
      demo.process.kill("SIGINT");
      expect(await demo.exit).toBe(130);
      // The supervisor of the cluster ends it a moment later.
      await eventually(() => readdirSync(temporary).length === 0);
      await eventually(() => processesOf(temporary).length === 0);
    },
    LIMIT,
  );
});

describe("what goes wrong", () => {
  test("what is not as told is shown with the log, and ends with 1", async () => {
    const lines: string[] = [];
    const run = (steps: readonly Step[]) =>
      runDemo({ once: true, withoutCluster: true, print: (text) => lines.push(text), untilStopped: forever, steps });
    expect(await run(TOUR)).toBe(0);
    expect(lines.join("\n")).not.toContain("✗");

    lines.length = 0;
    expect(await run(TOUR.map(withTheRule("no-such-rule")))).toBe(1);
    const output = lines.join("\n");
    expect(output).toContain("✗ not as told (refused, by no-such-rule): the refusal names no-unstable-label");
    expect(output).toContain("6 not as told.");
    expect(output).toContain('"verdict":"denied"');
  });

  test("what cannot be started ends with 1 and a hint", async () => {
    const { code, output } = await ended(["--once"], { KUBEBUILDER_ASSETS: join(temporary, "nowhere") });
    expect(code).toBe(1);
    expect(output).toMatch(/The demo failed: KUBEBUILDER_ASSETS is .*, which lacks etcd, kube-apiserver, kubectl/);
    expect(output).toContain("npm run demo -- --without-cluster");
  });

  test.each([["--onec"], ["now"]])("%s is no option", async (word) => {
    const { code, output } = await ended([word]);
    expect(code).toBe(2);
    expect(output).toContain(word);
    expect(output).toContain("--without-cluster");
  });

  test("--help", async () => {
    const { code, output } = await ended(["--help"]);
    expect(code).toBe(0);
    expect(output).toMatch(/^npm run demo/);
  });
});

interface RunningDemo {
  readonly process: ChildProcess;
  readonly exit: Promise<number | null>;
  /** Both streams, as far as they have come. */
  readonly output: () => string;
  readonly says: (text: string) => Promise<void>;
}

function start(args: readonly string[], env: NodeJS.ProcessEnv = {}): RunningDemo {
  // Not from the checkout: the demo must find its files from anywhere.
  const child = spawn(process.execPath, [join(CHECKOUT, "demo/demo.ts"), ...args], {
    cwd: tmpdir(),
    env: { ...process.env, FORCE_COLOR: undefined, NO_COLOR: "1", TMPDIR: temporary, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let text = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
    });
  }
  return {
    process: child,
    exit: once(child, "close").then(() => child.exitCode),
    output: () => text,
    says: async (words) =>
      eventually(
        () => text.includes(words),
        () => `The demo did not say "${words}":\n${text}`,
      ),
  };
}

async function ended(
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<{ code: number | null; output: string }> {
  const demo = start(args, env);
  return { code: await demo.exit, output: demo.output() };
}

/** stdout of a line that the demo told people to type. */
async function typed(line: string, env: NodeJS.ProcessEnv): Promise<string> {
  const { stdout } = await promisify(execFile)("sh", ["-c", line], { cwd: CHECKOUT, env: { ...process.env, ...env } });
  return stdout;
}

function expectNothingLeft(): void {
  expect(readdirSync(temporary)).toEqual([]);
  expect(processesOf(temporary)).toEqual([]);
}

/** Command lines of all processes that have the folder in their environment. /proc is Linux's: nothing elsewhere. */
function processesOf(folder: string): string[] {
  if (!LINUX) return [];
  return readdirSync("/proc")
    .filter((id) => /^\d+$/.test(id) && readProc(id, "environ").includes(folder))
    .map((id) => readProc(id, "cmdline").replaceAll("\0", " "));
}

function readProc(id: string, name: string): string {
  try {
    return readFileSync(`/proc/${id}/${name}`, "utf8");
  } catch {
    return ""; // ended meanwhile, or somebody else's
  }
}

async function eventually(isSo: () => boolean, why = () => "This did not happen"): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (!isSo()) {
    if (Date.now() > deadline) throw new Error(`${why()} (within 60 s)`);
    await sleep(50);
  }
}

function titlesOf(steps: readonly Step[]): string[] {
  return steps.map(({ title }, index) => `${index + 1}  ${title}`);
}

function withTheRule(rule: string): (step: Step) => Step {
  return (step) => ({
    ...step,
    commands: step.commands.map((command) =>
      command.expect.verdict === "refused" ? { ...command, expect: { verdict: "refused", rules: [rule] } } : command,
    ),
  });
}

function forever(): Promise<void> {
  return new Promise(() => {});
}
