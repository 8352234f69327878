import type { Backend } from "../model/backends.ts";
import { isSelectorWithin } from "../model/containment.ts";
import type { Labels } from "../model/objects.ts";
import type { Peer, Policy } from "../model/policy.ts";
import { containsPort, type PortSet } from "../model/ports.ts";
import { mayMatch, type Selector, toSelector } from "../model/selector.ts";
import type { Rule } from "./rule.ts";
import { mayBeNamespace } from "./shared/named-namespaces.ts";
import { plain } from "./shared/plain.ts";

interface Options {
  readonly namespaces: readonly string[];
}

const FROM_PROMETHEUS = `
  ingress:
    - from:
        - namespaceSelector:
            matchLabels:
              kubernetes.io/metadata.name: monitoring
          podSelector:
            matchLabels:
              app.kubernetes.io/name: prometheus
      ports:
        - port: 9090
`;

export const noIsolatedBackend: Rule<Options, "NetworkPolicy", WeakMap<Policy, readonly Opening[]>> = {
  id: "no-isolated-backend",
  on: "NetworkPolicy",
  severity: "high",
  isCrossObject: true,
  title: "forbids policies that cut off what the API server must reach.",
  why:
    "Behind admission webhooks, APIServices and conversion webhooks are Pods that the API server calls. Where policies " +
    "isolate them and none lets it in, each of these calls fails: objects of a whole cluster can no longer be written " +
    "(failurePolicy Fail), read (conversion) or listed (APIService), often also those by which this could be put right. " +
    "It does not come as a Pod but from the network of its node, from addresses of the provider, or through a tunnel in " +
    "kube-system, so no podSelector of another namespace lets it in. Found is only what is certain: that the policy " +
    "selects every Pod which the Service selects, and that no policy of the namespace might open the port.",
  remedy:
    "Allow ingress to these Pods on the port behind the Service (its targetPort) by TCP, from an ipBlock with the " +
    "addresses from which the API server comes: its nodes, or what the provider documents. Where a tunnel leads to the " +
    "Pods (Konnectivity), allow its agents in kube-system. On Cilium, where addresses of nodes match nothing by default, " +
    "leave `from` out, with an exception to no-open-ingress. A NetworkBaseline that denies ingress opens the way by " +
    "itself. Pods on the network of their node (hostNetwork) are held by no policy: except those.",
  options: {
    namespaces: {
      type: "array",
      items: { type: "string", minLength: 1 },
      default: ["kube-system"],
      description: "Namespaces whose Pods may be a tunnel through which the API server comes: a peer there opens.",
    },
  },
  examples: [
    {
      title: "an admission webhook whose Pods admit only Prometheus",
      among: `
apiVersion: v1
kind: Service
metadata:
  name: quota
  namespace: quota
spec:
  selector:
    app.kubernetes.io/name: quota
  ports:
    - port: 443
      targetPort: 8443
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata:
  name: quota
webhooks:
  - name: quota.example.com
    clientConfig:
      service:
        name: quota
        namespace: quota
    rules:
      - apiGroups: [apps]
        apiVersions: [v1]
        operations: [CREATE]
        resources: [deployments]
    sideEffects: None
    admissionReviewVersions: [v1]
`,
      bad: policyYaml(FROM_PROMETHEUS),
      good: policyYaml(`${FROM_PROMETHEUS}    - from:
        - ipBlock:
            cidr: 10.0.0.0/28 # the nodes of the control plane
      ports:
        - port: 8443
`),
    },
  ],

  // Of each policy that has been looked at: those of others are looked at with every request for a policy beside them.
  prepare: () => new WeakMap<Policy, readonly Opening[]>(),

  check({ policy }, { options: { namespaces }, prepared, snapshot }) {
    if (snapshot === undefined || !policy.isolates.includes("ingress")) return [];
    const ownOpenings = openingsOf(policy, namespaces);
    const held = arrivalsAt(snapshot.backends).filter(
      (arrival) =>
        isSelectorWithin(arrival.pods, policy.selects) && !ownOpenings.some((opening) => mayBeFor(opening, arrival)),
    );
    // There may be thousands of policies: only where this one alone would cut something off.
    if (held.length === 0) return [];
    const openings = snapshot.policies().flatMap((other) => {
      if (other.ref.name === policy.ref.name) return [];
      const found = prepared.get(other) ?? openingsOf(other, namespaces);
      prepared.set(other, found);
      return found;
    });
    return held
      .filter((arrival) => !openings.some((opening) => mayBeFor(opening, arrival)))
      .map(({ service, port, calledBy }) => ({
        message: `closes TCP ${port} of Service ${plain(service, "that it selects")} to the API server`,
        path: policy.selects.path,
        fix: `allow it from an ipBlock of the API server's addresses: ${callersOf(calledBy)}`,
      }));
  },
};

/** Where calls arrive for certain: at these Pods, at this port. */
interface Arrival {
  readonly service: string;
  readonly podLabels: Labels;
  readonly pods: Selector;
  readonly port: number | string;
  readonly calledBy: readonly string[];
}

/** Each once: several ports of a Service may lead to the same of its Pods. */
function arrivalsAt(backends: readonly Backend[]): readonly Arrival[] {
  const arrivals = new Map<string, Arrival>();
  for (const { service, calledBy, target } of backends) {
    if (target.is !== "pods") continue;
    const { podLabels } = target;
    const pods = toSelector({ matchLabels: podLabels }, "");
    for (const port of target.ports) {
      const key = `${service}:${port}`;
      const others = arrivals.get(key)?.calledBy ?? [];
      arrivals.set(key, { service, podLabels, pods, port, calledBy: [...new Set([...others, ...calledBy])] });
    }
  }
  return [...arrivals.values()];
}

/** A clause of a policy that may let the API server in. */
interface Opening {
  readonly to: Selector;
  readonly ports: PortSet;
}

/** Clauses of a direction that the policy does not isolate have no effect. */
function openingsOf({ isolates, selects, clauses, ref }: Policy, tunnels: readonly string[]): readonly Opening[] {
  if (!isolates.includes("ingress")) return [];
  return clauses
    .filter(
      ({ direction, peers }) =>
        direction === "ingress" &&
        (peers === "anyone" || peers.some((peer) => mayBeApiServer(peer, ref.namespace, tunnels))),
    )
    .map(({ portSet }) => ({ to: selects, ports: portSet }));
}

/** Whether it is for some of these Pods, and which number a name stands for, cannot be known: then it may be. */
function mayBeFor({ to, ports }: Opening, { podLabels, port }: Arrival): boolean {
  const { numbers, names } = ports.TCP;
  const mayBePort =
    typeof port === "number"
      ? containsPort(ports, "TCP", port) || names.length > 0
      : names.includes(port) || numbers.length > 0;
  return mayBePort && mayMatch(to, podLabels);
}

/**
 * Its addresses are known to nobody here. Of other namespaces the labels are not, beside the name: they may be those of
 * the system, or stand for the network of the nodes, as one of OpenShift's does.
 */
function mayBeApiServer(peer: Peer, own: string | undefined, tunnels: readonly string[]): boolean {
  if (peer.kind !== "pods") return true;
  const { namespaces } = peer;
  return tunnels.some((name) => (namespaces === "own" ? name === own : mayBeNamespace(namespaces, name)));
}

/** `ValidatingWebhookConfiguration quota calls it` */
function callersOf(calledBy: readonly string[]): string {
  const [kind = "", name = ""] = (calledBy[0] ?? "").split(" ");
  const others = calledBy.length > 1 ? ` and ${calledBy.length - 1} more` : "";
  return `${kind} ${plain(name, "(with a long name)")}${others} ${others === "" ? "calls" : "call"} it`;
}

function policyYaml(ingress: string): string {
  return `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: quota
  namespace: quota
spec:
  podSelector:
    matchLabels:
      app.kubernetes.io/name: quota
  policyTypes: [Ingress]${ingress}`;
}
