import type { NetworkBaseline } from "../config/baseline.ts";
import { isAddress, parseCidr } from "../model/cidr.ts";
import { at, canonical, items, text } from "../model/json.ts";
import { type KubernetesObject, labelsOf } from "../model/objects.ts";
import type { Located, Port, Server } from "./peers.ts";

/** Objects of the cluster that may tell; of other namespaces than DNS_NAMESPACES they are not looked at. */
export interface DnsObjects {
  /** Of the API server: providers tell of themselves there. */
  readonly gitVersion: string;
  /** Of Service default/kubernetes. */
  readonly apiServerIPs: readonly string[];
  readonly services: readonly KubernetesObject[];
  readonly endpointSlices: readonly KubernetesObject[];
  readonly daemonSets: readonly KubernetesObject[];
}

/** Whoever may write there runs the cluster. A Service of a tenant that calls itself kube-dns opens nothing. */
export const DNS_NAMESPACES = ["kube-system", "openshift-dns"] as const;

const PORT = 53;
const BOTH = overBoth(PORT, PORT);
const NODE_LOCAL_ADDRESS = "169.254.20.10";
const GOOGLE_METADATA_ADDRESS = "169.254.169.254";

/** All ways that Pods of a cluster may ask its DNS: a cache on the node stands beside what is behind the Service. */
export function findDns(objects: DnsObjects): Located {
  const found = objects.services
    .filter((service) => isDns(service, objects.apiServerIPs))
    .map((service) => behind(service, objects.endpointSlices));
  const servers = [
    ...found.filter((one) => typeof one !== "string").flat(),
    ...objects.daemonSets.flatMap(nodeCache),
    ...(/-gke\./.test(objects.gitVersion) ? [GOOGLE] : []),
  ];
  const whys = found.filter((one) => typeof one === "string");
  if (servers.length > 0) return { isKnown: true, servers, ...(whys.length > 0 && { isPart: true }) };
  return { isKnown: false, why: whys.length > 0 ? whys.join("; ") : NOWHERE };
}

/** What a baseline says itself, in place of what is found. */
export function namedDns({
  pods = [],
  addresses = [],
  port = PORT,
}: NonNullable<NetworkBaseline["spec"]["dns"]>): Located {
  const peers = [...pods, ...addresses.map((address) => ({ address }))];
  return { isKnown: true, servers: [{ source: "the NetworkBaseline", peers, ports: overBoth(port, port) }] };
}

/** Where there is no cluster to ask: what kubeadm and most others set up. */
export const CONVENTIONAL_DNS: Located = {
  isKnown: true,
  servers: [
    { source: "convention", peers: [{ namespace: "kube-system", labels: { "k8s-app": "kube-dns" } }], ports: BOTH },
  ],
};

const NOWHERE =
  "there is no Service for it in kube-system (by the label k8s-app: kube-dns, or at the tenth address of the range of " +
  "Services) nor openshift-dns/dns-default, and no node-local cache";

/** Cloud DNS for GKE has nothing in the cluster that would tell; the metadata server of each node answers for it. */
const GOOGLE: Server = {
  source: "GKE's metadata server",
  peers: [{ address: GOOGLE_METADATA_ADDRESS }],
  ports: BOTH,
};

/** By the label of kubeadm and most others, by its name in OpenShift, or by the address that kubelets are set up with. */
function isDns(service: KubernetesObject, apiServerIPs: readonly string[]): boolean {
  const { namespace = "", name } = service.metadata ?? {};
  const ports = items(at(service, "/spec/ports"));
  if (!ports.some((port) => at(port, "/port") === PORT)) return false;
  if (namespace === "openshift-dns") return name === "dns-default";
  if (namespace !== "kube-system") return false;
  const addresses = [at(service, "/spec/clusterIP"), ...items(at(service, "/spec/clusterIPs"))].map(text);
  return (
    service.metadata?.labels?.["k8s-app"] === "kube-dns" ||
    apiServerIPs.some((first) => addresses.some((address) => isTenth(address, first)))
  );
}

/** The API server takes the first address of the range of Services, and those who set up clusters the tenth for DNS. */
function isTenth(address: string, first: string): boolean {
  const [a, b] = [parseCidr(address), parseCidr(first)];
  return a !== undefined && b !== undefined && BigInt(a.range[0]) === BigInt(b.range[0]) + 9n;
}

function overBoth(udp: number, tcp: number): Port[] {
  return [
    { port: udp, protocol: "UDP" },
    { port: tcp, protocol: "TCP" },
  ];
}

/** What answers behind a Service, or why that can't be told. */
function behind(service: KubernetesObject, endpointSlices: readonly KubernetesObject[]): readonly Server[] | string {
  const { namespace = "", name = "" } = service.metadata ?? {};
  const source = `Service ${namespace}/${name}`;
  const slices = endpointSlices.filter(
    ({ metadata }) => metadata?.namespace === namespace && metadata.labels?.["kubernetes.io/service-name"] === name,
  );
  const labels = labelsOf(at(service, "/spec/selector"));
  if (Object.keys(labels).length > 0) {
    // Several while one generation of Pods replaces another, whose ports of the same name have other numbers.
    const ports = [undefined, ...slices].map((slice) => portsBehind(service, targetPort, slice));
    const servers = ports.flatMap((one) => (one ? [{ source, peers: [{ namespace, labels }], ports: one }] : []));
    if (servers.length > 0) return unique(servers);
    return `the ports behind ${source} are named, and it has no endpoints that tell their numbers`;
  }
  const servers = slices.flatMap((slice) => {
    const ports = portsBehind(service, (port) => numberIn(slice, port) ?? targetPort(port), slice);
    const addresses = items(at(slice, "/endpoints")).flatMap((endpoint) => items(at(endpoint, "/addresses")).map(text));
    const peers = addresses.filter(isAddress).map((address) => ({ address }));
    return ports === undefined || peers.length === 0 ? [] : [{ source, peers, ports }];
  });
  return servers.length > 0 ? unique(servers) : `${source} selects no Pods and has no endpoints`;
}

function unique(servers: readonly Server[]): Server[] {
  return [...new Map(servers.map((server) => [canonical(server), server])).values()];
}

/** Of the Pods, or whatever else is behind it: policies are held against what a Service's address is translated to. */
function portsBehind(
  service: KubernetesObject,
  numberOf: (port: unknown, slice?: KubernetesObject) => number | undefined,
  slice: KubernetesObject | undefined,
): readonly Port[] | undefined {
  const [udp, tcp] = (["UDP", "TCP"] as const).map((protocol) => {
    const port = items(at(service, "/spec/ports")).find(
      (one) => at(one, "/port") === PORT && protocolOf(one) === protocol,
    );
    return port === undefined ? undefined : numberOf(port, slice);
  });
  const port = udp ?? tcp;
  return port === undefined ? undefined : overBoth(udp ?? port, tcp ?? port);
}

/** Of Pods: what the Service says or, where that is a name, what the endpoints have found it to be. */
function targetPort(port: unknown, slice?: KubernetesObject): number | undefined {
  const target = at(port, "/targetPort") ?? PORT;
  return typeof target === "number" ? validPort(target) : numberIn(slice, port);
}

/** By its name in the Service. */
function numberIn(slice: KubernetesObject | undefined, port: unknown): number | undefined {
  const found = items(at(slice, "/ports")).find(
    (one) => text(at(one, "/name")) === text(at(port, "/name")) && protocolOf(one) === protocolOf(port),
  );
  return validPort(at(found, "/port"));
}

/** Any other the API server would refuse in a policy; of EndpointSlices it takes them all. */
function validPort(number: unknown): number | undefined {
  return Number.isInteger(number) && Number(number) >= 1 && Number(number) <= 65_535 ? Number(number) : undefined;
}

function protocolOf(port: unknown): string {
  return text(at(port, "/protocol")) || "TCP";
}

/**
 * NodeLocal DNSCache, by the option of its program that says where it listens. On the network of its node it can only be
 * named by address. With a redirect of Cilium's it has a network of its own, and is a Pod like others.
 */
function nodeCache(daemonSet: KubernetesObject): Server[] {
  const { namespace = "", name = "" } = daemonSet.metadata ?? {};
  const pod = at(daemonSet, "/spec/template");
  const options = items(at(pod, "/spec/containers")).map((container) =>
    [...items(at(container, "/command")), ...items(at(container, "/args"))].map(text),
  );
  const listening = options.map(localAddresses).find((addresses) => addresses !== undefined);
  if (namespace !== "kube-system" || listening === undefined) return [];
  const source = `DaemonSet ${namespace}/${name}`;
  if (at(pod, "/spec/hostNetwork") !== true) {
    const [labels] = [at(daemonSet, "/spec/selector/matchLabels"), at(pod, "/metadata/labels")]
      .map(labelsOf)
      .filter((some) => Object.keys(some).length > 0);
    // Without any it would be every Pod of that namespace.
    return labels === undefined ? [] : [{ source, peers: [{ namespace, labels }], ports: BOTH }];
  }
  const addresses = listening.length > 0 ? listening : [NODE_LOCAL_ADDRESS];
  return [{ source, peers: addresses.map((address) => ({ address })), ports: BOTH }];
}

/** Of `-localip 169.254.20.10,10.96.0.10`; undefined where there is no such option. Placeholders are no addresses. */
function localAddresses(options: readonly string[]): readonly string[] | undefined {
  for (const [i, option] of options.entries()) {
    const [flag, value = options[i + 1] ?? ""] = option.split("=", 2);
    if (flag === "-localip" || flag === "--localip") {
      return value.split(",").filter(isAddress);
    }
  }
  return undefined;
}
