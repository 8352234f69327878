import { describe, expect, test } from "vitest";
import { type ApiServerObjects, findApiServer } from "../../src/baseline/api-server.ts";
import { egressTo } from "../../src/baseline/peers.ts";
import type { KubernetesObject } from "../../src/model/objects.ts";

function slice(name: string, addresses: readonly string[], port = 6443): KubernetesObject {
  return {
    kind: "EndpointSlice",
    metadata: { namespace: "default", name, labels: { "kubernetes.io/service-name": "kubernetes" } },
    addressType: addresses[0]?.includes(":") ? "IPv6" : "IPv4",
    endpoints: addresses.map((address) => ({ addresses: [address], conditions: { ready: true } })),
    ports: [{ name: "https", port, protocol: "TCP" }],
  } as KubernetesObject;
}

function service(...clusterIPs: readonly string[]): KubernetesObject {
  const ports = [{ name: "https", port: 443, protocol: "TCP", targetPort: 6443 }];
  const spec = { clusterIP: clusterIPs[0], clusterIPs, ports };
  return { kind: "Service", metadata: { namespace: "default", name: "kubernetes" }, spec } as KubernetesObject;
}

const to = (port: number, ...cidrs: readonly string[]) => ({
  to: cidrs.map((cidr) => ({ ipBlock: { cidr } })),
  ports: [{ port, protocol: "TCP" }],
});

describe("where the API server answers", () => {
  test.each<[string, ApiServerObjects, readonly object[]]>([
    [
      "several behind a Service, and the Service for plugins that look before its address is translated",
      { services: [service("10.96.0.1")], endpointSlices: [slice("kubernetes", ["10.0.0.5", "10.0.0.4"])] },
      [to(443, "10.96.0.1/32"), to(6443, "10.0.0.4/32", "10.0.0.5/32")],
    ],
    [
      "both families, in slices of their own",
      {
        services: [service("10.96.0.1", "fd00:10:96::1")],
        endpointSlices: [slice("kubernetes", ["10.0.0.4"]), slice("kubernetes-x7k2p", ["fd00::4"])],
      },
      [to(443, "10.96.0.1/32", "fd00:10:96::1/128"), to(6443, "10.0.0.4/32", "fd00::4/128")],
    ],
    [
      "at the port of the Service",
      { services: [service("10.96.0.1")], endpointSlices: [slice("kubernetes", ["10.0.0.4"], 443)] },
      [to(443, "10.0.0.4/32", "10.96.0.1/32")],
    ],
    [
      "while the Service is created again",
      { services: [], endpointSlices: [slice("kubernetes", ["10.0.0.4"])] },
      [to(6443, "10.0.0.4/32")],
    ],
    [
      "what is no address is none",
      { services: [service("None")], endpointSlices: [slice("kubernetes", ["0.0.0.0/0", "10.0.0.4"])] },
      [to(6443, "10.0.0.4/32")],
    ],
  ])("%s", (_, objects, clauses) => {
    const found = findApiServer(objects);
    expect(found.isKnown && egressTo(found.servers)).toEqual(clauses);
  });

  test.each<[string, ApiServerObjects]>([
    ["there is nothing", { services: [], endpointSlices: [] }],
    ["there is but the Service", { services: [service("10.96.0.1")], endpointSlices: [] }],
    ["no endpoint", { services: [service("10.96.0.1")], endpointSlices: [slice("kubernetes", [])] }],
    ["no address", { services: [], endpointSlices: [slice("kubernetes", ["example.com"])] }],
    [
      "no port",
      { services: [], endpointSlices: [{ ...slice("kubernetes", ["10.0.0.4"]), ports: [{}] } as KubernetesObject] },
    ],
  ])("is not known where %s", (_, objects) => {
    expect(findApiServer(objects)).toEqual({ isKnown: false, why: "Service default/kubernetes has no endpoints" });
  });
});
