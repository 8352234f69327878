import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { KubernetesClient } from "../../src/cluster/client.ts";
import { connect } from "../../src/cluster/connect.ts";
import { paths } from "../../src/cluster/paths.ts";
import type { NetworkPolicy } from "../../src/model/network-policy.ts";
import type { Namespace } from "../../src/model/objects.ts";
import { networkBaseline } from "../helpers/build.ts";
import { eventually } from "../helpers/eventually.ts";
import { auditedCalls, isOfDrawbridge, resourceOf } from "./harness/audit.ts";
import { describeCluster } from "./harness/context.ts";
import { type Drawbridge, startDrawbridge } from "./harness/drawbridge.ts";
import { BASELINE_NAMES, createNamespace, MARKER, stateOf } from "./harness/storm.ts";

const [DENY_INGRESS = "", DENY_EGRESS = "", ALLOW_DNS = ""] = BASELINE_NAMES;
const OTHER = { podSelector: { matchLabels: { app: "x" } }, policyTypes: ["Ingress"] };
const CONFLICT =
  "the baseline is not complete: policies of these names are not Drawbridge's and say something else; remove or rename them";
const CLAUSE = { from: [{ podSelector: { matchLabels: { app: "x" } } }], ports: [{ port: 80, protocol: "TCP" }] };

describeCluster(
  "healing on a real API server",
  (cluster) => {
    let client: KubernetesClient;
    let drawbridge: Drawbridge;
    /** It registers nothing, so nothing is protected; and nobody marks namespaces but the tests. */
    const startBare = async (): Promise<void> => {
      drawbridge = await startDrawbridge({
        args: ["--kubeconfig", cluster().kubeconfigs.admin, "--drain-seconds", "0"],
      });
    };
    const startRegistering = async (): Promise<void> => {
      drawbridge = await startDrawbridge({ cluster: cluster() });
    };
    beforeAll(async () => {
      // By which the audit log tells it from the server.
      client = await connect({ kubeconfig: cluster().kubeconfigs.admin, userAgent: "test" });
    });
    afterAll(() => client?.close());

    const create = (name: string, labels: object = {}) =>
      createNamespace(client, name, { [MARKER]: "true", ...labels });
    const complete = (name: string, limitMs?: number) =>
      eventually(
        async () => expect(await stateOf(client, name)).toMatchObject({ isPending: false, policies: BASELINE_NAMES }),
        limitMs,
      );
    const finished = async (name: string, labels: object = {}): Promise<void> => {
      await create(name, labels);
      await complete(name);
    };
    const policy = (namespace: string, name: string) =>
      client.get<NetworkPolicy>(paths.networkPolicies(namespace, name));
    const remove = (namespace: string, name: string) => client.delete(paths.networkPolicies(namespace, name));
    const edit = (namespace: string, name: string, spec: object = { ingress: [CLAUSE] }) =>
      cluster().ok(["patch", "networkpolicy", name, "-n", namespace, "--type=merge", "-p", JSON.stringify({ spec })], {
        as: "tenant",
      });
    const foreign = (namespace: string, name: string, spec: object): Promise<NetworkPolicy> =>
      client.create(
        paths.networkPolicies(namespace),
        { apiVersion: "networking.k8s.io/v1", kind: "NetworkPolicy", metadata: { name, namespace }, spec },
        { fieldManager: "somebody" },
      );
    const setMode = (namespace: string, mode: string) =>
      cluster().ok(["label", "namespace", namespace, `drawbridge.dev/mode=${mode}`, "--overwrite"]);
    const healed = (namespace: string, name: string, spec: object) =>
      eventually(async () => expect((await policy(namespace, name)).spec).toEqual(spec));
    const DENIED_INGRESS = { podSelector: {}, policyTypes: ["Ingress"] };

    interface Event {
      readonly reason: string;
      readonly type: string;
      readonly message: string;
      readonly involvedObject: { readonly kind: string; readonly name: string };
    }
    const eventsIn = async (namespace: string): Promise<readonly Event[]> =>
      (await client.get<{ readonly items: readonly Event[] }>(paths.events(namespace))).items;
    const logged = (msg: string, namespace: string) =>
      drawbridge.log.filter((line) => line["msg"] === msg && line["namespace"] === namespace);

    /** What Drawbridge has asked of the API server about a namespace so far, as `patch networkpolicies`. */
    const askedAbout = (isMeant: (namespace: string) => boolean): string[] =>
      auditedCalls(cluster())
        .filter(isOfDrawbridge)
        .filter(({ objectRef }) => isMeant(objectRef?.namespace ?? objectRef?.name ?? ""))
        .map((event) => `${event.verb} ${resourceOf(event)}`);
    const writesTo = (namespace: string): string[] =>
      askedAbout((name) => name === namespace).filter((what) => /^(?:patch|update|delete|create) net/.test(what));

    describe("where nothing is protected", () => {
      beforeAll(startBare);
      afterAll(() => drawbridge?.stop());

      test("what was deleted and edited while no server ran is put back in place, and it is said what and by whom", async () => {
        await finished("down");
        const before = await policy("down", DENY_INGRESS);
        await drawbridge.stop();
        await edit("down", DENY_INGRESS);
        await remove("down", ALLOW_DNS);
        await startBare();
        await complete("down");
        await healed("down", DENY_INGRESS, DENIED_INGRESS);
        const after = await policy("down", DENY_INGRESS);
        expect([after.metadata?.uid, after.metadata?.labels]).toEqual([before.metadata?.uid, before.metadata?.labels]);

        const at = expect.stringMatching(/^2\d{3}-.*Z$/);
        await eventually(() => expect(logged("baseline healed", "down")).toHaveLength(1));
        expect(logged("baseline healed", "down")).toMatchObject([
          {
            level: 40,
            policies: [
              { name: ALLOW_DNS, was: "missing" },
              { name: DENY_INGRESS, was: "changed", by: "kubectl-patch", at },
            ],
          },
        ]);
        const metrics = await drawbridge.metrics();
        expect(metrics).toContain('drawbridge_baseline_healed_total{was="missing"} 1');
        expect(metrics).toContain('drawbridge_baseline_healed_total{was="changed"} 1');
        await eventually(async () =>
          expect(await eventsIn("down")).toMatchObject([
            {
              type: "Warning",
              reason: "BaselineHealed",
              involvedObject: { kind: "Namespace", name: "down" },
              message: expect.stringMatching(
                `^put back in place of its baseline: ${ALLOW_DNS} \\(was missing\\), ${DENY_INGRESS} \\(was changed, last written by kubectl-patch at 2.*Z\\)$`,
              ),
            },
          ]),
        );
      });

      test.each([
        ["one that was deleted", "deleted", () => remove("deleted", DENY_EGRESS)],
        ["one that was loosened", "loosened", () => edit("loosened", DENY_INGRESS)],
        [
          "one that was aimed at other Pods",
          "aimed",
          () => edit("aimed", DENY_INGRESS, { podSelector: { matchLabels: { a: "b" } } }),
        ],
        [
          "one that no longer says whose it is",
          "anonymous",
          () => cluster().ok(["label", "networkpolicy", DENY_INGRESS, "-n", "anonymous", "drawbridge.dev/baseline-"]),
        ],
        [
          "all that there were",
          "stripped",
          () => cluster().ok(["delete", "networkpolicies", "--all", "-n", "stripped"]),
        ],
      ])("%s while the server runs", async (_name, namespace, harm) => {
        await finished(namespace);
        const healthy = await policy(namespace, DENY_INGRESS);
        await harm();
        await complete(namespace);
        await healed(namespace, DENY_INGRESS, DENIED_INGRESS);
        await eventually(async () =>
          expect((await policy(namespace, DENY_INGRESS)).metadata?.labels).toEqual(healthy.metadata?.labels),
        );
        await eventually(() => expect(logged("baseline healed", namespace)).not.toEqual([]));
      });

      test("a marker that somebody takes away before its time leaves nothing undone", async () => {
        await createNamespace(client, "unmarked", { "drawbridge.dev/mode": "audit" });
        for (const name of BASELINE_NAMES) await foreign("unmarked", name, OTHER);
        const label = ["label", "namespace", "unmarked", "--overwrite"];
        await cluster().ok([...label, "drawbridge.dev/mode=enforce", `${MARKER}=true`]);
        await eventually(() => expect(logged(CONFLICT, "unmarked")).toHaveLength(1));
        await cluster().ok([...label, `${MARKER}-`]);
        // Nothing is left by which it could be told from a namespace that existed before.
        await cluster().ok(["delete", "networkpolicies", "--all", "-n", "unmarked"]);
        await complete("unmarked");
      });

      test("a restart with 30 finished namespaces asks about none of them, and writes nothing", async () => {
        const names = Array.from({ length: 30 }, (_, i) => `rest-${i}`);
        await Promise.all(names.map((name) => finished(name)));
        await drawbridge.stop();
        const before = askedAbout((name) => name.startsWith("rest-")).length;
        const states = await Promise.all(names.map((name) => stateOf(client, name)));
        await startBare();
        await finished("after-rest");
        expect(writesTo("after-rest")).toHaveLength(3);
        expect(askedAbout((name) => name.startsWith("rest-"))).toHaveLength(before);
        expect(await Promise.all(names.map((name) => stateOf(client, name)))).toEqual(states);
      });

      test("a policy of somebody else is not overwritten but told of, until it is gone", async () => {
        await finished("conflict");
        await drawbridge.stop();
        await remove("conflict", DENY_INGRESS);
        await remove("conflict", DENY_EGRESS);
        const theirs = await foreign("conflict", DENY_INGRESS, OTHER);
        await startBare();
        await complete("conflict");
        await eventually(async () =>
          expect(await eventsIn("conflict")).toContainEqual(
            expect.objectContaining({
              type: "Warning",
              reason: "BaselineConflict",
              message: `NetworkBaseline default: ${CONFLICT}: ${DENY_INGRESS}`,
            }),
          ),
        );
        // Other changes there are no reason to say it again.
        await foreign("conflict", "mine", OTHER);
        await cluster().ok(["label", "namespace", "conflict", "a=b"]);
        await finished("after-conflict");
        expect(logged(CONFLICT, "conflict")).toHaveLength(1);
        expect(await policy("conflict", DENY_INGRESS)).toEqual(theirs);
        await remove("conflict", DENY_INGRESS);
        await healed("conflict", DENY_INGRESS, DENIED_INGRESS);
      });

      test("one that says the same is adopted", async () => {
        await finished("adopted");
        await drawbridge.stop();
        await remove("adopted", DENY_INGRESS);
        const theirs = await foreign("adopted", DENY_INGRESS, DENIED_INGRESS);
        await startBare();
        await eventually(async () =>
          expect((await policy("adopted", DENY_INGRESS)).metadata).toMatchObject({
            uid: theirs.metadata?.uid,
            labels: { "drawbridge.dev/baseline": "default" },
          }),
        );
      });

      test("a namespace that goes away is left alone", async () => {
        await finished("going");
        // No controller manager runs, so it stays like this.
        await client.delete(paths.namespaces("going"));
        const before = writesTo("going");
        await cluster().ok(["delete", "networkpolicies", "--all", "-n", "going"]);
        await finished("after-going");
        expect(await stateOf(client, "going")).toMatchObject({ policies: [] });
        expect(writesTo("going")).toEqual(before);
        expect(logged("baseline not applied; trying again", "going")).toEqual([]);
      });

      test("a namespace whose mode is lowered keeps what it has, may give it up, and is then one like any other", async () => {
        await finished("released");
        await setMode("released", "audit");
        await finished("after-lowering");
        expect(await stateOf(client, "released")).toMatchObject({ policies: BASELINE_NAMES });
        const before = writesTo("released");
        await cluster().ok(["delete", "networkpolicies", "--all", "-n", "released"]);
        await finished("after-giving-up");
        await setMode("released", "enforce");
        await finished("after-raising");
        expect(await stateOf(client, "released")).toMatchObject({ policies: [] });
        expect(writesTo("released")).toEqual(before);
      });

      test("somebody who undoes it 20 times costs few writes, and loses", { timeout: 60_000 }, async () => {
        await finished("fight");
        const before = writesTo("fight").length;
        for (let i = 0; i < 20; i++) {
          await client.patch(
            paths.networkPolicies("fight", DENY_INGRESS),
            [{ op: "add", path: "/spec/ingress", value: [CLAUSE] }],
            { fieldManager: "fighter" },
          );
          await sleep(100);
        }
        await eventually(
          async () => expect((await policy("fight", DENY_INGRESS)).spec).toEqual(DENIED_INGRESS),
          30_000,
        );
        // At once, and after 1, 2 and 4 seconds; each an apply and, for the clause that it leaves, a replacement.
        expect(writesTo("fight").length - before).toBeLessThanOrEqual(2 * 5);
        const quiet = writesTo("fight").length;
        await sleep(2_000);
        expect(writesTo("fight")).toHaveLength(quiet);
      });
    });

    describe("after an outage of all that protects", () => {
      beforeAll(startRegistering);
      afterAll(() => drawbridge?.stop());

      const dryNamespace = (): Promise<Namespace> =>
        client.create(
          paths.namespaces(),
          { apiVersion: "v1", kind: "Namespace", metadata: { name: "dry" } },
          { dryRun: true },
        );
      /** The server is killed, and somebody removes what holds without it. */
      const loseAll = async (): Promise<void> => {
        await drawbridge.stop("SIGKILL");
        // The policies come after the registration: it may have been killed before it had written them.
        const takeAway = (...what: readonly string[]) => cluster().ok(["delete", "--ignore-not-found", ...what]);
        await takeAway("validatingwebhookconfiguration,mutatingwebhookconfiguration", "drawbridge");
        await takeAway("validatingadmissionpolicybinding", "drawbridge-baseline", "drawbridge-marker");
        await takeAway("mutatingadmissionpolicybinding", "drawbridge-stamp");
        await eventually(async () =>
          expect((await dryNamespace()).metadata?.labels ?? {}).not.toHaveProperty([MARKER]),
        );
      };

      test("policies that were deleted and edited are back", async () => {
        await finished("outage");
        await loseAll();
        await eventually(() => edit("outage", DENY_INGRESS));
        await remove("outage", DENY_EGRESS);
        await startRegistering();
        await complete("outage");
        await healed("outage", DENY_INGRESS, DENIED_INGRESS);
      });

      test("a namespace that was created meanwhile is none that a server that is alone would know, whatever its baseline", async () => {
        await client.create(paths.networkBaselines(), networkBaseline("own", { namespaceSelector: {} }));
        await loseAll();
        await createNamespace(client, "unseen");
        await startRegistering();
        await finished("after-unseen");
        expect(await stateOf(client, "unseen")).toMatchObject({ isPending: false, policies: [] });
      });
    });
  },
  { auditPolicy: true },
);
