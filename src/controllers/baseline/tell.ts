import type { Namespace } from "../../model/objects.ts";
import { printable } from "../../model/printable.ts";
import type { Logger } from "../../telemetry/log.ts";
import type { Metrics } from "../../telemetry/metrics.ts";
import type { Recorder } from "../events.ts";
import type { Conflict, Released } from "./heal.ts";
import type { Applied } from "./policies.ts";
import type { RolloutOptions } from "./rollout.ts";

/** Who hears of it: log, metrics, and the Events of the namespace. */
export interface Telling {
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly record: Recorder;
}

type EventClient = Parameters<Recorder>[2];

/**
 * What was put back is an alarm; what was only out of date, or adopted, is what whoever changed the baseline wanted.
 * @param hasLost else what was missing is what is new
 */
export function tellOfHealing(
  namespace: Namespace,
  policies: readonly Applied[],
  hasLost: boolean,
  { log, metrics, record }: Telling,
  client: EventClient,
): void {
  const isLoss = ({ was }: Applied): boolean => was === "changed" || (was === "missing" && hasLost);
  for (const one of policies)
    metrics.baselineHealed.inc({ was: isLoss(one) || one.was === "unwanted" ? one.was : "outdated" });
  const name = namespace.metadata?.name;
  const lost = policies.filter(isLoss);
  const removed = policies.filter(({ was }) => was === "unwanted").map((policy) => policy.name);
  const updated = policies.filter((one) => !isLoss(one) && one.was !== "unwanted").map((policy) => policy.name);
  if (updated.length + removed.length > 0) {
    const details = { ...(updated.length > 0 && { policies: updated }), ...(removed.length > 0 && { removed }) };
    log.info({ namespace: name, ...details }, "baseline brought up to date");
  }
  if (lost.length === 0) return;
  log.warn({ namespace: name, policies: lost }, "baseline healed");
  const message = `put back in place of its baseline: ${lost.map(healedText).join(", ")}`;
  record(namespace, { type: "Warning", reason: "BaselineHealed", message }, client);
}

/** Whoever owns the namespace hears of what they have now, or have no longer. */
export function tellOfAdoption(
  namespace: Namespace,
  baseline: string,
  policies: readonly Applied[],
  { record }: Pick<Telling, "record">,
  client: EventClient,
): void {
  const message = `NetworkBaseline ${baseline} governs this namespace now, and has given it: ${namesOf(policies)}`;
  record(namespace, { type: "Normal", reason: "BaselineAdopted", message }, client);
}

export function tellOfRelease(
  namespace: Namespace,
  { removed, kept }: Released,
  { log, record }: Pick<Telling, "log" | "record">,
  client: EventClient,
): void {
  log.info({ namespace: namespace.metadata?.name, removed, kept }, "no baseline governs this namespace any longer");
  const parts = [
    "no NetworkBaseline governs this namespace any longer",
    ...(removed.length > 0 ? [`removed: ${removed.join(", ")}`] : []),
    ...(kept.length > 0 ? [`kept, and yours to change or delete: ${kept.join(", ")}`] : []),
  ];
  record(namespace, { type: "Normal", reason: "BaselineReleased", message: parts.join("; ") }, client);
}

export function tellOfRollout(log: Logger): Pick<RolloutOptions, "onHalt" | "onResume"> {
  return {
    onHalt: (baseline, { waiting, failed }) =>
      log.error({ baseline, waiting, failed }, "the rollout has halted: too many namespaces fail"),
    onResume: (baseline) => log.info({ baseline }, "the rollout goes on"),
  };
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

function namesOf(policies: readonly Applied[]): string {
  return policies.map(({ name }) => name).join(", ");
}
