import type { Namespace } from "../../model/objects.ts";
import { printable } from "../../model/printable.ts";
import type { Logger } from "../../telemetry/log.ts";
import type { Metrics } from "../../telemetry/metrics.ts";
import type { Recorder } from "../events.ts";
import type { Applied } from "./policies.ts";

/** Who hears of it: log, metrics, and the Events of the namespace. */
export interface Telling {
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly record: Recorder;
}

type EventClient = Parameters<Recorder>[2];

/** Somebody's policies have taken names of a baseline's, and say something else. */
export interface Conflict {
  readonly baseline: string;
  readonly conflicts: readonly string[];
}

/** What was put back is an alarm; what was only out of date is nobody's doing but that of whoever changed the baseline. */
export function tellOfHealing(
  namespace: Namespace,
  policies: readonly Applied[],
  { log, metrics, record }: Telling,
  client: EventClient,
): void {
  for (const { was } of policies) metrics.baselineHealed.inc({ was });
  const name = namespace.metadata?.name;
  const outdated = policies.filter(({ was }) => was === "outdated");
  const lost = policies.filter(({ was }) => was !== "outdated");
  if (outdated.length > 0) {
    log.info({ namespace: name, policies: outdated.map((policy) => policy.name) }, "baseline brought up to date");
  }
  if (lost.length === 0) return;
  log.warn({ namespace: name, policies: lost }, "baseline healed");
  const message = `put back in place of its baseline: ${lost.map(healedText).join(", ")}`;
  record(namespace, { type: "Warning", reason: "BaselineHealed", message }, client);
}

export function tellOfConflict(
  namespace: Namespace,
  { baseline, conflicts }: Conflict,
  { log, record }: Telling,
  client: EventClient,
): void {
  const message =
    "the baseline is not complete: policies of these names are not Drawbridge's and say something else; remove or rename them";
  log.error({ namespace: namespace.metadata?.name, baseline, policies: conflicts }, message);
  const text = `NetworkBaseline ${baseline}: ${message}: ${conflicts.join(", ")}`;
  record(namespace, { type: "Warning", reason: "BaselineConflict", message: text }, client);
}

/** `drawbridge-00-default-deny-ingress (was changed, last written by kubectl-edit at 2026-11-21T17:00:00Z)` */
function healedText({ name, was, by, at }: Applied): string {
  if (was === "missing" || by === undefined) return `${name} (was ${was})`;
  return `${name} (was changed, last written by ${printable(by)}${at === undefined ? "" : ` at ${at}`})`;
}
