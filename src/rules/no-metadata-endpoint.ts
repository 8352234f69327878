import { type Addresses, blockAddresses, overlap, subtractAddresses, throughNat64 } from "../model/cidr.ts";
import { type AddressPeer, addressPeersOf } from "../model/policy.ts";
import { containsPort } from "../model/ports.ts";
import { policyYaml } from "./shared/examples.ts";
import type { Rule, Violation } from "./rule.ts";

interface Options {
  readonly endpoints: readonly Endpoint[];
  readonly allowed: readonly Endpoint[];
}

interface Endpoint {
  readonly address: string;
  /** TCP. */
  readonly ports: readonly number[];
}

const endpointsSchema = {
  type: "array",
  items: {
    type: "object",
    properties: {
      address: { type: "string", pattern: "^[0-9A-Fa-f.:]+(/[0-9]{1,3})?$" },
      ports: { type: "array", items: { type: "integer", minimum: 1, maximum: 65_535 }, minItems: 1 },
    },
    required: ["address", "ports"],
    additionalProperties: false,
  },
};

export const noMetadataEndpoint: Rule<Options, "NetworkPolicy", readonly Target[]> = {
  id: "no-metadata-endpoint",
  on: "NetworkPolicy",
  severity: "critical",
  title: "forbids egress that reaches a cloud's metadata endpoint.",
  why:
    "The metadata endpoint hands out the node's credentials to whoever asks from the node, Pods included: one request " +
    "makes a compromised Pod as mighty as the machine. It is judged by address and port: `169.254.0.0/16`, `0.0.0.0/0` " +
    "and `64:ff9b::/96` (NAT64) contain it, while port 53 of 169.254.169.254 is only GKE's DNS. A clause without `to` " +
    "reaches it too and is left to no-open-egress.",
  remedy:
    "Take the address out with `except`, or allow only the ports that are needed. Give the workload an identity of its " +
    "own (EKS Pod Identity or IRSA, Workload Identity on GKE and AKS).",
  options: {
    endpoints: {
      ...endpointsSchema,
      description: "Addresses or CIDRs, and the TCP ports on which they hand out credentials.",
      default: [
        { address: "169.254.169.254", ports: [80] }, // AWS, GCP, Azure, OpenStack and more
        { address: "fd00:ec2::254", ports: [80] }, // AWS over IPv6
        { address: "168.63.129.16", ports: [80, 32_526] }, // Azure's WireServer
        { address: "100.100.100.200", ports: [80] }, // Alibaba Cloud
        { address: "169.254.170.2", ports: [80] }, // AWS, task roles
      ],
    },
    allowed: {
      ...endpointsSchema,
      description: "Those among them that may be reached, because they hand out the Pod's own credentials only.",
      default: [
        { address: "169.254.170.23", ports: [80] }, // EKS Pod Identity
        { address: "fd00:ec2::23", ports: [80] },
      ],
    },
  },
  examples: [
    {
      title: "the endpoint is in a network that is allowed",
      bad: policyYaml(
        "web",
        `
policyTypes: [Egress]
egress:
  - to:
      - ipBlock:
          cidr: 169.254.0.0/16
    ports:
      - port: 80
`,
      ),
      good: policyYaml(
        "web",
        `
policyTypes: [Egress]
egress:
  - to:
      - ipBlock:
          cidr: 169.254.170.23/32
    ports:
      - port: 80
`,
      ),
    },
    {
      title: "GKE's DNS, with a port too many",
      bad: policyYaml(
        "web",
        `
policyTypes: [Egress]
egress:
  - to:
      - ipBlock:
          cidr: 169.254.169.254/32
    ports:
      - port: 53
        protocol: UDP
      - port: 80
`,
      ),
      good: policyYaml(
        "web",
        `
policyTypes: [Egress]
egress:
  - to:
      - ipBlock:
          cidr: 169.254.169.254/32
    ports:
      - port: 53
        protocol: UDP
      - port: 53
        protocol: TCP
`,
      ),
    },
  ],

  prepare: targetsOf,

  check({ policy }, { prepared }) {
    const egress = policy.clauses.filter(({ direction }) => direction === "egress");
    return addressPeersOf({ clauses: egress }).flatMap(({ peer, clause }) => {
      // A named port is none of them: names are looked up at the destination's container, and addresses have none.
      const open = prepared.filter(({ port }) => containsPort(clause.portSet, "TCP", port));
      return open.length === 0 ? [] : violations(peer, open);
    });
  },
};

function violations(peer: AddressPeer, open: readonly Target[]): Violation[] {
  const block = throughNat64(peer.addresses);
  const reached = open.filter(({ addresses }) => overlap(block, addresses));
  const [first] = reached;
  if (first === undefined) return [];
  const others = new Set(reached.map(({ address }) => address)).size - 1;
  const more = others === 0 ? "" : `, and ${others} more`;
  return [
    {
      message: `egress reaches ${first.address} on TCP ${first.port}${more}: cloud metadata, with credentials`,
      path: `${peer.path}/ipBlock/cidr`,
      fix: "take it out with `except`, or allow only the ports that are needed; give the Pods an identity of their own",
    },
  ];
}

interface Target {
  readonly address: string;
  readonly port: number;
  readonly addresses: Addresses;
}

/** One for each address and port, without what is allowed. */
function targetsOf({ endpoints, allowed }: Options): readonly Target[] {
  return endpoints.flatMap(({ address, ports }) =>
    ports.map((port) => {
      const exempt = allowed.filter((one) => one.ports.includes(port)).map((one) => addressesOf(one.address));
      return { address, port, addresses: exempt.reduce(subtractAddresses, addressesOf(address)) };
    }),
  );
}

function addressesOf(address: string): Addresses {
  return throughNat64(blockAddresses(address, []));
}
