import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import type { LeaseSpec } from "../../src/cluster/lease-record.ts";
import { eventually } from "../helpers/eventually.ts";
import { auditedCalls, isOfDrawbridge, isWrite } from "./harness/audit.ts";
import { describeCluster } from "./harness/context.ts";
import { type Drawbridge, type DrawbridgeOptions, startDrawbridge } from "./harness/drawbridge.ts";
import type { UserName } from "./harness/files.ts";

const NAMESPACE = "drawbridge-system";
const MARKER = "drawbridge.dev/baseline-pending";
/** A lease of 15 s, two retries of at most 2.4 s, and a busy machine. */
const TAKEOVER_LIMIT = 45_000;

describeCluster(
  "two servers",
  (cluster) => {
    const started: Drawbridge[] = [];
    const start = async (options: DrawbridgeOptions): Promise<Drawbridge> => {
      const shared = ["--namespace", NAMESPACE, "--drain-seconds", "0"];
      const drawbridge = await startDrawbridge({ ...options, args: [...(options.args ?? []), ...shared] });
      started.push(drawbridge);
      return drawbridge;
    };
    /** It registers nothing, and the audit log tells its writes from another user's. */
    const startAs = (user: UserName) => start({ args: ["--kubeconfig", cluster().kubeconfigs[user]] });
    const startRegistering = () => start({ cluster: cluster() });
    beforeAll(async () => {
      await cluster().ok(["create", "namespace", NAMESPACE]);
      await cluster().ok(["create", "clusterrolebinding", "all", "--clusterrole=cluster-admin", "--group=tenants"]);
    });
    afterEach(async () => {
      await Promise.all(started.splice(0).map((drawbridge) => drawbridge.stop()));
    });

    const lease = async () =>
      (
        JSON.parse(await cluster().ok(["get", "lease", "drawbridge", "-n", NAMESPACE, "-o", "json"])) as {
          spec: LeaseSpec;
        }
      ).spec;
    const said = ({ log }: Drawbridge, msg: string) => log.filter((line) => line["msg"] === msg);
    const identityOf = (drawbridge: Drawbridge) => String(said(drawbridge, "leading").at(-1)?.["identity"]);
    const leads = (drawbridge: Drawbridge, limitMs?: number) =>
      eventually(async () => expect(await drawbridge.metrics()).toMatch(/^drawbridge_leader 1$/m), limitMs);
    const follows = (drawbridge: Drawbridge) =>
      eventually(async () => {
        expect(said(drawbridge, "following")).not.toEqual([]);
        expect(await drawbridge.metrics()).toMatch(/^drawbridge_leader 0$/m);
      });
    const createPending = (name: string) => {
      const namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name, labels: { [MARKER]: "true" } } };
      return cluster().ok(["create", "-f", "-"], { input: JSON.stringify(namespace) });
    };
    const finished = (names: readonly string[], limitMs?: number) =>
      eventually(async () => {
        const left = await cluster().ok(["get", "namespaces", "-l", MARKER, "-o", "name"]);
        expect(left).toBe("");
        for (const name of names) {
          const policies = await cluster().ok(["get", "networkpolicies", "-n", name, "-o", "name"]);
          expect(policies.split("\n").filter(Boolean)).toHaveLength(3);
        }
      }, limitMs);
    /** Creates a namespace every now and then until it is told to stop; then their names. */
    const keepCreating = (prefix: string) => {
      const names: string[] = [];
      const end = new AbortController();
      const creating = (async () => {
        while (!end.signal.aborted) {
          names.push(`${prefix}-${names.length}`);
          await createPending(names.at(-1) ?? "");
          await sleep(100);
        }
      })();
      return async () => {
        end.abort();
        await creating;
        return names;
      };
    };

    /** Users whose Drawbridge wrote for these namespaces, in order, without repetitions; and how often in all. */
    const writesFor = (prefix: string): { users: string[]; total: number } => {
      const users = auditedCalls(cluster())
        .filter((event) => isOfDrawbridge(event) && isWrite(event))
        .filter(({ objectRef }) => (objectRef?.namespace ?? objectRef?.name ?? "").startsWith(`${prefix}-`))
        .toSorted((a, b) => a.requestReceivedTimestamp.localeCompare(b.requestReceivedTimestamp))
        .map(({ user }) => user.username);
      return { users: users.filter((user, i) => user !== users[i - 1]), total: users.length };
    };

    test("one leads, the other is as ready and only follows; a graceful stop hands over at once", async () => {
      const a = await startAs("admin");
      await leads(a);
      const b = await startAs("tenant");
      await follows(b);
      expect((await fetch(`${b.healthUrl}/readyz`)).status).toBe(200);
      expect(await lease()).toMatchObject({ holderIdentity: identityOf(a), leaseDurationSeconds: 15 });
      const { leaseTransitions: before = 0 } = await lease();

      const stop = keepCreating("graceful");
      await eventually(() => expect(writesFor("graceful").total).toBeGreaterThan(8));
      expect(await a.stop()).toBe(0);
      // Without a renewal another might have had to wait for 15 s.
      await leads(b);
      await eventually(() => expect(writesFor("graceful").users).toEqual(["admin", "tenant"]));
      const names = await stop();
      await finished(names);
      // Both stay within what is needed, three policies and the marker each: what the first has sent it waits for.
      expect(writesFor("graceful")).toEqual({ users: ["admin", "tenant"], total: 4 * names.length });
      expect(await lease()).toMatchObject({ holderIdentity: identityOf(b), leaseTransitions: Number(before) + 1 });
      expect(await b.metrics()).toMatch(/^drawbridge_leader_transitions_total\{to="leader"\} 1$/m);
    });

    test(
      "the leader is killed: the other takes over, and nothing is lost",
      async () => {
        const a = await startAs("admin");
        await leads(a);
        const b = await startAs("tenant");
        await follows(b);
        const stop = keepCreating("killed");
        await eventually(() => expect(writesFor("killed").total).toBeGreaterThan(8));
        await a.stop("SIGKILL");
        await leads(b, TAKEOVER_LIMIT);
        await finished(await stop(), TAKEOVER_LIMIT);
        expect(writesFor("killed").users).toEqual(["admin", "tenant"]);
      },
      2 * TAKEOVER_LIMIT,
    );

    test(
      "the leader is frozen for longer than its lease, and goes on: it writes nothing any more",
      async () => {
        const a = await startAs("admin");
        await leads(a);
        const b = await startAs("tenant");
        await follows(b);
        const stop = keepCreating("frozen");
        await eventually(() => expect(writesFor("frozen").total).toBeGreaterThan(8));
        process.kill(a.pid, "SIGSTOP");
        await leads(b, TAKEOVER_LIMIT);
        await eventually(() => expect(writesFor("frozen").users).toEqual(["admin", "tenant"]));
        process.kill(a.pid, "SIGCONT");
        await eventually(() => expect(said(a, "no longer leading")).toHaveLength(1));
        await follows(a);
        // It has heard of all that is pending now, and still leaves it to the other.
        await sleep(2_000);
        await finished(await stop(), TAKEOVER_LIMIT);
        expect(writesFor("frozen").users).toEqual(["admin", "tenant"]);
        expect(await lease()).toMatchObject({ holderIdentity: identityOf(b) });
        expect(said(a, "leading")).toHaveLength(1);

        // And it may lead again, and does what there is.
        await b.stop();
        await leads(a);
        await createPending("frozen-no-more");
        await finished(["frozen-no-more"]);
        expect(writesFor("frozen").users).toEqual(["admin", "tenant", "admin"]);
      },
      2 * TAKEOVER_LIMIT,
    );

    test("the Lease is deleted: its holder makes it anew and leads on", async () => {
      const a = await startAs("admin");
      await leads(a);
      const b = await startAs("tenant");
      await follows(b);
      await cluster().ok(["delete", "lease", "drawbridge", "-n", NAMESPACE]);
      await eventually(async () => expect(await lease()).toMatchObject({ holderIdentity: identityOf(a) }));
      expect(said(a, "no longer leading")).toEqual([]);
    });

    describe("that register", { timeout: 2 * TAKEOVER_LIMIT }, () => {
      const registered = async (): Promise<string[]> => {
        const kinds = ["validatingwebhookconfiguration", "mutatingwebhookconfiguration"];
        const found = await Promise.all(
          kinds.map((kind) =>
            cluster().kubectl(["get", kind, "drawbridge", "-o", "jsonpath={.webhooks[0].clientConfig.url}"]),
          ),
        );
        return found.map(({ stdout }) => stdout);
      };

      test("the leader does, a stop of either leaves it to the other, and the last one takes it back", async () => {
        const a = await startRegistering();
        const ofA = [`${a.url}/validate`, `${a.url}/mutate`];
        await eventually(async () => expect(await registered()).toEqual(ofA));
        const c = await startRegistering();
        await follows(c);
        expect((await fetch(`${c.healthUrl}/readyz`)).status).toBe(200);
        expect(said(c, "registered")).toEqual([]);
        expect(await c.stop()).toBe(0);
        expect(await registered()).toEqual(ofA);

        const b = await startRegistering();
        await follows(b);
        expect(await a.stop()).toBe(0);
        const ofB = [`${b.url}/validate`, `${b.url}/mutate`];
        await eventually(async () => expect(await registered()).toEqual(ofB));
        expect(said(b, "registered")).toHaveLength(1);

        expect(await b.stop()).toBe(0);
        expect(await registered()).toEqual(["", ""]);
        expect(await lease()).toMatchObject({ holderIdentity: "" });
        expect([...a.log, ...b.log, ...c.log].filter(({ level }) => Number(level) >= 40)).toEqual([]);
      });
    });
  },
  { auditPolicy: true },
);
