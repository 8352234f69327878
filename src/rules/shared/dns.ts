import type { Clause } from "../../model/policy.ts";
import { isWithin, type PortSet, PROTOCOLS } from "../../model/ports.ts";

const PORT_53 = { numbers: [[53, 54]], names: [] } as const;
const DNS: PortSet = { TCP: PORT_53, UDP: PORT_53, SCTP: { numbers: [], names: [] } };

/**
 * Egress that is for DNS and nothing else. Where such a clause is open to everyone it is no-open-dns's matter, and the
 * rules on what is open in general leave it alone: one mistake, one finding. A name may be any port, so it is not DNS.
 */
export function isDnsOnly(clause: Clause): boolean {
  if (clause.direction !== "egress" || clause.ports === "all") return false;
  const { portSet } = clause;
  return isWithin(portSet, DNS) && PROTOCOLS.some((protocol) => portSet[protocol].numbers.length > 0);
}
