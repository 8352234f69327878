import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { KubernetesClient } from "../../src/cluster/client.ts";
import { connect } from "../../src/cluster/connect.ts";
import { paths } from "../../src/cluster/paths.ts";
import type { NetworkPolicy } from "../../src/model/network-policy.ts";
import { apiService, calledService, conversionWebhook, webhookConfiguration } from "../helpers/backends.ts";
import { networkBaseline } from "../helpers/build.ts";
import { eventually } from "../helpers/eventually.ts";
import { describeCluster } from "./harness/context.ts";
import { type Drawbridge, startDrawbridge } from "./harness/drawbridge.ts";
import { BASELINE_NAMES, createNamespace, createPod, MARKER, stateOf, versionOf } from "./harness/storm.ts";

const NAME = "drawbridge-backend-webhook";
const AUDIT = { "drawbridge.dev/mode": "audit" };

/** What lets anyone in who calls these ports of Pods `app: webhook`. */
const opening = (port: number | string, from?: readonly object[]) => ({
  podSelector: { matchLabels: { app: "webhook" } },
  policyTypes: ["Ingress"],
  ingress: [{ ...(from && { from }), ports: [{ port, protocol: "TCP" }] }],
});

/** Webhooks are for kinds that nobody creates, so that none of them is ever called. */
describeCluster("what the API server must reach, on a real API server", (cluster) => {
  let drawbridge: Drawbridge;
  let client: KubernetesClient;
  beforeAll(async () => {
    client = await connect({ kubeconfig: cluster().kubeconfigs.admin });
    drawbridge = await startDrawbridge({ cluster: cluster(), args: ["--namespace", "default"] });
    await apply(networkBaseline("default"));
    // It is ready before it leads; and namespaces are new once it has written since when.
    await eventually(() =>
      expect(drawbridge.log.map(({ msg }) => msg)).toEqual(
        expect.arrayContaining([
          "admission policies written",
          "namespaces that are created from now on count as new",
        ]) as unknown,
      ),
    );
  });
  afterAll(async () => {
    await drawbridge?.stop();
    await client?.close();
  });

  const apply = (...objects: readonly object[]) =>
    cluster().ok(["apply", "-f", "-"], { input: JSON.stringify({ apiVersion: "v1", kind: "List", items: objects }) });
  const hook = (namespace: string) =>
    webhookConfiguration("Validating", namespace, { namespace, name: "webhook", port: 443 });
  const service = (namespace: string, targetPort?: number | string) =>
    calledService("webhook", { ports: [{ port: 443, ...(targetPort !== undefined && { targetPort }) }] }, namespace);
  const selectorless = (namespace: string) => calledService("webhook", { selector: undefined }, namespace);
  const finished = async (name: string, ...more: readonly string[]): Promise<void> => {
    await eventually(async () =>
      expect(await stateOf(client, name)).toMatchObject({
        isPending: false,
        policies: [...BASELINE_NAMES, ...more].toSorted(),
      }),
    );
  };
  const policy = (namespace: string, name = NAME) => client.get<NetworkPolicy>(paths.networkPolicies(namespace, name));
  const known = (namespace: string) =>
    eventually(() =>
      expect(drawbridge.log).toContainEqual(
        expect.objectContaining({ msg: "what the API server calls in a namespace", namespace }),
      ),
    );
  const conflictIn = async (namespace: string): Promise<unknown> => {
    const { status } = await client.get<{ status?: { unfinished?: readonly { readonly name: string }[] } }>(
      paths.networkBaselines("default"),
    );
    return status?.unfinished?.find(({ name }) => name === namespace);
  };

  describe("a namespace that is finished, into which a webhook comes", () => {
    test("lets the API server in at once, and without an alarm", async () => {
      await createNamespace(client, "certs");
      await finished("certs");
      await apply(service("certs", "https"), hook("certs"));
      await finished("certs", NAME);
      expect((await policy("certs")).spec).toEqual(opening("https"));
      await eventually(() =>
        expect(drawbridge.log).toContainEqual(
          expect.objectContaining({ msg: "baseline brought up to date", namespace: "certs", policies: [NAME] }),
        ),
      );
      expect(drawbridge.log.filter(({ msg }) => msg === "baseline healed")).toEqual([]);
      expect(await cluster().ok(["get", "events", "-n", "certs", "-o", "name"])).toBe("");
    });

    test("follows where its Service leads", async () => {
      const { uid } = (await policy("certs")).metadata ?? {};
      await apply(service("certs", 10_250));
      await eventually(async () => expect((await policy("certs")).spec).toEqual(opening(10_250)));
      expect((await policy("certs")).metadata?.uid).toBe(uid);
    });

    test("does not write again where something else changes", async () => {
      const before = await policy("certs");
      await apply({
        ...service("certs", 10_250),
        metadata: { namespace: "certs", name: "webhook", labels: { a: "b" } },
      });
      await apply(calledService("another", {}, "certs"), service("default"), {
        ...hook("certs"),
        metadata: { name: "certs", labels: { a: "b" } },
      });
      await apply(hook("nowhere"));
      await known("nowhere");
      expect(versionOf(await policy("certs"))).toBe(versionOf(before));
    });

    test("is nobody's to edit or delete but ours, by the API server itself and by the webhook", async () => {
      const touching = [
        [
          "patch",
          "networkpolicy",
          NAME,
          "-n",
          "certs",
          "--type=json",
          "-p",
          '[{"op":"remove","path":"/spec/ingress"}]',
        ],
        ["delete", "networkpolicy", NAME, "-n", "certs"],
      ];
      const expectKept = (by: string) =>
        eventually(async () => {
          for (const args of touching) {
            const { code, stderr } = await cluster().kubectl(args, { as: "tenant" });
            expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining(by) as unknown });
            expect(stderr).toContain(`NetworkPolicy certs/${NAME} is part of NetworkBaseline default`);
          }
        });
      await expectKept("ValidatingAdmissionPolicy 'drawbridge-baseline'");
      await cluster().ok(["delete", "validatingadmissionpolicybinding", "drawbridge-baseline"]);
      await expectKept("admission webhook");
      // Written again with the next change of the configuration.
      await apply(networkBaseline("elsewhere", { namespaceSelector: { matchLabels: { place: "elsewhere" } } }));
      await expectKept("ValidatingAdmissionPolicy 'drawbridge-baseline'");
    });
  });

  describe("who else calls", () => {
    test("an APIService", async () => {
      await createNamespace(client, "metrics");
      await apply(service("metrics", 4443));
      const name = "v1.metrics.example.com";
      try {
        await apply(apiService(name, { namespace: "metrics", name: "webhook", port: 443 }));
        await finished("metrics", NAME);
        // Now, as it goes when nobody calls any more.
        const { spec, metadata } = await policy("metrics");
        expect(spec).toEqual(opening(4443));
        expect(metadata?.annotations?.["description"]).toContain(`as APIService ${name} wants`);
      } finally {
        // Or the API server tries to reach it whenever somebody asks what it serves.
        await cluster().ok(["delete", "apiservice", name]);
      }
    });

    test("the conversion webhook of a CustomResourceDefinition", async () => {
      await createNamespace(client, "things");
      await apply(
        service("things"),
        conversionWebhook("things.things.example.com", { namespace: "things", name: "webhook" }),
      );
      await finished("things", NAME);
      expect((await policy("things")).spec).toEqual(opening(443));
    });
  });

  test("the first Pod of a namespace in which it is known comes after all of its policies", async () => {
    await createNamespace(client, "gate", AUDIT);
    await apply(service("gate", 8443), hook("gate"));
    await known("gate");
    await client.patch(paths.namespaces("gate"), [
      { op: "remove", path: "/metadata/labels/drawbridge.dev~1mode" },
      { op: "add", path: `/metadata/labels/${MARKER.replace("/", "~1")}`, value: "true" },
    ]);
    const { podVersion, refusals } = await createPod(client, "gate", 0);
    expect(refusals).toEqual([]);
    await finished("gate", NAME);
    expect(podVersion).toBeGreaterThan((await stateOf(client, "gate")).newestPolicy);
  });

  test("callers that the baseline names are the only ones that may call, in all namespaces at once", async () => {
    const callers = { addresses: ["10.0.16.0/20"] };
    await apply(networkBaseline("default", { platform: { apiServer: { callers } } }));
    const narrow = [{ ipBlock: { cidr: "10.0.16.0/20" } }];
    await eventually(async () => {
      expect((await policy("certs")).spec).toEqual(opening(10_250, narrow));
      expect((await policy("gate")).spec).toEqual(opening(8443, narrow));
    });
    await apply(networkBaseline("default"));
    await eventually(async () => expect((await policy("certs")).spec).toEqual(opening(10_250)));
  });

  test("it stays while its Service is away, and goes when nobody calls that any more", async () => {
    const { uid } = (await policy("gate")).metadata ?? {};
    await cluster().ok(["delete", "service", "webhook", "-n", "gate"]);
    await eventually(() =>
      expect(JSON.stringify(drawbridge.log)).toContain('{"is":"nothing","why":"there is no such Service"}'),
    );
    await apply(service("gate", 9443));
    await eventually(async () => expect((await policy("gate")).spec).toEqual(opening(9443)));
    expect((await policy("gate")).metadata?.uid).toBe(uid);
    await cluster().ok(["delete", "validatingwebhookconfiguration", "gate"]);
    await finished("gate");
  });

  describe("where nothing tells which Pods answer", () => {
    const why =
      "the API server calls Service webhook by ValidatingWebhookConfiguration NAMESPACE, and which Pods answer cannot be " +
      "told: it selects no Pods by their labels. Give it a selector, or name a URL there";
    const expectTold = (namespace: string) =>
      eventually(async () =>
        expect(await conflictIn(namespace)).toMatchObject({
          state: "conflict",
          message: why.replace("NAMESPACE", namespace),
        }),
      );

    test("a namespace that waits for its baseline does not get it, and waits no longer", async () => {
      await createNamespace(client, "open", AUDIT);
      await apply(selectorless("open"), hook("open"));
      await known("open");
      await client.patch(paths.namespaces("open"), [
        { op: "remove", path: "/metadata/labels/drawbridge.dev~1mode" },
        { op: "add", path: `/metadata/labels/${MARKER.replace("/", "~1")}`, value: "true" },
      ]);
      await eventually(async () =>
        expect(await stateOf(client, "open")).toMatchObject({ isPending: false, policies: [] }),
      );
      await expectTold("open");
      expect(await stateOf(client, "open")).toMatchObject({ isPending: false, policies: [] });
      expect(drawbridge.log).toContainEqual(
        expect.objectContaining({
          level: 40,
          namespace: "open",
          msg: expect.stringContaining("the namespace gets no baseline") as unknown,
        }),
      );
    });

    test("it gets it once that is told", async () => {
      await apply(service("open"));
      await finished("open", NAME);
      await eventually(async () => expect(await conflictIn("open")).toBeUndefined());
    });

    test("a namespace that is isolated already stays so, and that is told", async () => {
      await createNamespace(client, "isolated");
      await finished("isolated");
      await apply(selectorless("isolated"), hook("isolated"));
      await expectTold("isolated");
      await finished("isolated");
    });
  });
});
