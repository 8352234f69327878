import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { blockAddresses } from "../../src/model/cidr.ts";
import { canonical } from "../../src/model/json.ts";
import { type NetworkPolicy, toPolicy } from "../../src/model/network-policy.ts";
import { addressPeersOf, type Direction, podPeersOf, selectorsOf } from "../../src/model/policy.ts";
import { portsOf } from "../../src/model/ports.ts";
import { egress, expression, ingress, ipBlock, networkPolicy, selector } from "../helpers/build.ts";
import { oddPolicies } from "../helpers/odd.ts";

const decoded = (spec: unknown) => toPolicy({ metadata: { name: "web" }, spec });

test("spells out what a policy says", () => {
  const policy = toPolicy(
    networkPolicy({
      spec: {
        policyTypes: ["Ingress", "Egress"],
        ingress: [{ from: [{ podSelector: selector({ app: "x" }) }], ports: [{ port: 80 }] }],
        egress: [{ to: [ipBlock({ cidr: "10.0.0.0/8", except: ["10.1.0.0/16"] })] }],
      },
    }),
  );
  expect(policy).toEqual({
    ref: { kind: "NetworkPolicy", namespace: "shop", name: "web" },
    annotations: { description: "What the shop's pages need.", owner: "team-shop@example.com" },
    selects: {
      path: "/spec/podSelector",
      requirements: [
        {
          key: "app.kubernetes.io/name",
          operator: "In",
          values: ["web"],
          path: "/spec/podSelector/matchLabels/app.kubernetes.io~1name",
        },
      ],
    },
    isolates: ["ingress", "egress"],
    clauses: [
      {
        direction: "ingress",
        path: "/spec/ingress/0",
        peers: [
          {
            kind: "pods",
            namespaces: "own",
            pods: {
              path: "/spec/ingress/0/from/0/podSelector",
              requirements: [
                {
                  key: "app",
                  operator: "In",
                  values: ["x"],
                  path: "/spec/ingress/0/from/0/podSelector/matchLabels/app",
                },
              ],
            },
            path: "/spec/ingress/0/from/0",
          },
        ],
        ports: [{ protocol: "TCP", port: 80, path: "/spec/ingress/0/ports/0" }],
        portSet: portsOf([{ protocol: "TCP", port: 80, path: "" }]),
      },
      {
        direction: "egress",
        path: "/spec/egress/0",
        peers: [
          {
            kind: "addresses",
            cidr: "10.0.0.0/8",
            except: ["10.1.0.0/16"],
            addresses: blockAddresses("10.0.0.0/8", ["10.1.0.0/16"]),
            path: "/spec/egress/0/to/0",
          },
        ],
        ports: "all",
        portSet: portsOf("all"),
      },
    ],
  });
});

describe("which object", () => {
  test.each([
    ["a name", { name: "web" }, { kind: "NetworkPolicy", name: "web" }],
    ["a namespace", { name: "web", namespace: "shop" }, { kind: "NetworkPolicy", namespace: "shop", name: "web" }],
    ["only generateName", { generateName: "web-" }, { kind: "NetworkPolicy", name: "web-" }],
    ["neither", {}, { kind: "NetworkPolicy", name: "" }],
  ])("%s", (_, metadata, ref) => {
    expect(toPolicy({ metadata }).ref).toEqual(ref);
  });
  test("no metadata, or null, is no reason to throw", () => {
    expect(toPolicy({}).ref).toEqual({ kind: "NetworkPolicy", name: "" });
    expect(toPolicy(JSON.parse('{"metadata": null, "spec": null}') as NetworkPolicy).clauses).toEqual([]);
  });
});

describe("what it isolates", () => {
  const clause = [{}];
  test.each<[string, unknown, Direction[]]>([
    ["Ingress", { policyTypes: ["Ingress"] }, ["ingress"]],
    ["Egress", { policyTypes: ["Egress"] }, ["egress"]],
    ["both, in any order", { policyTypes: ["Egress", "Ingress"] }, ["ingress", "egress"]],
    ["Ingress, whatever the clauses", { policyTypes: ["Ingress"], egress: clause }, ["ingress"]],
    ["absent", {}, ["ingress"]],
    ["absent, with ingress clauses", { ingress: clause }, ["ingress"]],
    ["absent, with egress clauses: both", { egress: clause }, ["ingress", "egress"]],
    ["absent, with an empty list of egress clauses", { egress: [] }, ["ingress"]],
    ["absent, with null for egress clauses", { egress: null }, ["ingress"]],
    ["absent, with a null egress clause", { egress: [null] }, ["ingress", "egress"]],
    ["null", { policyTypes: null, egress: clause }, ["ingress", "egress"]],
    ["empty", { policyTypes: [], egress: clause }, ["ingress", "egress"]],
    ["no spec", undefined, ["ingress"]],
    ["misspelt, which is nothing", { policyTypes: ["ingress"] }, []],
  ])("%s", (_, spec, isolates) => {
    expect(decoded(spec).isolates).toEqual(isolates);
  });
});

describe("what it selects", () => {
  test.each([
    ["missing", {}],
    ["null", { podSelector: null }],
    ["{}", { podSelector: {} }],
    ["matchLabels: {}", { podSelector: { matchLabels: {} } }],
  ])("podSelector %s: every Pod", (_, spec) => {
    expect(decoded(spec).selects).toEqual({ requirements: [], path: "/spec/podSelector" });
  });
});

describe("clauses, as the API server decodes them", () => {
  test.each([
    ["absent", {}],
    ["null", { ingress: null, egress: null }],
    ["[]", { ingress: [], egress: [] }],
    ["of a wrong type", { ingress: "x", egress: {} }],
  ])("%s: none", (_, spec) => {
    expect(decoded(spec).clauses).toEqual([]);
  });

  test.each([
    ["null", null],
    ["{}", {}],
    ["from: []", { from: [] }],
    ["from: null", { from: null }],
    ["ports: []", { ports: [] }],
    ["ports: null", { ports: null }],
    ["the other direction's field", { to: [{ podSelector: {} }] }],
    ["a wrong type", "x"],
  ])("a clause %s: anyone, on all ports", (_, clause) => {
    expect(toPolicy(ingress(clause)).clauses).toEqual([
      { direction: "ingress", path: "/spec/ingress/0", peers: "anyone", ports: "all", portSet: portsOf("all") },
    ]);
  });

  test.each<[string, unknown, object]>([
    ["null: all of TCP", null, { protocol: "TCP" }],
    ["{}: all of TCP", {}, { protocol: "TCP" }],
    ["a protocol alone", { protocol: "UDP" }, { protocol: "UDP" }],
    ["a number: of TCP", { port: 80 }, { protocol: "TCP", port: 80 }],
    ["a name", { port: "http", protocol: "SCTP" }, { protocol: "SCTP", port: "http" }],
    ["a range", { port: 80, endPort: 90 }, { protocol: "TCP", port: 80, endPort: 90 }],
    ["null in it", { port: null, protocol: null, endPort: null }, { protocol: "TCP" }],
    ["wrong types", { port: [80], protocol: 6, endPort: "90" }, { protocol: "TCP" }],
  ])("a port %s", (_, raw, port) => {
    expect(toPolicy(egress({ ports: [raw] })).clauses[0]?.ports).toEqual([{ ...port, path: "/spec/egress/0/ports/0" }]);
  });
});

describe("peers", () => {
  const path = "/spec/egress/0/to/0";
  const peerOf = (raw: unknown) => {
    const peers = toPolicy(egress({ to: [raw] })).clauses[0]?.peers;
    return typeof peers === "object" ? peers[0] : peers;
  };
  const everything = (of: string) => ({ requirements: [], path: of });

  test.each<[string, unknown, object]>([
    [
      "podSelector alone: the own namespace",
      { podSelector: {} },
      { namespaces: "own", pods: everything(`${path}/podSelector`) },
    ],
    [
      "namespaceSelector alone: every Pod there",
      { namespaceSelector: {} },
      { namespaces: everything(`${path}/namespaceSelector`), pods: everything(path) },
    ],
    [
      "both: AND",
      { namespaceSelector: {}, podSelector: {} },
      { namespaces: everything(`${path}/namespaceSelector`), pods: everything(`${path}/podSelector`) },
    ],
    [
      "a null beside one",
      { namespaceSelector: null, podSelector: {} },
      { namespaces: "own", pods: everything(`${path}/podSelector`) },
    ],
    [
      "a null beside the other",
      { namespaceSelector: {}, podSelector: null },
      { namespaces: everything(`${path}/namespaceSelector`), pods: everything(path) },
    ],
  ])("%s", (_, raw, expected) => {
    expect(peerOf(raw)).toEqual({ kind: "pods", path, ...expected });
  });

  test.each<[string, unknown, object]>([
    ["a cidr", { cidr: "10.0.0.0/8" }, { cidr: "10.0.0.0/8", except: [] }],
    ["a cidr and its holes", { cidr: "a", except: ["b", "c"] }, { cidr: "a", except: ["b", "c"] }],
    ["nothing", {}, { cidr: "", except: [] }],
    ["null in it", { cidr: null, except: [null] }, { cidr: "", except: [""] }],
    ["wrong types", { cidr: {}, except: "x" }, { cidr: "", except: [] }],
  ])("ipBlock: %s", (_, block, expected) => {
    const peer = peerOf({ ipBlock: block });
    expect(peer).toMatchObject({ kind: "addresses", path, ...expected });
    if (typeof peer === "object" && peer.kind === "addresses")
      expect(peer.addresses).toEqual(blockAddresses(peer.cidr, peer.except));
  });

  test.each([
    ["null", null],
    ["{}", {}],
    ["null in it", { podSelector: null, namespaceSelector: null, ipBlock: null }],
    ["a form that a later version may bring", { nodeSelector: {} }],
    ["a text", "everyone"],
  ])("%s: not known, which is neither anyone nor no one", (_, raw) => {
    expect(peerOf(raw)).toEqual({ kind: "unknown", path });
  });
});

test("peers and selectors, wherever they stand", () => {
  const policy = toPolicy(
    networkPolicy({
      spec: {
        podSelector: selector({ a: "1" }),
        ingress: [null, { from: [null, { podSelector: selector({ b: "1" }) }, ipBlock("10.0.0.0/8")] }],
        egress: [
          { to: [{ namespaceSelector: selector({}, expression("c", "Exists")), podSelector: selector({ d: "1" }) }] },
        ],
      },
    }),
  );
  expect(podPeersOf(policy).map(({ peer, clause }) => [clause.path, peer.path])).toEqual([
    ["/spec/ingress/1", "/spec/ingress/1/from/1"],
    ["/spec/egress/0", "/spec/egress/0/to/0"],
  ]);
  expect(addressPeersOf(policy).map(({ peer, clause }) => [clause.direction, peer.cidr])).toEqual([
    ["ingress", "10.0.0.0/8"],
  ]);
  const keys = selectorsOf(policy).flatMap(({ requirements }) => requirements.map(({ key }) => key));
  expect(keys).toEqual(["a", "b", "c", "d"]);
});

test("annotations that are no texts are left out, null is the empty one; `__proto__` is a key like any other", () => {
  const metadata: unknown = JSON.parse('{"annotations": {"a": "x", "b": 1, "c": null, "__proto__": "y"}}');
  const { annotations } = toPolicy({ metadata } as NetworkPolicy);
  expect(Object.entries(annotations)).toEqual([
    ["a", "x"],
    ["c", ""],
    ["__proto__", "y"],
  ]);
});

test("anything can be read, and reading changes nothing", () => {
  fc.assert(
    fc.property(oddPolicies(), (odd) => {
      const before = canonical(odd);
      const policy = toPolicy(odd);
      for (const clause of policy.clauses) {
        expect(clause.peers).not.toEqual([]);
        expect(clause.ports).not.toEqual([]);
      }
      expect(canonical(odd)).toBe(before);
    }),
    { numRuns: 2000 },
  );
});
