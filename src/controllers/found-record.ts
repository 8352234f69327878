import type { Port, Peer, Server } from "../baseline/peers.ts";
import type { FoundServers } from "../baseline/resolve.ts";
import { isAddress } from "../model/cidr.ts";
import { isRecord, items, recordIn } from "../model/json.ts";

/** What was found in the cluster, by what it is. What was never found is not there. */
export type FoundRecord = Partial<Readonly<Record<keyof FoundServers, readonly Server[]>>>;

export function textOfFound(record: FoundRecord): string {
  return JSON.stringify(record);
}

/** As far as it is what `textOfFound` writes: policies are made of it, so nothing else is taken over. */
export function foundIn(text: string | undefined): FoundRecord {
  const raw = recordIn(text);
  const [dns, apiServer] = [serversIn(raw["dns"]), serversIn(raw["apiServer"])];
  return { ...(dns && { dns }), ...(apiServer && { apiServer }) };
}

function serversIn(raw: unknown): readonly Server[] | undefined {
  const servers = items(raw);
  return servers.length > 0 && servers.every(isServer) ? servers : undefined;
}

function isServer(raw: unknown): raw is Server {
  if (!isRecord(raw) || typeof raw["source"] !== "string") return false;
  const [peers, ports] = [items(raw["peers"]), items(raw["ports"])];
  return peers.length > 0 && peers.every(isPeer) && ports.length > 0 && ports.every(isPort);
}

/** Never more than one address, nor Pods without a label: what is found is no wider. */
function isPeer(raw: unknown): raw is Peer {
  if (!isRecord(raw)) return false;
  const { address, namespace, labels } = raw;
  if (address !== undefined) return typeof address === "string" && isAddress(address);
  if (typeof namespace !== "string" || !isRecord(labels)) return false;
  const values = Object.values(labels);
  return values.length > 0 && values.every((value) => typeof value === "string");
}

function isPort(raw: unknown): raw is Port {
  if (!isRecord(raw)) return false;
  const { port, protocol } = raw;
  const isNumber = Number.isInteger(port) && 1 <= Number(port) && Number(port) <= 65_535;
  return isNumber && (protocol === "TCP" || protocol === "UDP");
}
