import { describe } from "vitest";
import { noSystemNamespacePeer } from "../../src/rules/no-system-namespace-peer.ts";
import { egress, expression, ingress, networkPolicy, selector } from "../helpers/build.ts";
import { testRule } from "../helpers/test-rule.ts";

const NAME = "kubernetes.io/metadata.name";
const SYSTEM = selector({ [NAME]: "kube-system" });
const UDP53 = { port: 53, protocol: "UDP" };
const TCP53 = { port: 53, protocol: "TCP" };
const at = "/spec/egress/0/to/0";

const to = (namespaceSelector: unknown, podSelector?: unknown, ports: unknown = [{ port: 443 }]) =>
  egress({ to: [{ namespaceSelector, ...(podSelector !== undefined && { podSelector }) }], ports });

describe("which peers", () => {
  testRule(noSystemNamespacePeer, {
    passes: [
      { name: "no peers", policy: networkPolicy() },
      { name: "Pods of the own namespace", policy: egress({ to: [{ podSelector: {} }] }) },
      { name: "the Pods that serve DNS", policy: to(SYSTEM, selector({ "k8s-app": "kube-dns" })) },
      { name: "Pods by an expression", policy: to(SYSTEM, selector({}, expression("k8s-app", "In", ["kube-dns"]))) },
      { name: "another namespace", policy: to(selector({ [NAME]: "shop" })) },
      { name: "every namespace, another rule's matter", policy: to({}) },
      { name: "all that it is not, another rule's matter", policy: to(selector({}, expression(NAME, "NotIn", ["x"]))) },
      { name: "a label that is no name", policy: to(selector({ tenant: "kube-system" })) },
      {
        name: "In and NotIn, which leaves nothing",
        policy: to(selector({ [NAME]: "kube-system" }, expression(NAME, "NotIn", ["kube-system"]))),
      },
      {
        name: "a name that the API server has not given",
        policy: to(selector({ [NAME]: "shop", name: "kube-system" })),
      },
      { name: "addresses", policy: egress({ to: [{ ipBlock: { cidr: "10.96.0.10/32" } }] }) },
      { name: "a name that every JavaScript object has", policy: to(selector({ constructor: "kube-system" })) },
      { name: "what the options leave out", policy: to(SYSTEM), options: { namespaces: ["monitoring"] } },
      {
        name: "a label that the options leave out",
        policy: to(selector({ name: "kube-system" })),
        options: { nameLabels: [NAME] },
      },
    ],
    fails: [
      { name: "all of kube-system", policy: to(SYSTEM), at, says: "egress to every Pod of kube-system, where" },
      { name: "by `name`", policy: to(selector({ name: "kube-system" })), at },
      { name: "by both", policy: to(selector({ name: "kube-system", [NAME]: "kube-system" })), at },
      { name: "among others", policy: to(selector({}, expression(NAME, "In", ["shop", "kube-system"]))), at },
      {
        name: "with a second expression",
        policy: to(selector({ [NAME]: "kube-system" }, expression(NAME, "Exists"))),
        at,
      },
      {
        name: "with a `name` that it need not have",
        policy: to(selector({ [NAME]: "kube-system" }, expression("name", "DoesNotExist"))),
        at,
      },
      {
        name: "with a `name` that it may have",
        policy: to(selector({ [NAME]: "kube-system" }, expression("name", "NotIn", ["kube-system"]))),
        at,
      },
      {
        name: "with another label, which it may have",
        policy: to(selector({ [NAME]: "kube-system", env: "prod" })),
        at,
      },
      { name: "an empty podSelector", policy: to(SYSTEM, {}), at },
      { name: "a null podSelector", policy: to(SYSTEM, null), at },
      {
        name: "a podSelector that only excludes",
        policy: to(SYSTEM, selector({}, expression("k8s-app", "NotIn", ["x"]))),
        at,
      },
      {
        name: "a podSelector that only excludes by key",
        policy: to(SYSTEM, selector({}, expression("x", "DoesNotExist"))),
        at,
      },
      {
        name: "the Pods that serve DNS in another list item, which is OR",
        policy: egress({ to: [{ namespaceSelector: SYSTEM }, { podSelector: selector({ "k8s-app": "kube-dns" }) }] }),
        at,
      },
      {
        name: "ingress",
        policy: ingress({ from: [{ podSelector: {} }, { namespaceSelector: SYSTEM }] }),
        at: "/spec/ingress/0/from/1",
        says: "ingress from every Pod of kube-system",
      },
      {
        name: "another namespace of the options",
        policy: to(selector({ [NAME]: "monitoring" })),
        options: { namespaces: ["kube-system", "monitoring"] },
        at,
        says: "every Pod of monitoring",
      },
      {
        name: "another label of the options",
        policy: to(selector({ "example.com/name": "kube-system" })),
        options: { nameLabels: ["example.com/name"] },
        at,
      },
      {
        name: "even a label that every JavaScript object has",
        policy: to(selector({ constructor: "kube-system" })),
        options: { nameLabels: ["constructor", "__proto__"] },
        at,
      },
      {
        name: "each such peer",
        policy: egress({ to: [{ namespaceSelector: SYSTEM }] }, { to: [{ namespaceSelector: SYSTEM }] }),
        at: [at, "/spec/egress/1/to/0"],
      },
    ],
  });
});

describe("port 53 and nothing else only warns", () => {
  const dns = { at, says: "on port 53", atMost: "warn" } as const;
  testRule(noSystemNamespacePeer, {
    passes: [
      { name: "the Pods that serve DNS", policy: to(SYSTEM, selector({ "k8s-app": "kube-dns" }), [UDP53, TCP53]) },
    ],
    fails: [
      { name: "UDP", policy: to(SYSTEM, undefined, [UDP53]), ...dns },
      { name: "UDP and TCP", policy: to(SYSTEM, {}, [UDP53, TCP53]), ...dns },
      { name: "a range of one", policy: to(SYSTEM, {}, [{ ...UDP53, endPort: 53 }]), ...dns },
      { name: "another port too", policy: to(SYSTEM, {}, [UDP53, { port: 443 }]), at, says: "controllers" },
      { name: "a range from 53", policy: to(SYSTEM, {}, [{ ...UDP53, endPort: 5353 }]), at, says: "controllers" },
      { name: "a name, which may be any port", policy: to(SYSTEM, {}, [{ port: "dns" }]), at, says: "controllers" },
      { name: "every port of UDP", policy: to(SYSTEM, {}, [{ protocol: "UDP" }]), at, says: "controllers" },
      { name: "a null port, which is every port of TCP", policy: to(SYSTEM, {}, [null]), at, says: "controllers" },
      { name: "no ports, which are all", policy: to(SYSTEM, {}, []), at, says: "controllers" },
      { name: "null ports, which are all", policy: to(SYSTEM, {}, null), at, says: "controllers" },
    ],
  });
});
