import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Backend, findBackends } from "../../src/model/backends.ts";
import { apiService, calledService, conversionWebhook, webhookConfiguration } from "../helpers/backends.ts";

const HOOK = webhookConfiguration("Validating", "certs", { namespace: "certs", name: "webhook" });
const BY_HOOK = "ValidatingWebhookConfiguration certs";

function backend(tweak: Partial<Backend> = {}): Backend {
  const target = { is: "pods", podLabels: { app: "webhook" }, ports: [443] } as const;
  return { namespace: "certs", service: "webhook", servicePort: 443, calledBy: [BY_HOOK], target, ...tweak };
}

describe("who calls", () => {
  test.each<[string, readonly object[], readonly Backend[]]>([
    ["a ValidatingWebhookConfiguration, at 443 unless it says another", [HOOK], [backend()]],
    [
      "a MutatingWebhookConfiguration",
      [webhookConfiguration("Mutating", "certs", { namespace: "certs", name: "webhook", port: 443 })],
      [backend({ calledBy: ["MutatingWebhookConfiguration certs"] })],
    ],
    [
      "an APIService",
      [apiService("v1beta1.metrics.example.com", { namespace: "certs", name: "webhook", port: 443 })],
      [backend({ calledBy: ["APIService v1beta1.metrics.example.com"] })],
    ],
    ["not an APIService that the API server serves itself", [apiService("v1.apps", null)], []],
    [
      "the conversion webhook of a CustomResourceDefinition",
      [conversionWebhook("things.example.com", { namespace: "certs", name: "webhook" })],
      [backend({ calledBy: ["CustomResourceDefinition things.example.com"] })],
    ],
    [
      "not what is left of a conversion webhook",
      [conversionWebhook("things.example.com", { namespace: "certs", name: "webhook" }, "None")],
      [],
    ],
    ["not one that is named by a URL", [{ ...HOOK, webhooks: [{ clientConfig: { url: "https://a.b" } }] }], []],
    ["not an object of another group that has the same kind", [{ ...HOOK, apiVersion: "example.com/v1" }], []],
    [
      "several at one Service, each once and in order",
      [
        { ...HOOK, webhooks: [...HOOK.webhooks, ...HOOK.webhooks] },
        webhookConfiguration("Mutating", "certs", { namespace: "certs", name: "webhook" }),
        apiService("v1.certs.example.com", { namespace: "certs", name: "webhook", port: 443 }),
      ],
      [backend({ calledBy: ["APIService v1.certs.example.com", "MutatingWebhookConfiguration certs", BY_HOOK] })],
    ],
    [
      "at several ports of a Service, in the order of numbers",
      [
        webhookConfiguration("Validating", "certs", { namespace: "certs", name: "webhook", port: 9443 }),
        webhookConfiguration("Validating", "certs", { namespace: "certs", name: "webhook", port: 443 }),
        calledService("webhook", { ports: [{ port: 443 }, { port: 9443, targetPort: "https" }] }),
      ],
      [
        backend(),
        backend({
          servicePort: 9443,
          target: { is: "pods", podLabels: { app: "webhook" }, ports: ["https"] },
        }),
      ],
    ],
  ])("%s", (_, objects, expected) => {
    expect(findBackends([calledService("webhook"), ...objects])).toEqual(expected);
    // Not by the order in which they come; a second Service of the same name would be another.
    expect(findBackends([...objects, calledService("webhook")].toReversed())).toEqual(expected);
  });
});

describe("where the calls arrive", () => {
  const pods = (...ports: readonly (number | string)[]): Backend["target"] => ({
    is: "pods",
    podLabels: { app: "webhook" },
    ports,
  });
  const nothing = (why: string) => ({ is: "nothing", why }) as const;
  const unknown = (why: string) => ({ is: "unknown", why }) as const;
  test.each<[string, readonly unknown[], Backend["target"]]>([
    ["no such Service", [], nothing("there is no such Service")],
    [
      "a Service of that name elsewhere",
      [{ ...calledService("webhook"), metadata: { namespace: "shop", name: "webhook" } }],
      nothing("there is no such Service"),
    ],
    ["the port of the Service, where none is said of the Pods", [calledService("webhook")], pods(443)],
    [
      "another port of the Pods",
      [calledService("webhook", { ports: [{ port: 443, targetPort: 10_250 }] })],
      pods(10_250),
    ],
    ["a named one", [calledService("webhook", { ports: [{ port: 443, targetPort: "https" }] })], pods("https")],
    [
      "one that Go wrote where there is none",
      [calledService("webhook", { ports: [{ port: 443, targetPort: 0 }] })],
      pods(443),
    ],
    [
      "over TCP",
      [
        calledService("webhook", {
          ports: [
            { port: 443, protocol: "UDP", targetPort: 1 },
            { port: 443, protocol: "TCP", targetPort: 2 },
          ],
        }),
      ],
      pods(2),
    ],
    [
      "a Service without that port",
      [calledService("webhook", { ports: [{ port: 80 }] })],
      nothing("it has no TCP port 443"),
    ],
    ["a Service without ports", [calledService("webhook", { ports: null })], nothing("it has no TCP port 443")],
    [
      "a name outside",
      [calledService("webhook", { type: "ExternalName", externalName: "hooks.example.com" })],
      nothing("it is of type ExternalName, so it leads out of the namespace"),
    ],
    [
      "a Service whose endpoints somebody else keeps",
      [calledService("webhook", { selector: undefined })],
      unknown("it selects no Pods by their labels"),
    ],
    ["an empty selector", [calledService("webhook", { selector: {} })], unknown("it selects no Pods by their labels")],
    [
      "a label that is none",
      [calledService("webhook", { selector: { app: 5 } })],
      unknown("its selector cannot be read"),
    ],
    [
      "a label that no policy may name",
      [calledService("webhook", { selector: { "a/b/c": "d" } })],
      unknown("its selector cannot be read"),
    ],
    [
      "a selector that is none",
      [calledService("webhook", { selector: "app" })],
      unknown("its selector cannot be read"),
    ],
    [
      "a target that is no port",
      [calledService("webhook", { ports: [{ port: 443, targetPort: 70_000 }] })],
      unknown("the target of its port 443 is not a port"),
    ],
    [
      "a target that cannot be the name of a port",
      [calledService("webhook", { ports: [{ port: 443, targetPort: "no such port" }] })],
      unknown("the target of its port 443 is not a port"),
    ],
  ])("%s", (_, services, target) => {
    expect(findBackends([HOOK, ...services])).toEqual([backend({ target })]);
  });
});

test("whatever shape objects have, it throws nothing", () => {
  const kinds = [
    HOOK,
    apiService("v1.a", null),
    conversionWebhook("b.c", { namespace: "a", name: "b" }),
    calledService("a"),
  ];
  const odd = fc.jsonValue({ maxDepth: 3 });
  const field = fc.constantFrom("webhooks", "spec", "metadata", "apiVersion");
  const object = fc
    .tuple(fc.constantFrom(...kinds), field, odd)
    .map(([whole, name, value]) => ({ ...whole, [name]: value }));
  const reference = fc.record({ namespace: odd, name: odd, port: odd }, { requiredKeys: [] });
  const hook = reference.map((one) => ({ ...HOOK, webhooks: [{ clientConfig: { service: one } }] }));
  fc.assert(
    fc.property(fc.array(fc.oneof(object, hook, odd)), (objects) => {
      for (const { target, servicePort } of findBackends(objects)) {
        expect(servicePort).toBeGreaterThan(0);
        expect(target.is === "pods" ? Object.keys(target.podLabels).length : target.why.length).toBeGreaterThan(0);
      }
    }),
    { numRuns: 500 },
  );
});
