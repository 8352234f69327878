import { setTimeout as sleep } from "node:timers/promises";
import type { KubernetesClient } from "../../../src/cluster/client.ts";
import { paths } from "../../../src/cluster/paths.ts";

export interface LoadOptions {
  readonly client: Pick<KubernetesClient, "apply">;
  /** One in which a write fails when its webhook does. */
  readonly namespace: string;
  readonly perSecond: number;
}

export interface LoadResult {
  readonly writes: number;
  readonly perSecond: number;
  readonly failures: readonly Failure[];
  readonly slowestMs: number;
}

export interface Failure {
  readonly at: Date;
  readonly error: string;
}

/** Whether it failed because of a webhook: it was not answered, or answered with no. Else the API server was away. */
export function isOfWebhook({ error }: Failure): boolean {
  return error.includes("webhook");
}

export interface AdmissionLoad {
  /** So far. */
  readonly failures: readonly Failure[];
  /** Sends nothing more; resolves when everything has been answered. */
  stop(): Promise<LoadResult>;
}

/** Each is created once and then changed; few, so that a long load stores no more than a short one. */
const POLICIES = 200;

/** As many as wait for an answer: on a machine that is too slow for the rate the load must not pile up. */
const MOST_AT_ONCE = 20;

/** NetworkPolicy writes at a constant rate; what was late is caught up with. */
export function startAdmissionLoad({ client, namespace, perSecond }: LoadOptions): AdmissionLoad {
  const failures: Failure[] = [];
  const open = new Set<Promise<void>>();
  const end = new AbortController();
  const begun = performance.now();
  let writes = 0;
  let slowestMs = 0;

  const write = async (turn: number): Promise<void> => {
    const policy = policyOf(namespace, turn);
    const path = paths.networkPolicies(namespace, policy.metadata.name);
    const sentAt = performance.now();
    try {
      await client.apply(path, policy, { fieldManager: "load", force: true });
    } catch (error) {
      failures.push({ at: new Date(), error: String(error) });
    }
    slowestMs = Math.max(slowestMs, performance.now() - sentAt);
  };
  const run = async (): Promise<void> => {
    while (!end.signal.aborted) {
      const due = ((performance.now() - begun) / 1000) * perSecond;
      for (; writes < due && open.size < MOST_AT_ONCE; writes++) {
        const one = write(writes).finally(() => open.delete(one));
        open.add(one);
      }
      await sleep(5);
    }
    await Promise.all(open);
  };
  const running = run();
  return {
    failures,
    stop: async () => {
      const seconds = (performance.now() - begun) / 1000;
      end.abort();
      await running;
      return { writes, perSecond: writes / seconds, failures, slowestMs };
    },
  };
}

function policyOf(namespace: string, turn: number) {
  return {
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    metadata: {
      name: `policy-${turn % POLICIES}`,
      namespace,
      annotations: { description: `turn ${turn}`, owner: "load" },
    },
    spec: { podSelector: { matchLabels: { app: "web" } }, policyTypes: ["Ingress"] },
  };
}
