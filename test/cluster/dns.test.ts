import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { overBoth, podsOf } from "../helpers/dns.ts";
import { NAMESPACE_CONTRACT } from "../helpers/build.ts";
import { eventually } from "../helpers/eventually.ts";
import { describeCluster } from "./harness/context.ts";
import { type Drawbridge, startDrawbridge } from "./harness/drawbridge.ts";

const DNS = "drawbridge-10-allow-dns-egress";
const OPENSHIFT = { "dns.operator.openshift.io/daemonset-dns": "default" };

interface Policy {
  readonly metadata: { readonly name: string; readonly uid: string };
  readonly spec: { readonly egress?: readonly { readonly to: readonly object[]; readonly ports: readonly object[] }[] };
}

describeCluster(
  "where the cluster's DNS answers, on a real API server",
  (cluster) => {
    let drawbridge: Drawbridge;
    const start = async (): Promise<void> => {
      drawbridge = await startDrawbridge({ cluster: cluster(), args: ["--namespace", "default"] });
      // It is ready before it leads.
      const { log } = drawbridge;
      await eventually(() => expect(log.map(({ msg }) => msg)).toContain("admission policies written"));
    };
    beforeAll(start);
    afterAll(() => drawbridge?.stop());

    const apply = (...objects: readonly object[]) =>
      cluster().ok(["apply", "-f", "-"], { input: JSON.stringify({ apiVersion: "v1", kind: "List", items: objects }) });
    const createNamespace = (name: string) => {
      const metadata = { name, labels: NAMESPACE_CONTRACT };
      const input = JSON.stringify({ apiVersion: "v1", kind: "Namespace", metadata });
      return cluster().kubectl(["create", "-f", "-"], { input });
    };
    const policiesIn = async (namespace: string): Promise<readonly Policy[]> => {
      const json = await cluster().ok(["get", "networkpolicies", "-n", namespace, "-o", "json"]);
      return (JSON.parse(json) as { readonly items: Policy[] }).items;
    };
    const dnsOf = async (namespace: string): Promise<Policy | undefined> =>
      (await policiesIn(namespace)).find(({ metadata }) => metadata.name === DNS);
    const known = async (): Promise<string | undefined> =>
      /^drawbridge_dns_known (\d)$/m.exec(await drawbridge.metrics())?.[1];
    const readiness = async () =>
      (await (await fetch(`${drawbridge.healthUrl}/readyz`)).json()) as {
        readonly ready: boolean;
        readonly configuration: readonly string[];
      };

    describe("as long as it is not known", () => {
      test("nothing is given and nothing waits, the author of a namespace hears why, and so does whoever asks", async () => {
        const { code, stderr } = await createNamespace("early");
        expect({ code, stderr }).toEqual({
          code: 0,
          stderr: expect.stringContaining(
            "this namespace gets no policies: where the cluster's DNS answers is not known",
          ),
        });
        const labels = await cluster().ok(["get", "namespace", "early", "-o", "jsonpath={.metadata.labels}"]);
        expect(labels).not.toContain("baseline-pending");
        expect(await policiesIn("early")).toEqual([]);
        expect(await known()).toBe("0");
        expect(await readiness()).toMatchObject({
          ready: true,
          configuration: [
            expect.stringMatching(/^NetworkBaseline default is given to no namespace: .+ Name it in spec.dns/),
          ],
        });
      });
    });

    test("and a NetworkBaseline of the cluster says so, in its status and by an Event", async () => {
      const templates = [{ name: "10-allow-dns-egress" }];
      const asking = { apiVersion: "drawbridge.dev/v1alpha1", kind: "NetworkBaseline", metadata: { name: "asking" } };
      await apply({ ...asking, spec: { namespaceSelector: {}, templates } });
      const reason = [
        "get",
        "networkbaseline",
        "asking",
        "-o",
        'jsonpath={.status.conditions[?(@.type=="Ready")].reason}',
      ];
      await eventually(async () => expect(await cluster().ok(reason)).toBe("DNSUnknown"), 20_000);
      const events = ["events", "-n", "default", "--for", "networkbaseline/asking", "--no-headers"];
      await eventually(async () =>
        expect(await cluster().ok(events)).toMatch(
          /Warning +DNSUnknown .+where the cluster's DNS answers is not known/,
        ),
      );
      await cluster().ok(["delete", "networkbaseline", "asking"]);
      await eventually(() =>
        expect(drawbridge.log).toContainEqual(expect.objectContaining({ name: "asking", change: "deleted" })),
      );
      // It may be about to be replaced, and holds its place for 15 s.
      await eventually(
        () =>
          expect(drawbridge.log).toContainEqual(
            expect.objectContaining({ baseline: "asking", msg: expect.stringContaining("its place no longer") }),
          ),
        45_000,
      );
    }, 90_000);

    describe("OpenShift's, once it has come", () => {
      beforeAll(async () => {
        await apply(
          { apiVersion: "v1", kind: "Namespace", metadata: { name: "openshift-dns", labels: NAMESPACE_CONTRACT } },
          {
            apiVersion: "v1",
            kind: "Service",
            metadata: { namespace: "openshift-dns", name: "dns-default" },
            spec: {
              selector: OPENSHIFT,
              ports: [
                { name: "dns", port: 53, protocol: "UDP", targetPort: "dns" },
                { name: "dns-tcp", port: 53, protocol: "TCP", targetPort: "dns-tcp" },
              ],
            },
          },
        );
      });

      test("is not taken for known before its endpoints tell the numbers of its ports", async () => {
        await eventually(async () =>
          expect((await readiness()).configuration).toEqual([
            expect.stringContaining("no endpoints that tell their numbers"),
          ]),
        );
      });

      test("is where new namespaces may ask, at the port of the Pod", async () => {
        await apply({
          apiVersion: "discovery.k8s.io/v1",
          kind: "EndpointSlice",
          metadata: {
            namespace: "openshift-dns",
            name: "dns-default-1",
            labels: { "kubernetes.io/service-name": "dns-default" },
          },
          addressType: "IPv4",
          endpoints: [{ addresses: ["10.128.0.5"] }],
          ports: [
            { name: "dns", port: 5353, protocol: "UDP" },
            { name: "dns-tcp", port: 5353, protocol: "TCP" },
          ],
        });
        await eventually(async () => expect(await known()).toBe("1"));
        expect(await createNamespace("shop")).toMatchObject({ code: 0, stderr: "" });
        await eventually(async () =>
          expect((await dnsOf("shop"))?.spec.egress).toEqual([overBoth(5353, podsOf("openshift-dns", OPENSHIFT))]),
        );
        expect((await readiness()).configuration).toEqual([]);
      });

      test("a namespace of before is left as it is", async () => {
        expect(await policiesIn("early")).toEqual([]);
      });
    });

    describe("a cache on the nodes, which comes later", () => {
      let before: Policy | undefined;
      beforeAll(async () => {
        before = await dnsOf("shop");
        const labels = { "k8s-app": "node-local-dns" };
        await apply({
          apiVersion: "apps/v1",
          kind: "DaemonSet",
          metadata: { namespace: "kube-system", name: "node-local-dns", labels },
          spec: {
            selector: { matchLabels: labels },
            template: {
              metadata: { labels },
              spec: {
                hostNetwork: true,
                containers: [{ name: "node-cache", image: "node-cache", args: ["-localip", "169.254.20.10"] }],
              },
            },
          },
        });
      });

      test("is open to namespaces that are finished, too, in the same policy and without an alarm", async () => {
        await eventually(async () =>
          expect((await dnsOf("shop"))?.spec.egress).toEqual([
            overBoth(53, { ipBlock: { cidr: "169.254.20.10/32" } }),
            overBoth(5353, podsOf("openshift-dns", OPENSHIFT)),
          ]),
        );
        expect((await dnsOf("shop"))?.metadata.uid).toBe(before?.metadata.uid);
        await eventually(() =>
          expect(drawbridge.log).toContainEqual(
            expect.objectContaining({ msg: "baseline brought up to date", namespace: "shop", policies: [DNS] }),
          ),
        );
        expect(await cluster().ok(["get", "events", "-n", "shop", "-o", "name"])).toBe("");
        expect(drawbridge.log.filter(({ msg }) => msg === "baseline healed")).toEqual([]);
      });
    });

    test("what is gone is not closed at once, nor when nothing is left", async () => {
      await cluster().ok(["delete", "daemonset", "node-local-dns", "-n", "kube-system"]);
      await cluster().ok(["delete", "service", "dns-default", "-n", "openshift-dns"]);
      await createNamespace("late");
      await eventually(async () => expect((await dnsOf("late"))?.spec.egress).toHaveLength(2));
      expect((await dnsOf("shop"))?.spec.egress).toHaveLength(2);
      expect(await known()).toBe("1");
    });

    test("nor by a server that comes later, while nothing is left", async () => {
      await drawbridge.stop();
      await start();
      expect(await known()).toBe("1");
      expect(await createNamespace("later")).toMatchObject({ code: 0, stderr: "" });
      await eventually(async () => expect((await dnsOf("later"))?.spec.egress).toHaveLength(2));
      expect((await dnsOf("shop"))?.spec.egress).toHaveLength(2);
    });

    describe("a NetworkBaseline that names it", () => {
      const baseline = (dns: object) => ({
        apiVersion: "drawbridge.dev/v1alpha1",
        kind: "NetworkBaseline",
        metadata: { name: "named" },
        spec: {
          namespaceSelector: {},
          dns,
          templates: [{ name: "01-default-deny-egress" }, { name: "10-allow-dns-egress" }],
        },
      });

      test("is believed", async () => {
        await apply(baseline({ addresses: ["169.254.169.254", "fd00::a"], port: 5300 }));
        await eventually(async () =>
          expect(drawbridge.log).toContainEqual(
            expect.objectContaining({ msg: "configuration changed", name: "named" }),
          ),
        );
        await createNamespace("named");
        await eventually(async () =>
          expect((await dnsOf("named"))?.spec.egress).toEqual([
            overBoth(5300, { ipBlock: { cidr: "169.254.169.254/32" } }, { ipBlock: { cidr: "fd00::a/128" } }),
          ]),
        );
      });

      test.each([
        [
          { addresses: ["10.0.0.0/8"] },
          /spec\.dns\.addresses\[0\] is "10\.0\.0\.0\/8"; must be one IPv4 or IPv6 address/,
        ],
        [{ port: 53 }, /spec\.dns names neither pods nor addresses/],
      ])("is refused where it makes no sense: %j", async (dns, message) => {
        const { code, stderr } = await cluster().kubectl(["apply", "-f", "-"], {
          input: JSON.stringify(baseline(dns)),
        });
        expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringMatching(message) });
      });
    });
  },
  { dns: false },
);
