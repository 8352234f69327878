import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { egress, NAMESPACE_CONTRACT } from "../helpers/build.ts";
import { eventually } from "../helpers/eventually.ts";
import { copyShop, finished, NAMES, TOMORROW, versionsIn } from "./arrivals/found.ts";
import { describeCluster } from "./harness/context.ts";
import { type Drawbridge, startDrawbridge } from "./harness/drawbridge.ts";

vi.setConfig({ testTimeout: 120_000 });

const SHOP = join(import.meta.dirname, "arrivals/shop");
const DRY_RUN = ["apply", "--server-side", "--dry-run=server", "-k", SHOP];
const NOT_THERE = 'Error from server (NotFound): namespaces "shop" not found';
const WILL_GET =
  "Warning: drawbridge: this namespace will get the policies " +
  "00-default-deny-ingress, 01-default-deny-egress, 10-allow-dns-egress";

describeCluster(
  "what arrives by kubectl, and as Terraform writes it",
  (cluster) => {
    let drawbridge: Drawbridge;
    let copies: string;
    beforeAll(async () => {
      copies = mkdtempSync(join(tmpdir(), "drawbridge-folders-"));
      drawbridge = await startDrawbridge({ cluster: cluster() });
    });
    afterAll(async () => {
      await drawbridge?.stop();
      rmSync(copies, { recursive: true, force: true });
    });

    test("of a folder with a new namespace a dry run before anything exists shows what comes with the namespace, and writes nothing", async () => {
      const { code, stdout, stderr } = await cluster().kubectl(DRY_RUN);
      expect(stdout).toBe("namespace/shop serverside-applied (server dry run)\n");
      // The API server looks for the namespace before it asks anybody: so it is without Drawbridge.
      expect(stderr.trim().split("\n")).toEqual([WILL_GET, ...Array.from({ length: 5 }, () => NOT_THERE)]);
      expect(code).toBe(1);
      expect((await cluster().kubectl(["get", "namespace", "shop"])).stderr).toContain("NotFound");
    });

    test.each([
      ["client-side", "shop", [], "unchanged"],
      ["server-side", "market", ["--server-side"], "serverside-applied"],
    ])(
      "%s apply of a namespace, its workloads, policies and an exception: the first run works, and the second changes nothing",
      async (_, name, flags, again) => {
        const folder = join(copies, name);
        copyShop(folder, name);
        const apply = ["apply", ...flags, "-k", folder];
        expect(await cluster().kubectl(apply)).toMatchObject({ code: 0, stderr: "" });
        await finished(cluster(), name);
        await eventually(async () => {
          expect((await cluster().ok(["get", "pods", "-n", name, "-o", "name"])).trim().split("\n")).toHaveLength(2);
        });

        const before = await versionsIn(cluster(), name);
        expect(before.map(([object]) => object)).toEqual([
          `Namespace/${name}`,
          "Deployment/web",
          "Service/web",
          ...[...NAMES, "to-legacy-database", "web"].map((policy) => `NetworkPolicy/${policy}`),
          "NetworkException/legacy-database",
        ]);
        const second = await cluster().kubectl(apply);
        expect(second).toMatchObject({ code: 0, stderr: "" });
        expect(second.stdout.trim().split("\n")).toHaveLength(6);
        for (const line of second.stdout.trim().split("\n")) expect(line).toMatch(new RegExp(` ${again}$`));
        expect(await cluster().kubectl(["diff", ...flags, "-k", folder])).toEqual({ code: 0, stdout: "", stderr: "" });
        expect(await versionsIn(cluster(), name)).toEqual(before);
      },
    );

    test("a policy counts on the exception that was created right before it", async () => {
      await cluster().ok(["create", "namespace", "fast"]);
      const pairs = Array.from({ length: 30 }, (_, i) => [
        {
          apiVersion: "drawbridge.dev/v1alpha1",
          kind: "NetworkException",
          metadata: { name: `open-${i}`, namespace: "fast" },
          spec: {
            rules: ["no-open-egress"],
            policies: { names: [`open-${i}`] },
            reason: "The old database has no fixed address.",
            owner: "team-db@example.com",
            expires: TOMORROW,
          },
        },
        { ...egress({}), metadata: { ...egress({}).metadata, name: `open-${i}`, namespace: "fast" } },
      ]);
      const list = { apiVersion: "v1", kind: "List", items: pairs.flat() };
      const input = JSON.stringify(list);
      expect(await cluster().kubectl(["create", "-f", "-"], { input })).toMatchObject({ code: 0 });
    });

    test("a namespace whose labels Terraform's provider writes has those and no others in the end", async () => {
      const configured = { ...NAMESPACE_CONTRACT, team: "bank" };
      const namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name: "bank" } };
      await cluster().ok(["create", "-f", "-"], { input: JSON.stringify(namespace) });
      // Where it had none it adds the map as a whole, over the marker that stands there now or a moment ago.
      const patch = [{ op: "add", path: "/metadata/labels", value: configured }];
      await cluster().ok(["patch", "namespace", "bank", "--type=json", "-p", JSON.stringify(patch)]);
      await finished(cluster(), "bank");
      const labels = await cluster().ok(["get", "namespace", "bank", "-o", "jsonpath={.metadata.labels}"]);
      expect(JSON.parse(labels)).toEqual({ ...configured, "kubernetes.io/metadata.name": "bank" });
    });

    test("nothing of the namespace's own is handed on to what it gets, as that is how tools know what is theirs", async () => {
      const metadata = {
        name: "tracked",
        labels: { ...NAMESPACE_CONTRACT, "app.kubernetes.io/instance": "shop", "argocd.argoproj.io/instance": "shop" },
        annotations: {
          "argocd.argoproj.io/tracking-id": "shop:/Namespace:tracked/tracked",
          "argocd.argoproj.io/sync-options": "Prune=true",
          "meta.helm.sh/release-name": "shop",
        },
      };
      const input = JSON.stringify({ apiVersion: "v1", kind: "Namespace", metadata });
      await cluster().ok(["create", "-f", "-"], { input });
      for (const policy of await finished(cluster(), "tracked")) {
        expect(Object.keys(policy.metadata.labels)).toEqual([
          "app.kubernetes.io/managed-by",
          "drawbridge.dev/baseline",
        ]);
        expect(Object.keys(policy.metadata.annotations)).toEqual(["description", "drawbridge.dev/content", "owner"]);
      }
    });
  },
  { controllerManager: true },
);
