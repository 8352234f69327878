import { setTimeout as sleep } from "node:timers/promises";
import type { KubernetesClient } from "../../../src/cluster/client.ts";
import { paths } from "../../../src/cluster/paths.ts";
import type { NetworkBaseline } from "../../../src/config/baseline.ts";
import type { NetworkBaselineStatus } from "../../../src/config/baseline-status.ts";
import type { NetworkPolicy } from "../../../src/model/network-policy.ts";
import { networkBaseline } from "../../helpers/build.ts";
import { eventually } from "../../helpers/eventually.ts";
import { type AuditEvent, auditedCalls, auditEnd, countCalls, isOfDrawbridge, isWrite, resourceOf } from "./audit.ts";
import type { Cluster } from "./cluster.ts";
import { allowMorePolicies, forbidMorePolicies } from "./quota.ts";
import { writesByNamespace } from "./steady.ts";

/** Namespaces to which a NetworkBaseline comes. */
export interface Followers {
  /** Audits everything. */
  readonly cluster: Cluster;
  /** Of somebody else, by the audit log. */
  readonly client: KubernetesClient;
  readonly names: readonly string[];
  readonly limitMs: number;
}

/** How often each kind of call was made. */
export type Calls = ReadonlyMap<string, number>;

/** What it took until all of them had followed a change, as the API server counts. */
export interface Followed {
  /** By the API server's clock: from the request for the change to the answer to the last write of a policy. */
  readonly seconds: number;
  /** Until the status says so. */
  readonly saidSeconds: number;
  /** To policies, for each namespace. */
  readonly writes: readonly number[];
  /** In these namespaces, or for them. */
  readonly calls: Calls;
  readonly otherCalls: Calls;
}

/** Of a rollout that has halted. */
export interface Halt {
  /** Namespaces that had followed by then. */
  readonly followed: number;
  readonly standing: {
    readonly seconds: number;
    /** At its end. */
    readonly followed: number;
    readonly calls: Calls;
    readonly otherCalls: Calls;
  };
}

const BASELINE = "default";

/** So that what comes late, say an Event, or a second look, is counted too. */
const SETTLE_MS = 2_000;

/** It governs every namespace, also those that were there before. */
export async function applyBaseline(
  client: KubernetesClient,
  spec: Parameters<typeof networkBaseline>[1] = {},
): Promise<void> {
  const baseline = networkBaseline(BASELINE, { existingNamespaces: "adopt", ...spec });
  await client.apply(paths.networkBaselines(BASELINE), baseline, { fieldManager: "test", force: true });
}

/** Resolves when the change, of a NetworkBaseline or of a quota, has come to all of them. */
export async function follow(followers: Followers, change: () => Promise<unknown>): Promise<Followed> {
  const { cluster, names } = followers;
  const from = auditEnd(cluster);
  const begin = performance.now();
  await change();
  await untilStatus(followers, ({ namespaces, conditions }) => {
    const isReady = conditions.some(({ type, status }) => type === "Ready" && status === "True");
    return isReady && namespaces.finished >= names.length;
  });
  const saidSeconds = (performance.now() - begin) / 1000;
  await sleep(SETTLE_MS);
  const calls = auditedCalls(cluster, from);
  const changed = calls.find((event) => !isOfDrawbridge(event) && CHANGED.includes(event.objectRef?.resource ?? ""));
  const wrote = calls.filter(isWriteOfPolicy).map(({ stageTimestamp }) => Date.parse(stageTimestamp));
  const lastMs = wrote.reduce((last, at) => Math.max(last, at), 0);
  return {
    seconds: (lastMs - Date.parse(changed?.requestReceivedTimestamp ?? "")) / 1000,
    saidSeconds,
    writes: [...writesByNamespace(calls.filter(isWriteOfPolicy), names).values()],
    ...counted(calls, names),
  };
}

const CHANGED = ["networkbaselines", "resourcequotas"];

/**
 * Resolves when it has stood still for so long: a change by which each gets one policy more than it has, of which the API
 * server refuses those in `failing`.
 */
export async function halt(
  followers: Followers,
  failing: readonly string[],
  change: () => Promise<unknown>,
  { hasFollowed, standMs }: { readonly hasFollowed: (policies: readonly NetworkPolicy[]) => boolean; standMs: number },
): Promise<Halt> {
  const { cluster, client, names } = followers;
  const before = await policiesByNamespace(followers);
  for (const name of failing) await forbidMorePolicies(client, name, before.get(name)?.length ?? 0);
  await change();
  await untilStatus(followers, ({ conditions }) => conditions.some(({ reason }) => reason === "Halted"));
  await sleep(SETTLE_MS);
  const followed = await count(followers, hasFollowed);
  const from = auditEnd(cluster);
  await sleep(standMs);
  const calls = auditedCalls(cluster, from);
  const standing = { seconds: standMs / 1000, followed: await count(followers, hasFollowed), ...counted(calls, names) };
  return { followed, standing };
}

async function count(
  followers: Followers,
  hasFollowed: (policies: readonly NetworkPolicy[]) => boolean,
): Promise<number> {
  const all = await policiesByNamespace(followers);
  return followers.names.filter((name) => hasFollowed(all.get(name) ?? [])).length;
}

export async function mend({ client }: Followers, failing: readonly string[]): Promise<void> {
  for (const name of failing) await allowMorePolicies(client, name);
}

/** By the API server, of all namespaces. */
export async function policiesByNamespace({ client }: Followers): Promise<ReadonlyMap<string, NetworkPolicy[]>> {
  const found = new Map<string, NetworkPolicy[]>();
  for await (const { items } of client.pages<NetworkPolicy>("/apis/networking.k8s.io/v1/networkpolicies")) {
    for (const policy of items) {
      const namespace = policy.metadata?.namespace ?? "";
      found.set(namespace, [...(found.get(namespace) ?? []), policy]);
    }
  }
  return found;
}

type Stored = NetworkBaseline & { readonly status?: NetworkBaselineStatus };

/** What it says of the baseline as it is now. */
async function untilStatus(
  { client, limitMs }: Followers,
  isSo: (status: NetworkBaselineStatus) => boolean,
): Promise<void> {
  await eventually(async () => {
    const { metadata, status } = await client.get<Stored>(paths.networkBaselines(BASELINE));
    if (status !== undefined && status.observedGeneration === metadata.generation && isSo(status)) return;
    // What is asked for more often costs the machine what is to be measured.
    await sleep(POLL_MS);
    throw new Error(`not so: ${JSON.stringify(status)}`);
  }, limitMs);
}

const POLL_MS = 75;

function isWriteOfPolicy(event: AuditEvent): boolean {
  return isOfDrawbridge(event) && isWrite(event) && resourceOf(event) === "networkpolicies";
}

function counted(
  events: readonly AuditEvent[],
  names: readonly string[],
): { readonly calls: Calls; readonly otherCalls: Calls } {
  const followers = new Set(names);
  const isAbout = ({ objectRef }: AuditEvent): boolean =>
    followers.has(objectRef?.namespace ?? "") ||
    (objectRef?.resource === "namespaces" && followers.has(objectRef.name ?? ""));
  const ours = events.filter(isOfDrawbridge);
  return {
    calls: countCalls(ours.filter(isAbout)),
    otherCalls: countCalls(ours.filter((event) => !isAbout(event))),
  };
}
