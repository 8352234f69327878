import type { Clause, Direction, Peer } from "../../model/policy.ts";
import { countPorts, type PortSet, PROTOCOLS, portsOf, type Protocol, unionPorts } from "../../model/ports.ts";
import type { Selector } from "../../model/selector.ts";
import type { Violation } from "../rule.ts";

/** Too many ports of some protocols, in one place. */
export interface PortFault {
  readonly direction: Direction;
  readonly protocols: readonly Protocol[];
  /** What is allowed there. */
  readonly ports: PortSet;
  /** One entry, the ports of a clause or the clause; or the direction, where it takes several clauses. */
  readonly where: Pick<Violation, "path" | "clauses">;
}

/** Must hold of more ports if it holds of fewer. */
export type TooMany = (ports: PortSet, protocol: Protocol) => boolean;

/**
 * What require-ports and no-wide-port-range share. Each clause is judged by itself. Where several are for the very same
 * peers, and none is too much, they are judged together: half a range is no narrower for having its other half in the
 * next clause. `atLeast`: fewer ports of a protocol than this are not too many. `isLeftOut`: is what the same peers may do
 * together another rule's matter?
 */
export function portFaults(
  clauses: readonly Clause[],
  isTooMany: TooMany,
  atLeast: number,
  isLeftOut: TooMany = () => false,
): PortFault[] {
  // Most policies allow so few ports that nobody has to compare the peers of their clauses.
  const suspects = PROTOCOLS.filter((protocol) => {
    const most = clauses.reduce((sum, { portSet }) => sum + countPorts(portSet, protocol), 0);
    return most >= atLeast;
  });
  if (suspects.length === 0) return [];
  return groupsOf(clauses).flatMap((group) => {
    const together = unionPorts(group.map(({ portSet }) => portSet));
    const faults = suspects
      .filter((protocol) => isTooMany(together, protocol) && !isLeftOut(together, protocol))
      .flatMap((protocol) => faultsOf(group, together, protocol, isTooMany));
    // Two protocols in one place are one fault.
    const byPlace = Map.groupBy(faults, ({ where }) => where.path);
    return [...byPlace.values()].flatMap((same) =>
      same.slice(0, 1).map((fault) => ({ ...fault, protocols: same.flatMap(({ protocols }) => protocols) })),
    );
  });
}

/** Of clauses that are too much together: those that are so by themselves; if none is, all of them. */
function faultsOf(group: readonly Clause[], together: PortSet, protocol: Protocol, isTooMany: TooMany): PortFault[] {
  const isFault = (ports: PortSet) => isTooMany(ports, protocol);
  const alone = group.filter(({ portSet }) => isFault(portSet));
  if (alone.length > 0) {
    return alone.map((clause) => ({
      direction: clause.direction,
      protocols: [protocol],
      ...smallest(clause, isFault),
    }));
  }
  const direction = group[0]?.direction ?? "ingress";
  const where = { path: `/spec/${direction}`, clauses: group.map(({ path }) => path) };
  return [{ direction, protocols: [protocol], ports: together, where }];
}

/** The entry that is too much by itself; else all of them. */
function smallest(clause: Clause, isFault: (ports: PortSet) => boolean): Pick<PortFault, "ports" | "where"> {
  if (clause.ports === "all") return { ports: clause.portSet, where: { path: clause.path } };
  for (const entry of clause.ports) {
    const own = portsOf([entry]);
    if (isFault(own)) return { ports: own, where: { path: entry.path } };
  }
  return { ports: clause.portSet, where: { path: `${clause.path}/ports` } };
}

/** The clauses of each direction, those of the very same peers together. */
function groupsOf(clauses: readonly Clause[]): (readonly Clause[])[] {
  return [...Map.groupBy(clauses, ({ direction }) => direction).values()].flatMap((own) =>
    own.length === 1 ? [own] : [...Map.groupBy(own, ({ peers }) => keyOf(peers)).values()],
  );
}

function keyOf(peers: Clause["peers"]): string {
  return peers === "anyone" ? peers : JSON.stringify(distinct(peers.map(contentOf)));
}

/** A peer without where it stands, so that the same peer elsewhere is equal; of what is not known that cannot be said. */
function contentOf(peer: Peer): string {
  if (peer.kind === "unknown") return peer.path;
  if (peer.kind === "addresses") return `${peer.addresses.IPv4.join()} ${peer.addresses.IPv6.join()}`;
  const namespaces = peer.namespaces === "own" ? peer.namespaces : requirementsOf(peer.namespaces);
  return JSON.stringify([peer.kind, namespaces, requirementsOf(peer.pods)]);
}

function requirementsOf({ requirements }: Selector): readonly string[] {
  return distinct(requirements.map(({ key, operator, values }) => JSON.stringify([key, operator, distinct(values)])));
}

function distinct(texts: readonly string[]): readonly string[] {
  return [...new Set(texts)].toSorted();
}
