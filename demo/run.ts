import { mkdtempSync, rmSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Binaries, findBinaries } from "../test/cluster/harness/binaries.ts";
import { startCluster } from "../test/cluster/harness/cluster.ts";
import { type Drawbridge, startDrawbridge } from "../test/cluster/harness/drawbridge.ts";
import { inCluster, untilAsked } from "./in-cluster.ts";
import { followLog, howToPlayAlone, howToPlayInCluster } from "./play.ts";
import { withRecordings } from "./recorded.ts";
import { type Print, runTour } from "./runner.ts";
import { bold, dim, green, red } from "./terminal.ts";
import { recordedPart, type Step, TOUR } from "./tour.ts";

export interface DemoOptions {
  /** End after the tour, instead of staying up to be played with. */
  readonly once: boolean;
  /** No API server, even where there could be one. */
  readonly withoutCluster: boolean;
  readonly print: Print;
  /** Resolves when the person has played enough. */
  readonly untilStopped: () => Promise<void>;
  readonly steps?: readonly Step[];
}

/** Returns the exit code: 0, or 1 where the tour was not as told. Everything that it started has ended by then. */
export async function runDemo(options: DemoOptions): Promise<number> {
  const { withoutCluster, print } = options;
  print(bold("Drawbridge, a tour"));
  if (withoutCluster) return demoAlone(options);
  const binaries = await findBinaries({ log: print });
  if (binaries !== undefined) return demoInCluster(binaries, options);
  print("So this is the short tour, without an API server.");
  return demoAlone(options);
}

async function demoInCluster(binaries: Binaries, options: DemoOptions): Promise<number> {
  const { print, steps = TOUR } = options;
  const stopwatch = startStopwatch();
  // With it a namespace that is deleted goes away. envtest's archives lack it, and the tour can do without.
  const cluster = await startCluster({ binaries, controllerManager: binaries.kubeControllerManager !== undefined });
  print(dim(`Kubernetes API server and etcd, without nodes: ready in ${stopwatch()}`));
  try {
    const drawbridge = await startDrawbridge({ cluster, args: ["--drain-seconds", "0"] });
    try {
      await untilAsked(cluster, drawbridge);
      print(dim(`Drawbridge, registered as its admission webhook: ready in ${stopwatch()}`));
      print(dim("Two people type: platform, who owns the cluster, and tenant, who runs the online shop."));
      const failures = await runTour(steps, inCluster(cluster, drawbridge), print);
      await sumUp(failures, stopwatch(), drawbridge, options);
      if (!options.once) {
        await play(howToPlayInCluster(cluster, drawbridge, binaries.kubectl), drawbridge, options, cluster.directory);
      }
      return failures === 0 ? 0 : 1;
    } finally {
      await drawbridge.stop();
    }
  } finally {
    await cluster.stop();
  }
}

async function demoAlone(options: DemoOptions): Promise<number> {
  const { print, steps = TOUR } = options;
  const stopwatch = startStopwatch();
  const directory = mkdtempSync(join(tmpdir(), "drawbridge-demo-"));
  const remove = (): void => rmSync(directory, { recursive: true, force: true });
  // Ctrl+C during the tour ends this process by exit().
  process.once("exit", remove);
  try {
    const drawbridge = await startDrawbridge({ args: ["--cert-dir", directory, "--drain-seconds", "0"] });
    try {
      const ca = join(directory, "ca.crt");
      print(dim(`Drawbridge, serving alone: ready in ${stopwatch()}`));
      print(WITHOUT_CLUSTER);
      print(`\n   ${dim("$")} ${bold(`export CURL_CA_BUNDLE=${ca}`)}`);
      const stage = withRecordings(drawbridge.url, await readFile(ca, "utf8"));
      const failures = await runTour(recordedPart(steps), stage, print);
      await sumUp(failures, stopwatch(), drawbridge, options);
      if (!options.once) await play(howToPlayAlone(drawbridge, ca), drawbridge, options, directory);
      return failures === 0 ? 0 : 1;
    } finally {
      await drawbridge.stop();
    }
  } finally {
    process.off("exit", remove);
    remove();
  }
}

const WITHOUT_CLUSTER = dim(
  [
    "It is sent AdmissionReviews that were recorded from a real API server (demo/recorded).",
    "Two steps are left out, as they need one: the policies of a new namespace, and audit mode,",
    "which is a label of the namespace.",
  ].join("\n"),
);

async function play(howTo: string, drawbridge: Drawbridge, options: DemoOptions, directory: string): Promise<void> {
  options.print(howTo);
  const stopFollowing = followLog(drawbridge, join(directory, "drawbridge.log"), options.print);
  await options.untilStopped();
  stopFollowing();
  options.print("\nStopping.");
}

async function sumUp(failures: number, time: string, drawbridge: Drawbridge, options: DemoOptions): Promise<void> {
  const { print, once } = options;
  if (failures === 0) return print(`\n${green(bold(`All as told, in ${time}.`))}`);
  // It writes its log in batches: the last lines are there when it has ended, or a moment later.
  await (once ? drawbridge.stop() : sleep(LOG_IS_LATER_MS));
  const { log, stderr } = drawbridge;
  print(`\n${red(bold(`${failures} not as told.`))} The end of Drawbridge's log:\n`);
  print([...log.slice(-LAST_LINES).map((line) => JSON.stringify(line)), stderr()].join("\n"));
}

const LOG_IS_LATER_MS = 500;

const LAST_LINES = 15;

/** `3.2 s` since the last time it was asked. */
function startStopwatch(): () => string {
  let start = performance.now();
  return () => {
    const now = performance.now();
    const seconds = (now - start) / 1000;
    start = now;
    return `${seconds.toFixed(1)} s`;
  };
}
