import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { eventually } from "../helpers/eventually.ts";
import { copyShop, finished, NAMES, versionsIn } from "./arrivals/found.ts";
import { describeCluster } from "./harness/context.ts";
import { type Drawbridge, startDrawbridge } from "./harness/drawbridge.ts";
import { type Flux, fluxCrds, startFlux } from "./harness/flux.ts";
import { findForTests } from "./harness/programs.ts";

vi.setConfig({ testTimeout: 120_000 });

const SHOP = join(import.meta.dirname, "arrivals/shop");
const program = await findForTests("kustomize-controller");
const crds = program === undefined ? undefined : await fluxCrds();

describeCluster(
  "a folder of Git that Flux's kustomize-controller applies",
  (cluster) => {
    let drawbridge: Drawbridge;
    let flux: Flux;
    /** A clone of the repository, that people edit. */
    let clone: string;
    beforeAll(async () => {
      clone = mkdtempSync(join(tmpdir(), "drawbridge-git-"));
      copyShop(clone);
      drawbridge = await startDrawbridge({ cluster: cluster() });
      flux = await startFlux(cluster(), program ?? "", crds ?? []);
    });
    afterAll(async () => {
      await flux?.stop();
      await drawbridge?.stop();
      rmSync(clone, { recursive: true, force: true });
    });

    const edit = (file: string, change: (text: string) => string): void => {
      const path = join(clone, file);
      writeFileSync(path, change(readFileSync(path, "utf8")));
    };
    const policyNames = async (): Promise<readonly string[]> =>
      (await cluster().ok(["get", "networkpolicies", "-n", "shop", "-o", "name"]))
        .trim()
        .split("\n")
        .map((line) => line.replace(/.*\//, ""));

    // One story, in order: the repository and the namespace are what the test before has left.
    describe("from the first commit to the last", () => {
      test("is Ready at the first try: namespace, workloads, policies and an exception in one commit", async () => {
        expect(await flux.push(clone)).toMatchObject({ status: "True" });
        await finished(cluster(), "shop");
        expect(await policyNames()).toEqual([...NAMES, "to-legacy-database", "web"]);
        await eventually(async () => {
          expect((await cluster().ok(["get", "pods", "-n", "shop", "-o", "name"])).trim().split("\n")).toHaveLength(2);
        });
      });

      test("the second reconciliation changes nothing", async () => {
        const before = await versionsIn(cluster(), "shop");
        expect(await flux.reconcile()).toMatchObject({ status: "True" });
        expect(await versionsIn(cluster(), "shop")).toEqual(before);
      });

      test("a marker that somebody sets goes as it came, and is no drift", async () => {
        await cluster().ok(["label", "namespace", "shop", "drawbridge.dev/baseline-pending=true"]);
        await flux.reconcile();
        await finished(cluster(), "shop");
        const before = await versionsIn(cluster(), "shop");
        await flux.reconcile();
        expect(await versionsIn(cluster(), "shop")).toEqual(before);
      });

      test("what carries Flux's labels hands none of them on", async () => {
        const labels = ["get", "namespace", "shop", "-o", "jsonpath={.metadata.labels}"];
        expect(await cluster().ok(labels)).toContain("kustomize.toolkit.fluxcd.io/name");
        for (const { metadata } of await finished(cluster(), "shop")) {
          expect(Object.keys(metadata.labels)).toEqual(["app.kubernetes.io/managed-by", "drawbridge.dev/baseline"]);
          expect(Object.keys(metadata.annotations)).toEqual(["description", "drawbridge.dev/content", "owner"]);
        }
      });

      test("what leaves Git is pruned, and of the baseline nothing is touched", async () => {
        const before = await versionsIn(cluster(), "shop");
        edit("kustomization.yaml", (text) => text.replace("  - exception.yaml\n", ""));
        edit("policies.yaml", (text) => text.split("---\n")[0] ?? "");
        expect(await flux.push(clone)).toMatchObject({ status: "True" });
        const gone = ["NetworkException/legacy-database", "NetworkPolicy/to-legacy-database"];
        expect(await versionsIn(cluster(), "shop")).toEqual(before.filter(([name]) => !gone.includes(name)));
      });

      test("a commit that breaks a rule is not applied, and the Kustomization says why", async () => {
        const before = await versionsIn(cluster(), "shop");
        edit("policies.yaml", (text) => text.replace(/ {2}ingress:\n[^]*/, "  ingress: [{}]\n"));
        const { status, message } = await flux.push(clone);
        expect(status).toBe("False");
        // docs/gitops.md shows it.
        expect(message).toBe(
          'NetworkPolicy/shop/web dry-run failed (Forbidden): admission webhook "enforced.networkpolicies.drawbridge.dev" ' +
            "denied the request: NetworkPolicy shop/web breaks 1 rule of ruleset default:\n" +
            "  no-open-ingress: spec.ingress[0]: a clause without `from` allows ingress from everyone, in and outside " +
            "the cluster, on every port. Fix: name the peers under `from`, or remove the clause to allow nothing.\n",
        );
        expect(await versionsIn(cluster(), "shop")).toEqual(before);
      });

      test("and is Ready again after the repair", async () => {
        cpSync(join(SHOP, "policies.yaml"), join(clone, "policies.yaml"));
        edit("policies.yaml", (text) => text.split("---\n")[0] ?? "");
        expect(await flux.push(clone)).toMatchObject({ status: "True" });
      });

      test("the namespace goes when it leaves Git", async () => {
        writeFileSync(
          join(clone, "kustomization.yaml"),
          "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nconfigMapGenerator:\n" +
            "  - { name: nothing, namespace: flux-system }\n",
        );
        expect(await flux.push(clone)).toMatchObject({ status: "True" });
        await eventually(async () => {
          expect((await cluster().kubectl(["get", "namespace", "shop"])).stderr).toContain("NotFound");
        }, 60_000);
      });
    });
  },
  { controllerManager: true, needs: [program, crds?.[0]] },
);
