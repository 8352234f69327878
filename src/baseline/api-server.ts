import type { NetworkBaseline } from "../config/baseline.ts";
import { isAddress } from "../model/cidr.ts";
import { at, items, text } from "../model/json.ts";
import type { KubernetesObject } from "../model/objects.ts";
import { type Located, type Server, tcp } from "./peers.ts";

export interface ApiServerObjects {
  /** default/kubernetes, which every API server keeps by itself; there is one at most. */
  readonly services: readonly KubernetesObject[];
  /** Of that Service: one or more for each family of addresses. */
  readonly endpointSlices: readonly KubernetesObject[];
}

/**
 * Where Pods reach the API server: its own addresses, which is what most plugins see, and that of its Service, which is
 * what those see that look before it has been translated (the AWS VPC CNI does). Both are nothing but the API server.
 */
export function findApiServer({ services, endpointSlices }: ApiServerObjects): Located {
  const behind = endpointSlices.map(serverOf).filter(({ peers, ports }) => peers.length > 0 && ports.length > 0);
  if (behind.length === 0) return { isKnown: false, why: "Service default/kubernetes has no endpoints" };
  const before = services.map(serviceOf).filter(({ peers, ports }) => peers.length > 0 && ports.length > 0);
  return { isKnown: true, servers: [...behind, ...before] };
}

/** What a baseline says itself, in place of what is found; undefined where it does not. */
export function namedApiServer({
  addresses,
  ports,
}: NonNullable<NonNullable<NetworkBaseline["spec"]["platform"]>["apiServer"]>): Located | undefined {
  if (addresses === undefined || ports === undefined) return undefined;
  const peers = addresses.map((address) => ({ address }));
  return { isKnown: true, servers: [{ source: "the NetworkBaseline", peers, ports: tcp(ports) }] };
}

function serverOf(slice: KubernetesObject): Server {
  const addresses = items(at(slice, "/endpoints")).flatMap((endpoint) => items(at(endpoint, "/addresses")));
  return server(`EndpointSlice default/${slice.metadata?.name}`, addresses, items(at(slice, "/ports")));
}

function serviceOf(service: KubernetesObject): Server {
  const ports = items(at(service, "/spec/ports"));
  return server("Service default/kubernetes", items(at(service, "/spec/clusterIPs")), ports);
}

function server(source: string, addresses: readonly unknown[], ports: readonly unknown[]): Server {
  return {
    source,
    peers: addresses
      .map(text)
      .filter(isAddress)
      .map((address) => ({ address })),
    ports: tcp(ports.map((port) => at(port, "/port")).filter((port) => typeof port === "number")),
  };
}
