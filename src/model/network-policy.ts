import { blockAddresses } from "./cidr.ts";
import { isRecord, items, type JsonObject, text } from "./json.ts";
import { type KubernetesObject, labelsOf } from "./objects.ts";
import type { Clause, Direction, Peer, Policy, Port } from "./policy.ts";
import { portsOf } from "./ports.ts";
import { EVERYTHING, toSelector } from "./selector.ts";

/** networking.k8s.io/v1 NetworkPolicy as it travels; `spec` is read only by toPolicy. */
export interface NetworkPolicy extends KubernetesObject {
  readonly spec?: unknown;
}

/**
 * Reads a NetworkPolicy as the API server decodes it: a null list item is `{}`, an empty `from` or `to` is everyone,
 * absent policyTypes are Ingress, and Egress if there are egress clauses. Never throws: what has a wrong type is read
 * as absent (the API server refuses such an object before anyone is asked).
 */
export function toPolicy(object: NetworkPolicy): Policy {
  const spec = isRecord(object.spec) ? object.spec : {};
  const namespace = text(object.metadata?.namespace);
  return {
    ref: {
      kind: "NetworkPolicy",
      ...(namespace !== "" && { namespace }),
      name: text(object.metadata?.name ?? object.metadata?.generateName),
    },
    annotations: labelsOf(object.metadata?.annotations),
    selects: toSelector(spec["podSelector"], "/spec/podSelector"),
    isolates: isolatedBy(spec),
    clauses: [...clausesOf(spec, "ingress"), ...clausesOf(spec, "egress")],
  };
}

function isolatedBy(spec: JsonObject): Direction[] {
  const written = items(spec["policyTypes"]);
  if (written.length === 0) return items(spec["egress"]).length > 0 ? ["ingress", "egress"] : ["ingress"];
  const isolates: Direction[] = [];
  if (written.includes("Ingress")) isolates.push("ingress");
  if (written.includes("Egress")) isolates.push("egress");
  return isolates;
}

function clausesOf(spec: JsonObject, direction: Direction): Clause[] {
  return items(spec[direction]).map((raw, i) => {
    const clause = isRecord(raw) ? raw : {};
    const path = `/spec/${direction}/${i}`;
    const side = direction === "ingress" ? "from" : "to";
    const peers = items(clause[side]);
    const entries = items(clause["ports"]);
    const ports = entries.length === 0 ? "all" : entries.map((port, n) => toPort(port, `${path}/ports/${n}`));
    return {
      direction,
      path,
      peers: peers.length === 0 ? "anyone" : peers.map((peer, n) => toPeer(peer, `${path}/${side}/${n}`)),
      ports,
      portSet: portsOf(ports),
    };
  });
}

function toPeer(raw: unknown, path: string): Peer {
  const peer = isRecord(raw) ? raw : {};
  if (isRecord(peer["ipBlock"])) {
    const block = peer["ipBlock"];
    const [cidr, except] = [text(block["cidr"]), items(block["except"]).map(text)];
    return { kind: "addresses", cidr, except, addresses: blockAddresses(cidr, except), path };
  }
  const namespaces = peer["namespaceSelector"];
  const pods = peer["podSelector"];
  if (!isRecord(namespaces) && !isRecord(pods)) return { kind: "unknown", path };
  return {
    kind: "pods",
    namespaces: isRecord(namespaces) ? toSelector(namespaces, `${path}/namespaceSelector`) : "own",
    pods: isRecord(pods) ? toSelector(pods, `${path}/podSelector`) : EVERYTHING(path),
    path,
  };
}

function toPort(raw: unknown, path: string): Port {
  const port = isRecord(raw) ? raw : {};
  const number = port["port"];
  return {
    protocol: typeof port["protocol"] === "string" ? port["protocol"] : "TCP",
    ...((typeof number === "number" || typeof number === "string") && { port: number }),
    ...(typeof port["endPort"] === "number" && { endPort: port["endPort"] }),
    path,
  };
}
