import { beforeAll, expect, test } from "vitest";
import { paths } from "../../src/cluster/paths.ts";
import type { KubernetesObject } from "../../src/model/objects.ts";
import { wakeWorkloads } from "../../src/controllers/baseline/wake.ts";
import { createLogger } from "../../src/telemetry/log.ts";
import { createMetrics } from "../../src/telemetry/metrics.ts";
import { eventually } from "../helpers/eventually.ts";
import { describeCluster } from "./harness/context.ts";
import { serve } from "./harness/served.ts";
import { createNamespace, MARKER, podOf, podsOf, stateOf } from "./harness/storm.ts";

/** A plain DaemonSet has no Pod on the last of them. */
const NODES = [{}, {}, { taints: [{ key: "example.com/gpu", effect: "NoSchedule" }] }];

const NEW_IMAGE = "registry.example.com/web:2.0";

const WORKLOADS = [
  ["apps/v1", "Deployment", "deployments"],
  ["apps/v1", "StatefulSet", "statefulsets"],
  ["batch/v1", "Job", "jobs"],
  ["v1", "ReplicationController", "replicationcontrollers"],
  ["apps/v1", "DaemonSet", "daemonsets"],
] as const;

describeCluster(
  "workloads whose Pods were refused",
  (cluster) => {
    const served = serve(cluster);
    beforeAll(async () => {
      for (const [i, spec] of NODES.entries()) {
        await served.client.create("/api/v1/nodes", {
          apiVersion: "v1",
          kind: "Node",
          metadata: { name: `node-${i}` },
          spec,
        });
      }
    });

    /** Of each kind of workload. */
    const podsIn = async (namespace: string): Promise<Readonly<Record<string, number>>> => {
      const { items } = await served.client.get<{ readonly items: readonly KubernetesObject[] }>(podsOf(namespace));
      return Object.fromEntries(
        [...Map.groupBy(items, ({ metadata }) => String(metadata?.labels?.["app"]))].map(([kind, { length }]) => [
          kind,
          length,
        ]),
      );
    };

    const imagesIn = async (namespace: string): Promise<readonly string[]> =>
      (
        await cluster().ok(["get", "pods", "-n", namespace, "-o", "jsonpath={.items[*].spec.containers[0].image}"])
      ).split(" ");

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

    const ALL = { Deployment: 1, StatefulSet: 1, Job: 1, ReplicationController: 1, DaemonSet: 2 };

    test("are tried again as soon as the server is back, not when their controllers would next have tried", {
      timeout: 120_000,
    }, async () => {
      await served.drawbridge.stop("SIGKILL");
      await createNamespace(served.client, "waiting", { [MARKER]: "true" });
      for (const [apiVersion, kind, resource] of WORKLOADS) {
        await served.client.create(
          paths.workloads(apiVersion, "waiting", resource),
          workload(apiVersion, kind, "waiting"),
        );
      }
      // By then the controllers have been refused so often that their next try is some 20 s away.
      await new Promise((resolve) => setTimeout(resolve, 25_000));
      expect(await podsIn("waiting")).toEqual({});

      await served.start();
      await eventually(async () => expect(await stateOf(served.client, "waiting")).toMatchObject({ isPending: false }));
      await eventually(async () => expect(await podsIn("waiting")).toEqual(ALL));
      await eventually(() =>
        expect(served.drawbridge.log).toContainEqual(
          expect.objectContaining({
            namespace: "waiting",
            woken: [
              "ReplicationController replicationcontroller",
              expect.stringMatching(/^ReplicaSet deployment-/),
              "StatefulSet statefulset",
              "DaemonSet daemonset",
              "Job job",
            ],
          }),
        ),
      );
    });

    test("so are those of a DaemonSet that replaces its Pods before it takes the old ones away", {
      timeout: 120_000,
    }, async () => {
      await createNamespace(served.client, "surging");
      const sets = paths.workloads("apps/v1", "surging", "daemonsets");
      const updateStrategy = { type: "RollingUpdate", rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } };
      const { spec, ...rest } = workload("apps/v1", "DaemonSet", "surging") as { readonly spec: object };
      await served.client.create(sets, { ...rest, spec: { ...spec, updateStrategy } });
      await eventually(async () => expect(await podsIn("surging")).toEqual({ DaemonSet: 2 }));

      await served.drawbridge.stop("SIGKILL");
      await cluster().ok(["label", "namespace", "surging", `${MARKER}=true`]);
      await cluster().ok(["set", "image", "-n", "surging", "daemonset/daemonset", `web=${NEW_IMAGE}`]);
      // Its controller has tried after 1, 3, 7 and 15 s, and would again after 31.
      await new Promise((resolve) => setTimeout(resolve, 18_000));
      expect(await podsIn("surging")).toEqual({ DaemonSet: 2 });

      await served.start();
      // Old Pods that have never run are in nobody's way: they go as soon as the new ones are there.
      await eventually(async () => expect(await imagesIn("surging")).toEqual([NEW_IMAGE, NEW_IMAGE]), 40_000);
      // The log is written a moment later.
      await eventually(() =>
        expect(served.drawbridge.log).toContainEqual(
          expect.objectContaining({ namespace: "surging", woken: ["DaemonSet daemonset"] }),
        ),
      );
    });

    test("are touched by nothing but an annotation, and only where they lack Pods", async () => {
      const sets = paths.workloads("apps/v1", "waiting", "statefulsets");
      const before = await served.client.get<KubernetesObject & { readonly spec: object }>(`${sets}/statefulset`);
      const metrics = createMetrics();
      const lines: string[] = [];
      const log = createLogger("info", { write: (line: string) => void lines.push(line) });
      const deps = { client: served.client, log, metrics, now: Date.now };
      const namespace = { metadata: { name: "waiting", creationTimestamp: "2026-01-01T00:00:00Z" } };
      await wakeWorkloads(namespace, deps);
      expect(lines).toEqual([]);
      expect(await served.client.get(`${sets}/statefulset`)).toMatchObject({
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
