import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { KubernetesClient } from "../../src/cluster/client.ts";
import { connect } from "../../src/cluster/connect.ts";
import { paths } from "../../src/cluster/paths.ts";
import type { NetworkBaseline } from "../../src/config/baseline.ts";
import type { NetworkBaselineStatus } from "../../src/config/baseline-status.ts";
import { networkBaseline } from "../helpers/build.ts";
import { eventually } from "../helpers/eventually.ts";
import { describeCluster } from "./harness/context.ts";
import { type Drawbridge, startDrawbridge } from "./harness/drawbridge.ts";
import { allowMorePolicies, forbidMorePolicies } from "./harness/quota.ts";
import { BASELINE_NAMES, createNamespace, MARKER } from "./harness/storm.ts";

const [DENY_INGRESS = "", DENY_EGRESS = ""] = BASELINE_NAMES;
const OTHER = { podSelector: { matchLabels: { app: "x" } }, policyTypes: ["Ingress"] };

describeCluster(
  "the status of a NetworkBaseline on a real API server",
  (cluster) => {
    let client: KubernetesClient;
    let drawbridge: Drawbridge;
    /** It registers nothing, so nobody marks namespaces but the tests. */
    const start = async (): Promise<void> => {
      drawbridge = await startDrawbridge({
        args: ["--kubeconfig", cluster().kubeconfigs.admin, "--drain-seconds", "0"],
      });
    };
    beforeAll(async () => {
      client = await connect({ kubeconfig: cluster().kubeconfigs.admin, userAgent: "test" });
    });
    afterAll(async () => {
      await drawbridge?.stop();
      await client?.close();
    });

    type Stored = NetworkBaseline & { readonly status?: NetworkBaselineStatus };
    const tier = (name: string): Partial<NetworkBaseline["spec"]> => ({
      namespaceSelector: { matchLabels: { tier: name } },
    });
    const createBaseline = (name: string, spec: object = tier(name)): Promise<Stored> =>
      client.create(paths.networkBaselines(), networkBaseline(name, spec));
    const statusOf = async (name: string): Promise<NetworkBaselineStatus | undefined> =>
      (await client.get<Stored>(paths.networkBaselines(name))).status;
    const said = (name: string, expected: object, limitMs?: number) =>
      eventually(async () => expect(await statusOf(name)).toMatchObject(expected), limitMs);
    const condition = (type: string, status: string, reason: string) =>
      expect.objectContaining({ type, status, reason });
    const counts = (expected: Partial<NetworkBaselineStatus["namespaces"]>) => ({
      namespaces: { governed: 0, finished: 0, pending: 0, failed: 0, conflict: 0, ...expected },
    });
    const marked = (name: string, labels: object) => createNamespace(client, name, { [MARKER]: "true", ...labels });
    const label = (namespace: string, ...labels: string[]) =>
      cluster().ok(["label", "namespace", namespace, "--overwrite", ...labels]);
    const AT = expect.stringMatching(/^2\d{3}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);

    /** What Drawbridge has written to NetworkBaselines so far, as `patch status web`. */
    const writes = (): string[] =>
      readFileSync(cluster().auditLog ?? "", "utf8")
        .split("\n")
        .filter(Boolean)
        .map((line) => JSON.parse(line) as AuditEvent)
        .filter(({ userAgent, objectRef }) => userAgent === "drawbridge" && objectRef.resource === "networkbaselines")
        .filter(({ verb }) => !["list", "watch"].includes(verb))
        .map(({ verb, objectRef }) => `${verb} ${objectRef.subresource} ${objectRef.name}`);
    interface AuditEvent {
      readonly verb: string;
      readonly userAgent: string;
      readonly objectRef: { readonly resource: string; readonly subresource?: string; readonly name?: string };
    }
    const reloads = () => drawbridge.log.filter(({ msg }) => msg === "configuration changed").length;

    test("of one that governs nothing, then of what it governs", async () => {
      await start();
      await createBaseline("web");
      await said("web", {
        observedGeneration: 1,
        ...counts({}),
        unfinished: [],
        conditions: [condition("Ready", "True", "Finished"), condition("Overlapping", "False", "Alone")],
      });
      for (const name of ["web-1", "web-2", "web-3"]) await marked(name, { tier: "web" });
      await createNamespace(client, "none", { tier: "database" });
      await said("web", counts({ governed: 3, finished: 3 }));
      await client.delete(paths.namespaces("web-3"));
      await said("web", counts({ governed: 2, finished: 2 }));
    });

    test("kubectl shows it", async () => {
      const table = await cluster().ok(["get", "networkbaselines", "web"]);
      expect(table.split("\n").map((line) => line.trim().split(/ +/))).toMatchObject([
        ["NAME", "GOVERNED", "FINISHED", "PENDING", "FAILED", "CONFLICT", "READY", "AGE"],
        ["web", "2", "2", "0", "0", "0", "True", expect.stringMatching(/^\d+/)],
        [""],
      ]);
      expect(await cluster().ok(["get", "networkbaselines", "web", "-o", "wide"])).toMatch(
        /EXISTING +RELEASED +REASON +STAGE/,
      );
      await cluster().ok(["wait", "networkbaseline/web", "--for=condition=Ready", "--timeout=5s"]);
    });

    test("somebody's policy in the way is named, with its namespace, until it is gone", async () => {
      await createNamespace(client, "taken", { tier: "web", "drawbridge.dev/mode": "audit" });
      await client.create(
        paths.networkPolicies("taken"),
        { apiVersion: "networking.k8s.io/v1", kind: "NetworkPolicy", metadata: { name: DENY_INGRESS }, spec: OTHER },
        { fieldManager: "somebody" },
      );
      await label("taken", "drawbridge.dev/mode=enforce", `${MARKER}=true`);
      await said("web", {
        ...counts({ governed: 3, finished: 2, conflict: 1 }),
        unfinished: [
          {
            name: "taken",
            state: "conflict",
            since: AT,
            message: `not Drawbridge's, and say something else: ${DENY_INGRESS}`,
          },
        ],
        conditions: [condition("Ready", "False", "Conflict"), {}],
      });
      const { items: events } = await client.get<{ items: { reason: string }[] }>(paths.events("taken"));
      expect(events).toMatchObject([{ reason: "BaselineConflict" }]);
      const metrics = await drawbridge.metrics();
      expect(metrics).toContain('drawbridge_baseline_governed_namespaces{baseline="web",state="conflict"} 1');
      expect(metrics).toContain('drawbridge_baseline_governed_namespaces{baseline="web",state="finished"} 2');

      await client.delete(paths.networkPolicies("taken", DENY_INGRESS));
      await said("web", {
        ...counts({ governed: 3, finished: 3 }),
        unfinished: [],
        conditions: [condition("Ready", "True", "Finished"), {}],
      });
      expect(await drawbridge.metrics()).toContain(
        'drawbridge_baseline_governed_namespaces{baseline="web",state="conflict"} 0',
      );
    });

    test("what is changed in a finished namespace is told of while it cannot be put back", async () => {
      await forbidMorePolicies(client, "web-1", 0);
      await client.delete(paths.networkPolicies("web-1", DENY_EGRESS));
      await said("web", {
        ...counts({ governed: 3, finished: 2, failed: 1 }),
        unfinished: [
          { name: "web-1", state: "failed", since: AT, message: expect.stringContaining("exceeded quota: full") },
        ],
        conditions: [condition("Ready", "False", "Failed"), {}],
      });
      const told = await statusOf("web");
      await sleep(1_100);
      expect(await statusOf("web")).toEqual(told);
    });

    test("a restart writes nothing, whatever there is to tell", async () => {
      const told = await statusOf("web");
      const before = writes();
      await drawbridge.stop();
      await start();
      const failures = () => drawbridge.log.filter(({ msg }) => msg === "baseline not applied; trying again").length;
      await eventually(() => expect(failures()).toBeGreaterThan(1));
      await sleep(2_500);
      expect(writes()).toEqual(before);
      expect(await statusOf("web")).toEqual(told);
      await allowMorePolicies(client, "web-1");
      await said("web", { ...counts({ governed: 3, finished: 3 }), unfinished: [] }, 40_000);
    });

    test("what came while no server ran is told of by the next one", async () => {
      await drawbridge.stop();
      await marked("late", { tier: "web" });
      expect(await statusOf("web")).toMatchObject(counts({ governed: 3, finished: 3 }));
      await start();
      await said("web", counts({ governed: 4, finished: 4 }));
    });

    test("it is no reason to read the configuration again, nor to write it again", async () => {
      const [before, loads] = [writes().length, reloads()];
      await sleep(1_100);
      expect([writes().length, reloads()]).toEqual([before, loads]);
      for (let i = 0; i < 20; i++) {
        await marked(`many-${i}`, { tier: "web" });
        await sleep(100);
      }
      await said("web", counts({ governed: 24, finished: 24 }));
      // 2 seconds of changes and what comes after them.
      expect(writes().length - before).toBeLessThanOrEqual(5);
      expect(new Set(writes())).toEqual(new Set(["patch status web"]));
      await sleep(2_500);
      const quiet = writes().length;
      await sleep(2_500);
      expect(writes()).toHaveLength(quiet);
      expect(reloads()).toBe(loads);
    });

    test("a new generation is observed, and one that is not valid said to be so", async () => {
      const loads = reloads();
      await cluster().ok(["patch", "networkbaseline", "web", "--type=merge", "-p", '{"spec":{"description":"Web."}}']);
      await said("web", { observedGeneration: 2, conditions: [condition("Ready", "True", "Finished"), {}] });
      expect(reloads()).toBe(loads + 1);
      const wrong = ["patch", "networkbaseline", "web", "--type=json", "-p"];
      await cluster().ok([...wrong, '[{"op":"add","path":"/spec/namespaceSelektor","value":{}}]']);
      await said("web", {
        observedGeneration: 3,
        ...counts({ governed: 24, finished: 24 }),
        conditions: [condition("Ready", "False", "Invalid"), {}],
      });
      expect((await statusOf("web"))?.conditions[0]?.message).toContain("its last good version stays in force");
      await cluster().ok([...wrong, '[{"op":"remove","path":"/spec/namespaceSelektor"}]']);
      await said("web", { observedGeneration: 4, conditions: [condition("Ready", "True", "Finished"), {}] });
    });

    test("two that select the same namespaces both say so", async () => {
      await createBaseline("a", { namespaceSelector: { matchLabels: { tenant: "both" } } });
      await createBaseline("b", { namespaceSelector: { matchLabels: { tenant: "both" } } });
      await marked("shared", { tenant: "both" });
      const message = "of several NetworkBaselines that select a namespace the first by name applies: shared (a, b)";
      const overlapping = (status: string) => expect.objectContaining({ type: "Overlapping", status });
      await said("a", { ...counts({ governed: 1, finished: 1 }), conditions: [{}, { status: "True", message }] });
      await said("b", { ...counts({}), conditions: [{}, { status: "True", message }] });
      await said("web", { conditions: [{}, overlapping("False")] });
      await label("shared", "drawbridge.dev/baseline=b");
      await said("a", { ...counts({}), conditions: [{}, overlapping("False")] });
      await said("b", { ...counts({ governed: 1, finished: 1 }), conditions: [{}, overlapping("False")] });
    });

    test("what is written to the object leaves it alone, and what others write into it is put right", async () => {
      const told = await statusOf("web");
      const stored = await client.get<Stored>(paths.networkBaselines("web"));
      await client.replace(paths.networkBaselines("web"), { ...stored, status: { any: "thing" } });
      expect(await statusOf("web")).toEqual(told);
      const lie = [{ op: "replace" as const, path: "/status/namespaces/finished", value: 99 }];
      await client.patch(`${paths.networkBaselines("web")}/status`, lie);
      expect(await statusOf("web")).not.toEqual(told);
      await eventually(async () => expect(await statusOf("web")).toEqual(told));
      const others = {
        type: "Audited",
        status: "True",
        reason: "Yes",
        message: "",
        lastTransitionTime: "2026-11-01T00:00:00Z",
      };
      await client.patch(`${paths.networkBaselines("web")}/status`, [
        { op: "add", path: "/status/conditions/-", value: others },
      ]);
      const before = writes().length;
      await sleep(2_500);
      expect(writes()).toHaveLength(before);
      expect((await statusOf("web"))?.conditions).toContainEqual(others);
    });

    test("one that was created again under its name has the status of its own", async () => {
      await client.delete(paths.networkBaselines("a"));
      await createBaseline("a");
      await said("a", { observedGeneration: 1, ...counts({}) });
      expect(drawbridge.log.filter(({ msg }) => String(msg).startsWith("the status of"))).toEqual([]);
    });

    test("how long namespaces waited is measured by the API server's clock", async () => {
      const metrics = await drawbridge.metrics();
      const value = (what: string) =>
        Number(new RegExp(`^drawbridge_namespace_unprotected_seconds_${what} (.*)$`, "m").exec(metrics)?.[1]);
      // One that came while no server ran, 20, and one that two baselines select.
      expect(value("count")).toBe(22);
      expect(value("sum")).toBeGreaterThanOrEqual(0);
      expect(metrics).toMatch(/unprotected_seconds_bucket\{le="0"\} \d+/);
    });
  },
  { auditPolicy: true },
);
