import type { KubernetesClient } from "../../../src/cluster/client.ts";
import { paths } from "../../../src/cluster/paths.ts";
import type { Namespace } from "../../../src/model/objects.ts";
import { sumOf } from "../../helpers/metrics.ts";
import { type AuditEvent, isOfDrawbridge, isWrite } from "./audit.ts";
import type { Cluster } from "./cluster.ts";
import type { LogLine } from "./drawbridge.ts";
import { createNamespace, inParallel, MARKER, podOf, podsOf } from "./storm.ts";

export const GATE = "gate.pods.drawbridge.dev";
/** Is asked about Pods that no workload has made. */
export const WORKLOADS = "workloads.drawbridge.dev";

export interface Crowd {
  readonly client: KubernetesClient;
  readonly names: readonly string[];
  /** How many create at once. */
  readonly clients: number;
}

/** Resolves when they are created; `countPending` says when they are finished. */
export async function createNamespaces({ client, names, clients }: Crowd): Promise<void> {
  await inParallel(clients, names, (name) => createNamespace(client, name));
}

/** Of all namespaces, by the API server. */
export async function countPending(client: KubernetesClient): Promise<number> {
  const query = { labelSelector: MARKER };
  const { items } = await client.get<{ readonly items: readonly Namespace[] }>(paths.namespaces(), { query });
  return items.length;
}

/** As a ReplicaSet makes them. There is none, so without a controller manager, which would collect them. */
const OWNED = {
  generateName: "web-",
  ownerReferences: [
    {
      apiVersion: "apps/v1",
      kind: "ReplicaSet",
      name: "web-5d4f",
      uid: "6f1c0a52-0000-4000-8000-000000000000",
      controller: true,
    },
  ],
};

export async function createPods({ client, names, clients }: Crowd, perNamespace: number): Promise<void> {
  const places = names.flatMap((name) => Array.from({ length: perNamespace }, () => name));
  await inParallel(clients, places, (name) => client.create(podsOf(name), podOf(OWNED)));
}

/** How often the API server has called each webhook that there is, and how long it has counted them to take. */
export async function webhookCalls(cluster: Cluster): Promise<ReadonlyMap<string, { total: number; timed: number }>> {
  const configurations = ["validatingwebhookconfigurations", "mutatingwebhookconfigurations"];
  const names = await Promise.all(
    configurations.map((kind) => cluster.ok(["get", kind, "-o", "jsonpath={.items[*].webhooks[*].name}"])),
  );
  const text = await cluster.ok(["get", "--raw", "/metrics"]);
  return new Map(
    names
      .flatMap((line) => line.split(" ").filter(Boolean))
      .map((name) => [
        name,
        {
          total: sumOf(text, "apiserver_admission_webhook_request_total", { name }),
          timed: sumOf(text, "apiserver_admission_webhook_admission_duration_seconds_count", { name }),
        },
      ]),
  );
}

/** What Drawbridge has asked to be stored beside its Lease, which is renewed every 2 s and tells nothing. */
export function writesOf(calls: readonly AuditEvent[]): readonly AuditEvent[] {
  return calls.filter((event) => isOfDrawbridge(event) && isWrite(event) && event.objectRef?.resource !== "leases");
}

/** For or in each of these namespaces. */
export function writesByNamespace(calls: readonly AuditEvent[], names: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map(names.map((name) => [name, 0]));
  for (const { objectRef } of writesOf(calls)) {
    const name = objectRef?.namespace ?? objectRef?.name ?? "";
    const count = counts.get(name);
    if (count !== undefined) counts.set(name, count + 1);
  }
  return counts;
}

/** What a leader says when it has looked at every namespace: at first, and when the configuration has changed. */
export function looksIn(log: readonly LogLine[]): readonly LogLine[] {
  return log.filter(({ msg }) => msg === "every namespace has been looked at");
}

/** Everything is looked at again for it, though nothing that it says is about any namespace that there is. */
export async function touchRuleset(client: KubernetesClient, turn: number): Promise<void> {
  const ruleset = {
    apiVersion: "drawbridge.dev/v1alpha1",
    kind: "NetworkRuleset",
    metadata: { name: "touched" },
    spec: { rules: { "no-open-egress": { mode: turn % 2 === 0 ? "warn" : "enforce" } } },
  };
  await client.apply(paths.networkRulesets("touched"), ruleset, { fieldManager: "test", force: true });
}
