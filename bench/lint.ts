/**
 * `npm run bench:lint`: what `drawbridge lint` costs, of the packed and installed package. `-- --corpus FOLDER` adds real
 * manifests and counts the findings in them, `-- --write` writes the results to LINT.md.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { stringify } from "yaml";
import { assertNodeVersion } from "../src/node-version.ts";
import { RULES } from "../src/rules/index.ts";
import { installPackage } from "../scripts/package.ts";
import { describeMachine, type Machine } from "./machine.ts";
import { ALLOWED_POLICY, generatedPolicies } from "./policies.ts";
import { median, percentile } from "./statistics.ts";
import { table } from "./table.ts";

interface Run {
  readonly ms: number;
  readonly memoryMiB: number;
}

interface Measured {
  readonly what: string;
  readonly ms: number;
  readonly p90Ms: number;
  readonly memoryMiB: number;
}

/** By rule, then by mode. */
type Counts = ReadonlyMap<string, Readonly<Record<string, number>>>;

const SMALL_GOAL_MS = 150;
const CORPUS_GOAL_MS = 800;
const CORPUS_GOAL_MIB = 200;
const GENERATED = [10_000, 100_000] as const;
const REPORT_MEMORY = join(import.meta.dirname, "report-memory.ts");

const FINDINGS =
  "Ruleset default in mode enforce, manifests as their authors wrote them: errors (refused) / warnings / notes (recorded). " +
  "Sources: cloud-platform-environments of the Ministry of Justice, kube-prometheus, Argo CD, microservices-demo. " +
  "[docs/false-positives.md](../docs/false-positives.md) goes through the most frequent ones.";

assertNodeVersion();
const { values } = parseArgs({ options: { write: { type: "boolean" }, corpus: { type: "string" } } });
const machine = describeMachine();
const folder = mkdtempSync(join(tmpdir(), "drawbridge-bench-"));
process.once("exit", () => rmSync(folder, { recursive: true, force: true }));

console.error("packing and installing");
await installPackage(folder);
const cli = join(folder, "node_modules/drawbridge/dist/cli.js");
const results = await measureAll();
const counted = values.corpus === undefined ? [] : await countFindings(values.corpus);
const text = report(machine, results, counted);
console.log(text);
if (values.write) writeFileSync(join(import.meta.dirname, "LINT.md"), text);

async function measureAll(): Promise<Measured[]> {
  const small = write("small.yaml", stringify(ALLOWED_POLICY));
  const nothing = await measure("node -e 0, for comparison", 15, ["-e", "0"]);
  const measured = [nothing, await measure("one small file", 15, [cli, "lint", small])];
  if (values.corpus !== undefined) {
    const file = largest(values.corpus);
    measured.push(
      await measure(`${documentsIn(file).toLocaleString("en")} real policies in one file`, 7, [cli, "lint", file]),
    );
  }
  for (const amount of GENERATED) {
    const file = write(
      `generated-${amount}.yaml`,
      generatedPolicies(amount)
        .map((policy) => stringify(policy))
        .join("---\n"),
    );
    measured.push(
      await measure(`${amount.toLocaleString("en")} generated policies in one file`, 1, [cli, "lint", file]),
    );
  }
  return measured;
}

async function measure(what: string, times: number, args: readonly string[]): Promise<Measured> {
  console.error(what);
  const runs: Run[] = [];
  for (let i = 0; i < times; i++) runs.push(await start(args));
  return {
    what,
    ms: median(runs.map(({ ms }) => ms)),
    p90Ms: percentile(
      runs.map(({ ms }) => ms),
      90,
    ),
    memoryMiB: Math.max(...runs.map(({ memoryMiB }) => memoryMiB)),
  };
}

/** Start to end, its output thrown away; memory is the most that it ever held, in a run of its own. */
async function start(args: readonly string[]): Promise<Run> {
  const before = performance.now();
  await ended(spawn(process.execPath, args, { stdio: "ignore" }));
  const ms = performance.now() - before;
  const child = spawn(process.execPath, ["--import", REPORT_MEMORY, ...args], { stdio: ["ignore", "ignore", "pipe"] });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => (stderr += chunk));
  await ended(child);
  return { ms, memoryMiB: Number(/peak (\d+)/.exec(stderr)?.[1]) / 1024 };
}

/** 0 or 1: findings are no failure here. */
async function ended(child: ReturnType<typeof spawn>): Promise<void> {
  const [code] = (await once(child, "close")) as [number | null];
  if (code !== 0 && code !== 1) throw new Error(`drawbridge lint ended with ${code}`);
}

interface Corpus {
  readonly name: string;
  readonly judged: number;
  readonly counts: Counts;
}

async function countFindings(corpus: string): Promise<Corpus[]> {
  const files = readdirSync(corpus).filter((file) => file.endsWith(".yaml"));
  return Promise.all(files.toSorted().map((file) => count(join(corpus, file), file.replace(/\.yaml$/, ""))));
}

async function count(file: string, name: string): Promise<Corpus> {
  const child = spawn(process.execPath, [cli, "lint", "--format", "json", file], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const pieces: Buffer[] = [];
  child.stdout.on("data", (piece: Buffer) => pieces.push(piece));
  await ended(child);
  const { findings, summary } = JSON.parse(Buffer.concat(pieces).toString("utf8")) as {
    readonly findings: readonly { readonly rule: string; readonly mode: string }[];
    readonly summary: { readonly judged: number };
  };
  const counts = new Map(
    [...Map.groupBy(findings, ({ rule }) => rule)].map(([rule, found]) => [
      rule,
      Object.groupBy(found, ({ mode }) => mode),
    ]),
  );
  return {
    name,
    judged: summary.judged,
    counts: new Map(
      [...counts].map(([rule, modes]) => [
        rule,
        Object.fromEntries(Object.entries(modes).map(([mode, found]) => [mode, found?.length ?? 0])),
      ]),
    ),
  };
}

function report(
  { cpu, cores, memoryGiB, system, node, loadBefore }: Machine,
  measured: readonly Measured[],
  corpora: readonly Corpus[],
): string {
  const [, small, ...rest] = measured;
  const real = corpora.length > 0 ? rest[0] : undefined;
  return [
    "# Benchmark of drawbridge lint",
    "Written by `npm run bench:lint -- --write`, with `--corpus FOLDER` for real manifests. Of the package as it is installed (dist/), start to end.",
    `- Machine: ${cores} cores of ${cpu}, ${memoryGiB} GiB; ${system}; Node.js ${node}\n- ${new Date().toISOString().slice(0, 10)}; load average before the run ${loadBefore.toFixed(2)}`,
    table(
      ["what", "median", "p90", "memory at most"],
      measured.map(({ what, ms, p90Ms, memoryMiB }) => [
        what,
        duration(ms),
        duration(p90Ms),
        `${memoryMiB.toFixed(0)} MiB`,
      ]),
    ),
    "## Goals",
    table(
      ["goal", "measured", "met"],
      [
        goal(`one small file in ${SMALL_GOAL_MS} ms`, small?.ms, SMALL_GOAL_MS, "ms"),
        ...(real === undefined
          ? []
          : [
              goal(`the real policies in ${CORPUS_GOAL_MS} ms`, real.ms, CORPUS_GOAL_MS, "ms"),
              goal(`and in ${CORPUS_GOAL_MIB} MiB`, real.memoryMiB, CORPUS_GOAL_MIB, "MiB"),
            ]),
      ],
    ),
    ...(corpora.length === 0 ? [] : ["## Findings in real manifests", FINDINGS, findingsTable(corpora)]),
  ]
    .join("\n\n")
    .concat("\n");
}

function findingsTable(corpora: readonly Corpus[]): string {
  const rules = [...RULES.map(({ id }) => id), "invalid-manifest"].filter((id) =>
    corpora.some(({ counts }) => counts.has(id)),
  );
  return table(
    ["rule", ...corpora.map(({ name, judged }) => `${name} (${judged.toLocaleString("en")} objects)`)],
    rules.map((id) => [id, ...corpora.map(({ counts }) => cell(counts.get(id)))]),
  );
}

function cell(modes: Readonly<Record<string, number>> | undefined): string {
  return modes === undefined ? "" : ["enforce", "warn", "audit"].map((mode) => modes[mode] ?? 0).join(" / ");
}

function goal(name: string, measured = Number.NaN, limit: number, unit: string): string[] {
  return [name, `${measured.toFixed(0)} ${unit}`, measured <= limit ? "yes" : "**no**"];
}

function duration(ms: number): string {
  return ms < 1000 ? `${ms.toFixed(0)} ms` : `${(ms / 1000).toFixed(2)} s`;
}

function write(name: string, content: string): string {
  const file = join(folder, name);
  writeFileSync(file, content);
  return file;
}

function largest(corpus: string): string {
  const files = readdirSync(corpus).filter((file) => file.endsWith(".yaml"));
  return join(
    corpus,
    files.toSorted((a, b) => statSync(join(corpus, b)).size - statSync(join(corpus, a)).size)[0] ?? "",
  );
}

function documentsIn(file: string): number {
  return readFileSync(file, "utf8").match(/^kind: NetworkPolicy/gm)?.length ?? 0;
}
