import { afterAll, beforeAll } from "vitest";
import type { KubernetesClient } from "../../../src/cluster/client.ts";
import { connect } from "../../../src/cluster/connect.ts";
import type { Cluster } from "./cluster.ts";
import { type Drawbridge, startDrawbridge } from "./drawbridge.ts";
import { freePort } from "./net.ts";

export interface Served {
  /** The admin's. */
  readonly client: KubernetesClient;
  /** The one that was started last. */
  readonly drawbridge: Drawbridge;
  /** After a stop: another one, where the API server expects the one before it. */
  start(): Promise<void>;
}

/** For the tests of a describeCluster(): a server that is ready, and that they may stop and start again. */
export function serve(cluster: () => Cluster): Served {
  let client: KubernetesClient | undefined;
  let drawbridge: Drawbridge | undefined;
  let ports: { readonly webhook: number; readonly health: number };
  const start = async (): Promise<void> => {
    drawbridge = await startDrawbridge({ cluster: cluster(), ports });
  };
  beforeAll(async () => {
    ports = { webhook: await freePort(), health: await freePort() };
    client = await connect({ kubeconfig: cluster().kubeconfigs.admin });
    await start();
  });
  afterAll(async () => {
    await drawbridge?.stop();
    await client?.close();
  });
  return {
    get client() {
      return running(client);
    },
    get drawbridge() {
      return running(drawbridge);
    },
    start,
  };
}

function running<T>(started: T | undefined): T {
  if (started === undefined) throw new Error("it is for tests and hooks, and its start must not have failed");
  return started;
}
