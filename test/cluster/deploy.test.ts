import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { paths } from "../../src/cluster/paths.ts";
import { connectInCluster } from "../../src/cluster/service-account.ts";
import type { NetworkBaselineStatus } from "../../src/config/baseline-status.ts";
import { webhookConfigurations } from "../../src/controllers/registration/webhook-configurations.ts";
import { eventually } from "../helpers/eventually.ts";
import { egressTo, networkBaseline } from "../helpers/build.ts";
import { describeCluster } from "./harness/context.ts";
import { type Drawbridge, startDrawbridge } from "./harness/drawbridge.ts";
import { freePort } from "./harness/net.ts";
import { podOfAccount } from "./harness/pod.ts";

const DEPLOY = join(import.meta.dirname, "../../deploy");
const NAMESPACE = "drawbridge-system";
const ACCOUNT = `system:serviceaccount:${NAMESPACE}:drawbridge`;

describeCluster(
  "deploy/",
  (cluster) => {
    const lines = async (args: readonly string[]): Promise<string[]> =>
      (await cluster().ok(args)).split("\n").filter(Boolean);
    const json = async <T>(args: readonly string[]): Promise<T> =>
      JSON.parse(await cluster().ok([...args, "-o", "json"])) as T;

    // Where a namespace and its first objects come in one command, and the kinds too.
    beforeAll(async () => {
      const applied = await lines(["apply", "-k", DEPLOY, "--validate=strict"]);
      expect(applied.filter((line) => !line.endsWith(" created"))).toEqual([]);
      await cluster().ok(["wait", "--for=condition=Established", "--timeout=30s", "-f", join(DEPLOY, "crds")]);
    });

    test("applied again it changes nothing", async () => {
      const budget = [
        "get",
        "poddisruptionbudget",
        "drawbridge",
        "-n",
        NAMESPACE,
        "-o",
        "jsonpath={.metadata.generation}",
      ];
      const before = await cluster().ok(budget);
      const again = await lines(["apply", "-k", DEPLOY, "--validate=strict"]);
      expect(again.length).toBeGreaterThanOrEqual(9);
      // kubectl sends the selector of a budget again whatever it was, and calls that a change.
      const changed = again.filter((line) => !line.endsWith(" unchanged") && !line.startsWith("poddisruptionbudget"));
      expect(changed).toEqual([]);
      expect(await cluster().ok(budget)).toBe(before);
    });

    test("the policy for its own Pods is one that the API server takes", async () => {
      await cluster().ok(["apply", "-f", join(DEPLOY, "network-policy.yaml"), "--validate=strict", "--dry-run=server"]);
    });

    describe("the Pod", () => {
      interface PodSpec {
        readonly priorityClassName: string;
        readonly containers: readonly [{ readonly args: readonly string[]; readonly securityContext: object }];
      }
      const template = async () =>
        (
          await json<{ spec: { template: { metadata: object; spec: PodSpec } } }>([
            "get",
            "deployment",
            "drawbridge",
            "-n",
            NAMESPACE,
          ])
        ).spec.template;
      const create = (metadata: object, spec: object) =>
        cluster().kubectl(["create", "--dry-run=server", "--validate=strict", "-f", "-"], {
          input: JSON.stringify({
            apiVersion: "v1",
            kind: "Pod",
            metadata: { ...metadata, name: "drawbridge", namespace: NAMESPACE },
            spec,
          }),
        });

      test("keeps to the restricted Pod Security Standard, which its namespace demands", async () => {
        const { metadata, spec } = await template();
        expect(await create(metadata, spec)).toMatchObject({ code: 0, stderr: "" });
        const [container] = spec.containers;
        const lax = { ...spec, containers: [{ ...container, securityContext: {} }] };
        const refused = await create(metadata, lax);
        expect(refused.stderr).toContain('violates PodSecurity "restricted:latest"');
      });
    });

    describe("the service account", () => {
      test.each([
        ["yes", "patch mutatingwebhookconfigurations/drawbridge"],
        ["no", "patch mutatingwebhookconfigurations/another"],
        ["yes", "update validatingwebhookconfigurations/drawbridge"],
        ["no", "update validatingwebhookconfigurations/another"],
        ["no", "get validatingwebhookconfigurations/another"],
        ["yes", "list validatingwebhookconfigurations"],
        ["no", "update services"],
        ["no", "patch customresourcedefinitions.apiextensions.k8s.io"],
        ["no", "patch apiservices.apiregistration.k8s.io"],
        ["yes", "delete networkpolicies.networking.k8s.io"],
        ["no", "deletecollection networkpolicies.networking.k8s.io"],
        ["no", "update networkrulesets.drawbridge.dev"],
        ["no", "patch networkbaselines.drawbridge.dev"],
        ["yes", "patch networkbaselines.drawbridge.dev --subresource=status"],
        ["no", "patch networkrulesets.drawbridge.dev --subresource=status"],
        ["no", "create namespaces"],
        ["no", "delete namespaces"],
        ["no", "get secrets"],
        ["no", "create pods"],
        ["no", "create serviceaccounts --subresource=token"],
        ["no", "update clusterroles"],
        ["no", "create leases"],
        ["yes", "create events"],
        ["no", "list events"],
        ["no", "patch events"],
      ])("%s: it may %s", async (answer, what) => {
        const { stdout } = await cluster().kubectl(["auth", "can-i", ...what.split(" "), "-A", `--as=${ACCOUNT}`]);
        expect(stdout.trim()).toBe(answer);
      });
    });

    describe("the service account in its own namespace", () => {
      test.each([
        ["yes", "create leases"],
        ["yes", "update leases/drawbridge"],
        ["no", "get leases/another"],
        ["no", "update leases/another"],
        ["no", "delete leases/drawbridge"],
        ["no", "list leases"],
        ["yes", "create secrets/drawbridge-ca"],
        ["yes", "update secrets/drawbridge-ca"],
        ["no", "create secrets"],
        ["no", "get secrets/another"],
        ["no", "list secrets"],
        ["no", "delete secrets/drawbridge-ca"],
      ])("%s: it may %s", async (answer, what) => {
        const asking = ["auth", "can-i", ...what.split(" "), "-n", NAMESPACE, `--as=${ACCOUNT}`];
        expect((await cluster().kubectl(asking)).stdout.trim()).toBe(answer);
      });
    });

    const podOf = (folder: string) => podOfAccount(cluster(), { namespace: NAMESPACE, account: "drawbridge", folder });

    test("a token that the kubelet has renewed is taken in time, and at once after a refusal", async () => {
      await cluster().ok(["create", "serviceaccount", "renewed", "-n", NAMESPACE]);
      const { folder, env } = await podOf("rotation");
      const renewed = await cluster().ok(["create", "token", "renewed", "-n", NAMESPACE]);
      const client = await connectInCluster(folder, env);
      const whoAmI = async () => {
        const review = { apiVersion: "authentication.k8s.io/v1", kind: "SelfSubjectReview" };
        const { status } = await client.create<{ status: { userInfo: { username: string } } }>(
          paths.selfSubjectReviews(),
          review,
        );
        return status.userInfo.username;
      };
      try {
        expect(await whoAmI()).toBe(ACCOUNT);
        writeFileSync(join(folder, "token"), renewed);
        const now = performance.now.bind(performance);
        const clock = vi.spyOn(performance, "now").mockImplementation(() => now() + 11_000);
        expect(await whoAmI()).toBe(`system:serviceaccount:${NAMESPACE}:renewed`);
        writeFileSync(join(folder, "token"), "ended");
        clock.mockImplementation(() => now() + 22_000);
        await expect(whoAmI()).rejects.toMatchObject({ status: 401 });
        writeFileSync(join(folder, "token"), renewed);
        expect(await whoAmI()).toBe(`system:serviceaccount:${NAMESPACE}:renewed`);
      } finally {
        vi.restoreAllMocks();
        await client.close();
      }
    });

    describe("the server with this service account, these arguments and this role", () => {
      let drawbridge: Drawbridge;
      let port: number;
      interface Configuration {
        readonly webhooks: readonly { readonly name: string; readonly clientConfig: object }[];
      }
      const configuration = (kind: "validating" | "mutating") =>
        json<Configuration>(["get", `${kind}webhookconfiguration`, "drawbridge"]);
      const policiesIn = (namespace: string) => lines(["get", "networkpolicies", "-n", namespace, "-o", "name"]);

      beforeAll(async () => {
        port = await freePort();
        // The way from a Service to a Pod is the nodes' work, and there are none: by this name the API server finds us.
        await cluster().ok(["delete", "service", "drawbridge", "-n", NAMESPACE]);
        const service = {
          apiVersion: "v1",
          kind: "Service",
          metadata: { name: "drawbridge", namespace: NAMESPACE },
          spec: { type: "ExternalName", externalName: "localhost" },
        };
        await cluster().ok(["create", "-f", "-"], { input: JSON.stringify(service) });
        // What a server that was killed has left: another way to another server.
        const left = webhookConfigurations({
          address: { url: "https://127.0.0.1:1" },
          caBundle: readFileSync(join(cluster().directory, "certificates/apiserver.crt"), "utf8"),
          mode: "enforce",
        });
        for (const object of [left.mutating, left.validating]) {
          await cluster().ok(["apply", "--server-side", "--field-manager=drawbridge", "-f", "-"], {
            input: JSON.stringify(object),
          });
        }
        const deployment = ["get", "deployment", "drawbridge", "-n", NAMESPACE, "-o"];
        const args = JSON.parse(
          await cluster().ok([...deployment, "jsonpath={.spec.template.spec.containers[0].args}"]),
        ) as string[];
        const { folder, env } = await podOf("service-account");
        const here = [`--in-cluster=${folder}`, `--service=${NAMESPACE}/drawbridge:${port}`, "--host=127.0.0.1"];
        drawbridge = await startDrawbridge({
          args: [...args.slice(1), ...here, "--mode=enforce", "--drain-seconds=0"],
          ports: { webhook: port, health: await freePort() },
          env,
        });
      });
      afterAll(() => drawbridge?.stop());

      test("leads, by the Lease in its namespace, and registers by Service, in place of what was there", async () => {
        await eventually(() => expect(drawbridge.log).toContainEqual(expect.objectContaining({ msg: "registered" })));
        const { spec } = await json<{ spec: object }>(["get", "lease", "drawbridge", "-n", NAMESPACE]);
        expect(drawbridge.log).toContainEqual(
          expect.objectContaining({ msg: "leading", identity: (spec as { holderIdentity: string }).holderIdentity }),
        );
        const webhooks = [await configuration("validating"), await configuration("mutating")].flatMap(
          (one) => one.webhooks,
        );
        expect(webhooks).toHaveLength(8);
        for (const { clientConfig } of webhooks) {
          expect(clientConfig).toEqual({
            caBundle: expect.any(String),
            service: {
              namespace: NAMESPACE,
              name: "drawbridge",
              port,
              path: expect.stringMatching(/^\/(validate|mutate|gate)$/),
            },
          });
        }
        expect((await fetch(`${drawbridge.healthUrl}/readyz`)).status).toBe(200);
      });

      test("is asked by the API server, by the Service's name, and trusted", async () => {
        const { metadata, spec } = egressTo("0.0.0.0/0");
        const open = {
          apiVersion: "networking.k8s.io/v1",
          kind: "NetworkPolicy",
          metadata: { ...metadata, namespace: "default" },
          spec,
        };
        const { stderr } = await cluster().kubectl(["create", "-f", "-"], { input: JSON.stringify(open) });
        expect(stderr).toContain("no-broad-cidr");
      });

      test("gives a new namespace its baseline, repairs what somebody has added to it, and says so by an Event", async () => {
        await cluster().ok(["create", "namespace", "shop"]);
        await eventually(async () => {
          expect(await policiesIn("shop")).toHaveLength(3);
          expect(await cluster().ok(["get", "namespace", "shop", "-o", "yaml"])).not.toContain("baseline-pending");
        });
        const added = {
          spec: { ingress: [{ from: [{ podSelector: { matchLabels: { app: "x" } } }], ports: [{ port: 80 }] }] },
        };
        const patch = ["patch", "networkpolicy", "drawbridge-00-default-deny-ingress", "-n", "shop", "--type=merge"];
        const label = ["label", "namespace", "shop", "--overwrite"];
        await cluster().ok([...label, "drawbridge.dev/mode=warn"]);
        await eventually(() => cluster().ok([...patch, "-p", JSON.stringify(added)]));
        await cluster().ok([...label, "drawbridge.dev/mode=enforce"]);
        await eventually(async () => {
          const deny = ["get", "networkpolicy", "drawbridge-00-default-deny-ingress", "-n", "shop"];
          expect((await json<{ spec: object }>(deny)).spec).toEqual({ podSelector: {}, policyTypes: ["Ingress"] });
        });
        await eventually(async () =>
          expect(await cluster().ok(["get", "events", "-n", "shop"])).toMatch(/BaselineHealed +namespace\/shop/),
        );
      });

      test("writes into a NetworkBaseline how its namespaces stand", async () => {
        const own = networkBaseline("own");
        await cluster().ok(["create", "-f", "-"], { input: JSON.stringify(own) });
        await cluster().ok(["wait", "networkbaseline/own", "--for=condition=Ready", "--timeout=20s"]);
        const { status } = await json<{ status: NetworkBaselineStatus }>(["get", "networkbaseline", "own"]);
        expect(status.namespaces).toMatchObject({ governed: 1, finished: 1 });
        await cluster().ok(["delete", "networkbaseline", "own"]);
      });

      test.each([
        ["list", "jobs.batch", "yes"],
        ["patch", "replicasets.apps --subresource=status", "yes"],
        ["patch", "replicasets.apps", "no"],
        ["list", "pods", "no"],
        ["delete", "networkpolicies.networking.k8s.io", "yes"],
        ["deletecollection", "networkpolicies.networking.k8s.io", "no"],
      ])("may it %s %s? %s", async (verb, resource, answer) => {
        const { stdout } = await cluster().kubectl([
          "auth",
          "can-i",
          verb,
          ...resource.split(" "),
          "-A",
          `--as=${ACCOUNT}`,
        ]);
        expect(stdout.trim()).toBe(answer);
      });

      test("lacks no permission, and takes its registration back when it stops", async () => {
        expect(await drawbridge.stop()).toBe(0);
        const complaints = drawbridge.log.filter(({ level, msg }) => Number(level) >= 40 && msg !== "baseline healed");
        expect(complaints).toEqual([]);
        expect(drawbridge.stderr()).toBe("");
        expect(await lines(["get", "mutatingwebhookconfigurations", "-o", "name"])).toEqual([]);
      });

      test("leaves the gate shut and what marks namespaces in place, for the Pod that comes next", async () => {
        expect((await configuration("validating")).webhooks.map(({ name }) => name)).toEqual([
          "gate.pods.drawbridge.dev",
        ]);
        expect(await remaining()).toHaveLength(9);
        await cluster().ok(["create", "namespace", "meanwhile"]);
        expect(await cluster().ok(["get", "namespace", "meanwhile", "-o", "yaml"])).toContain("baseline-pending");
        const run = ["run", "web", "-n", "meanwhile", "--image=registry.example.com/web:1.0"];
        expect((await cluster().kubectl(run)).stderr).toContain("gate.pods.drawbridge.dev");
      });
    });

    /** What a server leaves for the next one. */
    const remaining = (): Promise<string[]> => {
      const admission = ["mutating", "validating"].flatMap((kind) => [
        `${kind}admissionpolicies`,
        `${kind}admissionpolicybindings`,
        `${kind}webhookconfigurations`,
      ]);
      return lines(["get", admission.join(","), "-o", "name"]);
    };

    test("deleted, nothing of it is left", async () => {
      const deleted = await lines(["delete", "-k", DEPLOY, "--wait=false", "--ignore-not-found"]);
      expect(deleted.length).toBeGreaterThanOrEqual(9);
      await eventually(async () => {
        const kinds = "clusterroles,clusterrolebindings,customresourcedefinitions";
        const left = await lines(["get", kinds, "-l", "app.kubernetes.io/name=drawbridge", "-o", "name"]);
        expect(left).toEqual([]);
        expect((await cluster().kubectl(["get", "networkrulesets"])).code).not.toBe(0);
        expect(await remaining()).toEqual([]);
      });
      // The API server goes by an admission policy for a moment after it has deleted it.
      await eventually(() => cluster().ok(["label", "namespace", "meanwhile", "drawbridge.dev/baseline-pending-"]));
      await cluster().ok(["run", "web", "-n", "meanwhile", "--image=registry.example.com/web:1.0"]);
    });
  },
  // It collects what a ClusterRole owned.
  { crds: false, controllerManager: true },
);
