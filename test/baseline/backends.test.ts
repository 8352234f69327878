import { describe, expect, test } from "vitest";
import { byNamespace, isHeldBack, whyHeldBack } from "../../src/baseline/backends.ts";
import { type Baseline, CONVENTIONAL, resolveBaseline } from "../../src/baseline/resolve.ts";
import { wantedPolicies } from "../../src/baseline/templates.ts";
import { validateDocument } from "../../src/config/validate.ts";
import { type Backend, findBackends } from "../../src/model/backends.ts";
import type { NetworkPolicy } from "../../src/model/network-policy.ts";
import { apiService, calledService, webhookConfiguration } from "../helpers/backends.ts";
import { networkBaseline, networkPolicy } from "../helpers/build.ts";

const HOOK = webhookConfiguration("Validating", "certs", { namespace: "certs", name: "webhook" });
const FOUND = findBackends([HOOK, calledService("webhook", { ports: [{ port: 443, targetPort: "https" }] })]);
const UNKNOWN = findBackends([HOOK, calledService("webhook", { selector: undefined })]);

function baseline(backends: readonly Backend[], spec: Parameters<typeof networkBaseline>[1] = {}): Baseline {
  const document = networkBaseline("b", spec);
  expect(validateDocument(document).problems).toBeUndefined();
  return resolveBaseline(document, { ...CONVENTIONAL, backends: byNamespace(backends) });
}

function namesOf(policies: readonly NetworkPolicy[]): (string | undefined)[] {
  return policies.map(({ metadata }) => metadata?.name);
}

const USUAL = [
  "drawbridge-10-allow-dns-egress",
  "drawbridge-00-default-deny-ingress",
  "drawbridge-01-default-deny-egress",
];

describe("the policies that let the API server in", () => {
  test("are in the namespace of what it calls, before the denies, and nowhere else", () => {
    expect(namesOf(wantedPolicies(baseline(FOUND), "certs"))).toEqual(["drawbridge-backend-webhook", ...USUAL]);
    expect(namesOf(wantedPolicies(baseline(FOUND), "shop"))).toEqual(USUAL);
  });

  test("are for the very Pods and port, and say why they do not say from where", () => {
    const [policy] = wantedPolicies(baseline(FOUND), "certs");
    expect(policy).toEqual({
      apiVersion: "networking.k8s.io/v1",
      kind: "NetworkPolicy",
      metadata: {
        name: "drawbridge-backend-webhook",
        namespace: "certs",
        labels: { "app.kubernetes.io/managed-by": "drawbridge", "drawbridge.dev/baseline": "b" },
        annotations: {
          description:
            "The API server may call Service webhook, as ValidatingWebhookConfiguration certs wants. From where its " +
            "calls come to a Pod cannot be told, so these ports are open to all; to narrow it, name that in " +
            "spec.platform.apiServer.callers of the NetworkBaseline.",
          owner: "Drawbridge, NetworkBaseline b",
          "drawbridge.dev/content": expect.stringMatching(/./) as unknown,
        },
      },
      spec: {
        podSelector: { matchLabels: { app: "webhook" } },
        policyTypes: ["Ingress"],
        ingress: [{ ports: [{ port: "https", protocol: "TCP" }] }],
      },
    });
  });

  test("are from the callers that the baseline names, whatever else it leaves to be found", () => {
    const agents = { namespace: "kube-system", labels: { "k8s-app": "konnectivity-agent" } };
    const callers = { pods: [agents], addresses: ["10.0.0.4", "10.0.16.0/20"] };
    const [policy] = wantedPolicies(baseline(FOUND, { platform: { apiServer: { callers } } }), "certs");
    expect(policy?.metadata?.annotations?.["description"]).toMatch(/From where the NetworkBaseline says/);
    expect(policy?.spec).toMatchObject({
      ingress: [
        {
          from: [
            { ipBlock: { cidr: "10.0.0.4/32" } },
            { ipBlock: { cidr: "10.0.16.0/20" } },
            {
              namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "kube-system" } },
              podSelector: { matchLabels: agents.labels },
            },
          ],
          ports: [{ port: "https", protocol: "TCP" }],
        },
      ],
    });
  });

  test("are one for each Service, with all of its ports that are called, each once", () => {
    const ports = [{ port: 443, targetPort: 8443 }, { port: 9443, targetPort: 8443 }, { port: 6443 }];
    const references = [443, 6443, 9443].map((port) => ({ namespace: "certs", name: "webhook", port }));
    const found = findBackends([
      ...references.map((one) => apiService(`v1.p${one.port}.example.com`, one)),
      webhookConfiguration("Mutating", "other", { namespace: "certs", name: "other" }),
      calledService("webhook", { ports }),
      calledService("other"),
    ]);
    const policies = wantedPolicies(baseline(found), "certs");
    expect(namesOf(policies).slice(0, 2)).toEqual(["drawbridge-backend-other", "drawbridge-backend-webhook"]);
    expect(policies[1]?.spec).toMatchObject({
      ingress: [
        {
          ports: [
            { port: 8443, protocol: "TCP" },
            { port: 6443, protocol: "TCP" },
          ],
        },
      ],
    });
    expect(policies[1]?.metadata?.annotations?.["description"]).toContain("APIService v1.p443.example.com and others");
  });

  test.each<[string, readonly Backend[], Parameters<typeof networkBaseline>[1]]>([
    ["where ingress is not denied", FOUND, { templates: ["01-default-deny-egress"] }],
    ["where there is no Service yet", findBackends([HOOK]), { templates: ["00-default-deny-ingress"] }],
    ["where the Pods cannot be told", UNKNOWN, { templates: ["00-default-deny-ingress"] }],
  ])("are none %s", (_, backends, spec) => {
    expect(wantedPolicies(baseline(backends, spec), "certs")).toHaveLength(1);
  });

  test("are none where the baseline gives nothing", () => {
    const unarmed = { ...baseline(FOUND), dns: { isKnown: false, why: "it is away" } } as const;
    expect(wantedPolicies(unarmed, "certs")).toEqual([]);
  });
});

describe("a namespace is held back", () => {
  const deny = wantedPolicies(baseline([]), "certs").filter(({ metadata }) => metadata?.name?.includes("deny-ingress"));
  const theirs = networkPolicy({ metadata: { name: "drawbridge-00-default-deny-ingress" } });

  test.each<[string, Baseline, string, readonly NetworkPolicy[], boolean]>([
    ["where the Pods that the API server calls cannot be told", baseline(UNKNOWN), "certs", [], true],
    ["not for what is in another", baseline(UNKNOWN), "shop", [], false],
    ["not for a Service that does not exist", baseline(findBackends([HOOK])), "certs", [], false],
    ["not where it is known", baseline(FOUND), "certs", [], false],
    ["not where ingress stays open", baseline(UNKNOWN, { templates: ["01-default-deny-egress"] }), "certs", [], false],
    ["not once it is isolated", baseline(UNKNOWN), "certs", deny, false],
    ["as long as what denies is not ours", baseline(UNKNOWN), "certs", [theirs], true],
  ])("%s", (_, ofBaseline, namespace, policies, expected) => {
    expect(isHeldBack(ofBaseline, namespace, policies)).toBe(expected);
  });

  test("with what it is about, who calls it, and what to do", () => {
    expect(whyHeldBack(baseline(UNKNOWN), "certs")).toBe(
      "the API server calls Service webhook by ValidatingWebhookConfiguration certs, and which Pods answer cannot be " +
        "told: it selects no Pods by their labels. Give it a selector, or name a URL there",
    );
    const callers = [HOOK, apiService("v1.a.example.com", { namespace: "certs", name: "api" })];
    const two = findBackends([
      ...callers,
      apiService("v1.b.example.com", { namespace: "certs", name: "api" }),
      ...["api", "webhook"].map((name) => calledService(name, { selector: undefined })),
    ]);
    expect(whyHeldBack(baseline(two), "certs")).toMatch(
      /^the API server calls Service api \(and 1 more like it\) by APIService v1\.a\.example\.com and 1 more, /,
    );
  });
});
