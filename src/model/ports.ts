import type { Clause, Port } from "./policy.ts";
import { normalise, type Range, type RangeSet, size, subtract } from "./ranges.ts";

/** Sets of ports, so that 1-32767 and 32768-65535 together are what they are: every port. */
export type PortSet = Readonly<Record<Protocol, ProtocolPorts>>;

export const PROTOCOLS = ["TCP", "UDP", "SCTP"] as const;
export type Protocol = (typeof PROTOCOLS)[number];

/** Which number a name stands for only the destination's container says, so it is none of the numbers, and counts as one. */
export interface ProtocolPorts {
  readonly numbers: RangeSet;
  /** Sorted, each once; none where every number is allowed, since they add nothing. */
  readonly names: readonly string[];
}

const LAST = 65_535;
const EVERY: RangeSet = [[1n, BigInt(LAST)]];

/** The ports of a clause. What the API server would refuse (another protocol, port 0, half a port) allows nothing. */
export function portsOf(ports: Clause["ports"]): PortSet {
  return perProtocol((protocol) => {
    if (ports === "all") return { numbers: EVERY, names: [] };
    const own = ports.filter((port) => port.protocol === protocol);
    return protocolPorts(
      own.flatMap(rangesOf),
      own.flatMap(({ port }) => (typeof port === "string" ? [port] : [])),
    );
  });
}

export function unionPorts(all: readonly PortSet[]): PortSet {
  return perProtocol((protocol) =>
    protocolPorts(
      all.flatMap((ports) => ports[protocol].numbers),
      all.flatMap((ports) => ports[protocol].names),
    ),
  );
}

/** Is this number among them, whatever the names stand for? */
export function containsPort(ports: PortSet, protocol: Protocol, number: number): boolean {
  return ports[protocol].numbers.some(([first, last]) => first <= number && number <= last);
}

export function containsEveryPort(ports: PortSet, protocol: Protocol): boolean {
  return subtract(EVERY, ports[protocol].numbers).length === 0;
}

/** Is every port of `inner` surely one of `outer`? */
export function isWithin(inner: PortSet, outer: PortSet): boolean {
  return PROTOCOLS.every(
    (protocol) =>
      subtract(inner[protocol].numbers, outer[protocol].numbers).length === 0 &&
      (containsEveryPort(outer, protocol) ||
        inner[protocol].names.every((name) => outer[protocol].names.includes(name))),
  );
}

/** How many ports of a protocol. */
export function countPorts(ports: PortSet, protocol: Protocol): number {
  return Number(size(ports[protocol].numbers)) + ports[protocol].names.length;
}

function perProtocol(of: (protocol: Protocol) => ProtocolPorts): PortSet {
  return { TCP: of("TCP"), UDP: of("UDP"), SCTP: of("SCTP") };
}

function protocolPorts(ranges: readonly Range[], names: readonly string[]): ProtocolPorts {
  const numbers = normalise(ranges);
  const isEvery = subtract(EVERY, numbers).length === 0;
  return { numbers, names: isEvery ? [] : [...new Set(names)].toSorted() };
}

function rangesOf({ port, endPort }: Port): readonly Range[] {
  if (port === undefined) return EVERY;
  if (typeof port === "string") return [];
  const [first, last] = [Math.max(port, 1), Math.min(endPort ?? port, LAST)];
  return Number.isInteger(first) && Number.isInteger(last) && first <= last ? [[BigInt(first), BigInt(last)]] : [];
}
