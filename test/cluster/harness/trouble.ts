import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import type { Lives } from "../../../src/certs/lives.ts";
import { ApiError } from "../../../src/cluster/api-error.ts";
import type { KubernetesClient } from "../../../src/cluster/client.ts";
import { connect } from "../../../src/cluster/connect.ts";
import { LEASE_TIMES } from "../../../src/cluster/lease.ts";
import { paths } from "../../../src/cluster/paths.ts";
import type { Namespace } from "../../../src/model/objects.ts";
import { ingress, networkPolicy, networkRuleset } from "../../helpers/build.ts";
import { eventually } from "../../helpers/eventually.ts";
import type { RecordedRequest } from "../../helpers/faulty-server.ts";
import { type ApiProxy, startApiProxy } from "./api-proxy.ts";
import type { Cluster } from "./cluster.ts";
import type { LogLine } from "./drawbridge.ts";
import { type Replicas, startReplicas } from "./replicas.ts";
import { BASELINE_NAMES, createNamespace, createPod, MARKER, podsOf, type State, stateOf } from "./storm.ts";

/** Two servers, each with a proxy of its own on its way to the API server. Everybody else goes straight there. */
export interface Scene {
  readonly client: KubernetesClient;
  readonly proxies: readonly [ApiProxy, ApiProxy];
  readonly replicas: Replicas;
  stop(): Promise<void>;
}

export async function startScene(
  cluster: Cluster,
  lives: Lives,
  envs: readonly [NodeJS.ProcessEnv, NodeJS.ProcessEnv] = [{}, {}],
): Promise<Scene> {
  const namespace = "drawbridge-system";
  const client = await connect({ kubeconfig: cluster.kubeconfigs.admin });
  await createNamespace(client, namespace);
  const proxies = [await startApiProxy(cluster, "first"), await startApiProxy(cluster, "second")] as const;
  const [first, second] = proxies;
  const replicas = await startReplicas({
    cluster,
    namespace,
    lives,
    drainSeconds: 0,
    ways: [
      { kubeconfig: first.kubeconfig, env: envs[0] },
      { kubeconfig: second.kubeconfig, env: envs[1] },
    ],
  });
  const unfinished = { apiVersion: "v1", kind: "Namespace", metadata: { name: "unfinished" } };
  // The API server takes what is registered into use a moment after it has stored it.
  await eventually(async () => {
    const { metadata } = await client.create<Namespace>(paths.namespaces(), unfinished, { dryRun: true });
    expect(metadata?.labels).toHaveProperty([MARKER]);
    expect(await verdictOn(client, "default", "open")).toBe("denied");
  }, 30_000);
  return {
    client,
    proxies,
    replicas,
    stop: async () => {
      await replicas.stop();
      await Promise.all(proxies.map((proxy) => proxy.stop()));
      await client.close();
    },
  };
}

export interface Fault {
  /** Part of the names of namespaces. */
  readonly name: string;
  readonly ms: number;
  /** No call of the servers is answered with what they ask for. */
  readonly isDeaf?: boolean;
  /** What it returns ends it. */
  readonly begin: (proxies: readonly ApiProxy[]) => () => void | Promise<void>;
}

/**
 * While it lasts users create namespaces and Pods in them, a policy of a baseline vanishes, and a rule changes; policies
 * are written all the time. Then all of that is caught up with, and the servers come to rest.
 */
export async function survive({ client, proxies, replicas }: Scene, fault: Fault): Promise<void> {
  const { name, ms, isDeaf = false } = fault;
  const steady = `steady-${name}`;
  const created = [0, 1, 2].map((i) => `new-${name}-${i}`);
  await createNamespace(client, steady);
  await finished(client, steady);
  const before = await verdictOn(client, steady, "open");
  const after = before === "denied" ? "allowed" : "denied";
  /** How often, by each. */
  const said = (what: string) => replicas.current.map(({ log }) => log.filter(({ msg }) => msg === what).length);
  const heard = said("configuration changed");
  const lost = said("no longer leading");

  const begun = performance.now();
  const end = fault.begin(proxies);
  const over = performance.now() + ms;
  await Promise.all(created.map((one) => createNamespace(client, one)));
  const arriving = Promise.all(created.map((one) => createPod(client, one, ms + 60_000, 500)));
  await removeByForce(client, steady, "drawbridge-10-allow-dns-egress");
  await setOpenIngress(client, after);
  // Of a namespace that they cannot have heard of nothing is assumed.
  if (isDeaf) await expect(verdictOn(client, created[0] ?? "", "good")).rejects.toThrow("failed calling webhook");
  while (performance.now() < over) {
    expect(await verdictOn(client, steady, "good")).toBe("allowed");
    expect([before, after]).toContain(await verdictOn(client, steady, "open"));
    await sleep(100);
  }
  expect((await createPod(client, steady, 0)).refusals).toEqual([]);
  if (isDeaf && ms > 2 * LEASE_TIMES.renewMs) expect(said("no longer leading")).not.toEqual(lost);
  const early = await Promise.all(created.map((one) => client.get<{ readonly items: readonly object[] }>(podsOf(one))));
  if (isDeaf) expect(early.flatMap(({ items }) => items)).toEqual([]);
  await end();
  const lasted = performance.now();

  for (const { namespace, podVersion = 0, refusals } of await arriving) {
    if (isDeaf) expect(refusals[0]?.message).toContain("the policies of its baseline cannot be applied now");
    const { newestPolicy } = await finished(client, namespace);
    expect({ namespace, slipped: podVersion <= newestPolicy }).toEqual({ namespace, slipped: false });
  }
  await finished(client, steady);
  // By whichever is asked: the API server keeps its connection to one of them.
  await eventually(() => {
    for (const [index, count] of said("configuration changed").entries()) {
      expect(count).toBeGreaterThan(heard[index] ?? Number.POSITIVE_INFINITY);
    }
  }, 30_000);
  await eventually(async () => expect(await verdictOn(client, steady, "open")).toBe(after));
  expectBounded(proxies, begun, lasted);
  await expectRest(proxies);
  expectOneLeader(replicas.log());
}

/**
 * Each loop has calls of its own, by method and path, and waits between them. A cache asks at once, after 0.25 s, 0.5 s,
 * 1 s and so on at least; where watches succeed and are cut 4 times a second. What is done for a namespace is tried again
 * after 0.05 s, 0.1 s, 0.2 s and so on, and the gate asks once for each Pod.
 */
const MOST_OF_ONE = 8;

/** On average: 14 caches, a Lease, and namespaces in which there is something to do. */
const MOST_PER_SECOND = 14 * 4 + 2 + 6;

/** What each server has asked of the API server from then to then (performance.now). */
export function expectBounded(proxies: Scene["proxies"], from: number, to: number): void {
  for (const { calls } of proxies) {
    const within = callsWithin(calls, from, to);
    const loops = Map.groupBy(within, ({ method, path }) => `${method} ${path}`);
    for (const [loop, own] of loops) {
      const most = Math.max(...own.map(({ at }) => callsWithin(own, at, at + 1_000).length));
      expect({ loop, most, isBounded: most <= MOST_OF_ONE }).toEqual({ loop, most, isBounded: true });
    }
    expect(within.length / ((to - from) / 1_000)).toBeLessThanOrEqual(MOST_PER_SECOND);
  }
}

/** The Lease is looked at or renewed every 2 s to 2.4 s. */
const RESTING_MS = 3_000;
const MOST_AT_REST = 2;

export async function expectRest(proxies: Scene["proxies"]): Promise<void> {
  await eventually(() => {
    const since = performance.now() - RESTING_MS;
    for (const { calls } of proxies) {
      const asked = callsWithin(calls, since, Number.POSITIVE_INFINITY).map(({ method, path }) => `${method} ${path}`);
      expect(asked.slice(MOST_AT_REST)).toEqual([]);
    }
  }, 60_000);
}

/** At every moment, by what they say. */
function expectOneLeader(log: readonly LogLine[]): void {
  const leading = new Set<unknown>();
  for (const { msg, identity } of log.toSorted((a, b) => Number(a["time"]) - Number(b["time"]))) {
    if (msg === "leading") leading.add(identity);
    if (msg === "no longer leading") leading.delete(identity);
    expect(leading.size).toBeLessThanOrEqual(1);
  }
}

export function finished(client: KubernetesClient, namespace: string): Promise<State> {
  return eventually(async () => {
    const state = await stateOf(client, namespace);
    expect({ namespace, ...state }).toMatchObject({ isPending: false, policies: BASELINE_NAMES });
    return state;
  }, 45_000);
}

/** Of a policy that nothing is wrong with, or of one that opens a workload to everybody. Rejects where nobody judges. */
export async function verdictOn(
  client: KubernetesClient,
  namespace: string,
  which: "good" | "open",
): Promise<"allowed" | "denied"> {
  const metadata = { name: "judged", namespace };
  const policy = which === "good" ? networkPolicy() : ingress({});
  try {
    await client.create(paths.networkPolicies(namespace), { ...policy, metadata }, { dryRun: true });
    return "allowed";
  } catch (error) {
    if (error instanceof ApiError && error.message.includes("no-open-ingress")) return "denied";
    throw error;
  }
}

export async function setOpenIngress(client: KubernetesClient, verdict: "allowed" | "denied"): Promise<void> {
  const mode = verdict === "denied" ? "enforce" : "audit";
  const ruleset = networkRuleset("default", { rules: { "no-open-ingress": { mode } } });
  await client.apply(paths.networkRulesets("default"), ruleset, { fieldManager: "test", force: true });
}

/** Under the name by which the server itself is known: all else is refused. */
function removeByForce(client: KubernetesClient, namespace: string, name: string): Promise<unknown> {
  const path = paths.networkPolicies(namespace, name);
  return eventually(async () => {
    await client.patch(path, [{ op: "remove", path: "/metadata/labels" }], { fieldManager: "drawbridge" });
    await client.delete(path);
  });
}

function callsWithin(calls: readonly RecordedRequest[], from: number, to: number): readonly RecordedRequest[] {
  return calls.filter(({ at }) => at >= from && at < to);
}
