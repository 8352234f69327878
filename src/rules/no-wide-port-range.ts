import { containsEveryPort, countPorts, type PortSet, type Protocol } from "../model/ports.ts";
import { portFaults } from "./shared/clause-ports.ts";
import { policyYaml } from "./shared/examples.ts";
import type { Rule } from "./rule.ts";

interface Options {
  readonly limit: number;
}

export const noWidePortRange: Rule<Options> = {
  id: "no-wide-port-range",
  on: "NetworkPolicy",
  severity: "medium",
  title: "forbids clauses that allow more ports than a limit.",
  why:
    "A range of thousands of ports allows what nobody had in mind: whatever listens there today and will tomorrow. What " +
    "counts is how many ports of a protocol the clause allows in all, as ranges or one by one, with what other clauses " +
    "allow the very same peers. Every port of a protocol is left to require-ports.",
  remedy:
    "List the ports that are needed. Where an application takes ports from a range (FTP, RTP), give it a small one.",
  options: {
    limit: {
      type: "integer",
      minimum: 1,
      description: "How many ports of one protocol a clause may allow; a port by name counts as one.",
      default: 100,
    },
  },
  examples: [
    {
      title: "every node port, for one of them",
      bad: policyYaml(
        "web",
        `
policyTypes: [Egress]
egress:
  - to:
      - ipBlock:
          cidr: 192.168.7.0/24
    ports:
      - port: 30000
        endPort: 32767
`,
      ),
      good: policyYaml(
        "web",
        `
policyTypes: [Egress]
egress:
  - to:
      - ipBlock:
          cidr: 192.168.7.0/24
    ports:
      - port: 30443
`,
      ),
    },
    {
      title: "the ports of a media server",
      bad: policyYaml(
        "media",
        `
policyTypes: [Ingress]
ingress:
  - from:
      - podSelector:
          matchLabels:
            app.kubernetes.io/name: relay
    ports:
      - port: 1024
        endPort: 65535
        protocol: UDP
`,
      ),
      good: policyYaml(
        "media",
        `
policyTypes: [Ingress]
ingress:
  - from:
      - podSelector:
          matchLabels:
            app.kubernetes.io/name: relay
    ports:
      - port: 40000
        endPort: 40099
        protocol: UDP
`,
      ),
    },
  ],

  check({ policy }, { options: { limit } }) {
    const isTooMany = (ports: PortSet, protocol: Protocol) => countPorts(ports, protocol) > limit;
    const faults = portFaults(policy.clauses, isTooMany, limit + 1, containsEveryPort);
    return faults.map(({ direction, protocols, ports, where }) => {
      const counts = protocols.map((protocol) => `${countPorts(ports, protocol)} ${protocol}`).join(" and ");
      return {
        message: `${direction} on ${counts} ports (limit ${limit}): whatever listens there, today or tomorrow, is reachable`,
        ...where,
        fix: "list the ports that are needed, or narrow the range",
      };
    });
  },
};
