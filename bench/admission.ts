import type { Binaries } from "../test/cluster/harness/binaries.ts";
import { type Cluster, startCluster } from "../test/cluster/harness/cluster.ts";
import { type Api, create, openApi, readConnection } from "./api.ts";
import { type Child, startChild } from "./child.ts";
import type { Load, LoadResult } from "./load.ts";
import { ALLOWED_POLICY } from "./policies.ts";
import { type Admission, NAMESPACE, SCENARIOS } from "./scenarios.ts";

export type ScenarioId = keyof typeof SCENARIOS;

export const SCENARIO_IDS = Object.keys(SCENARIOS) as readonly ScenarioId[];

export interface Plan {
  readonly rounds: number;
  readonly requests: number;
  readonly warmUpRequests: number;
  readonly concurrency: number;
  /** Of one scenario in one round. */
  readonly limitSeconds: number;
}

/** One scenario in one round. */
export interface Measured extends LoadResult {
  /** Of the process that serves the webhook: what one review cost it, and what it holds at the end. */
  readonly process?: { readonly cpuMicroseconds: number; readonly memoryBytes: number };
}

/** Every scenario once, one after another. */
export type Round = Readonly<Record<ScenarioId, Measured>>;

/**
 * A scenario and a cluster of its own: nothing is registered and removed between rounds, which would make caches cold
 * and would be undone by whatever guards its registration. A cluster that is not its turn takes 1.5 % of one core.
 */
export interface Site {
  readonly cluster: Cluster;
  readonly api: Api;
  readonly admission: Admission;
}

export type Sites = Readonly<Record<ScenarioId, Site>>;

/** Starts all, hands them to `body`, stops all. */
export async function withSites<T>(binaries: Binaries, body: (sites: Sites) => Promise<T>): Promise<T> {
  const ends: (() => Promise<void>)[] = [];
  const start = (id: ScenarioId) => startSite(id, binaries, (end) => ends.unshift(end));
  try {
    return await body({
      noAdmission: await start("noAdmission"),
      admissionPolicy: await start("admissionPolicy"),
      emptyWebhook: await start("emptyWebhook"),
      drawbridge: await start("drawbridge"),
    });
  } finally {
    for (const end of ends) await end();
  }
}

async function startSite(id: ScenarioId, binaries: Binaries, atEnd: (end: () => Promise<void>) => void): Promise<Site> {
  const cluster = await startCluster({ binaries });
  atEnd(() => cluster.stop());
  const api = openApi(readConnection(cluster.kubeconfigs.admin));
  atEnd(() => api.close());
  // Before Drawbridge is there, so that this namespace has no baseline that could differ between the scenarios.
  await create(api, "/api/v1/namespaces", { apiVersion: "v1", kind: "Namespace", metadata: { name: NAMESPACE } });
  const admission = await SCENARIOS[id].admit(cluster, api);
  atEnd(() => admission.stop());
  return { cluster, api, admission };
}

/** @throws Error when a request was not admitted, or not by the admission that was to be measured */
export async function measureAdmission(sites: Sites, plan: Plan, log: (line: string) => void): Promise<Round[]> {
  const generator = startChild<Load, LoadResult>("load.ts");
  const measure = (id: ScenarioId, requests: number) => measureOnce(id, sites[id], generator, { ...plan, requests });
  try {
    for (const id of SCENARIO_IDS) await measure(id, plan.warmUpRequests);
    const rounds: Round[] = [];
    for (let i = 0; i < plan.rounds; i += 1) {
      const results: Partial<Record<ScenarioId, Measured>> = {};
      // There and back, so that a machine that gets slower or faster meanwhile does so for all of them alike.
      for (const id of i % 2 === 0 ? SCENARIO_IDS : SCENARIO_IDS.toReversed()) {
        results[id] = await measure(id, plan.requests);
      }
      const rates = SCENARIO_IDS.map((id) => `${SCENARIOS[id].name} ${Math.round(results[id]?.perSecond ?? 0)}/s`);
      log(`round ${i + 1} of ${plan.rounds}: ${rates.join(", ")}`);
      rounds.push(results as Round);
    }
    return rounds;
  } finally {
    await generator.stop();
  }
}

async function measureOnce(
  id: ScenarioId,
  { api, admission }: Site,
  generator: Child<Load, LoadResult>,
  { requests, limitSeconds, concurrency }: Plan,
): Promise<Measured> {
  const before = await admission.counted();
  const result = await generator.ask({
    connection: api.connection,
    namespace: NAMESPACE,
    policy: ALLOWED_POLICY,
    requests,
    seconds: limitSeconds,
    concurrency,
  });
  const after = await admission.counted();
  // Else something else would have been measured: a webhook that nobody asks is a fast one.
  if (!(await admission.isInForce())) throw new Error(`${SCENARIOS[id].name}: is not in force any more`);
  if (before === undefined || after === undefined) return result;
  const judged = after.judged - before.judged;
  if (judged < result.requests) {
    throw new Error(
      `${SCENARIOS[id].name}: ${result.requests} requests were admitted, but only ${judged} judged by it`,
    );
  }
  const cpuMicroseconds = ((after.cpuSeconds - before.cpuSeconds) * 1e6) / judged;
  return { ...result, process: { cpuMicroseconds, memoryBytes: after.memoryBytes } };
}
