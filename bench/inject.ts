import { BASELINE_NAMES } from "../test/cluster/harness/storm.ts";
import type { Site } from "./admission.ts";
import { create, policiesPath } from "./api.ts";
import { sumOf } from "../test/helpers/metrics.ts";
import { percentile } from "./statistics.ts";
import { until } from "./until.ts";

export interface InjectionResult {
  readonly namespaces: number;
  /** From the answer to the creation of a namespace until all policies of its baseline are there. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly writesPerNamespace: number;
}

const INJECTED = { limitMs: 10_000, everyMs: 1 };

/** Namespaces one after another, each with the default baseline. @throws Error when one does not get it within 10 s */
export async function measureInjection({ api, admission }: Site, namespaces: number): Promise<InjectionResult> {
  const count = async () => {
    const text = (await admission.metrics?.()) ?? "";
    const finished = sumOf(text, "drawbridge_baseline_namespaces_total", { outcome: "finished" });
    return { finished, writes: sumOf(text, "drawbridge_baseline_writes_total") };
  };
  const before = await count();
  const times: number[] = [];
  for (let i = 0; i < namespaces; i += 1) {
    const name = `injected-${i}`;
    await create(api, "/api/v1/namespaces", { apiVersion: "v1", kind: "Namespace", metadata: { name } });
    const start = performance.now();
    // Each by its name: lists that follow writes of another kind wait for the API server's cache, and make others wait.
    for (const policy of BASELINE_NAMES) {
      const isThere = async () => (await api.send("GET", `${policiesPath(name)}/${policy}`)).status === 200;
      await until(`${name} has ${policy}`, isThere, INJECTED);
    }
    times.push(performance.now() - start);
  }
  // The marker goes last, after the policies.
  const areFinished = async () => (await count()).finished - before.finished >= namespaces;
  await until("every baseline is finished", areFinished, INJECTED);
  const writes = (await count()).writes - before.writes;
  return {
    namespaces,
    p50Ms: percentile(times, 50),
    p99Ms: percentile(times, 99),
    writesPerNamespace: writes / namespaces,
  };
}
