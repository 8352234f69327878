import { readFile } from "node:fs/promises";
import { join } from "node:path";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { type BaselineSpec, type NetworkPlatform, type TemplateName, TEMPLATES } from "../../src/config/baseline.ts";
import { validateDocument } from "../../src/config/validate.ts";
import { CONVENTIONAL, resolveBaseline } from "../../src/baseline/resolve.ts";
import { wantedPolicies } from "../../src/baseline/templates.ts";
import { evaluate } from "../../src/engine/evaluate.ts";
import { resolveRuleset } from "../../src/engine/ruleset.ts";
import { policySubject } from "../../src/engine/subject.ts";
import { readEmbeddedPolicies } from "../../src/files/policies.ts";
import { fieldPath } from "../../src/model/json.ts";
import { type NetworkPolicy, toPolicy } from "../../src/model/network-policy.ts";
import type { Policy } from "../../src/model/policy.ts";
import { matches } from "../../src/model/selector.ts";
import { type Chosen, networkBaseline, resolvedBaseline } from "../helpers/build.ts";

const { rulesets, baselines } = await readEmbeddedPolicies();

const pods = (namespace: string, name: string) => ({ namespace, labels: { "app.kubernetes.io/name": name } });
const PLATFORM = {
  ingressController: { pods: [pods("ingress-nginx", "ingress-nginx")] },
  prometheus: { pods: [pods("monitoring", "prometheus")] },
  collector: { pods: [pods("observability", "opentelemetry-collector")] },
  apiServer: { addresses: ["10.0.0.4", "fd00::4"], ports: [6443] },
} satisfies NetworkPlatform;
/** Of those that take any. */
const PORTS = new Map<TemplateName, readonly (number | string)[]>([
  ["20-allow-ingress-controller", [8080, "http"]],
  ["30-allow-observability", ["http-metrics"]],
  ["allow-same-namespace", [8080]],
]);

/** As a document that is valid, with all that these templates may need. */
function policies(templates: readonly (TemplateName | Chosen)[], spec: Partial<BaselineSpec> = {}): NetworkPolicy[] {
  const chosen = templates.map((one): Chosen => {
    if (typeof one !== "string") return one;
    const ports = PORTS.get(one);
    return { name: one, ...(ports && { ports: [...ports] }) };
  });
  const document = networkBaseline("b", { platform: PLATFORM, ...spec, templates: chosen });
  expect(validateDocument(document).problems).toBeUndefined();
  return wantedPolicies(resolveBaseline(document, CONVENTIONAL), "shop");
}

const all = policies(TEMPLATES);

function specOf(found: readonly NetworkPolicy[], template: TemplateName): unknown {
  return found.find(({ metadata }) => metadata?.name === `drawbridge-${template}`)?.spec;
}

function policyOf(name: TemplateName) {
  const policy = all.find(({ metadata }) => metadata?.name === `drawbridge-${name}`);
  if (policy === undefined) throw new Error(`there is no template ${name}`);
  return toPolicy(policy);
}

function findings(found: readonly NetworkPolicy[], name: string): string[] {
  const document = rulesets.get(name);
  if (document === undefined) throw new Error(`${name} is missing`);
  const ruleset = resolveRuleset(document, rulesets);
  return found.flatMap((policy) =>
    evaluate(policySubject(policy, policy), ruleset, "enforce").map(({ rule }) => `${policy.metadata?.name}: ${rule}`),
  );
}

describe.each(["default", "restricted"])("by the rules of ruleset %s", (ruleset) => {
  test("every template passes", () => {
    expect(all).toHaveLength(TEMPLATES.length);
    expect(findings(all, ruleset)).toEqual([]);
  });
  test("also to what is on the network of a node", () => {
    const peers = { addresses: ["10.0.16.0/20", "fd00:0:0:1::/64"] };
    const platform = { ...PLATFORM, ingressController: peers, prometheus: peers, collector: peers };
    expect(findings(policies(TEMPLATES, { platform }), ruleset)).toEqual([]);
  });
  test("but a namespace whose Pods trust each other names no ports, which a platform could not know", () => {
    const found = policies(["00-default-deny-ingress", { name: "allow-same-namespace" }]);
    expect(findings(found, ruleset)).toEqual(["drawbridge-allow-same-namespace: require-ports"]);
  });
  test("but nobody need look at a public address of the API server every year, which is looked up anew all the time", () => {
    const platform = { apiServer: { addresses: ["203.0.113.7"], ports: [443] } };
    const found = policies(["01-default-deny-egress", "allow-apiserver-egress"], { platform });
    expect(findings(found, ruleset)).toEqual(["drawbridge-allow-apiserver-egress: require-metadata"]);
  });
});

test("what allows comes before what denies, whatever the order in the document", () => {
  const orders = [
    [...TEMPLATES],
    TEMPLATES.toReversed(),
    ["01-default-deny-egress", "10-allow-dns-egress", "00-default-deny-ingress"] as const,
  ];
  for (const templates of orders) {
    const [allows, denies] = [false, true].map((isDeny) =>
      templates.filter((name) => /deny/.test(name) === isDeny).map((name) => `drawbridge-${name}`),
    );
    expect(policies(templates).map(({ metadata }) => metadata?.name)).toEqual([...(allows ?? []), ...(denies ?? [])]);
  }
});

test("only what the baseline names", () => {
  const wanted = wantedPolicies(resolvedBaseline("b", { templates: ["00-default-deny-ingress"] }), "shop");
  expect(wanted).toEqual([
    {
      apiVersion: "networking.k8s.io/v1",
      kind: "NetworkPolicy",
      metadata: {
        name: "drawbridge-00-default-deny-ingress",
        namespace: "shop",
        labels: { "app.kubernetes.io/managed-by": "drawbridge", "drawbridge.dev/baseline": "b" },
        annotations: {
          description: "Nothing may connect to a Pod of this namespace unless another policy allows it.",
          owner: "Drawbridge, NetworkBaseline b",
          "drawbridge.dev/content": expect.stringMatching(/^[\da-f]{16}$/),
        },
      },
      spec: { podSelector: {}, policyTypes: ["Ingress"] },
    },
  ]);
});

test("the shipped baseline denies all and allows DNS", () => {
  const shipped = baselines.get("default");
  if (shipped === undefined) throw new Error("the shipped baseline is missing");
  expect(wantedPolicies(resolveBaseline(shipped, CONVENTIONAL), "shop").map(({ metadata }) => metadata?.name)).toEqual([
    "drawbridge-10-allow-dns-egress",
    "drawbridge-00-default-deny-ingress",
    "drawbridge-01-default-deny-egress",
  ]);
});

describe("what each says", () => {
  test.each([
    ["00-default-deny-ingress", "ingress"],
    ["01-default-deny-egress", "egress"],
  ] as const)("%s isolates every Pod and allows nothing", (name, direction) => {
    const { selects, isolates, clauses } = policyOf(name);
    expect(selects.requirements).toEqual([]);
    expect(isolates).toEqual([direction]);
    expect(clauses).toEqual([]);
  });
  test("10-allow-dns-egress: every Pod reaches DNS on UDP and TCP, and nothing else", () => {
    const { selects, isolates, clauses } = policyOf("10-allow-dns-egress");
    expect(selects.requirements).toEqual([]);
    expect(isolates).toEqual(["egress"]);
    expect(clauses).toHaveLength(1);
    const [clause] = clauses;
    if (clause === undefined || clause.peers === "anyone" || clause.ports === "all") throw new Error("open to all");
    expect(clause.ports.map(({ protocol, port, endPort }) => [protocol, port, endPort])).toEqual([
      ["UDP", 53, undefined],
      ["TCP", 53, undefined],
    ]);
    const [peer] = clause.peers;
    if (clause.peers.length !== 1 || peer?.kind !== "pods" || peer.namespaces === "own") throw new Error("not DNS");
    expect(matches(peer.namespaces, { "kubernetes.io/metadata.name": "kube-system" })).toBe(true);
    expect(matches(peer.namespaces, { "kubernetes.io/metadata.name": "shop" })).toBe(false);
    expect(matches(peer.pods, { "k8s-app": "kube-dns", "pod-template-hash": "x" })).toBe(true);
    expect(matches(peer.pods, { "k8s-app": "metrics-server" })).toBe(false);
  });

  const peer = (namespace: string, name: string) => ({
    namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": namespace } },
    podSelector: { matchLabels: { "app.kubernetes.io/name": name } },
  });
  const on = (...ports: readonly (number | string)[]) => ports.map((port) => ({ port, protocol: "TCP" }));
  const block = (cidr: string) => ({ ipBlock: { cidr } });
  test.each<[TemplateName, object]>([
    [
      "20-allow-ingress-controller",
      {
        podSelector: {},
        policyTypes: ["Ingress"],
        ingress: [{ from: [peer("ingress-nginx", "ingress-nginx")], ports: on(8080, "http") }],
      },
    ],
    [
      "30-allow-observability",
      {
        podSelector: {},
        policyTypes: ["Ingress", "Egress"],
        ingress: [{ from: [peer("monitoring", "prometheus")], ports: on("http-metrics") }],
        egress: [{ to: [peer("observability", "opentelemetry-collector")], ports: on(4317, 4318) }],
      },
    ],
    [
      "allow-apiserver-egress",
      {
        podSelector: {},
        policyTypes: ["Egress"],
        egress: [{ to: [block("10.0.0.4/32"), block("fd00::4/128")], ports: on(6443) }],
      },
    ],
    [
      "allow-same-namespace",
      {
        podSelector: {},
        policyTypes: ["Ingress", "Egress"],
        ingress: [{ from: [{ podSelector: {} }], ports: on(8080) }],
        egress: [{ to: [{ podSelector: {} }], ports: on(8080) }],
      },
    ],
  ])("%s", (name, spec) => {
    expect(specOf(all, name)).toEqual(spec);
  });

  test("several Pods and addresses of a peer are one clause, the ports of a collector its own", () => {
    const platform = {
      collector: { pods: [pods("b", "two"), pods("a", "one")], addresses: ["10.0.16.0/20", "10.1.0.1"], ports: [8126] },
    };
    const found = policies(["01-default-deny-egress", { name: "30-allow-observability" }], { platform });
    expect(specOf(found, "30-allow-observability")).toEqual({
      podSelector: {},
      policyTypes: ["Egress"],
      egress: [
        {
          to: [block("10.0.16.0/20"), block("10.1.0.1/32"), peer("a", "one"), peer("b", "two")],
          ports: on(8126),
        },
      ],
    });
  });
});

describe("what allows closes nothing that the baseline does not deny", () => {
  const within = (...directions: readonly ("ingress" | "egress")[]) => ({
    podSelector: {},
    policyTypes: directions.map((direction) => (direction === "ingress" ? "Ingress" : "Egress")),
    ...(directions.includes("ingress") && { ingress: [{ from: [{ podSelector: {} }] }] }),
    ...(directions.includes("egress") && { egress: [{ to: [{ podSelector: {} }] }] }),
  });
  test.each<[string, readonly TemplateName[], object]>([
    ["only ingress is denied", ["00-default-deny-ingress"], within("ingress")],
    ["only egress is denied", ["01-default-deny-egress"], within("egress")],
    ["both are", ["00-default-deny-ingress", "01-default-deny-egress"], within("ingress", "egress")],
    [
      "egress is denied by what allows DNS",
      ["00-default-deny-ingress", "10-allow-dns-egress"],
      within("ingress", "egress"),
    ],
  ])("%s", (_, denies, spec) => {
    const found = policies([...denies, { name: "allow-same-namespace" }]);
    expect(specOf(found, "allow-same-namespace")).toEqual(spec);
  });

  const optional = fc.subarray(TEMPLATES.filter((name) => !/deny|dns/.test(name)));
  const denies = fc.subarray<TemplateName>([
    "00-default-deny-ingress",
    "01-default-deny-egress",
    "10-allow-dns-egress",
  ]);
  const peers = fc.subarray(["ingressController", "prometheus", "collector"] as const);
  test("whatever templates and peers a valid baseline has: no other direction is isolated, nobody is let in or out by accident", () => {
    fc.assert(
      fc.property(denies, optional, peers, (base, more, named) => {
        const platform = Object.fromEntries(named.map((name) => [name, PLATFORM[name]]));
        const templates = [...base, ...more].map((name) => ({
          name,
          ...(PORTS.has(name) && { ports: [...(PORTS.get(name) ?? [])] }),
        }));
        const document = networkBaseline("b", { platform: { ...platform, apiServer: PLATFORM.apiServer }, templates });
        fc.pre(validateDocument(document).problems === undefined);
        const wanted = wantedPolicies(resolveBaseline(document, CONVENTIONAL), "shop").map(toPolicy);
        const isolated = (of: readonly Policy[]) => [...new Set(of.flatMap(({ isolates }) => isolates))].toSorted();
        expect(isolated(wanted)).toEqual(isolated(wanted.filter(({ ref }) => /deny|dns/.test(ref.name))));
        for (const { clauses, isolates } of wanted.filter(({ ref }) => !ref.name.includes("deny"))) {
          expect(clauses.map(({ direction }) => direction).toSorted()).toEqual(isolates.toSorted());
          for (const { peers: of, ports } of clauses) {
            expect(of).not.toBe("anyone");
            expect(of).not.toEqual([]);
            expect(ports).not.toBe("all");
          }
        }
      }),
    );
  });
});

describe("docs/templates.md", async () => {
  const text = await readFile(join(import.meta.dirname, "../../docs/templates.md"), "utf8");
  test("has a row for each template", () => {
    expect([...text.matchAll(/^\| `(.+?)` \|/gm)].map(([, name]) => name)).toEqual(TEMPLATES);
  });
  test("shows a baseline that is valid, with all of them", () => {
    const [, yaml = ""] = /```yaml\n(apiVersion[^]+?)```/.exec(text) ?? [];
    const { document, problems } = validateDocument(parse(yaml));
    expect(problems).toBeUndefined();
    expect(document?.kind === "NetworkBaseline" && document.spec.templates.map(({ name }) => name)).toEqual(TEMPLATES);
  });
  test("shows what is refused, word for word", () => {
    const [, path = "", message = ""] = /^ {2}(spec\.\S+) (is missing.+)$/m.exec(text) ?? [];
    const templates: Chosen[] = [
      { name: "00-default-deny-ingress" },
      { name: "20-allow-ingress-controller", ports: [8080] },
    ];
    const { problems } = validateDocument(networkBaseline("default", { templates }));
    expect(problems?.map((problem) => [fieldPath(problem.path), problem.message])).toEqual([[path, message]]);
  });
});

test("they are made once for each baseline, not for each namespace", () => {
  const baseline = resolvedBaseline();
  const [shop, bank] = ["shop", "bank"].map((name) => wantedPolicies(baseline, name));
  expect(shop?.map(({ metadata }) => metadata?.namespace)).toEqual(["shop", "shop", "shop"]);
  expect(bank?.map(({ metadata }) => metadata?.namespace)).toEqual(["bank", "bank", "bank"]);
  expect(shop?.map(({ spec }, i) => spec === bank?.[i]?.spec)).toEqual([true, true, true]);
  const other = wantedPolicies(resolvedBaseline("other"), "shop");
  expect(other.map(({ metadata }) => metadata?.labels)).not.toEqual(shop?.map(({ metadata }) => metadata?.labels));
});
