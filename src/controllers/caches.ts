import type { ApiServerObjects } from "../baseline/api-server.ts";
import { DNS_NAMESPACES, type DnsObjects } from "../baseline/dns.ts";
import type { KubernetesClient, Query } from "../cluster/client.ts";
import { paths } from "../cluster/paths.ts";
import { type Change, Reflector, type Trouble } from "../cluster/reflector.ts";
import { followCalled } from "./called.ts";
import { at, items, text } from "../model/json.ts";
import { LAST_APPLIED_ANNOTATION } from "../model/names.ts";
import type { NetworkPolicy } from "../model/network-policy.ts";
import type { KubernetesObject, Namespace } from "../model/objects.ts";

export interface CacheEvents {
  readonly onNamespace: (change: Change<Namespace>) => void;
  readonly onPolicy: (change: Change<NetworkPolicy>) => void;
  readonly onRuleset: (change: Change<KubernetesObject>) => void;
  readonly onBaseline: (change: Change<KubernetesObject>) => void;
  readonly onException: (change: Change<KubernetesObject>) => void;
  /** Something has changed of what tells where the cluster's DNS, or the API server, answers. */
  readonly onPlatform: () => void;
  /** Something has changed of what tells what the API server calls. */
  readonly onCalled: () => void;
  readonly onTrouble: (resource: string, trouble: Trouble) => void;
}

/** Every namespace is looked at again this often, whatever events were lost. */
const RESYNC_MS = 10 * 60_000;

export type Caches = ReturnType<typeof createCaches>;

/** What Drawbridge keeps of the cluster in memory. */
export function createCaches(client: KubernetesClient, events: CacheEvents) {
  const options = <T extends KubernetesObject>(resource: string, onChange: (change: Change<T>) => void) => ({
    client,
    onChange,
    onError: (trouble: Trouble) => events.onTrouble(resource, trouble),
    transform: trimmed<T>,
  });
  // Without our CRDs the embedded configuration serves.
  const ofOurs = { absentIsEmpty: true };
  const reflectors = {
    namespaces: new Reflector<Namespace>({
      ...options("namespaces", events.onNamespace),
      path: paths.namespaces(),
      resyncMs: RESYNC_MS,
    }),
    networkpolicies: new Reflector<NetworkPolicy>({
      ...options("networkpolicies", events.onPolicy),
      path: paths.networkPolicies(),
    }),
    networkrulesets: new Reflector<KubernetesObject>({
      ...options("networkrulesets", events.onRuleset),
      path: paths.networkRulesets(),
      ...ofOurs,
    }),
    networkbaselines: new Reflector<KubernetesObject>({
      ...options("networkbaselines", events.onBaseline),
      path: paths.networkBaselines(),
      ...ofOurs,
    }),
    networkexceptions: new Reflector<KubernetesObject>({
      ...options("networkexceptions", events.onException),
      path: paths.networkExceptions(),
      ...ofOurs,
    }),
  };
  const of = (namespace: string, resource: string, path: string, query: Query = {}) => {
    const name = `${namespace}/${resource}`;
    const how = options<KubernetesObject>(name, events.onPlatform);
    return [name, new Reflector<KubernetesObject>({ ...how, path, query })] as const;
  };
  const apiServer = {
    services: [of("default", "services", paths.services("default"), { fieldSelector: "metadata.name=kubernetes" })],
    endpointSlices: [
      of("default", "endpointslices", paths.endpointSlices("default"), {
        labelSelector: "kubernetes.io/service-name=kubernetes",
      }),
    ],
  };
  const dns = {
    services: DNS_NAMESPACES.map((name) => of(name, "services", paths.services(name))),
    endpointSlices: DNS_NAMESPACES.map((name) => of(name, "endpointslices", paths.endpointSlices(name))),
    daemonSets: [of("kube-system", "daemonsets", paths.workloads("apps/v1", "kube-system", "daemonsets"))],
  };
  const called = followCalled({
    client,
    onChange: events.onCalled,
    onError: (resource) => (trouble) => events.onTrouble(resource, trouble),
  });
  const listed = (reflected: readonly (readonly [string, Reflector<KubernetesObject>])[]) =>
    reflected.flatMap(([, reflector]) => reflector.list());
  const all = [
    ...Object.entries(reflectors),
    ...Object.values(dns).flat(),
    ...Object.values(apiServer).flat(),
    ...called.reflectors,
  ];
  return {
    namespace: (name: string) => reflectors.namespaces.get(name),
    namespaces: () => reflectors.namespaces.list(),
    /** What tells where the cluster's DNS answers, beside the version of the API server. */
    dnsObjects: (): Omit<DnsObjects, "gitVersion"> => ({
      apiServerIPs: listed(apiServer.services).flatMap((service) => items(at(service, "/spec/clusterIPs")).map(text)),
      services: listed(dns.services),
      endpointSlices: listed(dns.endpointSlices),
      daemonSets: listed(dns.daemonSets),
    }),
    apiServerObjects: (): ApiServerObjects => ({
      services: listed(apiServer.services),
      endpointSlices: listed(apiServer.endpointSlices),
    }),
    /** What the API server calls, and what is behind it. */
    backends: called.backends,
    policiesIn: (namespace: string) => reflectors.networkpolicies.byNamespace(namespace),
    /** As they are in the cluster, valid or not. */
    baselines: () => reflectors.networkbaselines.list(),

    start: () => all.forEach(([, reflector]) => reflector.start()),
    stop: async () => {
      await Promise.all(all.map(([, reflector]) => reflector.stop()));
    },
    synced: async (signal: AbortSignal) => {
      await Promise.all(all.map(([, reflector]) => reflector.synced(signal)));
    },
    /** When the API server was last heard of, in milliseconds since 1970, for each resource that has been. */
    lastEvents: () =>
      all.flatMap(([resource, { lastEventAt }]) =>
        lastEventAt === undefined ? [] : [[resource, lastEventAt] as const],
      ),
    /** Resources that have not been listed yet. */
    missing: () => all.filter(([, reflector]) => !reflector.hasSynced).map(([resource]) => resource),
  };
}

/** Without who wrote it when and, as a text, what: more than half of many objects, and never looked at here. */
function trimmed<T extends KubernetesObject>(object: T): T {
  const { managedFields: _, annotations, ...metadata } = object.metadata ?? {};
  if (annotations == null) return { ...object, metadata };
  const { [LAST_APPLIED_ANNOTATION]: _written, ...others } = annotations;
  return { ...object, metadata: { ...metadata, annotations: others } };
}
