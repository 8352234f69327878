import type { Cluster } from "./cluster.ts";
import { type Drawbridge, startDrawbridge } from "./drawbridge.ts";
import type { Pod } from "./kubelet.ts";
import { freePort } from "./net.ts";
import { podOfAccount, type PodOf } from "./pod.ts";
import { startProxy } from "./proxy.ts";

/** Drawbridge's own Pods: a process each, with the Pod's arguments and the rights of its service account. */
export interface Servers {
  /** Resolves when it is ready. */
  begin(pod: Pod): Promise<void>;
  /** Resolves when it has ended. */
  end(pod: Pod): Promise<void>;
  stop(): Promise<void>;
}

interface Running {
  readonly drawbridge: Drawbridge;
  readonly port: number;
}

const NAMESPACE = "drawbridge-system";

/** Where the Service of deploy/ leads to in a cluster with nodes, a proxy does here: so they register by its URL. */
export async function serversOfPods(cluster: Cluster): Promise<Servers> {
  const proxy = await startProxy();
  const running = new Map<string, Running>();
  let account: Promise<PodOf> | undefined;

  const lead = (): void => proxy.use([...running.values()].map(({ port }) => ({ port })));
  return {
    begin: async ({ metadata, spec }) => {
      account ??= podOfAccount(cluster, { namespace: NAMESPACE, account: "drawbridge", folder: "service-account" });
      const { folder, env } = await account;
      const [port, health] = await Promise.all([freePort(), freePort()]);
      const given = (spec.containers[0].args ?? []).slice(1);
      const own = given.filter((arg) => !arg.startsWith("--in-cluster") && !arg.startsWith("--service"));
      const drawbridge = await startDrawbridge({
        args: [
          ...own,
          `--in-cluster=${folder}`,
          "--host=127.0.0.1",
          `--namespace=${NAMESPACE}`,
          `--webhook-url=https://127.0.0.1:${proxy.port}`,
          `--port=${port}`,
          "--drain-seconds=1",
        ],
        ports: { webhook: port, health },
        env,
      });
      running.set(metadata?.uid ?? "", { drawbridge, port });
      lead();
    },
    end: async ({ metadata }) => {
      const uid = metadata?.uid ?? "";
      const one = running.get(uid);
      running.delete(uid);
      lead();
      await one?.drawbridge.stop();
    },
    stop: async () => {
      await Promise.all([...running.values()].map(({ drawbridge }) => drawbridge.stop()));
      await proxy.stop();
    },
  };
}
