import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import type { KubernetesClient } from "../../src/cluster/client.ts";
import { connect } from "../../src/cluster/connect.ts";
import type { Lease } from "../../src/cluster/lease-record.ts";
import { paths } from "../../src/cluster/paths.ts";
import { NEW_SINCE_ANNOTATION } from "../../src/model/names.ts";
import type { Namespace } from "../../src/model/objects.ts";
import { networkBaseline } from "../helpers/build.ts";
import { eventually } from "../helpers/eventually.ts";
import { describeCluster } from "./harness/context.ts";
import { type Drawbridge, type DrawbridgeOptions, startDrawbridge } from "./harness/drawbridge.ts";
import { BASELINE_NAMES, createNamespace, MARKER, stateOf } from "./harness/storm.ts";

const NAMESPACE = "drawbridge-system";
const LEASE = paths.leases(NAMESPACE, "drawbridge");
/** A lease of 15 s, two retries of at most 2.4 s, and a busy machine. */
const TAKEOVER_LIMIT = 45_000;

vi.setConfig({ testTimeout: 3 * TAKEOVER_LIMIT });

describeCluster(
  "since when a namespace is new, on a real API server",
  (cluster) => {
    let client: KubernetesClient;
    const started: Drawbridge[] = [];
    const start = async ({ args = [], ...options }: DrawbridgeOptions): Promise<Drawbridge> => {
      const shared = [`--namespace=${NAMESPACE}`, "--drain-seconds=0"];
      const drawbridge = await startDrawbridge({ ...options, args: [...args, ...shared] });
      started.push(drawbridge);
      return drawbridge;
    };
    /** It registers nothing, so nobody marks a namespace: it is known by its time, or not at all. */
    const startBare = (mode: "audit" | "enforce" = "enforce") =>
      start({ args: ["--kubeconfig", cluster().kubeconfigs.admin, `--mode=${mode}`] });
    beforeAll(async () => {
      // By which the audit log tells it from the server.
      client = await connect({ kubeconfig: cluster().kubeconfigs.admin, userAgent: "test" });
      await cluster().ok(["create", "namespace", NAMESPACE]);
    });
    afterAll(() => client?.close());
    afterEach(async () => {
      await Promise.all(started.splice(0).map((drawbridge) => drawbridge.stop()));
      await cluster().ok(["delete", "networkbaselines", "--all"]);
    });

    const COMPLETE = { isPending: false, policies: BASELINE_NAMES };
    const BARE = { isPending: false, policies: [] };
    const complete = (name: string) =>
      eventually(async () => expect(await stateOf(client, name)).toMatchObject(COMPLETE), TAKEOVER_LIMIT);
    const bare = async (name: string) => expect(await stateOf(client, name)).toMatchObject(BARE);
    const said = ({ log }: Drawbridge, msg: string) => log.filter((line) => line["msg"] === msg);
    /** Each baseline and since when, as on the Lease. */
    const record = async (): Promise<Readonly<Record<string, string>>> => {
      const { metadata } = await client.get<Lease>(LEASE);
      const raw = JSON.parse(metadata?.annotations?.[NEW_SINCE_ANNOTATION] ?? "{}") as Record<
        string,
        { after: string }
      >;
      return Object.fromEntries(Object.entries(raw).map(([name, { after }]) => [name, after]));
    };
    const recorded = (...names: readonly string[]) =>
      eventually(async () => {
        const found = await record();
        expect(Object.keys(found)).toEqual(names);
        return found;
      }, TAKEOVER_LIMIT);
    const createdAt = async (name: string) =>
      (await client.get<Namespace>(paths.namespaces(name))).metadata?.creationTimestamp;
    const sinceTheCreationOf = async (namespace: string, baseline: string): Promise<void> => {
      const expected = await createdAt(namespace);
      await eventually(async () => expect((await record())[baseline]).toBe(expected), TAKEOVER_LIMIT);
    };
    /** In another second than the one before: times of creation are whole seconds. */
    const create = async (name: string, labels?: object): Promise<void> => {
      await sleep(1_100);
      await createNamespace(client, name, labels);
    };
    const strip = (name: string) => cluster().ok(["delete", "networkpolicies", "--all", "-n", name]);

    interface AuditEvent {
      readonly verb: string;
      readonly userAgent: string;
      readonly objectRef?: { readonly resource?: string; readonly namespace?: string; readonly name?: string };
    }
    /** What Drawbridge has written to NetworkPolicies and Namespaces so far. */
    const writes = (): string[] =>
      readFileSync(cluster().auditLog ?? "", "utf8")
        .split("\n")
        .filter(Boolean)
        .map((line) => JSON.parse(line) as AuditEvent)
        .filter(({ userAgent, verb }) => userAgent === "drawbridge" && /^(?:patch|update|delete|create)$/.test(verb))
        .map(({ verb, objectRef }) => `${verb} ${objectRef?.resource} ${objectRef?.namespace}/${objectRef?.name}`);

    describe("audit for a while, then enforce", () => {
      test.each([
        ["the embedded baseline", "default", false],
        ["one of one's own", "own", true],
      ])("%s: what was created in the meantime is left alone", async (_name, name, isOwn) => {
        if (isOwn) await client.create(paths.networkBaselines(), networkBaseline(name));
        const first = await startBare();
        const before = (await recorded(name))[name] ?? "";
        await first.stop();

        const auditing = await startBare("audit");
        await recorded();
        await create(`${name}-audited`);
        await auditing.stop();
        expect(await record()).toEqual({});

        await startBare();
        const since = (await recorded(name))[name] ?? "";
        expect(since > before).toBe(true);
        expect(since).toBe(await createdAt(`${name}-audited`));
        await create(`${name}-later`);
        await complete(`${name}-later`);
        await bare(`${name}-audited`);
      });
    });

    test("created while no server runs: it gets all once one does; a restart then writes nothing", async () => {
      const first = await startBare();
      const before = await recorded("default");
      await create("down-complete");
      await complete("down-complete");
      await first.stop();
      await create("down-unseen");
      await strip("down-complete");

      const second = await startBare();
      for (const name of ["down-unseen", "down-complete"]) {
        await complete(name);
        await eventually(() =>
          expect(said(second, "baseline healed").filter((line) => line["namespace"] === name)).toHaveLength(1),
        );
      }
      expect(await record()).toEqual(before);
      await second.stop();

      const rest = writes();
      const third = await startBare();
      await create("down-after");
      await complete("down-after");
      expect(
        writes()
          .slice(rest.length)
          .filter((what) => !what.includes("down-after")),
      ).toEqual([]);
      expect(said(third, "namespaces that are created from now on count as new")).toEqual([]);
      expect(await record()).toEqual(before);
    });

    test("a namespace whose own label lowers the mode gets all when that is raised: whoever does it means it", async () => {
      await startBare();
      await recorded("default");
      await create("raised", { "drawbridge.dev/mode": "audit" });
      await create("raised-other");
      await complete("raised-other");
      await bare("raised");
      await cluster().ok(["label", "namespace", "raised", "drawbridge.dev/mode-"]);
      await complete("raised");
    });

    test("a selector that is edited, while a server runs or none does, cuts off nobody", async () => {
      const selecting = (matchLabels: Record<string, string>) =>
        cluster().ok(["apply", "--server-side", "--force-conflicts", "-f", "-"], {
          input: JSON.stringify(networkBaseline("edited", { namespaceSelector: { matchLabels } })),
        });
      await selecting({ wave: "1" });
      const first = await startBare();
      await recorded("edited");
      await create("edited-old", { wave: "2" });
      await create("edited-older", { wave: "3" });
      await selecting({ wave: "2" });
      await sinceTheCreationOf("edited-older", "edited");
      await create("edited-new", { wave: "2" });
      await complete("edited-new");
      await bare("edited-old");
      await first.stop();

      await selecting({ wave: "3" });
      await startBare();
      await sinceTheCreationOf("edited-new", "edited");
      await create("edited-newest", { wave: "3" });
      await complete("edited-newest");
      await bare("edited-older");
    });

    test("the Lease is deleted: what is there now counts as old, and the log says so", async () => {
      const drawbridge = await startBare();
      await recorded("default");
      await create("lost");
      await complete("lost");
      await client.delete(LEASE);
      await sinceTheCreationOf("lost", "default");
      const gone = "the record on the Lease is gone: namespaces that exist now count as old";
      expect(said(drawbridge, gone)).toMatchObject([{ baselines: ["default"] }]);
      // What it has it keeps.
      await client.delete(paths.networkPolicies("lost", BASELINE_NAMES[0] ?? ""));
      await complete("lost");
    });

    test("after an outage of all that protects, the embedded baseline is back where it was, and where it was to be", async () => {
      const first = await start({ cluster: cluster() });
      await recorded("default");
      await create("outage-stripped");
      await complete("outage-stripped");

      await first.stop("SIGKILL");
      await cluster().ok(["delete", "validatingwebhookconfiguration,mutatingwebhookconfiguration", "drawbridge"]);
      await cluster().ok(["delete", "validatingadmissionpolicybinding", "drawbridge-baseline", "drawbridge-marker"]);
      await cluster().ok(["delete", "mutatingadmissionpolicybinding", "drawbridge-stamp"]);
      // The API server hears of that a moment later.
      await eventually(() => strip("outage-stripped"));
      await eventually(async () => {
        const metadata = { name: "dry", labels: {} };
        const dry = await client.create<Namespace>(
          paths.namespaces(),
          { apiVersion: "v1", kind: "Namespace", metadata },
          { dryRun: true },
        );
        expect(dry.metadata?.labels).not.toHaveProperty([MARKER]);
      });
      await create("outage-unseen");
      await bare("outage-stripped");
      await bare("outage-unseen");

      await start({ cluster: cluster() });
      for (const name of ["outage-stripped", "outage-unseen"]) {
        await complete(name);
        await eventually(async () => {
          const { items } = await client.get<{ readonly items: readonly object[] }>(paths.events(name));
          expect(items).toContainEqual(
            expect.objectContaining({
              reason: "BaselineHealed",
              message: expect.stringMatching(/^put back in place of its baseline: drawbridge-.* \(was missing\), /),
            }),
          );
        }, TAKEOVER_LIMIT);
      }
    });
  },
  { auditPolicy: true },
);
