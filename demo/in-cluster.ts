import { setTimeout as sleep } from "node:timers/promises";
import type { Cluster } from "../test/cluster/harness/cluster.ts";
import type { Drawbridge, LogLine } from "../test/cluster/harness/drawbridge.ts";
import { judge, type Outcome, type Stage } from "./runner.ts";
import { bold, dim } from "./terminal.ts";
import type { TourCommand } from "./tour.ts";

/** For what a controller or a log does a moment later; it takes some 100 ms. */
const LATER_MS = 5_000;
const POLL_MS = 100;

/** Carries the tour out by kubectl. */
export function inCluster(cluster: Cluster, drawbridge: Drawbridge): Stage {
  return {
    prompt: ({ as, kubectl }) => `${dim(`${as} $`)} ${bold(`kubectl ${kubectl}`)}`,
    perform: async (command) => {
      const before = drawbridge.log.length;
      let outcome = await once(command, cluster);
      const deadline = Date.now() + LATER_MS;
      while (isLater(command) && judge(command.expect, outcome) !== undefined && Date.now() < deadline) {
        await sleep(POLL_MS);
        outcome =
          command.expect.verdict === "listed"
            ? await once(command, cluster)
            : withLog(outcome, drawbridge.log.slice(before));
      }
      return outcome;
    },
  };
}

function once({ as, kubectl }: TourCommand, cluster: Cluster): Promise<Outcome> {
  return cluster.kubectl(kubectl.split(" "), { as });
}

function isLater({ expect }: TourCommand): boolean {
  return expect.verdict === "listed" || expect.verdict === "audited";
}

function withLog(outcome: Outcome, lines: readonly LogLine[]): Outcome {
  const logged = lines.findLast(({ verdict }) => verdict === "audited");
  return logged === undefined ? outcome : { ...outcome, logged };
}

/**
 * An API server asks a new webhook only some milliseconds after it took its registration over: until then the first
 * steps of the tour would pass by it.
 */
export async function untilAsked(cluster: Cluster, { log }: Drawbridge): Promise<void> {
  const isAsked = (webhook: string, kind: string): boolean =>
    log.some((line) => line["webhook"] === webhook && line["kind"] === kind);
  const deadline = Date.now() + ASKED_MS;
  while (!isAsked("validate", "NetworkPolicy") || !isAsked("mutate", "Namespace")) {
    if (Date.now() > deadline) {
      throw new Error(`the API server does not ask Drawbridge, ${ASKED_MS / 1000} s after it was registered`);
    }
    await cluster.kubectl(["apply", "-n", "default", "--dry-run=server", "-f", "demo/policies/repaired.yaml"]);
    await cluster.kubectl(["create", "namespace", "not-to-be", "--dry-run=server"]);
    await sleep(POLL_MS);
  }
}

const ASKED_MS = 15_000;
