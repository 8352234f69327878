import { accessSync, appendFileSync, constants } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import type { Cluster } from "../test/cluster/harness/cluster.ts";
import type { Drawbridge, LogLine } from "../test/cluster/harness/drawbridge.ts";
import { curl } from "./recorded.ts";
import type { Print } from "./runner.ts";
import { bold, dim, green, red } from "./terminal.ts";

/** What a person can do after the tour. `kubectl` is a path. */
export function howToPlayInCluster(cluster: Cluster, drawbridge: Drawbridge, kubectl: string): string {
  const { admin, platform, tenant } = cluster.kubeconfigs;
  return [
    `\n${bold("Now you.")} In another terminal, in this folder:\n`,
    // Quoted, as the one is the PATH of whoever pastes it.
    ...(isOnPath("kubectl") ? [] : [`   export PATH="${dirname(kubectl)}:$PATH"`]),
    `   export KUBECONFIG=${admin}`,
    "   kubectl apply -n shop -f demo/policies/whole-internet.yaml    # refused",
    "   kubectl label namespace shop drawbridge.dev/mode=warn         # the same again: a warning",
    "   kubectl create namespace returns                              # three policies, and a warning: no labels",
    "",
    facts([
      ["as platform", platform],
      ["as tenant", tenant],
      ["webhook", drawbridge.url],
      ["metrics", `${drawbridge.healthUrl}/metrics`],
      ["full log", join(cluster.directory, "drawbridge.log")],
    ]),
    FOLLOWING,
  ].join("\n");
}

export function howToPlayAlone(drawbridge: Drawbridge, caFile: string): string {
  return [
    `\n${bold("Now you.")} In another terminal, in this folder:\n`,
    `   export CURL_CA_BUNDLE=${caFile}`,
    `   ${curl(drawbridge.url, "whole-internet")}    # denied`,
    `   ${curl(drawbridge.url, "repaired")}          # allowed; change it, and see`,
    "",
    facts([
      ["webhook", drawbridge.url],
      ["metrics", `${drawbridge.healthUrl}/metrics`],
      ["full log", join(dirname(caFile), "drawbridge.log")],
    ]),
    FOLLOWING,
  ].join("\n");
}

const FOLLOWING = "\nWhat Drawbridge is asked shows up here. Ctrl+C ends it all.\n";

function facts(lines: readonly (readonly [string, string])[]): string {
  return lines.map(([name, value]) => `   ${dim(name.padEnd(12))} ${value}`).join("\n");
}

function isOnPath(program: string): boolean {
  return (process.env["PATH"] ?? "").split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

const EVERY_MS = 200;

/** Prints each verdict from now on; the file gets everything, also what came before. Returns what ends it. */
export function followLog({ log }: Drawbridge, file: string, print: Print): () => void {
  // The last lines of the tour may still be on their way to us.
  const since = new Date().toISOString();
  let seen = 0;
  const show = (): void => {
    const lines = log.slice(seen);
    seen += lines.length;
    appendFileSync(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
    for (const line of lines.filter((one) => isOfInterest(one, since))) print(`   ${verdictLine(line)}`);
  };
  show();
  const timer = setInterval(show, EVERY_MS);
  return () => clearInterval(timer);
}

/** Of a namespace both webhooks are asked, and one of them seldom has anything to say. */
function isOfInterest({ msg, time, webhook, verdict }: LogLine, since: string): boolean {
  return msg === "admission" && String(time) > since && (webhook === "validate" || verdict !== "allowed");
}

/** `denied   CREATE NetworkPolicy shop/payments by tenant: no-broad-cidr=enforce` */
function verdictLine(line: LogLine): string {
  const verdict = String(line["verdict"]);
  const colour = verdict === "denied" || verdict === "failed" ? red : green;
  // A Namespace is in itself, as the API server has it.
  const namespace = line["kind"] === "Namespace" ? undefined : line["namespace"];
  const name = [namespace, line["name"]].filter(Boolean).join("/");
  const who = `by ${String(line["user"])}${line["dryRun"] === true ? " (dry run)" : ""}`;
  const rules = Array.isArray(line["rules"]) ? line["rules"].join(", ") : "";
  const what = `${String(line["operation"])} ${String(line["kind"])} ${name} ${who}`;
  return `${colour(verdict.padEnd(8))} ${what}${rules === "" ? "" : `: ${rules}`}`;
}
