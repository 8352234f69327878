import { setTimeout as sleep } from "node:timers/promises";
import { ApiError } from "../../../src/cluster/api-error.ts";
import type { KubernetesClient } from "../../../src/cluster/client.ts";
import { paths } from "../../../src/cluster/paths.ts";
import type { KubernetesObject } from "../../../src/model/objects.ts";
import type { Cluster } from "./cluster.ts";

export interface Pod extends KubernetesObject {
  readonly spec: { readonly nodeName?: string; readonly containers: readonly [{ readonly args?: readonly string[] }] };
}

/** What a Pod has become. */
export type Fate = "Running" | "Succeeded" | "Failed";

export interface KubeletOptions {
  readonly cluster: Cluster;
  /** The admin's. */
  readonly client: KubernetesClient;
  /** Begins what a Pod is for; resolves when that is ready, or has ended. */
  readonly begin: (pod: Pod) => Promise<Fate>;
  /** Ends it. Called once for each that has begun. */
  readonly end: (pod: Pod) => Promise<unknown>;
}

export interface Kubelet {
  /** The Pods stay as they are, and what they are for goes on. */
  stop(): Promise<void>;
}

const NODE = "node-1";
const PODS = "/api/v1/pods";
const EVERY_MS = 150;
/** The controller manager takes a node for lost after 50 s of silence. */
const ALIVE_EVERY_MS = 10_000;

/**
 * A scheduler and a node: Pods are bound to it, begun, told ready, and gone when they have ended. Without it nothing of
 * a Deployment ever becomes available, and nobody could wait for it as people do.
 */
export async function startKubelet({ cluster, client, begin, end }: KubeletOptions): Promise<Kubelet> {
  const begun = new Map<string, Promise<void>>();
  const ending = new Set<string>();
  const stopping = new AbortController();
  const options = { fieldManager: "kubelet", force: true };
  let failure: unknown;

  const pathOf = ({ metadata }: Pod) => `${paths.namespaces(metadata?.namespace)}/pods/${metadata?.name}`;
  const tell = (pod: Pod, phase: Fate) => {
    const status = phase === "Running" ? "True" : "False";
    // For as long as a Deployment says a Pod must be ready before it counts.
    const lastTransitionTime = new Date().toISOString();
    const conditions = ["ContainersReady", "Ready"].map((type) => ({ type, status, lastTransitionTime }));
    const { name, namespace, uid } = pod.metadata ?? {};
    const metadata = { name, namespace, uid };
    const told = { apiVersion: "v1", kind: "Pod", metadata, status: { phase, conditions } };
    return client.apply(`${pathOf(pod)}/status`, told, options);
  };
  const run = async (pod: Pod): Promise<void> => {
    if (pod.spec.nodeName === undefined) {
      const target = { apiVersion: "v1", kind: "Node", name: NODE };
      const { name, namespace } = pod.metadata ?? {};
      const binding = { apiVersion: "v1", kind: "Binding", metadata: { name, namespace }, target };
      await unlessGone(client.create(`${pathOf(pod)}/binding`, binding));
    }
    await unlessGone(tell(pod, await begin(pod)));
  };
  /** Without the rest of the time that it was given to end. */
  const removed = ({ metadata }: Pod) => {
    const now = ["--grace-period=0", "--force", "--wait=false", "--ignore-not-found"];
    return cluster.ok(["delete", "pod", metadata?.name ?? "", "-n", metadata?.namespace ?? "", ...now]);
  };
  const remove = async (pod: Pod, uid: string): Promise<void> => {
    await begun.get(uid);
    if (begun.has(uid)) await end(pod);
    await removed(pod);
  };
  const look = async (): Promise<void> => {
    const { items } = await client.get<{ readonly items: readonly Pod[] }>(PODS);
    for (const pod of items) {
      const uid = pod.metadata?.uid ?? "";
      const failed = (error: unknown): void => void (failure ??= error);
      if (pod.metadata?.deletionTimestamp != null) {
        if (!ending.has(uid)) remove(pod, uid).catch(failed);
        ending.add(uid);
      } else if (!begun.has(uid)) begun.set(uid, run(pod).catch(failed));
    }
    if (failure !== undefined) throw failure;
  };
  const isAlive = async (): Promise<void> => {
    const conditions = [{ type: "Ready", status: "True", reason: "Test", lastHeartbeatTime: new Date().toISOString() }];
    const node = { apiVersion: "v1", kind: "Node", metadata: { name: NODE } };
    await client.apply(`/api/v1/nodes/${NODE}/status`, { ...node, status: { conditions } }, options);
  };

  await client.create("/api/v1/nodes", { apiVersion: "v1", kind: "Node", metadata: { name: NODE } });
  await isAlive();
  const working = (async () => {
    let next = Date.now() + ALIVE_EVERY_MS;
    while (!stopping.signal.aborted) {
      await look();
      if (Date.now() > next) {
        await isAlive();
        next = Date.now() + ALIVE_EVERY_MS;
      }
      await sleep(EVERY_MS);
    }
  })();
  // Whoever stops it hears of it.
  working.catch(() => {});
  return {
    stop: async () => {
      stopping.abort();
      await working;
      await Promise.all(begun.values());
    },
  };
}

async function unlessGone(call: Promise<unknown>): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (!(error instanceof ApiError && (error.status === 404 || error.status === 409))) throw error;
  }
}
