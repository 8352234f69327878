import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { overBoth, podsOf } from "../helpers/dns.ts";
import { type DnsObjects, findDns } from "../../src/baseline/dns.ts";
import { egressTo, type Located } from "../../src/baseline/peers.ts";
import type { KubernetesObject, Labels } from "../../src/model/objects.ts";

/** Objects as these clusters have them, without what nobody here looks at. */
const KUBE_DNS = { "k8s-app": "kube-dns" };

function service(
  name: string,
  { namespace = "kube-system", labels = KUBE_DNS, ...spec }: ServiceTweak = {},
): KubernetesObject {
  return {
    kind: "Service",
    metadata: { namespace, name, labels },
    spec: { clusterIP: "10.96.0.10", clusterIPs: ["10.96.0.10"], selector: KUBE_DNS, ports: ports(53, 53), ...spec },
  } as KubernetesObject;
}

interface ServiceTweak {
  readonly namespace?: string;
  readonly labels?: Labels;
  readonly clusterIP?: string;
  readonly clusterIPs?: readonly string[];
  readonly selector?: Labels | undefined;
  readonly ports?: readonly object[];
}

function ports(udp: number | string, tcp: number | string) {
  return [
    { name: "dns", port: 53, protocol: "UDP", targetPort: udp },
    { name: "dns-tcp", port: 53, protocol: "TCP", targetPort: tcp },
    { name: "metrics", port: 9153, protocol: "TCP", targetPort: 9153 },
  ];
}

function slice(namespace: string, of: string, number: number, addresses: readonly string[] = []): KubernetesObject {
  return {
    kind: "EndpointSlice",
    metadata: { namespace, name: `${of}-x7k2p`, labels: { "kubernetes.io/service-name": of } },
    endpoints: addresses.map((address) => ({ addresses: [address] })),
    ports: [
      { name: "dns-tcp", port: number, protocol: "TCP" },
      { name: "dns", port: number, protocol: "UDP" },
      { name: "metrics", port: 9154, protocol: "TCP" },
    ],
  } as KubernetesObject;
}

function nodeLocal({
  hostNetwork = true,
  args = ["-localip", "169.254.20.10,10.96.0.10", "-conf", "/etc/Corefile"],
} = {}) {
  const labels = { "k8s-app": "node-local-dns" };
  return {
    kind: "DaemonSet",
    metadata: { namespace: "kube-system", name: "node-local-dns", labels },
    spec: {
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: { ...(hostNetwork && { hostNetwork }), containers: [{ name: "node-cache", args }] },
      },
    },
  } as KubernetesObject;
}

function selectingByExpressions(daemonSet: KubernetesObject): KubernetesObject {
  const { spec } = daemonSet as { readonly spec: object };
  const selector = { matchExpressions: [{ key: "k8s-app", operator: "Exists" }] };
  return { ...daemonSet, spec: { ...spec, selector } } as KubernetesObject;
}

const block = (cidr: string) => ({ ipBlock: { cidr } });

function found(objects: Partial<DnsObjects>): Located {
  return findDns({
    gitVersion: "v1.36.3",
    apiServerIPs: ["10.96.0.1"],
    services: [],
    endpointSlices: [],
    daemonSets: [],
    ...objects,
  });
}

function egressOf(dns: Located) {
  if (!dns.isKnown) throw new Error(dns.why);
  return egressTo(dns.servers);
}

const RKE2 = {
  "app.kubernetes.io/instance": "rke2-coredns",
  "app.kubernetes.io/name": "rke2-coredns",
  "k8s-app": "kube-dns",
};
const OPENSHIFT = { "dns.operator.openshift.io/daemonset-dns": "default" };
const openshift = service("dns-default", {
  namespace: "openshift-dns",
  labels: { "dns.operator.openshift.io/owning-dns": "default" },
  selector: OPENSHIFT,
  clusterIP: "172.30.0.10",
  ports: ports("dns", "dns-tcp"),
});

describe("where the DNS of a cluster answers", () => {
  test.each<[string, Partial<DnsObjects>, readonly object[]]>([
    ["kubeadm, kind, EKS, AKS", { services: [service("kube-dns")] }, [overBoth(53, podsOf("kube-system", KUBE_DNS))]],
    [
      "RKE2: by the label, under another name, with a selector of its own and named ports",
      {
        services: [service("rke2-coredns-rke2-coredns", { selector: RKE2, ports: ports("udp-53", "tcp-53") })],
        endpointSlices: [slice("kube-system", "rke2-coredns-rke2-coredns", 53)],
      },
      [overBoth(53, podsOf("kube-system", RKE2))],
    ],
    [
      "Gardener: at another port of the Pod",
      { services: [service("kube-dns", { ports: ports(8053, 8053) })] },
      [overBoth(8053, podsOf("kube-system", KUBE_DNS))],
    ],
    [
      "OpenShift: in a namespace of its own, at the number of a named port",
      { services: [openshift], endpointSlices: [slice("openshift-dns", "dns-default", 5353)] },
      [overBoth(5353, podsOf("openshift-dns", OPENSHIFT))],
    ],
    [
      "by the tenth address of the range of Services, whatever it is called",
      { services: [service("coredns", { labels: {}, selector: { "k8s-app": "coredns" } })] },
      [overBoth(53, podsOf("kube-system", { "k8s-app": "coredns" }))],
    ],
    [
      "the same with IPv6 beside IPv4",
      {
        apiServerIPs: ["fd00:10:96::1"],
        services: [
          service("coredns", { labels: {}, clusterIP: "10.3.3.3", clusterIPs: ["10.3.3.3", "fd00:10:96::a"] }),
        ],
      },
      [overBoth(53, podsOf("kube-system", KUBE_DNS))],
    ],
    [
      "NodeLocal DNSCache: on the node's network by its addresses, and the Pods behind it",
      {
        services: [service("kube-dns"), service("kube-dns-upstream", { clusterIP: "10.96.7.7" })],
        daemonSets: [nodeLocal()],
      },
      [overBoth(53, block("10.96.0.10/32"), block("169.254.20.10/32"), podsOf("kube-system", KUBE_DNS))],
    ],
    [
      "NodeLocal DNSCache at another address, as Kubespray sets it up",
      { services: [service("kube-dns")], daemonSets: [nodeLocal({ args: ["-localip=169.254.25.10", "-conf"] })] },
      [overBoth(53, block("169.254.25.10/32"), podsOf("kube-system", KUBE_DNS))],
    ],
    [
      "NodeLocal DNSCache whose address is filled in elsewhere",
      { services: [service("kube-dns")], daemonSets: [nodeLocal({ args: ["-localip", "__PILLAR__LOCAL__DNS__"] })] },
      [overBoth(53, block("169.254.20.10/32"), podsOf("kube-system", KUBE_DNS))],
    ],
    [
      "NodeLocal DNSCache behind a redirect of Cilium's: Pods",
      { services: [service("kube-dns")], daemonSets: [nodeLocal({ hostNetwork: false })] },
      [overBoth(53, podsOf("kube-system", KUBE_DNS), podsOf("kube-system", { "k8s-app": "node-local-dns" }))],
    ],
    [
      "the same where the DaemonSet selects by expressions: by what its Pods carry, never all Pods there",
      { daemonSets: [selectingByExpressions(nodeLocal({ hostNetwork: false }))] },
      [overBoth(53, podsOf("kube-system", { "k8s-app": "node-local-dns" }))],
    ],
    [
      "GKE with kube-dns: nodes may ask Cloud DNS as well",
      { gitVersion: "v1.33.4-gke.1350000", services: [service("kube-dns")] },
      [overBoth(53, block("169.254.169.254/32"), podsOf("kube-system", KUBE_DNS))],
    ],
    [
      "GKE with Cloud DNS: nothing of it is in the cluster",
      { gitVersion: "v1.33.4-gke.1350000" },
      [overBoth(53, block("169.254.169.254/32"))],
    ],
    [
      "a Service that selects nothing: the addresses that somebody has given it",
      {
        services: [service("kube-dns", { selector: undefined })],
        endpointSlices: [slice("kube-system", "kube-dns", 53, ["192.168.7.2", "fd00::2"])],
      },
      [overBoth(53, block("192.168.7.2/32"), block("fd00::2/128"))],
    ],
    [
      "the same at another port: the endpoints say which, not the Service",
      {
        services: [service("kube-dns", { selector: undefined })],
        endpointSlices: [slice("kube-system", "kube-dns", 5353, ["192.168.7.2"])],
      },
      [overBoth(5353, block("192.168.7.2/32"))],
    ],
    [
      "Pods of two generations, at two ports of one name",
      {
        services: [openshift],
        endpointSlices: [5353, 1053].map((port) => slice("openshift-dns", "dns-default", port)),
      },
      [overBoth(1053, podsOf("openshift-dns", OPENSHIFT)), overBoth(5353, podsOf("openshift-dns", OPENSHIFT))],
    ],
    [
      "a Service for UDP alone: long answers come by TCP all the same",
      { services: [service("kube-dns", { ports: ports(1053, 1053).slice(0, 1) })] },
      [overBoth(1053, podsOf("kube-system", KUBE_DNS))],
    ],
    [
      "two at different ports: a clause for each",
      {
        services: [service("kube-dns", { ports: ports(8053, 8053) })],
        daemonSets: [nodeLocal({ args: ["-localip", "169.254.20.10"] })],
      },
      [overBoth(53, block("169.254.20.10/32")), overBoth(8053, podsOf("kube-system", KUBE_DNS))],
    ],
  ])("%s", (_, objects, egress) => {
    expect(egressOf(found(objects))).toEqual(egress);
  });
});

describe("where it is not known", () => {
  test.each<[string, Partial<DnsObjects>, RegExp]>([
    ["EKS Auto Mode, AKS Automatic: there is no Service", {}, /^there is no Service for it in kube-system/],
    [
      "somebody's Service that calls itself so is nobody's DNS",
      { services: [service("kube-dns", { namespace: "shop" }), service("dns-default", { namespace: "shop" })] },
      /^there is no Service/,
    ],
    [
      "another Service of OpenShift's namespace",
      { services: [service("other", { namespace: "openshift-dns" })] },
      /^there is/,
    ],
    [
      "the label on what does not serve DNS",
      { services: [service("x", { ports: ports(53, 53).slice(2) })] },
      /^there is/,
    ],
    [
      "somebody's DaemonSet",
      { daemonSets: [{ ...nodeLocal(), metadata: { namespace: "shop", name: "x" } }] },
      /^there is/,
    ],
    [
      "an address that is not the tenth",
      { services: [service("x", { labels: {}, clusterIP: "10.96.0.11", clusterIPs: [] })] },
      /^there/,
    ],
    [
      "named ports and no endpoints yet",
      { services: [openshift] },
      /^the ports behind Service openshift-dns\/dns-default are named/,
    ],
    [
      "endpoints of another Service tell nothing",
      {
        services: [openshift],
        endpointSlices: [slice("openshift-dns", "other", 5353), slice("shop", "dns-default", 5353)],
      },
      /^the ports behind/,
    ],
    [
      "a port that is none, and addresses that no policy can name",
      {
        services: [service("kube-dns", { selector: undefined }), openshift],
        endpointSlices: [
          slice("kube-system", "kube-dns", 53, ["::ffff:10.0.0.1", "dns.example.com"]),
          slice("openshift-dns", "dns-default", 70_000),
        ],
      },
      /has no endpoints; the ports behind/,
    ],
    [
      "no Pods and no endpoints",
      { services: [service("kube-dns", { selector: undefined })] },
      /selects no Pods and has no endpoints$/,
    ],
  ])("%s", (_, objects, why) => {
    expect(found(objects)).toEqual({ isKnown: false, why: expect.stringMatching(why) });
  });
});

test("one that can't be told beside one that can is not forgotten", () => {
  const { isKnown, ...rest } = found({ services: [service("kube-dns"), openshift] });
  expect({ isKnown, ...rest }).toMatchObject({
    isKnown: true,
    isPart: true,
    servers: [{ source: "Service kube-system/kube-dns" }],
  });
  expect(found({ services: [service("kube-dns")] })).not.toHaveProperty("isPart");
});

test("the answer does not depend on the order in which objects are heard of", () => {
  const services = [service("kube-dns"), openshift, service("b", { ports: ports(8053, 8053), selector: { b: "1" } })];
  const daemonSets = [
    nodeLocal(),
    nodeLocal({ hostNetwork: false }),
    nodeLocal({ args: ["-localip", "169.254.25.10"] }),
  ];
  const endpointSlices = [
    ...[5353, 1053].map((port) => slice("openshift-dns", "dns-default", port)),
    slice("kube-system", "kube-dns", 53),
  ];
  const whole = found({ services, daemonSets, endpointSlices });
  const shuffled = <T>(list: T[]) => fc.shuffledSubarray(list, { minLength: list.length });
  fc.assert(
    fc.property(shuffled(services), shuffled(daemonSets), shuffled(endpointSlices), (a, b, c) => {
      const again = found({ services: a, daemonSets: b, endpointSlices: c });
      expect(egressOf(again)).toEqual(egressOf(whole));
    }),
  );
});

test("whatever the objects are like, it opens single ports of what is named, never of anybody, and never throws", () => {
  const any = fc.anything({ maxDepth: 2 });
  const some = (...values: readonly unknown[]) => fc.oneof(fc.constantFrom(...values), any);
  const list = (item: fc.Arbitrary<unknown>) => fc.oneof(fc.array(fc.oneof(item, any), { maxLength: 3 }), any);
  const partly = (fields: Readonly<Record<string, fc.Arbitrary<unknown>>>) => fc.record(fields, { requiredKeys: [] });
  const named = (labels: Labels) => fc.constant({ namespace: "kube-system", name: "kube-dns", labels });
  const onPort = { name: some("dns", "", null), protocol: some("UDP", "TCP", null) };
  const numbers = some(53, "53", 5353, 0, -1, 0.5, 70_000, null);
  const services = partly({
    metadata: named(KUBE_DNS),
    spec: partly({
      ports: list(partly({ ...onPort, port: some(53), targetPort: fc.oneof(numbers, some("dns")) })),
      selector: some({ a: "b" }, {}, { a: null }, null),
      clusterIPs: list(fc.constant("10.96.0.10")),
    }),
  });
  const endpointSlices = partly({
    metadata: named({ "kubernetes.io/service-name": "kube-dns" }),
    ports: list(partly({ ...onPort, port: numbers })),
    endpoints: list(partly({ addresses: list(fc.constantFrom("1.2.3.4", "fd00::1", "x")) })),
  });
  const option = fc.constantFrom("-localip", "169.254.20.10", "-localip=", "--localip=1.1.1.1,x");
  const container = partly({ args: list(option), command: any });
  const daemonSets = partly({
    metadata: named({}),
    spec: partly({
      selector: some({}, { matchLabels: {} }),
      template: partly({
        metadata: any,
        spec: partly({ hostNetwork: some(true, false), containers: list(container) }),
      }),
    }),
  });
  const objects = (of: fc.Arbitrary<object>) => fc.array(of, { maxLength: 3 }) as fc.Arbitrary<KubernetesObject[]>;
  fc.assert(
    fc.property(objects(services), objects(endpointSlices), objects(daemonSets), (a, b, c) => {
      const dns = found({ services: a, endpointSlices: b, daemonSets: c });
      for (const clause of dns.isKnown ? egressTo(dns.servers) : []) {
        expect(clause.to).not.toEqual([]);
        expect(JSON.stringify(clause.to)).not.toContain('"matchLabels":{}');
        expect(
          clause.ports.filter(({ port }) => !(Number.isInteger(port) && Number(port) >= 1 && Number(port) <= 65_535)),
        ).toEqual([]);
      }
    }),
    { numRuns: 2_000 },
  );
});
