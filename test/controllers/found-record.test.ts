import { describe, expect, test } from "vitest";
import type { Server } from "../../src/baseline/peers.ts";
import { foundIn, textOfFound } from "../../src/controllers/found-record.ts";

const dns: readonly Server[] = [
  {
    source: "Service kube-system/kube-dns",
    peers: [{ namespace: "kube-system", labels: { "k8s-app": "kube-dns" } }, { address: "169.254.20.10" }],
    ports: [
      { port: 53, protocol: "UDP" },
      { port: 53, protocol: "TCP" },
    ],
  },
];
const apiServer: readonly Server[] = [
  { source: "Service default/kubernetes", peers: [{ address: "fd00::1" }], ports: [{ port: 443, protocol: "TCP" }] },
];

test.each([{}, { dns }, { apiServer }, { dns, apiServer }])("what is written is read: %j", (record) => {
  expect(foundIn(textOfFound(record))).toEqual(record);
});

describe("nothing else is taken over", () => {
  const [server] = dns as [Server];
  const withPeer = (peer: unknown) => JSON.stringify({ dns: [{ ...server, peers: [peer] }] });
  const withPort = (port: unknown) => JSON.stringify({ dns: [{ ...server, ports: [port] }] });
  test.each<[string, string | undefined]>([
    ["nothing", undefined],
    ["no JSON", "{"],
    ["no object", "[]"],
    ["no servers", '{"dns":{}}'],
    ["a server without a source", JSON.stringify({ dns: [{ ...server, source: undefined }] })],
    ["a server without peers", JSON.stringify({ dns: [{ ...server, peers: [] }] })],
    ["a server without ports, which would be all", JSON.stringify({ dns: [{ ...server, ports: [] }] })],
    ["a range of addresses", withPeer({ address: "0.0.0.0/0" })],
    ["an address that is none", withPeer({ address: "kube-dns" })],
    ["all Pods of a namespace", withPeer({ namespace: "kube-system", labels: {} })],
    ["labels that are none", withPeer({ namespace: "kube-system", labels: { a: 1 } })],
    ["Pods of nowhere", withPeer({ labels: { a: "b" } })],
    ["a port that is none", withPort({ port: 0, protocol: "UDP" })],
    ["a port with a name", withPort({ port: "dns", protocol: "UDP" })],
    ["another protocol", withPort({ port: 53, protocol: "SCTP" })],
  ])("%s", (_, text) => {
    expect(foundIn(text)).toEqual({});
  });
  test("but what is right beside it is", () => {
    expect(foundIn(JSON.stringify({ dns: [{}], apiServer }))).toEqual({ apiServer });
  });
});
