import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { NetworkException } from "../../src/config/exception.ts";
import { DAY_MS } from "../../src/model/dates.ts";
import type { KubernetesObject } from "../../src/model/objects.ts";
import { egress, networkException } from "../helpers/build.ts";
import { eventually } from "../helpers/eventually.ts";
import type { KubectlResult } from "./harness/cluster.ts";
import { describeCluster } from "./harness/context.ts";
import { type Drawbridge, startDrawbridge } from "./harness/drawbridge.ts";
import type { UserName } from "./harness/files.ts";

const inDays = (days: number): string => new Date(Date.now() + days * DAY_MS).toISOString().slice(0, 10);

/** An exception as a person writes it: the API server says when it was made. */
function written(name: string, spec: object = {}, metadata: object = {}): KubernetesObject {
  const { creationTimestamp: _, ...rest } = networkException().metadata;
  const whole: NetworkException = { ...networkException(), metadata: { ...rest, name, ...metadata } };
  return { ...whole, spec: { ...whole.spec, expires: inDays(30), ...spec } } as KubernetesObject;
}

function open(name: string, metadata: object = {}): KubernetesObject {
  const policy = egress({});
  const annotations = { ...policy.metadata?.annotations, reviewed: "2026-11-01", expires: "2099-12-31" };
  return { ...policy, metadata: { ...policy.metadata, name, annotations, ...metadata } };
}

describeCluster(
  "exceptions on a real API server",
  (cluster) => {
    let drawbridge: Drawbridge;
    beforeAll(async () => {
      drawbridge = await startDrawbridge({ cluster: cluster() });
      for (const name of ["shop", "bank"]) await cluster().ok(["create", "namespace", name]);
    });
    afterAll(() => drawbridge?.stop());

    const run = (args: readonly string[], object: KubernetesObject, as: UserName): Promise<KubectlResult> =>
      cluster().kubectl([...args, "-f", "-"], { as, input: JSON.stringify(object) });
    const give = (object: KubernetesObject, ...args: string[]) => run(["apply", ...args], object, "platform");
    /** denied, warned or nothing: what is said of an open policy, which is then not there. */
    const verdict = async (object: KubernetesObject): Promise<string> => {
      const { code, stderr } = await run(["create", "--dry-run=server"], object, "tenant");
      return code !== 0 ? "denied" : stderr.includes("Warning: drawbridge: no-open-egress") ? "warned" : "nothing";
    };
    const remove = (name: string, namespace = "shop") =>
      cluster().ok(["delete", "networkexception", name, "-n", namespace], { as: "platform" });
    const PLURAL = "networkexceptions.drawbridge.dev";

    test("from the refusal to the end: given, counted, in log and audit log, taken back", async () => {
      const policy = open("to-db");
      expect(await run(["apply"], policy, "tenant")).toMatchObject({
        code: 1,
        stderr: expect.stringContaining("no-open-egress"),
      });
      const exception = written("legacy", { policies: { names: ["to-db"] } });
      expect(await give(exception)).toMatchObject({ code: 0, stderr: "" });
      await eventually(async () => expect(await verdict(policy)).toBe("nothing"));

      expect(await run(["apply"], policy, "tenant")).toMatchObject({ code: 0, stderr: "" });
      const by = `NetworkException legacy of team-db@example.com until ${inDays(30)}`;
      await eventually(() =>
        expect(drawbridge.log).toContainEqual(
          expect.objectContaining({ name: "to-db", verdict: "audited", exceptions: [`no-open-egress: ${by}`] }),
        ),
      );
      expect(await drawbridge.metrics()).toMatch(
        /drawbridge_findings_total\{rule="no-open-egress",mode="excepted"\} \d/,
      );
      await eventually(() => {
        const lines = readFileSync(cluster().auditLog ?? "", "utf8").split("\n");
        expect(lines.find((text) => text.includes(`audit no-open-egress spec.egress[0] by ${by}`))).toBeDefined();
      });

      expect(await verdict(open("another"))).toBe("denied");
      expect(await verdict(open("to-db", { namespace: "bank" }))).toBe("denied");

      await remove("legacy");
      await cluster().ok(["wait", "--for=delete", `${PLURAL}/legacy`, "-n", "shop", "--timeout=10s"]);
      await eventually(async () => expect(await verdict(open("to-db-2"))).toBe("denied"));
      const touched = open("to-db", { labels: { touched: "yes" } });
      expect(await run(["apply"], touched, "tenant")).toMatchObject({
        code: 0,
        stderr: expect.stringContaining("Warning: drawbridge: no-open-egress"),
      });
      await cluster().ok(["delete", "networkpolicy", "to-db", "-n", "shop"]);
      await eventually(async () => expect(await verdict(policy)).toBe("denied"));
    });

    test("kubectl shows what matters of one", async () => {
      expect(await give(written("shown"))).toMatchObject({ code: 0 });
      const table = await cluster().ok(["get", "networkexceptions", "-n", "shop"], { as: "platform" });
      expect(table.split("\n")[0]?.split(/\s{2,}/)).toEqual(["NAME", "RULES", "OWNER", "EXPIRES", "AGE"]);
      expect(table).toContain(inDays(30));
      await remove("shown");
    });

    test("a tenant who has not been allowed to cannot give, change or take one", async () => {
      for (const args of [["create"], ["apply", "--server-side"]]) {
        const { code, stderr } = await run(args, written("mine"), "tenant");
        expect(code).toBe(1);
        expect(stderr).toMatch(/\(Forbidden\).*User "tenant" cannot (create|patch|get) resource "networkexceptions"/s);
      }
      expect((await cluster().kubectl(["get", PLURAL, "-A"], { as: "tenant" })).stderr).toContain("Forbidden");
    });

    test("the role that docs/exceptions.md gives is enough, and gives nothing else", async () => {
      const page = readFileSync(new URL("../../docs/exceptions.md", import.meta.url), "utf8");
      const role = /```yaml\n(apiVersion: rbac[\s\S]*?)```/.exec(page)?.[1] ?? "";
      await cluster().ok(["apply", "-f", "-"], { input: role });
      await cluster().ok(
        ["create", "rolebinding", "giver", "--clusterrole=drawbridge-exceptions", "--user=tenant", "-n", "bank"],
        {},
      );
      expect(await run(["create"], written("given", {}, { namespace: "bank" }), "tenant")).toMatchObject({ code: 0 });
      expect((await run(["create"], written("given"), "tenant")).stderr).toContain("(Forbidden)");
      await remove("given", "bank");
      await cluster().ok(["delete", "rolebinding", "giver", "-n", "bank"]);
    });

    describe("refused", () => {
      test.each<[string, object, RegExp]>([
        [
          "by the CRD: nothing said",
          { reason: undefined, owner: undefined },
          /spec\.owner: Required value.*spec\.reason: Required value|spec\.reason: Required value.*spec\.owner: Required value/s,
        ],
        ["by the CRD: a reason of blanks", { reason: "  " }, /spec\.reason in body should match/],
        ["by the CRD: a long owner", { owner: "x".repeat(201) }, /spec\.owner: Too long/],
        ["by the CRD: no rules", { rules: [] }, /spec\.rules in body should have at least 1 items/],
        ["by the CRD: an empty target", { policies: {} }, /spec\.policies in body should have at least 1 properties/],
        [
          "by the CRD: no names",
          { policies: { names: [] } },
          /spec\.policies\.names in body should have at least 1 items/,
        ],
        ["by the CRD: for ever", { expires: "never" }, /spec\.expires in body should match/],
        [
          "by the CRD: an operator",
          { policies: { selector: { matchExpressions: [{ key: "a", operator: "Is" }] } } },
          /Unsupported value: "Is"/,
        ],
        [
          "a day that is none",
          { expires: "2027-02-30" },
          /spec\.expires is "2027-02-30"; there is no such day or time/,
        ],
        ["for nothing", { policies: undefined }, /spec says neither policies nor workloads/],
        ["no such rule", { rules: ["no-egress"] }, /spec\.rules\[0\] is no-egress, which is not a rule; the rules are/],
        [
          "a rule that may not be excepted",
          { rules: ["no-dead-clause"] },
          /ruleset default allows no exception to no-dead-clause/,
        ],
        ["for too long", { expires: inDays(95) }, /ruleset default allows 90 days from its creation, so until/],
      ])("%s", async (_, spec, message) => {
        const { code, stderr } = await give(written("refused", spec));
        expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringMatching(message) });
      });

      test.each(["strict", "ignore"])(
        "a misspelt selector, which pruned would select all (--validate=%s)",
        async (how) => {
          const misspelt = written("refused", { policies: { selector: { matchLabel: { app: "db" } } } });
          for (const args of [[], ["--server-side"]]) {
            const { code, stderr } = await give(misspelt, `--validate=${how}`, ...args);
            expect({ code, stderr }).toEqual({
              code: 1,
              stderr: expect.stringContaining("spec.policies.selector.matchLabel is not a field of this"),
            });
          }
        },
      );

      test.each([
        ["create", ["create"]],
        ["apply --server-side", ["apply", "--server-side"]],
      ])("a life longer than allowed by a made-up creationTimestamp (%s)", async (_, args) => {
        const made = written("backdated", { expires: inDays(120) }, { creationTimestamp: "2098-01-01T00:00:00Z" });
        expect((await run(args, made, "platform")).stderr).toContain("allows 90 days from its creation");
      });
    });

    test("to edit the date within its days is allowed, beyond them it is no renewal", async () => {
      expect(await give(written("edited"))).toMatchObject({ code: 0 });
      expect(await give(written("edited", { expires: inDays(80) }))).toMatchObject({ code: 0 });
      expect((await give(written("edited", { expires: inDays(95) }))).stderr).toContain("allows 90 days");
      await remove("edited");
    });

    test("in the namespace of a ruleset that allows less, less is allowed", async () => {
      await cluster().ok(["label", "namespace", "bank", "drawbridge.dev/ruleset=restricted"]);
      const made = written("less", {}, { namespace: "bank" });
      await eventually(async () =>
        expect((await give(made)).stderr).toContain("ruleset restricted allows no exception to no-open-egress"),
      );
      await cluster().ok(["label", "namespace", "bank", "drawbridge.dev/ruleset-"]);
    });

    test("one of before the ruleset was tightened may be touched but does not count, and the refusal says so", async () => {
      const early = written("early", { policies: { names: ["early"] } });
      expect(await give(early)).toMatchObject({ code: 0 });
      await eventually(async () => expect(await verdict(open("early"))).toBe("nothing"));
      const tightened = {
        apiVersion: "drawbridge.dev/v1alpha1",
        kind: "NetworkRuleset",
        metadata: { name: "default" },
        spec: { exceptions: { maxDays: 7 } },
      };
      expect(await give(tightened)).toMatchObject({ code: 0 });
      await eventually(async () => expect(await verdict(open("early"))).toBe("denied"));
      expect((await run(["create"], open("early"), "tenant")).stderr).toContain(
        "(NetworkException early does not count: it is until",
      );
      const touched = await cluster().kubectl(["label", "networkexception", "early", "-n", "shop", "seen=yes"]);
      expect(touched).toMatchObject({
        code: 0,
        stderr: expect.stringContaining("Warning: drawbridge: NetworkException early does not count"),
      });
      await remove("early");
      await cluster().ok(["delete", "networkruleset", "default"]);
      await eventually(async () => expect((await give(written("late"), "--dry-run=server")).code).toBe(0));
    });

    test("one that waits for its finalizers does not count any more", async () => {
      const held = written("held", { policies: { names: ["held"] } }, { finalizers: ["example.com/hold"] });
      expect(await give(held)).toMatchObject({ code: 0 });
      await eventually(async () => expect(await verdict(open("held"))).toBe("nothing"));
      await cluster().ok(["delete", "networkexception", "held", "-n", "shop", "--wait=false"]);
      await eventually(async () => expect(await verdict(open("held"))).toBe("denied"));
      await cluster().ok(
        ["patch", "networkexception", "held", "-n", "shop", "--type=merge", "-p", '{"metadata":{"finalizers":null}}'],
        {},
      );
      await cluster().ok(["wait", "--for=delete", `${PLURAL}/held`, "-n", "shop", "--timeout=10s"]);
    });

    test("permanent ones are in the ruleset: docs/exceptions.md has one that holds as it stands", async () => {
      const page = readFileSync(new URL("../../docs/exceptions.md", import.meta.url), "utf8");
      const ruleset =
        /```yaml\n(apiVersion: drawbridge\.dev\/v1alpha1\nkind: NetworkRuleset[\s\S]*?)```/.exec(page)?.[1] ?? "";
      await cluster().ok(["create", "namespace", "argocd"]);
      const own = open("argocd-server", { namespace: "argocd", labels: { "app.kubernetes.io/part-of": "argocd" } });
      expect(await verdict(own)).toBe("denied");
      await cluster().ok(["apply", "-f", "-"], { input: ruleset, as: "platform" });
      await eventually(async () => expect(await verdict(own)).toBe("nothing"));
      expect(await verdict(open("mine", { namespace: "argocd" }))).toBe("denied");
      await cluster().ok(["delete", "networkruleset", "default"]);
    });

    test("nothing of all this failed", async () => {
      expect(await drawbridge.metrics()).not.toContain('verdict="failed"');
      expect(drawbridge.log.filter(({ level }) => Number(level) >= 40)).toEqual([]);
    });
  },
  { auditPolicy: true },
);
