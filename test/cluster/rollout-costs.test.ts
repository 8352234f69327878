import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { connect } from "../../src/cluster/connect.ts";
import { ROLLOUT_DEFAULTS } from "../../src/config/baseline.ts";
import type { NetworkPolicy } from "../../src/model/network-policy.ts";
import { eventually } from "../helpers/eventually.ts";
import { describeCluster } from "./harness/context.ts";
import { type Drawbridge, startDrawbridge } from "./harness/drawbridge.ts";
import {
  applyBaseline,
  type Calls,
  type Followed,
  type Followers,
  follow,
  halt,
  mend,
  policiesByNamespace,
} from "./harness/rollout.ts";
import { createNamespaces } from "./harness/steady.ts";
import { BASELINE_NAMES } from "./harness/storm.ts";

const WITHIN = "allow-same-namespace";
const THREE = ["00-default-deny-ingress", "01-default-deny-egress", "10-allow-dns-egress"] as const;
const COUNT = 60;
const names = Array.from({ length: COUNT }, (_, i) => `team-${String(i).padStart(2, "0")}`);

describeCluster(
  "what a change of a NetworkBaseline costs, as the API server counts",
  (cluster) => {
    let followers: Followers;
    let drawbridge: Drawbridge;
    vi.setConfig({ testTimeout: 120_000 });
    beforeAll(async () => {
      const client = await connect({ kubeconfig: cluster().kubeconfigs.admin, userAgent: "test" });
      followers = { cluster: cluster(), client, names, limitMs: 90_000 };
      await createNamespaces({ client, names, clients: 8 });
      drawbridge = await startDrawbridge({ cluster: cluster(), args: ["--drain-seconds=0"] });
      // What protects policies is to be there when it changes them itself.
      const written = () => drawbridge.log.some(({ msg }) => msg === "admission policies written");
      await eventually(() => expect(written()).toBe(true), 60_000);
    });
    afterAll(async () => {
      await drawbridge?.stop();
      await followers?.client.close();
    });

    const all = (count: number) => names.map(() => count);
    const each = (calls: Calls) => Object.fromEntries([...calls].map(([call, count]) => [call, count / COUNT]));
    const numbers = ({ writes, calls }: Followed) => ({ writes, calls: each(calls) });
    const hasWithin = (policies: readonly NetworkPolicy[]): boolean =>
      policies.some(({ metadata }) => metadata?.name === `drawbridge-${WITHIN}`);
    const policies = async () => [...(await policiesByNamespace(followers))].filter(([name]) => names.includes(name));
    const add = () => applyBaseline(followers.client, { templates: [...THREE, WITHIN] });

    test("namespaces that were there are adopted: each policy is tried, then written; and an Event, as far as these go", async () => {
      const { writes, calls } = numbers(await follow(followers, () => applyBaseline(followers.client)));
      const { "create events": events = 0, ...others } = calls;
      expect({ writes, calls: others }).toEqual({
        writes: all(3),
        calls: { "get namespaces": 1, "get networkpolicies": 3, "patch networkpolicies": 6 },
      });
      // Of 100 at once half are kept for warnings.
      expect(events * COUNT).toBeGreaterThanOrEqual(50);
      expect(events).toBeLessThanOrEqual(1);
      expect(await policies()).toHaveLength(COUNT);
    });

    test("a template more: one write each", async () => {
      expect(numbers(await follow(followers, add))).toEqual({
        writes: all(1),
        calls: { "get namespaces": 1, "get networkpolicies": 2, "patch networkpolicies": 1 },
      });
      expect((await policies()).filter(([, found]) => hasWithin(found))).toHaveLength(COUNT);
    });

    test("a template that says something else: one write each, in place", async () => {
      const before = new Map(await policies());
      const change = () => applyBaseline(followers.client, { templates: [...THREE, { name: WITHIN, ports: [8080] }] });
      expect(numbers(await follow(followers, change))).toEqual({
        writes: all(1),
        calls: { "get namespaces": 1, "get networkpolicies": 2, "patch networkpolicies": 1 },
      });
      const uids = (found: readonly NetworkPolicy[] = []) => found.map(({ metadata }) => metadata?.uid);
      for (const [name, found] of await policies()) expect(uids(found)).toEqual(uids(before.get(name)));
    });

    test("a template less: one write each", async () => {
      expect(numbers(await follow(followers, () => applyBaseline(followers.client)))).toEqual({
        writes: all(1),
        calls: { "get namespaces": 1, "get networkpolicies": 1, "delete networkpolicies": 1 },
      });
      for (const [, found] of await policies()) {
        expect(found.map(({ metadata }) => metadata?.name ?? "").toSorted()).toEqual(BASELINE_NAMES);
      }
    });

    test("one that three in the middle refuse halts there, asks seldom, and goes on when they are mended", async () => {
      const middle = names.slice(COUNT / 2, COUNT / 2 + 3);
      const { followed, standing } = await halt(followers, middle, add, { hasFollowed: hasWithin, standMs: 10_000 });
      // All before them, and those that were begun before the third of them had failed.
      expect(followed).toBeGreaterThanOrEqual(COUNT / 2);
      expect(followed).toBeLessThanOrEqual(COUNT / 2 + 2 * ROLLOUT_DEFAULTS.atOnce);
      expect(standing.followed).toBe(followed);
      // The second to the tenth try of each at most: they come ever later.
      expect(standing.calls.get("patch networkpolicies") ?? 0).toBeLessThanOrEqual(3 * 9);
      const { writes } = await follow(followers, () => mend(followers, middle));
      expect(writes.reduce((sum, count) => sum + count, 0)).toBeGreaterThanOrEqual(COUNT - followed);
      expect((await policies()).filter(([, found]) => hasWithin(found))).toHaveLength(COUNT);
    });
  },
  { auditPolicy: "everything" },
);
