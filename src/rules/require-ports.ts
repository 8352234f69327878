import { containsEveryPort, LAST_PORT, PROTOCOLS } from "../model/ports.ts";
import { portFaults } from "./shared/clause-ports.ts";
import { policyYaml } from "./shared/examples.ts";
import type { Rule } from "./rule.ts";

export const requirePorts: Rule = {
  id: "require-ports",
  on: "NetworkPolicy",
  severity: "medium",
  title: "demands that a clause names the ports that it allows.",
  why:
    "Without `ports` the peers may use every port: the database's own and the debug, metrics and admin ports beside it, " +
    "those of sidecars, and whatever the next release listens on. `protocol: TCP` without a port is every TCP port, and so " +
    "are 1-32767 and 32768-65535 together, in one clause or in two for the same peers. Clauses without peers are left to " +
    "no-open-egress and no-open-ingress.",
  remedy: "List the container's ports (not the Service's) that the peers need.",
  options: {},
  examples: [
    {
      title: "no ports are every port",
      bad: policyYaml(
        "database",
        `
policyTypes: [Ingress]
ingress:
  - from:
      - podSelector:
          matchLabels:
            app.kubernetes.io/name: web
`,
      ),
      good: policyYaml(
        "database",
        `
policyTypes: [Ingress]
ingress:
  - from:
      - podSelector:
          matchLabels:
            app.kubernetes.io/name: web
    ports:
      - port: 5432
`,
      ),
    },
    {
      title: "a protocol without a port, and every port in two halves",
      bad: policyYaml(
        "database",
        `
policyTypes: [Ingress]
ingress:
  - from:
      - podSelector:
          matchLabels:
            app.kubernetes.io/name: web
    ports:
      - protocol: UDP
      - port: 1
        endPort: 32767
      - port: 32768
        endPort: 65535
`,
      ),
      good: policyYaml(
        "database",
        `
policyTypes: [Ingress]
ingress:
  - from:
      - podSelector:
          matchLabels:
            app.kubernetes.io/name: web
    ports:
      - port: postgres
`,
      ),
    },
  ],

  check({ policy }) {
    const clauses = policy.clauses.filter(({ peers }) => peers !== "anyone");
    return portFaults(clauses, containsEveryPort, LAST_PORT).map(({ direction, protocols, where }) => {
      const which = protocols.length === PROTOCOLS.length ? "port" : `${protocols.join(" and ")} port`;
      return {
        message: `${direction} on every ${which}: debug, metrics and admin ports too, and what comes with the next release`,
        ...where,
        fix: "list the ports of the container that are needed",
      };
    });
  },
};
