import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import type { KubernetesClient } from "../../src/cluster/client.ts";
import { connect } from "../../src/cluster/connect.ts";
import { paths } from "../../src/cluster/paths.ts";
import { networkBaseline } from "../helpers/build.ts";
import { eventually } from "../helpers/eventually.ts";
import { auditedCalls, auditEnd, isOfDrawbridge, isWrite, resourceOf } from "./harness/audit.ts";
import { describeCluster } from "./harness/context.ts";
import { type Drawbridge, startDrawbridge } from "./harness/drawbridge.ts";
import { createNamespace, stateOf } from "./harness/storm.ts";

const NAMESPACE = "drawbridge-system";
const INGRESS = "drawbridge-00-default-deny-ingress";
const EGRESS = "drawbridge-01-default-deny-egress";
const WITHIN = "drawbridge-allow-same-namespace";
const SHOPS = ["shop-0", "shop-1", "shop-2"];
const LIMIT = 60_000;

/** Of a second with the other baseline much would be seen. */
const GAP_MS = 3_000;

describeCluster(
  "a NetworkBaseline that is deleted and created again, beside one that selects the same namespaces",
  (cluster) => {
    let client: KubernetesClient;
    let drawbridge: Drawbridge;
    vi.setConfig({ testTimeout: 2 * LIMIT });

    const SHOP = networkBaseline("shop", {
      namespaceSelector: { matchLabels: { tier: "shop" } },
      templates: ["00-default-deny-ingress", "01-default-deny-egress"],
    });
    /** It would govern what the other one leaves, and change it. */
    const ANY = networkBaseline("standard", {
      namespaceSelector: { matchExpressions: [{ key: "tier", operator: "Exists" }] },
      existingNamespaces: "adopt",
      onRelease: "remove",
      templates: ["00-default-deny-ingress", "allow-same-namespace"],
    });

    const policiesOf = async (name: string) => (await stateOf(client, name)).policies;
    const all = async (expected: readonly string[], namespaces = SHOPS): Promise<void> => {
      for (const name of namespaces) expect([name, await policiesOf(name)]).toEqual([name, expected]);
    };
    const complete = (name: string, policies: readonly string[]) =>
      eventually(async () => expect(await stateOf(client, name)).toMatchObject({ isPending: false, policies }), LIMIT);
    /** But for what it tells, and that it leads. */
    const writesSince = (from: number): readonly string[] =>
      auditedCalls(cluster(), from)
        .filter((event) => isOfDrawbridge(event) && isWrite(event))
        .filter((event) => !["leases", "networkbaselines/status", "events"].includes(resourceOf(event)))
        .map((event) => `${event.verb} ${resourceOf(event)} ${event.objectRef?.namespace}/${event.objectRef?.name}`);
    const readiness = async () => (await fetch(`${drawbridge.healthUrl}/readyz`)).json();

    beforeAll(async () => {
      client = await connect({ kubeconfig: cluster().kubeconfigs.admin, userAgent: "test" });
      await cluster().ok(["create", "namespace", NAMESPACE]);
      for (const baseline of [SHOP, ANY]) await client.create(paths.networkBaselines(), baseline);
      drawbridge = await startDrawbridge({
        cluster: cluster(),
        args: [`--namespace=${NAMESPACE}`, "--drain-seconds=0"],
      });
      for (const name of SHOPS) await createNamespace(client, name, { tier: "shop" });
      for (const name of SHOPS) await complete(name, [INGRESS, EGRESS]);
      // Until the API server itself stamps by it, and its record is on the Lease.
      await eventually(async () => {
        const from = auditEnd(cluster());
        await sleep(GAP_MS);
        expect(writesSince(from)).toEqual([]);
      }, LIMIT);
    }, 2 * LIMIT);
    afterAll(async () => {
      await drawbridge?.stop();
      await client?.close();
    });

    test("changes nothing in between, and a namespace that comes then gets what it gives", async () => {
      const from = auditEnd(cluster());
      await client.delete(paths.networkBaselines("shop"));
      await sleep(GAP_MS);
      expect(await readiness()).toMatchObject({
        ready: true,
        configuration: [expect.stringContaining("NetworkBaseline shop was deleted, and holds its place")],
      });
      expect(writesSince(from)).toEqual([]);
      await createNamespace(client, "shop-between", { tier: "shop" });
      await complete("shop-between", [INGRESS, EGRESS]);
      // The last of these writes; the API server logs it when it has been done, and may be seen to be.
      await eventually(() => expect(writesSince(from)).toContainEqual(expect.stringContaining("patch namespaces ")));
      const written = writesSince(from).length;
      await client.create(paths.networkBaselines(), SHOP);
      await cluster().ok(["wait", "networkbaseline/shop", "--for=condition=Ready", "--timeout=30s"]);
      await sleep(GAP_MS);
      expect(writesSince(from)).toHaveLength(written);
      expect(await readiness()).toMatchObject({ configuration: [] });
      await all([INGRESS, EGRESS], [...SHOPS, "shop-between"]);
      expect(await drawbridge.metrics()).toMatch(/^drawbridge_configuration_errors 0$/m);
    });

    test("by kubectl replace --force, brings what is new of it and nothing else", async () => {
      const from = auditEnd(cluster());
      const templates = [...SHOP.spec.templates, { name: "allow-same-namespace" }];
      const changed = { ...SHOP, spec: { ...SHOP.spec, templates } };
      await cluster().ok(["replace", "--force", "-f", "-"], { input: JSON.stringify(changed) });
      await eventually(() => all([INGRESS, EGRESS, WITHIN]), LIMIT);
      await sleep(GAP_MS);
      const policies = writesSince(from).filter((write) => write.includes("networkpolicies"));
      expect(policies.toSorted()).toEqual(
        [...SHOPS, "shop-between"].map((name) => `patch networkpolicies ${name}/${WITHIN}`).toSorted(),
      );
    });

    test("or does not come back: then the other one takes its place, some time later", async () => {
      await client.delete(paths.networkBaselines("shop"));
      await sleep(GAP_MS);
      await all([INGRESS, EGRESS, WITHIN]);
      await eventually(async () => {
        expect(drawbridge.log).toContainEqual(
          expect.objectContaining({ baseline: "shop", msg: expect.stringContaining("holds its place no longer") }),
        );
        const { status } = await client.get<{ status: object }>(paths.networkBaselines("standard"));
        expect(status).toMatchObject({ namespaces: { governed: 4, finished: 4 } });
      }, LIMIT);
      // What a NetworkBaseline has given that is gone stays.
      await all([INGRESS, EGRESS, WITHIN]);
      const { metadata } = await client.get<typeof ANY>(paths.networkPolicies("shop-0", WITHIN));
      expect(metadata).toMatchObject({ labels: { "drawbridge.dev/baseline": "standard" } });
    });
  },
  { auditPolicy: "everything" },
);
