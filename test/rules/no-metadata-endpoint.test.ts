import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { noMetadataEndpoint } from "../../src/rules/no-metadata-endpoint.ts";
import { type Block, egress, ingress, ipBlock, networkPolicy } from "../helpers/build.ts";
import { check, testRule } from "../helpers/test-rule.ts";

const AWS = "169.254.169.254/32";
const HTTP = [{ port: 80 }];
const FIRST = "/spec/egress/0/to/0/ipBlock/cidr";
const to = (block: Block | string, ports: unknown = HTTP) => egress({ to: [ipBlock(block)], ports });

describe("which addresses", () => {
  testRule(noMetadataEndpoint, {
    passes: [
      { name: "no clauses", policy: networkPolicy() },
      { name: "anyone, which is no-open-egress's matter", policy: egress({ ports: HTTP }, {}) },
      { name: "Pods, which are never it", policy: egress({ to: [{ namespaceSelector: {} }, { podSelector: {} }] }) },
      { name: "ingress from it", policy: ingress({ from: [ipBlock(AWS)], ports: HTTP }) },
      { name: "the address before", policy: to("169.254.169.253/32") },
      { name: "the address after", policy: to("169.254.169.255/32") },
      { name: "EKS Pod Identity", policy: to("169.254.170.23/32") },
      { name: "EKS Pod Identity over IPv6", policy: to("fd00:ec2::23/128") },
      { name: "the node-local DNS cache", policy: to("169.254.20.10/32") },
      { name: "another network", policy: to("10.0.0.0/8") },
      { name: "another ULA", policy: to("fd12::/16") },
      {
        name: "link-local without them",
        policy: to({ cidr: "169.254.0.0/16", except: ["169.254.169.254/32", "169.254.170.2/32"] }),
      },
      {
        name: "everything without the networks they are in",
        policy: to({ cidr: "0.0.0.0/0", except: ["169.254.0.0/16", "168.63.129.16/32", "100.64.0.0/10"] }),
      },
      { name: "NAT64 of another address", policy: to("64:ff9b::8.8.8.8/128") },
      {
        name: "NAT64 without it",
        policy: to({ cidr: "64:ff9b::169.254.169.0/120", except: ["64:ff9b::169.254.169.254/128"] }),
      },
      { name: "what cannot be read", policy: to("169.254.169.254/33") },
      { name: "a null peer", policy: egress({ to: [null], ports: HTTP }) },
    ],
    fails: [
      { name: "AWS, GCP, Azure", policy: to(AWS), at: FIRST, says: /^egress reaches 169\.254\.169\.254 on TCP 80: / },
      { name: "an address without a length", policy: to("169.254.169.254"), at: FIRST },
      { name: "as IPv6 writes IPv4", policy: to("::ffff:169.254.169.254/128"), at: FIRST },
      { name: "AWS over IPv6", policy: to("fd00:ec2::254/128"), at: FIRST, says: "fd00:ec2::254 on TCP 80" },
      { name: "IPv6, written at length", policy: to("FD00:0EC2:0:0:0:0:0:0254/128"), at: FIRST },
      { name: "Azure's WireServer", policy: to("168.63.129.16/32"), at: FIRST, says: "168.63.129.16 on TCP 80:" },
      { name: "Alibaba Cloud", policy: to("100.100.100.200/32"), at: FIRST },
      { name: "task roles", policy: to("169.254.170.2/32"), at: FIRST },
      { name: "a network that holds it", policy: to("169.254.169.0/24"), at: FIRST },
      { name: "several", policy: to("169.254.0.0/16"), at: FIRST, says: "169.254.169.254 on TCP 80, and 1 more:" },
      { name: "all of IPv4", policy: to("0.0.0.0/0"), at: FIRST, says: "and 3 more" },
      { name: "carrier NAT", policy: to("100.64.0.0/10"), at: FIRST, says: "100.100.100.200" },
      { name: "all of IPv6: AWS, and IPv4 by NAT64", policy: to("::/0"), at: FIRST, says: "and 4 more" },
      { name: "NAT64", policy: to("64:ff9b::169.254.169.254/128"), at: FIRST, says: "reaches 169.254.169.254 on" },
      { name: "a NAT64 network", policy: to("64:ff9b::/96"), at: FIRST },
      {
        name: "an except of the other half",
        policy: to({ cidr: "169.254.0.0/16", except: ["169.254.0.0/17"] }),
        at: FIRST,
        says: "169.254.169.254",
      },
      {
        name: "an except that cannot be read",
        policy: to({ cidr: "169.254.169.254/32", except: ["foo", "::/0"] }),
        at: FIRST,
      },
      {
        name: "what another block excepts",
        policy: egress({ to: [ipBlock({ cidr: "169.254.169.0/24", except: [AWS] }), ipBlock(AWS)], ports: HTTP }),
        at: "/spec/egress/0/to/1/ipBlock/cidr",
      },
      {
        name: "each block, and only those",
        policy: egress(
          { to: [ipBlock("8.8.8.8/32"), ipBlock(AWS)], ports: HTTP },
          { to: [ipBlock("128.0.0.0/1"), { podSelector: {} }], ports: HTTP },
        ),
        at: ["/spec/egress/0/to/1/ipBlock/cidr", "/spec/egress/1/to/0/ipBlock/cidr"],
      },
      {
        name: "also where policyTypes lacks Egress, which no-dead-clause says",
        policy: networkPolicy({ spec: { egress: [{ to: [ipBlock(AWS)], ports: HTTP }] } }),
        at: FIRST,
      },
    ],
  });
});

describe("which ports", () => {
  testRule(noMetadataEndpoint, {
    passes: [
      { name: "GKE's DNS", policy: to(AWS, [{ port: 53, protocol: "UDP" }, { port: 53 }]) },
      { name: "another port of everything", policy: to("0.0.0.0/0", [{ port: 443 }]) },
      { name: "UDP 80", policy: to(AWS, [{ port: 80, protocol: "UDP" }]) },
      { name: "every port of UDP", policy: to(AWS, [{ protocol: "UDP" }]) },
      {
        name: "ranges around it",
        policy: to(AWS, [
          { port: 1, endPort: 79 },
          { port: 81, endPort: 65_535 },
        ]),
      },
      { name: "a name, which addresses do not have", policy: to(AWS, [{ port: "http" }, { port: "80" }]) },
      { name: "the WireServer's second port of another", policy: to(AWS, [{ port: 32_526 }]) },
      { name: "a protocol that does not exist", policy: to(AWS, [{ port: 80, protocol: "tcp" }]) },
    ],
    fails: [
      { name: "no ports, which are all", policy: egress({ to: [ipBlock(AWS)] }), at: FIRST, says: "TCP 80" },
      { name: "an empty list of ports", policy: to(AWS, []), at: FIRST },
      {
        name: "two ports of one address",
        policy: to("168.63.129.16/32", []),
        at: FIRST,
        says: "reaches 168.63.129.16 on TCP 80: ",
      },
      { name: "a null port, which is every port of TCP", policy: to(AWS, [null]), at: FIRST },
      { name: "every port of TCP", policy: to(AWS, [{ protocol: "TCP" }]), at: FIRST },
      { name: "a range", policy: to(AWS, [{ port: 79, endPort: 81 }]), at: FIRST },
      { name: "among others", policy: to(AWS, [{ port: 53 }, { port: 443 }, { port: 80 }]), at: FIRST },
      {
        name: "the WireServer's second port",
        policy: to("168.63.129.16/32", [{ port: 32_526 }]),
        at: FIRST,
        says: "168.63.129.16 on TCP 32526:",
      },
    ],
  });
});

describe("options", () => {
  const AKS = { allowed: [{ address: "168.63.129.16", ports: [80] }] };
  const own = { endpoints: [{ address: "10.9.8.0/30", ports: [8775] }] };
  testRule(noMetadataEndpoint, {
    passes: [
      { name: "one that is allowed", policy: to("168.63.129.16/32"), options: AKS },
      {
        name: "allowed as part of a network",
        policy: to(AWS),
        options: { allowed: [{ address: "169.254.0.0/16", ports: [80] }] },
      },
      {
        name: "allowed in its NAT64 form",
        policy: to(AWS),
        options: { allowed: [{ address: "64:ff9b::a9fe:a9fe", ports: [80] }] },
      },
      { name: "none at all", policy: to("0.0.0.0/0"), options: { endpoints: [] } },
      { name: "another list", policy: to(AWS), options: own },
      {
        name: "an address that cannot be read is none",
        policy: to(AWS),
        options: { endpoints: [{ address: "1.2.3", ports: [80] }] },
      },
      {
        name: "EKS Pod Identity in a network that is listed",
        policy: to("169.254.170.23/32"),
        options: { endpoints: [{ address: "169.254.170.0/24", ports: [80] }] },
      },
    ],
    fails: [
      {
        name: "another port of what is allowed",
        policy: to("168.63.129.16/32", []),
        options: AKS,
        at: FIRST,
        says: "TCP 32526",
      },
      {
        name: "another list",
        policy: to("10.0.0.0/8", [{ port: 8775 }]),
        options: own,
        at: FIRST,
        says: "10.9.8.0/30 on TCP 8775",
      },
      {
        name: "the rest of a network that is listed",
        policy: to("169.254.170.22/31"),
        options: { endpoints: [{ address: "169.254.170.0/24", ports: [80] }] },
        at: FIRST,
      },
    ],
  });
});

test("what is found depends on the addresses and ports alone, not on how they are written", () => {
  const address = fc.constantFrom("169.254.169.254", "168.63.129.16", "100.100.100.200", "169.254.170.23", "8.8.8.8");
  const port = fc.constantFrom(53, 79, 80, 81, 443, 32_526);
  const DANGER: Record<string, readonly number[]> = {
    "169.254.169.254": [80],
    "168.63.129.16": [80, 32_526],
    "100.100.100.200": [80],
  };
  const way = fc.record({ nat64: fc.boolean(), shorter: fc.integer({ min: 0, max: 3 }), range: fc.boolean() });
  fc.assert(
    fc.property(address, port, way, (one, number, { nat64, shorter, range }) => {
      const isFound = (DANGER[one] ?? []).includes(number);
      const others = Array.from({ length: shorter }, (_, i) => neighbour(one, i));
      const [prefix, bits] = nat64 ? ["64:ff9b::", 128] : ["", 32];
      // The whole of a network but for all other addresses in it.
      const block = {
        cidr: `${prefix}${one}/${bits - shorter}`,
        except: others.map(({ address: other, length }) => `${prefix}${other}/${bits - 32 + length}`),
      };
      const ports = range ? [{ port: number, endPort: number }] : [{ port: 22 }, { port: number }];
      expect(check(noMetadataEndpoint, { policy: to(block, ports) })).toHaveLength(isFound ? 1 : 0);
    }),
    { numRuns: 500 },
  );
});

/** The network of 2^i addresses beside the one of that size that holds an address. */
function neighbour(address: string, i: number): { address: string; length: number } {
  const octets = address.split(".");
  const last = ((Number(octets[3]) >> i) ^ 1) << i;
  return { address: [...octets.slice(0, 3), last].join("."), length: 32 - i };
}
