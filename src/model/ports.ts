import type { Port } from "./policy.ts";
import { isSubset, normalise, type RangeSet } from "./ranges.ts";

/** Sets of ports, so that 1-32767 and 32768-65535 together are what they are: every port. */
export type PortSet = Readonly<Record<Protocol, ProtocolPorts>>;

export const PROTOCOLS = ["TCP", "UDP", "SCTP"] as const;
export type Protocol = (typeof PROTOCOLS)[number];

/** Which number a name stands for only the destination's container says, so it is none of the numbers, and counts as one. */
export interface ProtocolPorts {
  readonly numbers: RangeSet<number>;
  /** Sorted, each once; none where every number is allowed, since they add nothing. */
  readonly names: readonly string[];
}

export const LAST_PORT = 65_535;
const EVERY: RangeSet<number> = [[1, LAST_PORT + 1]];
const NONE: ProtocolPorts = { numbers: [], names: [] };
const EVERY_PORT = perProtocol(() => ({ numbers: EVERY, names: [] }));

/** The ports of a clause. What the API server would refuse (another protocol, port 0, half a port) allows nothing. */
export function portsOf(ports: readonly Port[] | "all"): PortSet {
  if (ports === "all") return EVERY_PORT;
  return perProtocol((protocol) => {
    const own = ports.filter((port) => port.protocol === protocol);
    return union(own.map(portsOfEntry));
  });
}

function portsOfEntry({ port, endPort }: Port): ProtocolPorts {
  return typeof port === "string" ? { numbers: [], names: [port] } : { numbers: rangesOf(port, endPort), names: [] };
}

export function unionPorts(all: readonly PortSet[]): PortSet {
  return perProtocol((protocol) => union(all.map((ports) => ports[protocol])));
}

/** Is this number among them, whatever the names stand for? */
export function containsPort(ports: PortSet, protocol: Protocol, number: number): boolean {
  return ports[protocol].numbers.some(([first, end]) => first <= number && number < end);
}

export function containsEveryPort(ports: PortSet, protocol: Protocol): boolean {
  return isEvery(ports[protocol].numbers);
}

/** Is every port of `inner` surely one of `outer`? */
export function isWithin(inner: PortSet, outer: PortSet): boolean {
  return PROTOCOLS.every(
    (protocol) =>
      isSubset(inner[protocol].numbers, outer[protocol].numbers) &&
      (containsEveryPort(outer, protocol) ||
        inner[protocol].names.every((name) => outer[protocol].names.includes(name))),
  );
}

/** How many ports of a protocol. */
export function countPorts(ports: PortSet, protocol: Protocol): number {
  const { numbers, names } = ports[protocol];
  return numbers.reduce((count, [first, end]) => count + end - first, names.length);
}

function perProtocol(of: (protocol: Protocol) => ProtocolPorts): PortSet {
  return { TCP: of("TCP"), UDP: of("UDP"), SCTP: of("SCTP") };
}

function union(all: readonly ProtocolPorts[]): ProtocolPorts {
  const parts = all.filter(({ numbers, names }) => numbers.length > 0 || names.length > 0);
  if (parts.length < 2) return parts[0] ?? NONE;
  const numbers = normalise(parts.flatMap((ports) => ports.numbers));
  const names = new Set(parts.flatMap((ports) => ports.names));
  return { numbers, names: isEvery(numbers) ? [] : [...names].toSorted() };
}

function isEvery(numbers: RangeSet<number>): boolean {
  return isSubset(EVERY, numbers);
}

function rangesOf(port: number | undefined, endPort: number | undefined): RangeSet<number> {
  if (port === undefined) return EVERY;
  const [first, last] = [Math.max(port, 1), Math.min(endPort ?? port, LAST_PORT)];
  return Number.isInteger(first) && Number.isInteger(last) && first <= last ? [[first, last + 1]] : [];
}
