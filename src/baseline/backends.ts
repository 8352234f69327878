import type { Backend } from "../model/backends.ts";
import { at, isEqual, items } from "../model/json.ts";
import type { NetworkPolicy } from "../model/network-policy.ts";
import { policyPeers, tcp } from "./peers.ts";
import { BACKEND_PREFIX, deniesIngress, INGRESS_DENY } from "./policy-names.ts";
import { isOfBaseline } from "./protection.ts";
import type { Baseline } from "./resolve.ts";

/** What the API server calls, by namespace. */
export type Backends = ReadonlyMap<string, readonly Backend[]>;

export const NO_BACKENDS: Backends = new Map();

export function byNamespace(backends: readonly Backend[]): Backends {
  return Map.groupBy(backends, ({ namespace }) => namespace);
}

/** Of a policy that lets the API server call one Service, in the form that the API server stores. */
export interface Opening {
  readonly name: string;
  readonly description: string;
  readonly spec: object;
}

/**
 * What keeps open what the API server calls in a namespace: one for each Service, for the very Pods and ports that are
 * behind it. Where the calls come from, as Pods see it, nothing in a cluster tells: an address of a node, of an overlay,
 * of an agent that runs as a Pod, of a control plane elsewhere. So they may come from anywhere, unless the baseline says
 * where from. A webhook that cannot be reached stops the cluster, and what answers there is TLS that asks for it.
 */
export function openings({ spec, backends }: Baseline, namespace: string): Opening[] {
  if (!deniesIngress(spec)) return [];
  const { pods = [], addresses = [] } = spec.platform?.apiServer?.callers ?? {};
  const callers = [...pods, ...addresses.map((address) => ({ address }))];
  const services = Map.groupBy(backends.get(namespace) ?? [], ({ service }) => service);
  return [...services].flatMap(([service, ofService]) => {
    const found = ofService.flatMap(({ target }) => (target.is === "pods" ? [target] : []));
    const [first] = found;
    if (first === undefined) return [];
    const calledBy = ofService.flatMap((backend) => backend.calledBy).toSorted();
    return [
      {
        name: `${BACKEND_PREFIX}${service}`,
        description: `${described(service, calledBy)} ${callers.length > 0 ? FROM_NAMED : FROM_ANYWHERE}`,
        spec: {
          podSelector: { matchLabels: first.podLabels },
          policyTypes: ["Ingress"],
          ingress: [
            {
              ...(callers.length > 0 && { from: policyPeers(callers) }),
              ports: tcp([...new Set(found.flatMap(({ ports }) => ports))]),
            },
          ],
        },
      },
    ];
  });
}

/**
 * What these policies are called, also where there is nothing now to be let in: one that is there stays as long as the
 * Service is called, since to replace a Service is to delete and create it.
 */
export function calledNames({ spec, backends }: Baseline, namespace: string): readonly string[] {
  if (!deniesIngress(spec)) return [];
  return (backends.get(namespace) ?? []).map(({ service }) => `${BACKEND_PREFIX}${service}`);
}

/** Do two policies of a name open the same, if to others? Not where neither is about who calls. */
export function differsInCallersOnly(there: NetworkPolicy, wanted: NetworkPolicy): boolean {
  const [was, is] = [there, wanted].map(withoutCallers);
  return (
    wanted.metadata?.name?.startsWith(BACKEND_PREFIX) === true &&
    isEqual(was, is) &&
    !isEqual(at(there.spec, CALLERS), at(wanted.spec, CALLERS))
  );
}

const CALLERS = "/ingress/0/from";

function withoutCallers({ spec }: NetworkPolicy): unknown {
  const ingress = items(at(spec, "/ingress")).map((clause) => at(clause, "/ports"));
  return [at(spec, "/podSelector"), ingress];
}

/** Named by one of those who call it: a count would change the policy with each that comes. */
function described(service: string, [first = "", ...others]: readonly string[]): string {
  return `The API server may call Service ${service}, as ${first}${others.length > 0 ? " and others want" : " wants"}.`;
}

const FROM_NAMED = "From where the NetworkBaseline says that its calls come.";
const FROM_ANYWHERE =
  "From where its calls come to a Pod cannot be told, so these ports are open to all; to narrow it, name that in " +
  "spec.platform.apiServer.callers of the NetworkBaseline.";

/**
 * Why a namespace must not be isolated: there is something that the API server calls, and nothing tells which Pods
 * answer. Undefined: nothing of that kind.
 */
export function whyHeldBack({ spec, backends }: Baseline, namespace: string): string | undefined {
  if (!deniesIngress(spec)) return undefined;
  const [first, ...others] = (backends.get(namespace) ?? []).flatMap(({ service, calledBy, target }) =>
    target.is === "unknown" ? [{ service, calledBy, why: target.why }] : [],
  );
  if (first === undefined) return undefined;
  const [caller = "", ...callers] = first.calledBy;
  const more = callers.length > 0 ? ` and ${callers.length} more` : "";
  const rest = others.length > 0 ? ` (and ${others.length} more like it)` : "";
  return (
    `the API server calls Service ${first.service}${rest} by ${caller}${more}, and which Pods answer cannot be told: ` +
    `${first.why}. Give it a selector, or name a URL there`
  );
}

/** Is ingress denied there by a policy of ours? */
export function isIsolated(policies: Iterable<NetworkPolicy>): boolean {
  return [...policies].some((policy) => policy.metadata?.name === INGRESS_DENY && isOfBaseline(policy));
}

/** Is a namespace with these policies to be left as open as it is? One that is isolated already stays so: nothing is lost by that. */
export function isHeldBack(baseline: Baseline, namespace: string, policies: Iterable<NetworkPolicy>): boolean {
  return whyHeldBack(baseline, namespace) !== undefined && !isIsolated(policies);
}
