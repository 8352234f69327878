import { setTimeout as sleep } from "node:timers/promises";
import { ApiError } from "../../../src/cluster/api-error.ts";
import type { KubernetesClient } from "../../../src/cluster/client.ts";
import { paths } from "../../../src/cluster/paths.ts";
import type { NetworkPolicy } from "../../../src/model/network-policy.ts";
import type { KubernetesObject, Namespace } from "../../../src/model/objects.ts";
import { NAMESPACE_CONTRACT } from "../../helpers/build.ts";

export const MARKER = "drawbridge.dev/baseline-pending";

/** The policies of the shipped baseline, in the order of their names. */
export const BASELINE_NAMES = [
  "drawbridge-00-default-deny-ingress",
  "drawbridge-01-default-deny-egress",
  "drawbridge-10-allow-dns-egress",
];

export interface StormOptions {
  readonly client: KubernetesClient;
  readonly names: readonly string[];
  readonly clients: number;
  /** How long a Pod is tried for, at 50 ms a try, as controllers try (they wait longer and longer). */
  readonly tryPodsMs: number;
}

export interface Arrival {
  readonly namespace: string;
  /** Of the Pod, when it was admitted; undefined where it never was. */
  readonly podVersion: number | undefined;
  /** What the API server said to the tries that it refused. */
  readonly refusals: readonly ApiError[];
  /** From the first try to the last answer. */
  readonly ms: number;
}

/** Several clients at once, each of which creates a namespace and in the same breath a Pod in it, one after another. */
export async function storm({ client, names, clients, tryPodsMs }: StormOptions): Promise<readonly Arrival[]> {
  const arrivals: Arrival[] = [];
  await inParallel(clients, names, async (name) => {
    await createNamespace(client, name);
    arrivals.push(await createPod(client, name, tryPodsMs));
  });
  return arrivals;
}

/** So many at once, in order. Rejects when one of them does. */
export async function inParallel<T>(
  clients: number,
  items: Iterable<T>,
  work: (item: T) => Promise<unknown>,
): Promise<void> {
  const left = items[Symbol.iterator]();
  const one = async (): Promise<void> => {
    for (let next = left.next(); next.done !== true; next = left.next()) await work(next.value);
  };
  await Promise.all(Array.from({ length: clients }, one));
}

export function createNamespace(client: KubernetesClient, name: string, labels: object = {}): Promise<Namespace> {
  const metadata = { name, labels: { ...NAMESPACE_CONTRACT, ...labels } };
  return client.create(paths.namespaces(), { apiVersion: "v1", kind: "Namespace", metadata });
}

export async function createPod(
  client: KubernetesClient,
  namespace: string,
  tryMs: number,
  everyMs = 50,
): Promise<Arrival> {
  const refusals: ApiError[] = [];
  const start = performance.now();
  const ms = (): number => performance.now() - start;
  for (;;) {
    try {
      const pod = await client.create<KubernetesObject>(podsOf(namespace), podOf());
      return { namespace, podVersion: versionOf(pod), refusals, ms: ms() };
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      refusals.push(error);
      if (ms() >= tryMs) return { namespace, podVersion: undefined, refusals, ms: ms() };
      await sleep(everyMs);
    }
  }
}

export function podsOf(namespace: string): string {
  return `${paths.namespaces(namespace)}/pods`;
}

export function podOf(metadata: object = { generateName: "web-" }): object {
  const labels = { "app.kubernetes.io/name": "web", "app.kubernetes.io/part-of": "shop" };
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { labels, ...metadata },
    spec: { containers: [{ name: "web", image: "registry.example.com/web:1.0" }] },
  };
}

export interface State {
  readonly isPending: boolean;
  readonly policies: readonly string[];
  /** The newest resourceVersion of any policy: since they were complete, nothing has been written to them. */
  readonly newestPolicy: number;
}

export async function stateOf(client: KubernetesClient, namespace: string): Promise<State> {
  const { metadata } = await client.get<Namespace>(paths.namespaces(namespace));
  const { items } = await client.get<{ readonly items: readonly NetworkPolicy[] }>(paths.networkPolicies(namespace));
  return {
    isPending: Object.hasOwn(metadata?.labels ?? {}, MARKER),
    policies: items.map((policy) => policy.metadata?.name ?? "").toSorted(),
    newestPolicy: Math.max(0, ...items.map(versionOf)),
  };
}

export function versionOf({ metadata }: KubernetesObject): number {
  return Number(metadata?.resourceVersion);
}
