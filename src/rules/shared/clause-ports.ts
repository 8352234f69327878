import type { Clause, Direction, Peer, Policy } from "../../model/policy.ts";
import { type PortSet, PROTOCOLS, portsOf, type Protocol, unionPorts } from "../../model/ports.ts";
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

/** `together`: with what other clauses allow the very same peers. */
export type TooMany = (ports: PortSet, protocol: Protocol, together: PortSet) => boolean;

/**
 * What require-ports and no-wide-port-range share. Each clause is judged by itself. Where several are for the very same
 * peers, and none is too much, they are judged together: half a range is no narrower for having its other half in the
 * next clause.
 */
export function portFaults(policy: Policy, isTooMany: TooMany): PortFault[] {
  const faults: PortFault[] = groupsOf(policy).flatMap(({ direction, clauses }) => {
    const each = clauses.map((clause) => ({ clause, ports: portsOf(clause.ports) }));
    const together = unionPorts(each.map(({ ports }) => ports));
    return PROTOCOLS.flatMap((protocol) => {
      const isFault = (ports: PortSet) => isTooMany(ports, protocol, together);
      const fault = { direction, protocols: [protocol] };
      const alone = each.filter(({ ports }) => isFault(ports));
      if (alone.length > 0)
        return alone.map(({ clause, ports }) => ({ ...fault, ...smallest(clause, ports, isFault) }));
      if (!isFault(together)) return [];
      const where = { path: `/spec/${direction}`, clauses: clauses.map(({ path }) => path) };
      return [{ ...fault, ports: together, where }];
    });
  });
  // Two protocols in one place are one fault.
  const byPlace = new Map<PortSet, PortFault>();
  for (const fault of faults) {
    const known = byPlace.get(fault.ports);
    byPlace.set(fault.ports, known ? { ...known, protocols: [...known.protocols, ...fault.protocols] } : fault);
  }
  return [...byPlace.values()];
}

/** The entry that is too much by itself; else all of them. */
function smallest(
  clause: Clause,
  ports: PortSet,
  isFault: (ports: PortSet) => boolean,
): Pick<PortFault, "ports" | "where"> {
  if (clause.ports === "all") return { ports, where: { path: clause.path } };
  for (const entry of clause.ports) {
    const own = portsOf([entry]);
    if (isFault(own)) return { ports: own, where: { path: entry.path } };
  }
  return { ports, where: { path: `${clause.path}/ports` } };
}

/** The clauses of each direction, those of the very same peers together. */
function groupsOf(policy: Policy): { direction: Direction; clauses: Clause[] }[] {
  const groups = new Map<string, { direction: Direction; clauses: Clause[] }>();
  for (const clause of policy.clauses) {
    const { direction, peers } = clause;
    const key = JSON.stringify([direction, peers === "anyone" ? peers : peers.map(contentOf).toSorted()]);
    const group = groups.get(key) ?? { direction, clauses: [] };
    group.clauses.push(clause);
    groups.set(key, group);
  }
  return [...groups.values()];
}

/** A peer without where it stands, so that the same peer elsewhere is equal; of what is not known that cannot be said. */
function contentOf(peer: Peer): string {
  if (peer.kind === "unknown") return peer.path;
  if (peer.kind === "addresses") return JSON.stringify([peer.kind, peer.cidr, peer.except.toSorted()]);
  const namespaces = peer.namespaces === "own" ? peer.namespaces : requirementsOf(peer.namespaces);
  return JSON.stringify([peer.kind, namespaces, requirementsOf(peer.pods)]);
}

function requirementsOf({ requirements }: Selector): string[] {
  return requirements.map(({ key, operator, values }) => JSON.stringify([key, operator, values.toSorted()])).toSorted();
}
