import { setTimeout as sleep } from "node:timers/promises";
import type { Lives } from "../../../src/certs/lives.ts";
import type { Cluster } from "./cluster.ts";
import { type Drawbridge, type LogLine, startDrawbridge } from "./drawbridge.ts";
import { freePort } from "./net.ts";
import type { PodOf } from "./pod.ts";
import { type Proxy, startProxy } from "./proxy.ts";

export interface Replicas {
  readonly proxy: Proxy;
  readonly current: readonly Drawbridge[];
  /** What every server has logged, also those that have ended. */
  readonly log: () => readonly LogLine[];
  /** Ends one, and starts it again where it was; resolves when it is ready to be asked. */
  restart(index: number, signal?: "SIGTERM" | "SIGKILL"): Promise<void>;
  /** The first half of a restart. */
  end(index: number, signal?: "SIGTERM" | "SIGKILL"): Promise<void>;
  /** The second half. */
  start(index: number): Promise<void>;
  stop(): Promise<void>;
}

export interface ReplicasOptions {
  readonly cluster: Cluster;
  readonly namespace: string;
  /** Default: those of an installation. */
  readonly lives?: Lives;
  readonly drainSeconds: number;
  /** How each of them reaches the API server, and what it is told beside. Default: as everybody does. */
  readonly ways?: readonly [Way, Way];
  /** They are Pods, with the rights of that; default: the cluster's admin, from outside. */
  readonly pod?: PodOf;
  /** See startDrawbridge. */
  readonly cli?: string;
  readonly probeEveryMs?: number;
}

export interface Way {
  /** A path. */
  readonly kubeconfig: string;
  readonly env?: NodeJS.ProcessEnv;
}

interface Place {
  readonly webhook: number;
  readonly health: number;
  readonly way: Way | undefined;
}

/** How often a readiness is asked for. A kubelet does so every few seconds, but its Pods drain for longer than ours. */
const PROBE_EVERY_MS = 100;

/** Two servers that share a CA and a Lease, as behind a Service: new connections go to those that are ready. */
export async function startReplicas(options: ReplicasOptions): Promise<Replicas> {
  const { cluster, namespace, lives, drainSeconds, ways = [], pod, cli, probeEveryMs = PROBE_EVERY_MS } = options;
  const proxy = await startProxy();
  const url = `https://127.0.0.1:${proxy.port}`;
  const places = await Promise.all(
    [0, 1].map(async (index) => ({ webhook: await freePort(), health: await freePort(), way: ways[index] })),
  );
  const isReady = new Set<number>();
  const stopping = new AbortController();
  const all: Drawbridge[] = [];

  const start = async ({ webhook, health, way }: Place): Promise<Drawbridge> => {
    const drawbridge = await startDrawbridge({
      ...(pod === undefined ? { cluster } : { env: pod.env }),
      ...(lives && { lives }),
      ...(cli !== undefined && { cli }),
      ports: { webhook, health },
      ...(way?.env && { env: way.env }),
      args: [
        ...(way === undefined ? [] : [`--kubeconfig=${way.kubeconfig}`]),
        ...(pod === undefined ? [] : [`--in-cluster=${pod.folder}`, "--host=127.0.0.1"]),
        `--namespace=${namespace}`,
        `--webhook-url=${url}`,
        `--port=${webhook}`,
        `--drain-seconds=${drainSeconds}`,
      ],
    });
    all.push(drawbridge);
    return drawbridge;
  };
  const probe = async ({ webhook, health }: Place): Promise<void> => {
    while (!stopping.signal.aborted) {
      const status = await statusOf(`http://127.0.0.1:${health}/readyz`);
      if (status === 200) isReady.add(webhook);
      else if (status !== "late") isReady.delete(webhook);
      await sleep(probeEveryMs);
    }
  };
  const untilReady = async (webhook: number): Promise<void> => {
    const end = Date.now() + 30_000;
    while (!isReady.has(webhook)) {
      if (Date.now() > end) throw new Error("a server is not ready in time");
      await sleep(20);
    }
  };

  proxy.use(places.map(({ webhook }) => ({ port: webhook, isReady: () => isReady.has(webhook) })));
  const current = await Promise.all(places.map(start));
  const probing = Promise.all(places.map(probe));
  await Promise.all(places.map(({ webhook }) => untilReady(webhook)));
  const placeOf = (index: number): Place => {
    const place = places[index];
    if (place === undefined) throw new RangeError(`there is no server ${index}`);
    return place;
  };
  const endOne: Replicas["end"] = async (index, signal) => {
    await current[index]?.stop(signal);
    isReady.delete(placeOf(index).webhook);
  };
  const startOne: Replicas["start"] = async (index) => {
    const place = placeOf(index);
    current[index] = await start(place);
    await untilReady(place.webhook);
  };
  return {
    proxy,
    current,
    log: () => all.flatMap(({ log }) => log),
    end: endOne,
    start: startOne,
    restart: async (index, signal) => {
      await endOne(index, signal);
      await startOne(index);
    },
    stop: async () => {
      await Promise.all(current.map((server) => server.stop()));
      stopping.abort();
      await probing;
      await proxy.stop();
    },
  };
}

/** One answer that is late does not make a Pod unready, one that says so does. */
async function statusOf(url: string): Promise<number | "late" | undefined> {
  try {
    return (await fetch(url, { signal: AbortSignal.timeout(1_000) })).status;
  } catch (error) {
    return error instanceof Error && error.name === "TimeoutError" ? "late" : undefined;
  }
}
