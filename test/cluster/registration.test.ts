import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { LIVES } from "../../src/certs/lives.ts";
import type { KubernetesClient } from "../../src/cluster/client.ts";
import { connect } from "../../src/cluster/connect.ts";
import { paths } from "../../src/cluster/paths.ts";
import { createRegistrar } from "../../src/controllers/registration/registrar.ts";
import type { WebhookConfiguration } from "../../src/controllers/registration/webhook-configurations.ts";
import type { JsonPatchOperation } from "../../src/model/json.ts";
import { eventually } from "../helpers/eventually.ts";
import { egressTo } from "../helpers/build.ts";
import { describeCluster } from "./harness/context.ts";
import { type Replicas, startReplicas } from "./harness/replicas.ts";

const NAMESPACE = "drawbridge-system";
const ANNOTATION = "drawbridge.dev/suspended-until";

describeCluster("its own registration", (cluster) => {
  let client: KubernetesClient;
  let replicas: Replicas;
  beforeAll(async () => {
    client = await connect({ kubeconfig: cluster().kubeconfigs.admin });
    await cluster().ok(["create", "namespace", NAMESPACE]);
  });
  afterAll(() => client?.close());

  const path = {
    validating: paths.validatingWebhookConfigurations("drawbridge"),
    mutating: paths.mutatingWebhookConfigurations("drawbridge"),
  };
  const stored = (which: keyof typeof path) => client.get<WebhookConfiguration>(path[which]);
  const said = (msg: string) => replicas.log().filter((line) => line["msg"] === msg);
  const RESTORED = "somebody has changed the registration; it was restored";
  const restoredSoFar = () => said(RESTORED).length;

  describe("without a CA", () => {
    test("nothing is written, whoever asks for it", async () => {
      const registrar = createRegistrar(client, {
        address: { url: "https://127.0.0.1:1" },
        mode: "enforce",
        caBundle: () => "",
      });
      await expect(registrar.write({})).rejects.toThrow("without a CA to trust");
      await expect(stored("validating")).rejects.toMatchObject({ status: 404 });
    });
  });

  describe("of two servers", () => {
    let asItIs: WebhookConfiguration["webhooks"];
    beforeAll(async () => {
      replicas = await startReplicas({ cluster: cluster(), namespace: NAMESPACE, lives: LIVES, drainSeconds: 0 });
      asItIs = await eventually(async () => (await stored("validating")).webhooks);
    });
    afterAll(() => replicas?.stop());

    const isAsItWas = () =>
      eventually(async () => {
        const found = await stored("validating");
        expect(found.webhooks).toEqual(asItIs);
        return found;
      }, 40_000);

    test("is written once: a second look writes nothing", async () => {
      const { metadata } = await isAsItWas();
      await new Promise((resolve) => setTimeout(resolve, 2_500));
      expect((await stored("validating")).metadata?.resourceVersion).toBe(metadata?.resourceVersion);
      expect(restoredSoFar()).toBe(0);
    });

    test.each(["validating", "mutating"] as const)("the %s one comes back when it is deleted", async (which) => {
      const { metadata, webhooks } = await stored(which);
      const before = restoredSoFar();
      await client.delete(path[which]);
      await eventually(async () => {
        const found = await stored(which);
        expect(found.metadata?.uid).not.toBe(metadata?.uid);
        expect(found.webhooks).toEqual(webhooks);
        expect(restoredSoFar()).toBe(before + 1);
      }, 40_000);
    });

    test.each<[string, readonly JsonPatchOperation[]]>([
      ["a webhook that is removed", [{ op: "remove", path: "/webhooks/0" }]],
      [
        "a condition that others add, which server-side apply would leave alone",
        [{ op: "add", path: "/webhooks/0/matchConditions", value: [{ name: "never", expression: "false" }] }],
      ],
      [
        "whatever it consists of",
        [
          { op: "replace", path: "/webhooks/0/failurePolicy", value: "Ignore" },
          { op: "replace", path: "/webhooks/1/rules/0/operations", value: ["CREATE"] },
          { op: "replace", path: "/webhooks/2/timeoutSeconds", value: 1 },
          { op: "replace", path: "/webhooks/3/clientConfig/url", value: "https://127.0.0.1:1/validate" },
          { op: "remove", path: "/webhooks/4/clientConfig/caBundle" },
          {
            op: "add",
            path: "/webhooks/5/namespaceSelector/matchExpressions/-",
            value: { key: "team", operator: "NotIn", values: ["x"] },
          },
          { op: "replace", path: "/webhooks/6/objectSelector", value: { matchLabels: { no: "Pod" } } },
        ],
      ],
    ])("weakened by %s it is put right, counted and told of", async (_what, operations) => {
      await isAsItWas();
      const before = restoredSoFar();
      await client.patch(path.validating, operations);
      await isAsItWas();
      await eventually(() => expect(restoredSoFar()).toBe(before + 1));
      const line = said(RESTORED).at(-1);
      expect(line).toMatchObject({ level: 40, configuration: "validating", changes: expect.any(Array) });
      expect(line?.["changes"]).toHaveLength(operations.length);
    });

    test("what AKS adds is kept, also when something else is put right", async () => {
      await isAsItWas();
      const added = { key: "control-plane", operator: "DoesNotExist" };
      const selector = "/webhooks/0/namespaceSelector/matchExpressions";
      const before = restoredSoFar();
      await client.patch(path.validating, [{ op: "add", path: `${selector}/0`, value: added }]);
      await new Promise((resolve) => setTimeout(resolve, 2_000));
      expect(restoredSoFar()).toBe(before);
      await client.patch(path.validating, [{ op: "replace", path: "/webhooks/0/failurePolicy", value: "Ignore" }]);
      await eventually(async () => {
        const [first] = (await stored("validating")).webhooks ?? [];
        expect(first).toMatchObject({
          failurePolicy: "Fail",
          namespaceSelector: { matchExpressions: expect.arrayContaining([added]) },
        });
      }, 40_000);
      await client.patch(path.validating, [{ op: "replace", path: "/webhooks/0", value: asItIs?.[0] }]);
    });

    test("somebody who changes it again and again is answered ever more slowly", async () => {
      await isAsItWas();
      const before = restoredSoFar();
      const end = Date.now() + 5_000;
      while (Date.now() < end) {
        await client
          .patch(path.validating, [{ op: "replace", path: "/webhooks/0/failurePolicy", value: "Ignore" }])
          .catch(() => {});
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      expect(restoredSoFar() - before).toBeLessThan(7);
      await isAsItWas();
    }, 60_000);

    test("an Event tells of it, in the namespace of the servers", async () => {
      const events = await cluster().ok(["get", "events", "-n", NAMESPACE, "-o", "jsonpath={.items[*].message}"]);
      expect(events).toContain("the validating webhook configuration was changed by somebody else, and restored: ");
    });

    test("the metric counts what was restored", async () => {
      const texts = await Promise.all(replicas.current.map((server) => server.metrics()));
      const counts = texts.map((text) =>
        Number(/drawbridge_registration_restored_total\{configuration="validating"\} (\d+)/.exec(text)?.[1] ?? 0),
      );
      expect(Math.max(...counts)).toBeGreaterThan(4);
      expect(Math.min(...counts)).toBe(0);
    });

    describe("suspended", () => {
      const broad = egressTo("0.0.0.0/0");
      const object = {
        apiVersion: "networking.k8s.io/v1",
        kind: "NetworkPolicy",
        metadata: { ...broad.metadata, namespace: "default" },
        spec: broad.spec,
      };
      const write = () =>
        cluster().kubectl(["create", "--dry-run=server", "-f", "-"], { input: JSON.stringify(object) });
      const annotate = (value: string) =>
        cluster().ok(["annotate", "--overwrite", "validatingwebhookconfiguration", "drawbridge", value]);
      const time = (ms: number) => new Date(Date.now() + ms).toISOString();

      test("every server lets in what it would refuse, with warnings, and refuses again when the time has come", async () => {
        await isAsItWas();
        expect((await write()).code).not.toBe(0);
        await annotate(`${ANNOTATION}=${time(5_000)}`);
        await eventually(() => expect(said("suspended: until then nothing is refused")).toHaveLength(2));
        const { code, stderr } = await write();
        expect(stderr).toContain("is suspended until");
        expect(stderr).toContain("no-broad-cidr");
        expect(code).toBe(0);
        expect(await replicas.current[0]?.metrics()).toContain("drawbridge_suspended 1");
        await eventually(() =>
          expect(said("the suspension has ended: what breaks rules is refused again")).toHaveLength(2),
        );
        expect((await write()).code).not.toBe(0);
        await annotate(`${ANNOTATION}-`);
      });

      test.each(["soon", "2199-01-01T00:00:00Z"])("%s is ignored, and said to be", async (value) => {
        const ignored = `the annotation ${ANNOTATION} is ignored`;
        const before = said(ignored).length;
        await annotate(`${ANNOTATION}=${value}`);
        await eventually(() => expect(said(ignored)).toHaveLength(before + 2));
        expect((await write()).code).not.toBe(0);
        await annotate(`${ANNOTATION}-`);
      });
    });
  });
});
