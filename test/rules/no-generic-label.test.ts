import { describe } from "vitest";
import { noGenericLabel } from "../../src/rules/no-generic-label.ts";
import { egress, expression, ingress, networkPolicy, selector } from "../helpers/build.ts";
import { testRule } from "../helpers/test-rule.ts";

const selecting = (podSelector: object) => networkPolicy({ spec: { podSelector } });
const label = (name: string) => `/spec/podSelector/matchLabels/${name.replaceAll("/", "~1")}`;
const at = "/spec/podSelector/matchExpressions/0";

describe("which labels", () => {
  const generic = [
    ["app", "service"],
    ["app", "app"],
    ["app", "api"],
    ["app", "backend"],
    ["app", "API"],
    ["name", "server"],
    ["service", "service"],
    ["role", "worker"],
    ["component", "backend"],
    ["app.kubernetes.io/name", "api"],
    ["app.kubernetes.io/component", "server"],
  ] as const;
  testRule(noGenericLabel, {
    passes: [
      { name: "no selector", policy: selecting({}) },
      ...["shop-api", "api-gateway", "web", "database", "frontend", "", "constructor"].map((value) => ({
        name: `app: "${value}"`,
        policy: selecting(selector({ app: value })),
      })),
      { name: "a key that names no workload", policy: selecting(selector({ "app.kubernetes.io/part-of": "api" })) },
      { name: "a key that contains one", policy: selecting(selector({ "my-app": "api", "x/app": "api" })) },
      { name: "keys that every JavaScript object has", policy: selecting(selector({ constructor: "api" })) },
      { name: "a label of the policy itself", policy: networkPolicy({ metadata: { labels: { app: "api" } } }) },
    ],
    fails: [
      ...generic.map(([key, value]) => ({
        name: `${key}: ${value}`,
        policy: selecting(selector({ [key]: value })),
        at: label(key),
        says: `\`${key}: ${value}\` may be any workload`,
      })),
      ...["backend", "frontend", "anything-at-all", "\u001b[31m", "x".repeat(500)].map((value) => ({
        name: `tier: ${JSON.stringify(value.slice(0, 20))}`,
        policy: selecting(selector({ tier: value })),
        at: label("tier"),
        says: "label tier names a class of workloads",
      })),
    ],
  });
});

describe("alone", () => {
  testRule(noGenericLabel, {
    passes: [
      { name: "with a second label", policy: selecting(selector({ app: "api", "app.kubernetes.io/part-of": "shop" })) },
      {
        name: "with a second generic label: together they say more",
        policy: selecting(selector({ app: "api", tier: "x" })),
      },
      {
        name: "with a second label that exists",
        policy: selecting(selector({ app: "api" }, expression("team", "Exists"))),
      },
      {
        name: "with a second one in a list",
        policy: selecting(selector({ app: "api" }, expression("team", "In", ["a"]))),
      },
      {
        name: "a list with one value that names",
        policy: selecting(selector({}, expression("app", "In", ["api", "shop"]))),
      },
      { name: "an empty list, which nothing has", policy: selecting(selector({}, expression("app", "In", []))) },
      {
        name: "requirements that contradict, which nothing fulfils",
        policy: selecting(selector({ app: "api" }, expression("app", "NotIn", ["api"]))),
      },
      {
        name: "two lists that leave only what names",
        policy: selecting(selector({}, expression("app", "In", ["api", "shop"]), expression("app", "In", ["shop"]))),
      },
      { name: "no value: that it is there", policy: selecting(selector({}, expression("app", "Exists"))) },
      { name: "no value: of a class", policy: selecting(selector({}, expression("tier", "Exists"))) },
      { name: "what it is not", policy: selecting(selector({}, expression("app", "NotIn", ["api"]))) },
    ],
    fails: [
      { name: "In", policy: selecting(selector({}, expression("app", "In", ["api"]))), at },
      {
        name: "In, all of them generic",
        policy: selecting(selector({}, expression("app", "In", ["api", "app", "backend"]))),
        at,
        says: "`app: api` or 2 more such may be any workload",
      },
      {
        name: "In, of a class",
        policy: selecting(selector({}, expression("tier", "In", ["a", "b"]))),
        at,
        says: "label tier names a class",
      },
      {
        name: "the same label twice",
        policy: selecting(selector({ app: "api" }, expression("app", "Exists"), expression("app", "In", ["api"]))),
        at: label("app"),
      },
      {
        name: "two lists that leave only what is generic",
        policy: selecting(selector({}, expression("app", "In", ["api", "shop"]), expression("app", "In", ["api"]))),
        at,
        says: "`app: api` may be any",
      },
      {
        name: "a list, but for what names",
        policy: selecting(selector({}, expression("app", "NotIn", ["shop"]), expression("app", "In", ["api", "shop"]))),
        at: "/spec/podSelector/matchExpressions/1",
      },
      {
        name: "with a second label that only excludes",
        policy: selecting(
          selector({ app: "api" }, expression("team", "NotIn", ["x"]), expression("x", "DoesNotExist")),
        ),
        at: label("app"),
      },
    ],
  });
});

describe("wherever it stands, and by the options", () => {
  const api = selector({ app: "api" });
  testRule(noGenericLabel, {
    passes: [
      {
        name: "a namespaceSelector, which is no-mutable-namespace-label's matter",
        policy: ingress({ from: [{ namespaceSelector: api, podSelector: selector({ app: "shop" }) }] }),
      },
      { name: "selectors that are not there", policy: ingress({ from: [null, {}, { podSelector: null }] }, null) },
      { name: "another key by the options", policy: selecting(api), options: { keys: ["team"] } },
      { name: "another value by the options", policy: selecting(api), options: { values: ["thing"] } },
      { name: "no class by the options", policy: selecting(selector({ tier: "api" })), options: { classKeys: [] } },
    ],
    fails: [
      {
        name: "peers, beside a namespace and alone",
        policy: egress(
          {
            to: [{ podSelector: api, namespaceSelector: selector({ "kubernetes.io/metadata.name": "shop" }) }],
          },
          { to: [{ podSelector: {} }, { podSelector: api }] },
        ),
        at: ["/spec/egress/0/to/0/podSelector/matchLabels/app", "/spec/egress/1/to/1/podSelector/matchLabels/app"],
      },
      {
        name: "what the options say",
        policy: selecting(selector({ constructor: "thing" })),
        options: { keys: ["constructor"], values: ["thing"] },
        at: label("constructor"),
      },
      {
        name: "a class that the options name",
        policy: selecting(selector({ zone: "a" })),
        options: { classKeys: ["zone"] },
        at: label("zone"),
      },
    ],
  });
});
