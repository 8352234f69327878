import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import type { KubernetesClient } from "../../src/cluster/client.ts";
import { connect } from "../../src/cluster/connect.ts";
import { paths } from "../../src/cluster/paths.ts";
import type { BaselineSpec, NetworkBaseline } from "../../src/config/baseline.ts";
import type { NetworkBaselineStatus } from "../../src/config/baseline-status.ts";
import type { NetworkPolicy } from "../../src/model/network-policy.ts";
import { networkBaseline } from "../helpers/build.ts";
import { eventually } from "../helpers/eventually.ts";
import { describeCluster } from "./harness/context.ts";
import { type Drawbridge, startDrawbridge } from "./harness/drawbridge.ts";
import { allowMorePolicies, forbidMorePolicies } from "./harness/quota.ts";
import { createNamespace, stateOf } from "./harness/storm.ts";

const INGRESS = "drawbridge-00-default-deny-ingress";
const EGRESS = "drawbridge-01-default-deny-egress";
const WITHIN = "drawbridge-allow-same-namespace";
const TEAM = Array.from({ length: 12 }, (_, i) => `team-${String(i).padStart(2, "0")}`);
const [FIRST = "", SECOND = "", THIRD = ""] = TEAM;
const LIMIT = 20_000;

describeCluster("how a change of a NetworkBaseline comes to the namespaces that are there", (cluster) => {
  let client: KubernetesClient;
  let drawbridge: Drawbridge;
  /** It registers nothing, so nobody marks or protects anything, and nothing is new to it. */
  const start = async (): Promise<void> => {
    drawbridge = await startDrawbridge({ args: ["--kubeconfig", cluster().kubeconfigs.admin, "--drain-seconds=0"] });
  };
  vi.setConfig({ testTimeout: 60_000 });
  beforeAll(async () => {
    client = await connect({ kubeconfig: cluster().kubeconfigs.admin, userAgent: "test" });
    for (const name of TEAM) await createNamespace(client, name, { tier: "team" });
    await start();
  });
  afterAll(async () => {
    await drawbridge?.stop();
    await client?.close();
  });

  type Stored = NetworkBaseline & { readonly status?: NetworkBaselineStatus };
  const selector = { namespaceSelector: { matchLabels: { tier: "team" } } };
  const templates = (...names: readonly string[]) => ({
    templates: names.map((name) => ({ name })) as BaselineSpec["templates"],
  });
  const put = (spec: Partial<BaselineSpec>, name = "team") =>
    client.apply(
      paths.networkBaselines(name),
      { ...networkBaseline(name), spec: { ...selector, ...templates("00-default-deny-ingress"), ...spec } },
      { fieldManager: "test", force: true },
    );
  const statusOf = async (name = "team") => (await client.get<Stored>(paths.networkBaselines(name))).status;
  const said = (expected: object, name = "team") =>
    eventually(async () => expect(await statusOf(name)).toMatchObject(expected), LIMIT);
  const ready = (status: string, reason: string) => ({
    conditions: [expect.objectContaining({ type: "Ready", status, reason }), {}],
  });
  const policiesOf = async (name: string) => (await stateOf(client, name)).policies;
  const allHave = (...expected: readonly string[]) =>
    eventually(async () => {
      for (const name of TEAM) expect([name, await policiesOf(name)]).toEqual([name, expected]);
    }, LIMIT);
  const countWith = async (policy: string): Promise<number> => {
    const all = await Promise.all(TEAM.map(policiesOf));
    return all.filter((policies) => policies.includes(policy)).length;
  };
  const eventsIn = async (namespace: string) =>
    (await client.get<{ items: { reason: string; message: string }[] }>(paths.events(namespace))).items;
  const forbidMore = (namespace: string, most: number) => forbidMorePolicies(client, namespace, most);
  const allowMore = (namespace: string) => allowMorePolicies(client, namespace);

  test("those that were there before are reported, and left alone", async () => {
    await put({});
    await said({
      namespaces: { governed: 0, existing: 12 },
      ungoverned: TEAM.slice(0, 5).map((name) => ({ name, state: "existing", message: `would get ${INGRESS}` })),
      ...ready("True", "Finished"),
    });
    expect(await drawbridge.metrics()).toContain(
      'drawbridge_baseline_governed_namespaces{baseline="team",state="existing"} 12',
    );
    expect(await countWith(INGRESS)).toBe(0);
  });

  test("or ignored", async () => {
    await put({ existingNamespaces: "ignore" });
    await said({ namespaces: { governed: 0, existing: 0 }, ungoverned: [] });
    expect(await countWith(INGRESS)).toBe(0);
  });

  test("or adopted, but for one that is excluded, and their owners hear of it; no marker is set", async () => {
    await put({ existingNamespaces: "adopt", excludedNamespaces: [THIRD] });
    await said({ namespaces: { governed: 11, finished: 11, existing: 0 }, ...ready("True", "Finished") });
    expect(await policiesOf(THIRD)).toEqual([]);
    expect(await stateOf(client, FIRST)).toMatchObject({ isPending: false, policies: [INGRESS] });
    await eventually(async () =>
      expect(await eventsIn(FIRST)).toMatchObject([
        {
          reason: "BaselineAdopted",
          message: `NetworkBaseline team governs this namespace now, and has given it: ${INGRESS}`,
        },
      ]),
    );
    expect(drawbridge.log.filter(({ msg }) => msg === "baseline healed")).toEqual([]);
    await put({ existingNamespaces: "adopt" });
    await allHave(INGRESS);
  });

  test("a change halts where too many fail, says so, and goes on when one of them has been mended", async () => {
    const two = templates("00-default-deny-ingress", "allow-same-namespace");
    await forbidMore(FIRST, 1);
    await forbidMore(SECOND, 1);
    // Until both have failed others have their turn, of a second each.
    const rollout = { atOnce: 2, maxFailures: 2, pauseSeconds: 1 };
    await put({ ...two, existingNamespaces: "adopt", rollout });
    await said(ready("False", "Halted"));
    const status = await statusOf();
    expect(status?.namespaces).toMatchObject({ failed: 2 });
    expect(status?.unfinished).toMatchObject([
      { name: FIRST, state: "failed", message: expect.stringMatching(/exceeded quota: full/) },
      { name: SECOND, state: "failed" },
      ...Array.from({ length: 5 }, () => ({ state: "pending" })),
    ]);
    // One may have been being changed at the time, and then no other is.
    const begun = await countWith(WITHIN);
    await sleep(3_000);
    expect(await countWith(WITHIN)).toBeLessThanOrEqual(begun + 1);
    await eventually(async () =>
      expect((await eventsIn("default")).filter(({ reason }) => reason === "Halted")).toMatchObject([
        {
          message: expect.stringMatching(
            `^\\d+ of 12 namespaces wait for a change of it, as it has failed in 2: ${FIRST}, ${SECOND}$`,
          ),
        },
      ]),
    );
    expect(drawbridge.log.filter(({ msg }) => String(msg).startsWith("the rollout has halted"))).toMatchObject([
      { baseline: "team", failed: [FIRST, SECOND] },
    ]);

    await allowMore(FIRST);
    await said({ namespaces: { finished: 11, failed: 1 }, ...ready("False", "Failed") });
    await allowMore(SECOND);
    await allHave(INGRESS, WITHIN);
    await said(ready("True", "Finished"));
  });

  test("paused, it comes to nobody until it goes on; what somebody takes away is put back all the same", async () => {
    const wider = templates("00-default-deny-ingress", "01-default-deny-egress", "allow-same-namespace");
    await put({ ...wider, existingNamespaces: "adopt", rollout: { paused: true } });
    await said({ namespaces: { pending: 12 }, ...ready("False", "Paused") });
    expect(await countWith(EGRESS)).toBe(0);
    await client.delete(paths.networkPolicies(FIRST, INGRESS));
    await eventually(async () => expect(await policiesOf(FIRST)).toContain(INGRESS), LIMIT);
    expect(await policiesOf(SECOND)).toEqual([INGRESS, WITHIN]);
    await put({ ...wider, existingNamespaces: "adopt", rollout: { paused: false } });
    await allHave(INGRESS, EGRESS, WITHIN);
  });

  test("at the stage ingress, what has to do with egress goes again, and what opens both opens ingress only", async () => {
    const wider = templates("00-default-deny-ingress", "01-default-deny-egress", "allow-same-namespace");
    await put({ ...wider, stage: "ingress" });
    await allHave(INGRESS, WITHIN);
    await said(ready("True", "Finished"));
    const { spec } = await client.get<NetworkPolicy>(paths.networkPolicies(FIRST, WITHIN));
    expect(spec).toMatchObject({ policyTypes: ["Ingress"] });
    expect(spec).not.toHaveProperty("egress");
  });

  test("a namespace moves on by its label", async () => {
    await client.create(paths.networkBaselines(), {
      ...networkBaseline("whole"),
      spec: {
        ...templates("00-default-deny-ingress", "01-default-deny-egress"),
        namespaceSelector: { matchLabels: { x: "y" } },
      },
    });
    await cluster().ok(["label", "namespace", FIRST, "drawbridge.dev/baseline=whole"]);
    await eventually(async () => expect(await policiesOf(FIRST)).toEqual([INGRESS, EGRESS]), LIMIT);
    await said({ namespaces: { governed: 1, finished: 1 } }, "whole");
    await said({ namespaces: { governed: 11 } });
    await cluster().ok(["label", "namespace", FIRST, "drawbridge.dev/baseline-"]);
    await allHave(INGRESS, WITHIN);
    await client.delete(paths.networkBaselines("whole"));
  });

  test("what it gives no more is removed, but not what somebody has changed", async () => {
    await drawbridge.stop();
    await cluster().ok([
      "patch",
      "networkpolicy",
      WITHIN,
      "-n",
      FIRST,
      "--type=merge",
      "-p",
      '{"spec":{"podSelector":{"matchLabels":{"a":"b"}}}}',
    ]);
    await put({});
    await start();
    await eventually(async () => expect(await countWith(WITHIN)).toBe(1), LIMIT);
    expect(await policiesOf(FIRST)).toEqual([INGRESS, WITHIN]);
    await said({ namespaces: { governed: 12, finished: 12 } });
  });

  test("where it governs no longer what it gave stays, and it says where; or goes, if it says so", async () => {
    await cluster().ok(["label", "namespace", SECOND, "drawbridge.dev/mode=audit"]);
    await said({
      namespaces: { governed: 11, released: 1 },
      ungoverned: [{ name: SECOND, state: "released", message: `keeps ${INGRESS}` }],
    });
    await eventually(async () =>
      expect((await eventsIn(SECOND)).filter(({ reason }) => reason === "BaselineReleased")).toMatchObject([
        {
          message: `no NetworkBaseline governs this namespace any longer; kept, and yours to change or delete: ${INGRESS}`,
        },
      ]),
    );
    expect(await policiesOf(SECOND)).toEqual([INGRESS]);

    await put({ onRelease: "remove" });
    await eventually(async () => expect(await policiesOf(SECOND)).toEqual([]), LIMIT);
    await said({ namespaces: { governed: 11, released: 0 } });

    await cluster().ok(["label", "namespace", FIRST, "drawbridge.dev/mode=audit"]);
    await eventually(async () =>
      expect((await eventsIn(FIRST)).filter(({ reason }) => reason === "BaselineReleased")).toMatchObject([
        {
          message: `no NetworkBaseline governs this namespace any longer; removed: ${INGRESS}; kept, and yours to change or delete: ${WITHIN}`,
        },
      ]),
    );
    expect(await policiesOf(FIRST)).toEqual([WITHIN]);
    await said({ namespaces: { governed: 10, finished: 10, released: 1 } });
  });
});
