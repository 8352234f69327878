import { afterAll, beforeAll, expect, test } from "vitest";
import type { KubernetesClient } from "../../src/cluster/client.ts";
import { connect } from "../../src/cluster/connect.ts";
import { paths } from "../../src/cluster/paths.ts";
import type { KubernetesObject } from "../../src/model/objects.ts";
import { wakeWorkloads } from "../../src/controllers/wake.ts";
import { createLogger } from "../../src/telemetry/log.ts";
import { createMetrics } from "../../src/telemetry/metrics.ts";
import { eventually } from "../helpers/eventually.ts";
import { describeCluster } from "./harness/context.ts";
import { type Drawbridge, startDrawbridge } from "./harness/drawbridge.ts";
import { freePort } from "./harness/net.ts";
import { createNamespace, MARKER, podOf, podsOf, stateOf } from "./harness/storm.ts";

const WORKLOADS = [
  ["apps/v1", "Deployment", "deployments"],
  ["apps/v1", "StatefulSet", "statefulsets"],
  ["batch/v1", "Job", "jobs"],
  ["v1", "ReplicationController", "replicationcontrollers"],
] as const;

describeCluster(
  "workloads whose Pods were refused",
  (cluster) => {
    let client: KubernetesClient;
    let drawbridge: Drawbridge;
    beforeAll(async () => {
      client = await connect({ kubeconfig: cluster().kubeconfigs.admin });
    });
    afterAll(async () => {
      await drawbridge?.stop();
      await client?.close();
    });

    const podsIn = async (namespace: string): Promise<number> =>
      (await client.get<{ readonly items: readonly object[] }>(podsOf(namespace))).items.length;

    const workload = (apiVersion: string, kind: string, namespace: string): object => {
      const { metadata, spec } = podOf({ labels: { app: kind } }) as { metadata: object; spec: object };
      const selector = kind === "ReplicationController" ? { app: kind } : { matchLabels: { app: kind } };
      const job = { template: { metadata, spec: { ...spec, restartPolicy: "Never" } } };
      return {
        apiVersion,
        kind,
        metadata: { name: kind.toLowerCase(), namespace },
        spec: kind === "Job" ? job : { replicas: 1, selector, serviceName: "x", template: { metadata, spec } },
      };
    };

    test("are tried again as soon as the server is back, not when their controllers would next have tried", {
      timeout: 120_000,
    }, async () => {
      const ports = { webhook: await freePort(), health: await freePort() };
      drawbridge = await startDrawbridge({ cluster: cluster(), ports });
      await drawbridge.stop("SIGKILL");
      await createNamespace(client, "waiting", { [MARKER]: "true" });
      for (const [apiVersion, kind, resource] of WORKLOADS) {
        await client.create(paths.workloads(apiVersion, "waiting", resource), workload(apiVersion, kind, "waiting"));
      }
      // By then the controllers have been refused so often that their next try is some 20 s away.
      await new Promise((resolve) => setTimeout(resolve, 25_000));
      expect(await podsIn("waiting")).toBe(0);

      drawbridge = await startDrawbridge({ cluster: cluster(), ports });
      await eventually(async () => expect(await stateOf(client, "waiting")).toMatchObject({ isPending: false }));
      await eventually(async () => expect(await podsIn("waiting")).toBe(WORKLOADS.length));
      expect(drawbridge.log).toContainEqual(
        expect.objectContaining({
          namespace: "waiting",
          woken: [
            "ReplicationController replicationcontroller",
            expect.stringMatching(/^ReplicaSet deployment-/),
            "StatefulSet statefulset",
            "Job job",
          ],
        }),
      );
    });

    test("are touched by nothing but an annotation, and only where they lack Pods", async () => {
      const sets = paths.workloads("apps/v1", "waiting", "statefulsets");
      const before = await client.get<KubernetesObject & { readonly spec: object }>(`${sets}/statefulset`);
      const metrics = createMetrics();
      const lines: string[] = [];
      const log = createLogger("info", { write: (line: string) => void lines.push(line) });
      const deps = { client, log, metrics, now: Date.now };
      const namespace = { metadata: { name: "waiting", creationTimestamp: "2026-01-01T00:00:00Z" } };
      await wakeWorkloads(namespace, deps);
      expect(lines).toEqual([]);
      expect(await client.get(`${sets}/statefulset`)).toMatchObject({
        spec: before.spec,
        metadata: { annotations: { "drawbridge.dev/pods-admitted-since": expect.any(String) }, generation: 1 },
      });
      // One that is young is left to itself: its controllers try again in no time.
      await wakeWorkloads({ metadata: { ...namespace.metadata, creationTimestamp: new Date().toISOString() } }, deps);
      expect(lines).toEqual([]);
    });
  },
  { controllerManager: true },
);
