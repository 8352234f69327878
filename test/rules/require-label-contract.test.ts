import { describe } from "vitest";
import { TEMPLATES } from "../../src/config/baseline.ts";
import { wantedPolicies } from "../../src/baseline/templates.ts";
import { requireLabelContract } from "../../src/rules/require-label-contract.ts";
import { egress, expression, ingress, resolvedBaseline, networkPolicy, selector } from "../helpers/build.ts";
import { testRule } from "../helpers/test-rule.ts";

const selecting = (podSelector: object) => networkPolicy({ spec: { podSelector } });
const app = selector({ app: "web" });
const at = "/spec/podSelector/matchLabels/app";

describe("the keys", () => {
  const contract = ["name", "instance", "component", "part-of"].map((name) => `app.kubernetes.io/${name}`);
  testRule(requireLabelContract, {
    passes: [
      ...[...contract, "drawbridge.dev/exposure"].map((key) => ({
        name: key,
        policy: selecting(selector({ [key]: "x" }, expression(key, "NotIn", ["y"]))),
      })),
      { name: "no key", policy: selecting({}) },
      { name: "all of them", policy: selecting(selector(Object.fromEntries(contract.map((key) => [key, "x"])))) },
      { name: "a label of the policy itself", policy: networkPolicy({ metadata: { labels: { app: "web" } } }) },
      { name: "a key by the options", policy: selecting(app), options: { keys: ["app"] } },
      {
        name: "a prefix by the options",
        policy: selecting(selector({ "example.com/team": "x", "example.com/app": "y" })),
        options: { prefixes: ["example.com"] },
      },
    ],
    fails: [
      { name: "another key", policy: selecting(app), at, says: "label app is not in the contract" },
      {
        name: "another key of the same prefix",
        policy: selecting(selector({ "app.kubernetes.io/version": "1" })),
        at: "/spec/podSelector/matchLabels/app.kubernetes.io~1version",
      },
      {
        name: "beside one of the contract",
        policy: selecting(selector({ "app.kubernetes.io/name": "web", app: "web" })),
        at,
      },
      ...["In", "NotIn", "Exists", "DoesNotExist", "is"].map((operator) => ({
        name: `in an expression, ${operator}`,
        policy: selecting(
          selector({}, expression("app.kubernetes.io/name", "Exists"), expression("app", operator, ["x"])),
        ),
        at: "/spec/podSelector/matchExpressions/1",
      })),
      {
        name: "what the options leave out",
        policy: selecting(selector({ "app.kubernetes.io/name": "x" })),
        options: { keys: ["app"] },
        at: "/spec/podSelector/matchLabels/app.kubernetes.io~1name",
      },
      ...["example.com.evil.org/team", "sub.example.com/team", "example.com", "example.com-team", "/team"].map(
        (key) => ({
          name: `not of the prefix: ${key}`,
          policy: selecting(selector({ [key]: "x" })),
          options: { prefixes: ["example.com"] },
          at: `/spec/podSelector/matchLabels/${key.replaceAll("/", "~1")}`,
        }),
      ),
      {
        name: "a long key",
        policy: selecting(selector({ ["x".repeat(300)]: "x" })),
        at: `/spec/podSelector/matchLabels/${"x".repeat(300)}`,
        says: "label of this name is not",
      },
      {
        name: "an odd key",
        policy: selecting(selector({ "a\u001b[31m": "x" })),
        at: "/spec/podSelector/matchLabels/a\u001b[31m",
      },
      {
        name: "a key that every JavaScript object has",
        policy: selecting(selector({ constructor: "x" })),
        at: "/spec/podSelector/matchLabels/constructor",
      },
    ],
  });
});

describe("whose selectors", () => {
  const NAME = "kubernetes.io/metadata.name";
  const dns = selector({ "k8s-app": "kube-dns" });
  const to = (namespaceSelector: object) => egress({ to: [{ namespaceSelector, podSelector: dns }] });
  const peer = "/spec/egress/0/to/0/podSelector/matchLabels/k8s-app";
  testRule(requireLabelContract, {
    passes: [
      ...wantedPolicies(resolvedBaseline("b", { templates: [...TEMPLATES] }), "shop").map((policy) => ({
        name: `what Drawbridge injects: ${policy.metadata?.name}`,
        policy,
      })),
      { name: "the cluster's DNS", policy: to(selector({ [NAME]: "kube-system" })) },
      { name: "by an expression", policy: to(selector({}, expression(NAME, "In", ["kube-system"]))) },
      { name: "with another label", policy: to(selector({ [NAME]: "kube-system", x: "y" })) },
      {
        name: "several of the options",
        policy: to(selector({}, expression(NAME, "In", ["openshift-dns", "kube-system"]))),
        options: { exemptNamespaces: ["kube-system", "openshift-dns"] },
      },
      {
        name: "a list of which only DNS is left",
        policy: to(selector({ [NAME]: "kube-system" }, expression(NAME, "In", ["kube-system", "shop"]))),
      },
      { name: "a namespaceSelector may use any key", policy: ingress({ from: [{ namespaceSelector: app }] }) },
      { name: "selectors that are not there", policy: ingress({ from: [null, {}, { podSelector: null }] }, null) },
    ],
    fails: [
      { name: "DNS in the own namespace", policy: egress({ to: [{ podSelector: dns }] }), at: peer },
      {
        name: "DNS in another list item, which is OR",
        policy: egress({ to: [{ podSelector: dns }, { namespaceSelector: selector({ [NAME]: "kube-system" }) }] }),
        at: peer,
      },
      { name: "another namespace", policy: to(selector({ [NAME]: "shop" })), at: peer },
      {
        name: "another namespace too",
        policy: to(selector({}, expression(NAME, "In", ["kube-system", "shop"]))),
        at: peer,
      },
      { name: "every namespace", policy: to({}), at: peer },
      { name: "every namespace, by name", policy: to(selector({}, expression(NAME, "Exists"))), at: peer },
      { name: "all but one", policy: to(selector({}, expression(NAME, "NotIn", ["shop"]))), at: peer },
      { name: "none at all", policy: to(selector({}, expression(NAME, "In", []))), at: peer },
      { name: "by `name`, which anybody can set", policy: to(selector({ name: "kube-system" })), at: peer },
      {
        name: "what the options leave out",
        policy: to(selector({ [NAME]: "kube-system" })),
        options: { exemptNamespaces: [] },
        at: peer,
      },
      {
        name: "the policy's own Pods and each peer",
        policy: networkPolicy({
          spec: { podSelector: app, ingress: [{ from: [{ podSelector: app }, { podSelector: app }] }] },
        }),
        at: [
          at,
          "/spec/ingress/0/from/0/podSelector/matchLabels/app",
          "/spec/ingress/0/from/1/podSelector/matchLabels/app",
        ],
      },
    ],
  });
});
