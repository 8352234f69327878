import { expect, test } from "vitest";
import type { JsonObject } from "../../src/model/json.ts";
import type { NetworkPolicy } from "../../src/model/network-policy.ts";
import type { KubernetesObject } from "../../src/model/objects.ts";
import { noIsolatedBackend } from "../../src/rules/no-isolated-backend.ts";
import { policySubject } from "../../src/engine/subject.ts";
import {
  apiService,
  calledService,
  conversionWebhook,
  type ServiceReference,
  webhookConfiguration,
} from "../helpers/backends.ts";
import { ingress, ipBlock, networkPolicy } from "../helpers/build.ts";
import { check, testRule } from "../helpers/test-rule.ts";

const NAME = "app.kubernetes.io/name";
const AT = "/spec/podSelector";

/** Of the Pods of `web` in `shop`, whose port 8443 it leads to. */
function service(spec: JsonObject = {}, name = "web"): KubernetesObject {
  return calledService(
    name,
    { selector: { [NAME]: "web" }, ports: [{ port: 443, targetPort: 8443 }], ...spec },
    "shop",
  );
}

function webhook(called: Partial<ServiceReference> = {}, name = "quota"): KubernetesObject {
  return webhookConfiguration("Validating", name, { ...WEB, ...called });
}

const WEB: ServiceReference = { name: "web", namespace: "shop" };
const APISERVICE: KubernetesObject = apiService("v1.metrics.example.com", WEB);
const CRD: KubernetesObject = conversionWebhook("shops.example.com", WEB);

const CALLED = [service(), webhook()];
const NAMED = [service({ ports: [{ port: 443, targetPort: "https" }] }), webhook()];

/** Another policy of the namespace. */
function other(spec: JsonObject): NetworkPolicy {
  return networkPolicy({ metadata: { name: "other", namespace: "shop" }, spec: { podSelector: {}, ...spec } });
}

const ANYONE = {};
const on = (...ports: readonly unknown[]) => ({ from: [ipBlock("10.0.0.0/28")], ports });
const from = (...peers: readonly unknown[]) => ({ from: peers, ports: [{ port: 8443 }] });
const byName = (name: string) => ({ namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": name } } });
const selecting = (podSelector: unknown) => networkPolicy({ spec: { podSelector } });
const PROMETHEUS = { podSelector: { matchLabels: { [NAME]: "prometheus" } } };

testRule(noIsolatedBackend, {
  passes: [
    { name: "nothing is known", policy: networkPolicy() },
    { name: "nothing is called", policy: networkPolicy(), among: [service()] },
    { name: "the Service is not there", policy: networkPolicy(), among: [webhook()] },
    {
      name: "a Service of the same name elsewhere is called",
      policy: networkPolicy(),
      among: [service(), webhook({ namespace: "bank" })],
    },
    { name: "only egress is isolated", policy: networkPolicy({ spec: { policyTypes: ["Egress"] } }), among: CALLED },
    { name: "other Pods are selected", policy: selecting({ matchLabels: { [NAME]: "db" } }), among: CALLED },
    {
      name: "some of the Pods may be selected: of the label nothing is known",
      policy: selecting({ matchLabels: { [NAME]: "web", "app.kubernetes.io/component": "pages" } }),
      among: CALLED,
    },
    {
      name: "some of the Pods may be selected: by what they must not have",
      policy: selecting({ matchExpressions: [{ key: "canary", operator: "DoesNotExist" }] }),
      among: CALLED,
    },
    { name: "the Service has no selector", policy: networkPolicy(), among: [service({ selector: {} }), webhook()] },
    { name: "the port is open to anyone", policy: ingress({ ports: [{ port: 8443 }] }), among: CALLED },
    { name: "everything is open", policy: ingress(ANYONE), among: CALLED },
    { name: "every port is open to addresses", policy: ingress({ from: [ipBlock("192.0.2.1/32")] }), among: CALLED },
    { name: "a range of ports is open", policy: ingress(on({ port: 8000, endPort: 9000 })), among: CALLED },
    { name: "every TCP port is open", policy: ingress(on({ protocol: "TCP" })), among: CALLED },
    { name: "a name is open that may be this number", policy: ingress(on({ port: "https" })), among: CALLED },
    { name: "the name of the port is open", policy: ingress(on({ port: "https" })), among: NAMED },
    { name: "a number is open that may have this name", policy: ingress(on({ port: 9000 })), among: NAMED },
    { name: "a tunnel in kube-system is let in", policy: ingress(from(byName("kube-system"))), among: CALLED },
    {
      name: "a tunnel is let in by its labels too",
      policy: ingress(from({ ...byName("kube-system"), podSelector: { matchLabels: { app: "konnectivity-agent" } } })),
      among: CALLED,
    },
    {
      name: "a tunnel in a namespace of the options",
      policy: ingress(from(byName("tunnels"))),
      among: CALLED,
      options: { namespaces: ["tunnels"] },
    },
    {
      name: "namespaces are let in by a label of which nothing is known",
      policy: ingress(from({ namespaceSelector: { matchLabels: { network: "host" } } })),
      among: CALLED,
    },
    { name: "every namespace is let in", policy: ingress(from({ namespaceSelector: {} })), among: CALLED },
    { name: "a form of peer that is not known", policy: ingress(from({ fqdn: "api" })), among: CALLED },
    {
      name: "another policy opens it",
      policy: networkPolicy(),
      among: [...CALLED, other({ ingress: [on({ port: 8443 })] })],
    },
    {
      name: "another policy opens it to what may be these Pods",
      policy: networkPolicy(),
      among: [
        ...CALLED,
        other({
          podSelector: { matchLabels: { "app.kubernetes.io/component": "pages" } },
          ingress: [on({ port: 8443 })],
        }),
      ],
    },
    {
      name: "two policies open one of two each",
      policy: ingress(on({ port: 8443 })),
      among: [
        service({
          ports: [
            { port: 443, targetPort: 8443 },
            { port: 444, targetPort: 9443 },
          ],
        }),
        webhook(),
        webhook({ port: 444 }),
        other({ ingress: [on({ port: 9443 })] }),
      ],
    },
  ],
  fails: [
    {
      name: "nothing is open",
      policy: networkPolicy(),
      among: CALLED,
      at: AT,
      says: "closes TCP 8443 of Service web to the API server",
    },
    { name: "an APIService calls", policy: networkPolicy(), among: [service(), APISERVICE], at: AT },
    { name: "a conversion webhook calls", policy: networkPolicy(), among: [service(), CRD], at: AT },
    { name: "a default-deny", policy: selecting({}), among: CALLED, at: AT },
    {
      name: "the Service asks for more labels than the policy",
      policy: networkPolicy(),
      among: [service({ selector: { [NAME]: "web", "app.kubernetes.io/component": "pages" } }), webhook()],
      at: AT,
    },
    {
      name: "the Pods are among several values",
      policy: selecting({ matchExpressions: [{ key: NAME, operator: "In", values: ["web", "db"] }] }),
      among: CALLED,
      at: AT,
    },
    { name: "another port is open", policy: ingress(on({ port: 443 })), among: CALLED, at: AT, says: "TCP 8443" },
    { name: "another name is open", policy: ingress(on({ port: "http" })), among: NAMED, at: AT, says: "TCP https" },
    { name: "another protocol is open", policy: ingress(on({ protocol: "UDP", port: 8443 })), among: CALLED, at: AT },
    { name: "Pods of the own namespace are let in", policy: ingress(from({ podSelector: {} })), among: CALLED, at: AT },
    {
      name: "Pods of another are",
      policy: ingress(from({ ...byName("monitoring"), ...PROMETHEUS })),
      among: CALLED,
      at: AT,
    },
    {
      name: "every namespace but the tunnel's is",
      policy: ingress(
        from({
          namespaceSelector: {
            matchExpressions: [{ key: "kubernetes.io/metadata.name", operator: "NotIn", values: ["kube-system"] }],
          },
        }),
      ),
      among: CALLED,
      at: AT,
    },
    {
      name: "what is open is for the other direction",
      policy: networkPolicy({ spec: { policyTypes: ["Ingress", "Egress"], egress: [{}] } }),
      among: CALLED,
      at: AT,
    },
    {
      name: "another policy opens other Pods",
      policy: networkPolicy(),
      among: [...CALLED, other({ podSelector: { matchLabels: { [NAME]: "db" } }, ingress: [ANYONE] })],
      at: AT,
    },
    {
      name: "another policy has dead clauses",
      policy: networkPolicy(),
      among: [...CALLED, other({ policyTypes: ["Egress"], ingress: [ANYONE] })],
      at: AT,
    },
    {
      name: "only its own old version opens it",
      policy: networkPolicy(),
      among: [...CALLED, ingress(on({ port: 8443 }))],
      at: AT,
    },
    {
      name: "a policy of another namespace opens it",
      policy: networkPolicy(),
      among: [...CALLED, { ...ingress(ANYONE), metadata: { name: "other", namespace: "bank" } }],
      at: AT,
    },
    {
      name: "two of its Services",
      policy: selecting({}),
      among: [...CALLED, service({ ports: [{ port: 443, targetPort: "https" }] }, "api"), webhook({ name: "api" })],
      at: [AT, AT],
      says: /TCP 8443 of Service web|TCP https of Service api/,
    },
    {
      name: "two ports of a Service that lead to one of its Pods are one fault",
      policy: networkPolicy(),
      among: [
        service({
          ports: [
            { port: 443, targetPort: 8443 },
            { port: 444, targetPort: 8443 },
          ],
        }),
        webhook(),
        webhook({ port: 444 }, "limits"),
      ],
      at: AT,
    },
    {
      name: "a Service with the longest name that there may be",
      policy: networkPolicy(),
      among: [service({}, "w".repeat(63)), webhook({ name: "w".repeat(63) }, "q".repeat(253))],
      at: AT,
      says: "of Service that it selects to the API server",
    },
  ],
});

test.each([
  ["one", [webhook()], "ValidatingWebhookConfiguration quota calls it"],
  ["several", [webhook(), APISERVICE, CRD], "APIService v1.metrics.example.com and 2 more call it"],
])("says what calls: %s", (_name, callers, ending) => {
  const [violation] = check(noIsolatedBackend, { policy: networkPolicy(), among: [service(), ...callers] });
  expect(violation?.fix).toBe(`allow it from an ipBlock of the API server's addresses: ${ending}`);
});

test("other policies are asked for only where this one alone cuts something off", () => {
  const snapshot = {
    isWhole: true,
    backends: [
      {
        namespace: "shop",
        service: "web",
        servicePort: 443,
        calledBy: ["APIService web"],
        target: { is: "pods" as const, podLabels: { [NAME]: "web" }, ports: [8443] },
      },
    ],
    policies: () => {
      throw new Error("asked");
    },
  };
  const context = { options: { namespaces: [] }, prepared: new WeakMap(), snapshot };
  const judged = (policy: NetworkPolicy) => noIsolatedBackend.check(policySubject(policy), context);
  expect(judged(selecting({ matchLabels: { [NAME]: "db" } }))).toEqual([]);
  expect(judged(ingress(on({ port: 8443 })))).toEqual([]);
  expect(() => judged(networkPolicy())).toThrow("asked");
});
