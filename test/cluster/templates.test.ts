import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { networkBaseline, type Chosen, NAMESPACE_CONTRACT } from "../helpers/build.ts";
import { eventually } from "../helpers/eventually.ts";
import { describeCluster } from "./harness/context.ts";
import { type Drawbridge, startDrawbridge } from "./harness/drawbridge.ts";
import { ADVERTISED_ADDRESS } from "./harness/flags.ts";

const SERVICE_IP = "10.96.0.1";
const ANOTHER_ADDRESS = "192.0.2.11";
const TO_API_SERVER = "drawbridge-allow-apiserver-egress";

const pods = (namespace: string, name: string) => ({ namespace, labels: { "app.kubernetes.io/name": name } });
const PLATFORM = {
  ingressController: { pods: [pods("ingress-nginx", "ingress-nginx")] },
  prometheus: { pods: [pods("monitoring", "prometheus")] },
  collector: { pods: [pods("observability", "opentelemetry-collector")], addresses: ["10.0.16.0/20"] },
};
const ALL: readonly Chosen[] = [
  { name: "00-default-deny-ingress" },
  { name: "01-default-deny-egress" },
  { name: "10-allow-dns-egress" },
  { name: "20-allow-ingress-controller", ports: [8080, "http"] },
  { name: "30-allow-observability", ports: ["http-metrics"] },
  { name: "allow-apiserver-egress" },
  { name: "allow-same-namespace" },
];
const WHOLE = networkBaseline("whole", { platform: PLATFORM, templates: ALL });

const peer = (namespace: string, labels: object) => ({
  namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": namespace } },
  podSelector: { matchLabels: labels },
});
const named = (namespace: string, name: string) => peer(namespace, { "app.kubernetes.io/name": name });
const tcp = (...ports: readonly (number | string)[]) => ports.map((port) => ({ port, protocol: "TCP" }));
const addresses = (...all: readonly string[]) => all.map((address) => ({ ipBlock: { cidr: `${address}/32` } }));

interface Policy {
  readonly metadata: { readonly name: string; readonly uid: string };
  readonly spec: object;
}

describeCluster("the optional templates of a NetworkBaseline, on a real API server", (cluster) => {
  let drawbridge: Drawbridge;
  beforeAll(async () => {
    drawbridge = await startDrawbridge({ cluster: cluster() });
  });
  afterAll(() => drawbridge?.stop());

  const apply = (object: object) => cluster().kubectl(["apply", "-f", "-"], { input: JSON.stringify(object) });
  const inForce = (name: string) =>
    eventually(() =>
      expect(drawbridge.log).toContainEqual(expect.objectContaining({ msg: "configuration changed", name })),
    );
  const policiesIn = async (namespace: string): Promise<readonly Policy[]> => {
    const json = await cluster().ok(["get", "networkpolicies", "-n", namespace, "-o", "json"]);
    return (JSON.parse(json) as { readonly items: Policy[] }).items;
  };
  const toApiServer = async (namespace: string): Promise<Policy | undefined> =>
    (await policiesIn(namespace)).find(({ metadata }) => metadata.name === TO_API_SERVER);
  const apiServerPort = (): number => Number(new URL(cluster().url).port);
  const toApiServerAt = (...ofEndpoints: readonly string[]) => ({
    podSelector: {},
    policyTypes: ["Egress"],
    // In the order of their text, which the port decides: 443 or one that is free.
    egress: expect.toSatisfy((clauses: readonly unknown[]) => {
      expect(clauses).toHaveLength(2);
      expect(clauses).toContainEqual({ to: addresses(SERVICE_IP), ports: tcp(443) });
      expect(clauses).toContainEqual({ to: addresses(...ofEndpoints), ports: tcp(apiServerPort()) });
      return true;
    }) as unknown,
  });

  describe("what is refused when it is applied, with what to write", () => {
    test.each<[string, object, readonly Chosen[], RegExp]>([
      [
        "a peer that is not named",
        {},
        [{ name: "00-default-deny-ingress" }, { name: "20-allow-ingress-controller", ports: [8080] }],
        /spec\.platform\.ingressController is missing; 20-allow-ingress-controller opens the way to it\. Say where it runs: ingressController: \{pods: /,
      ],
      [
        "ports that are not named",
        PLATFORM,
        [{ name: "00-default-deny-ingress" }, { name: "20-allow-ingress-controller" }],
        /spec\.templates\[1\]\.ports is missing; say which ports/,
      ],
      [
        "a port that is none",
        PLATFORM,
        [{ name: "00-default-deny-ingress" }, { name: "30-allow-observability", ports: ["METRICS"] }],
        /spec\.templates\[1\]\.ports\[0\] is "METRICS"; must be a number/,
      ],
    ])("%s", async (_, platform, templates, message) => {
      const { code, stderr } = await apply(networkBaseline("refused", { platform, templates }));
      expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringMatching(message) as unknown });
    });
  });

  test("a namespace gets all of them, exactly as they are wanted", async () => {
    expect(await apply(WHOLE)).toMatchObject({ code: 0, stderr: "" });
    await inForce("whole");
    const metadata = { name: "shop", labels: NAMESPACE_CONTRACT };
    expect(await apply({ apiVersion: "v1", kind: "Namespace", metadata })).toMatchObject({ code: 0, stderr: "" });
    await eventually(async () => expect(await policiesIn("shop")).toHaveLength(ALL.length));
    const specs = Object.fromEntries((await policiesIn("shop")).map(({ metadata: { name }, spec }) => [name, spec]));
    expect(specs).toEqual({
      "drawbridge-00-default-deny-ingress": { podSelector: {}, policyTypes: ["Ingress"] },
      "drawbridge-01-default-deny-egress": { podSelector: {}, policyTypes: ["Egress"] },
      "drawbridge-10-allow-dns-egress": {
        podSelector: {},
        policyTypes: ["Egress"],
        egress: [
          {
            to: [peer("kube-system", { "k8s-app": "kube-dns" })],
            ports: [{ port: 53, protocol: "UDP" }, ...tcp(53)],
          },
        ],
      },
      "drawbridge-20-allow-ingress-controller": {
        podSelector: {},
        policyTypes: ["Ingress"],
        ingress: [{ from: [named("ingress-nginx", "ingress-nginx")], ports: tcp(8080, "http") }],
      },
      "drawbridge-30-allow-observability": {
        podSelector: {},
        policyTypes: ["Ingress", "Egress"],
        ingress: [{ from: [named("monitoring", "prometheus")], ports: tcp("http-metrics") }],
        egress: [
          {
            to: [{ ipBlock: { cidr: "10.0.16.0/20" } }, named("observability", "opentelemetry-collector")],
            ports: tcp(4317, 4318),
          },
        ],
      },
      [TO_API_SERVER]: toApiServerAt(ADVERTISED_ADDRESS),
      "drawbridge-allow-same-namespace": {
        podSelector: {},
        policyTypes: ["Ingress", "Egress"],
        ingress: [{ from: [{ podSelector: {} }] }],
        egress: [{ to: [{ podSelector: {} }] }],
      },
    });
  });

  test("and is finished: what the API server stores is what was wanted", async () => {
    await eventually(async () => {
      const json = await cluster().ok(["get", "networkbaseline", "whole", "-o", "json"]);
      expect((JSON.parse(json) as { readonly status?: object }).status).toMatchObject({
        namespaces: { governed: 1, finished: 1 },
        conditions: expect.arrayContaining([expect.objectContaining({ type: "Ready", status: "True" })]) as unknown,
      });
    });
    expect(await drawbridge.metrics()).toMatch(/^drawbridge_api_server_known 1$/m);
  });

  describe("another API server", () => {
    // Only the slice `kubernetes` is written by the API server itself, every 10 seconds.
    const slice = {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: {
        namespace: "default",
        name: "kubernetes-2",
        labels: { "kubernetes.io/service-name": "kubernetes" },
      },
      addressType: "IPv4",
      endpoints: [{ addresses: [ANOTHER_ADDRESS] }],
    };

    test("is open at once where namespaces are finished, in the same policy and without an alarm", async () => {
      const before = await toApiServer("shop");
      await apply({ ...slice, ports: [{ name: "https", port: apiServerPort(), protocol: "TCP" }] });
      await eventually(async () =>
        expect((await toApiServer("shop"))?.spec).toEqual(toApiServerAt(ADVERTISED_ADDRESS, ANOTHER_ADDRESS)),
      );
      expect((await toApiServer("shop"))?.metadata.uid).toBe(before?.metadata.uid);
      await eventually(() =>
        expect(drawbridge.log).toContainEqual(
          expect.objectContaining({ msg: "baseline brought up to date", namespace: "shop", policies: [TO_API_SERVER] }),
        ),
      );
      expect(await cluster().ok(["get", "events", "-n", "shop", "-o", "name"])).toBe("");
      expect(drawbridge.log.filter(({ msg }) => msg === "baseline healed")).toEqual([]);
    });

    test("that is gone stays open for a while", async () => {
      await cluster().ok(["delete", "endpointslice", "kubernetes-2", "-n", "default"]);
      const metadata = { name: "late", labels: NAMESPACE_CONTRACT };
      await apply({ apiVersion: "v1", kind: "Namespace", metadata });
      await eventually(async () =>
        expect((await toApiServer("late"))?.spec).toEqual(toApiServerAt(ADVERTISED_ADDRESS, ANOTHER_ADDRESS)),
      );
      expect((await toApiServer("shop"))?.spec).toEqual(toApiServerAt(ADVERTISED_ADDRESS, ANOTHER_ADDRESS));
    });
  });

  test("a template that a baseline gains comes to the namespaces that it has", async () => {
    const metadata = { name: "part" };
    const part = (templates: readonly Chosen[]) => ({
      ...networkBaseline("part", {
        platform: PLATFORM,
        templates,
        namespaceSelector: { matchLabels: { tier: "part" } },
      }),
      metadata,
    });
    await apply(part([{ name: "00-default-deny-ingress" }]));
    await inForce("part");
    const labels = { ...NAMESPACE_CONTRACT, tier: "part", "drawbridge.dev/baseline": "part" };
    await apply({ apiVersion: "v1", kind: "Namespace", metadata: { name: "part", labels } });
    await eventually(async () => expect(await policiesIn("part")).toHaveLength(1));
    await apply(part([{ name: "00-default-deny-ingress" }, { name: "allow-same-namespace", ports: [8080] }]));
    await eventually(async () => {
      const found = (await policiesIn("part")).find(
        ({ metadata: of }) => of.name === "drawbridge-allow-same-namespace",
      );
      expect(found?.spec).toEqual({
        podSelector: {},
        policyTypes: ["Ingress"],
        ingress: [{ from: [{ podSelector: {} }], ports: tcp(8080) }],
      });
    });
  });
});
