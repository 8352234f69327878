/**
 * `npm run bench`: prints the results. `-- --write` also writes them to RESULTS.md, `-- --quick` is a smoke run of half
 * a minute whose numbers mean nothing, `-- --corpus FILE` evaluates the policies of a YAML file, too. Exit code 1 when a
 * request was not admitted as it should be.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { assertNodeVersion } from "../src/node-version.ts";
import { findBinaries } from "../test/cluster/harness/binaries.ts";
import { measureAdmission, type Plan, withSites } from "./admission.ts";
import type { Api } from "./api.ts";
import { measureEvaluation } from "./evaluate.ts";
import { measureInjection } from "./inject.ts";
import { describeMachine } from "./machine.ts";
import { report, type Results } from "./report.ts";

interface Amount extends Plan {
  /** Over each set of objects. */
  readonly evaluationPasses: number;
  readonly namespaces: number;
}

const FULL: Amount = {
  rounds: 9,
  requests: 4_000,
  warmUpRequests: 5_000,
  concurrency: 8,
  limitSeconds: 15,
  evaluationPasses: 15,
  namespaces: 50,
};
const QUICK: Amount = { ...FULL, rounds: 1, requests: 300, warmUpRequests: 100, evaluationPasses: 1, namespaces: 5 };

const RESULTS = join(import.meta.dirname, "RESULTS.md");

await main();

async function main(): Promise<void> {
  assertNodeVersion();
  // Without these the servers that were started would outlive a Ctrl+C: they end with the "exit" event.
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(1));
  try {
    const { values } = parseArgs({
      options: { quick: { type: "boolean" }, write: { type: "boolean" }, corpus: { type: "string" } },
    });
    if (values.quick && values.write) throw new Error("--quick measures nothing that is worth to be kept by --write");
    const text = `${report(await measure(values.quick ? QUICK : FULL, values.corpus))}\n`;
    console.log(`\n${text}`);
    if (values.write) writeFileSync(RESULTS, text);
  } catch (error) {
    console.error(`The benchmark failed: ${error instanceof Error ? error.message : String(error)}`);
    // Not by exitCode: a server whose start failed halfway would keep this process alive.
    process.exit(1);
  }
}

async function measure(amount: Amount, corpus: string | undefined): Promise<Results> {
  const machine = describeMachine();
  const binaries = await findBinaries({ log: progress });
  if (binaries === undefined) throw new Error("there is no API server to measure with (see above)");
  progress("evaluation alone");
  const evaluation = await measureEvaluation(amount.evaluationPasses, corpus);
  progress("starting four clusters, one for each kind of admission");
  return withSites(binaries, async (sites) => {
    progress("warming up");
    const rounds = await measureAdmission(sites, amount, progress);
    progress("baselines of new namespaces");
    const injection = await measureInjection(sites.drawbridge, amount.namespaces);
    const kubernetes = await versionOf(sites.drawbridge.api);
    return { date: new Date(), machine, kubernetes, plan: amount, rounds, evaluation, injection };
  });
}

async function versionOf(api: Api): Promise<string> {
  const { gitVersion }: { readonly gitVersion: string } = JSON.parse((await api.send("GET", "/version")).text);
  return gitVersion;
}

function progress(line: string): void {
  console.error(`bench: ${line}`);
}
