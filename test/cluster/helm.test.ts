import { execFile } from "node:child_process";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { eventually } from "../helpers/eventually.ts";
import { finished, NAMES, TOMORROW, versionsIn } from "./arrivals/found.ts";
import { auditedCalls, resourceOf } from "./harness/audit.ts";
import type { KubectlResult } from "./harness/cluster.ts";
import { describeCluster } from "./harness/context.ts";
import { type Drawbridge, startDrawbridge } from "./harness/drawbridge.ts";
import { findForTests } from "./harness/programs.ts";

vi.setConfig({ testTimeout: 120_000 });

const CHARTS = join(import.meta.dirname, "arrivals/charts");
const program = await findForTests("helm");
/** As docs/gitops.md shows it. */
const REFUSED =
  "server-side apply failed for object NAMESPACE/web networking.k8s.io/v1, Kind=NetworkPolicy: admission webhook " +
  '"enforced.networkpolicies.drawbridge.dev" denied the request: NetworkPolicy NAMESPACE/web breaks 1 rule of ruleset ' +
  "default:\n  no-open-ingress: spec.ingress[0]: a clause without `from` allows ingress from everyone, in and outside " +
  "the cluster, on TCP 8080. Fix: name the peers under `from`, or remove the clause to allow nothing.\n";

describeCluster(
  "a release of Helm that brings its namespace",
  (cluster) => {
    let drawbridge: Drawbridge;
    beforeAll(async () => {
      drawbridge = await startDrawbridge({ cluster: cluster() });
    });
    afterAll(() => drawbridge?.stop());

    const helm = (...args: readonly string[]): Promise<KubectlResult> => {
      const home = join(cluster().directory, "helm");
      const homes = { HELM_CACHE_HOME: home, HELM_CONFIG_HOME: home, HELM_DATA_HOME: home };
      const env = { ...process.env, ...homes, KUBECONFIG: cluster().kubeconfigs.admin };
      return new Promise((resolve) => {
        execFile(program ?? "", args, { env }, (error, stdout, stderr) =>
          resolve({ code: Number(error?.code ?? 0), stdout, stderr }),
        );
      });
    };
    const install = (release: string, chart: string, namespace: string, ...more: readonly string[]) =>
      helm("install", release, join(CHARTS, chart), "--create-namespace", "-n", namespace, ...more);

    // One story, in order.
    describe("from its installation to its end", () => {
      test("works at the first try, and no Pod is there before the policies", async () => {
        expect(await install("shop", "web", "shop")).toMatchObject({ code: 0 });
        await finished(cluster(), "shop");
        await eventually(() => {
          const calls = auditedCalls(cluster()).filter(({ objectRef }) => objectRef?.namespace === "shop");
          const made = calls.map((call) => `${call.verb} ${resourceOf(call)} ${call.objectRef?.name}`);
          const pods = made.filter((call) => call.startsWith("create pods "));
          expect(pods).toHaveLength(2);
          for (const name of NAMES) {
            expect(made.slice(0, made.indexOf(pods[0] ?? ""))).toContain(`patch networkpolicies ${name}`);
          }
        });
      });

      test("an upgrade to the same changes nothing", async () => {
        const before = await versionsIn(cluster(), "shop");
        expect(await helm("upgrade", "shop", join(CHARTS, "web"), "-n", "shop")).toMatchObject({ code: 0 });
        expect(await versionsIn(cluster(), "shop")).toEqual(before);
      });

      test("an upgrade that breaks a rule fails, says why and leaves the policy as it was", async () => {
        const before = await versionsIn(cluster(), "shop");
        const upgrade = ["upgrade", "shop", join(CHARTS, "web"), "-n", "shop"];
        const { code, stderr } = await helm(...upgrade, "--set", "from=null");
        expect(code).toBe(1);
        expect(stderr).toContain(`Error: UPGRADE FAILED: ${REFUSED.replaceAll("NAMESPACE", "shop")}`);
        expect(await versionsIn(cluster(), "shop")).toEqual(before);
        expect(await helm(...upgrade)).toMatchObject({ code: 0 });
      });

      test("with its exception as a hook, which comes first, it works", async () => {
        const set = ["--set", "from=null", "--set", `everyone=${TOMORROW}`];
        expect(await helm("upgrade", "shop", join(CHARTS, "web"), "-n", "shop", ...set)).toMatchObject({ code: 0 });
      });

      test("when it is uninstalled the namespace keeps its baseline, and can be deleted", async () => {
        expect(await helm("uninstall", "shop", "-n", "shop")).toMatchObject({ code: 0 });
        await finished(cluster(), "shop");
        await cluster().ok(["delete", "namespace", "shop", "--timeout=60s"]);
      });
    });

    test("an installation that breaks a rule fails and says why; with --rollback-on-failure nothing stays but the namespace", async () => {
      const { code, stderr } = await install("shop", "web", "open", "--set", "from=null", "--rollback-on-failure");
      expect(code).toBe(1);
      expect(stderr).toContain(REFUSED.replaceAll("NAMESPACE", "open").trimEnd());
      await finished(cluster(), "open");
      expect(await cluster().ok(["get", "deployments,services", "-n", "open", "-o", "name"])).toBe("");
    });

    test("one with an admission webhook works at the first try, the webhook stays within reach, and with it goes the way", async () => {
      expect(await install("guard", "guard", "guard")).toMatchObject({ code: 0 });
      const policies = await finished(cluster(), "guard", [...NAMES, "drawbridge-backend-guard"]);
      expect(policies.at(-1)?.spec).toEqual({
        podSelector: { matchLabels: { "app.kubernetes.io/name": "guard" } },
        policyTypes: ["Ingress"],
        ingress: [{ ports: [{ protocol: "TCP", port: "https" }] }],
      });
      await eventually(async () => {
        expect(await cluster().ok(["get", "pods", "-n", "guard", "-o", "name"])).toMatch(/^pod\/guard-/);
      });
      const before = await versionsIn(cluster(), "guard");
      expect(await helm("upgrade", "guard", join(CHARTS, "guard"), "-n", "guard")).toMatchObject({ code: 0 });
      expect(await versionsIn(cluster(), "guard")).toEqual(before);
      expect(await helm("uninstall", "guard", "-n", "guard")).toMatchObject({ code: 0 });
      await finished(cluster(), "guard");
    });
  },
  { controllerManager: true, auditPolicy: "everything", needs: [program] },
);
