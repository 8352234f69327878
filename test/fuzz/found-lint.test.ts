import { describe, expect, test } from "vitest";
import { faultOf, lint } from "./lint-answers.ts";

const POLICY = {
  apiVersion: "networking.k8s.io/v1",
  kind: "NetworkPolicy",
  metadata: { name: "web", namespace: "shop" },
};
const LIST = { apiVersion: "v1", kind: "List" };
/** JSON of an object that JavaScript cannot make a text of. */
const NO_TEXT = { toString: 1, valueOf: 2 };
const MEGABYTE = 1_000_000;
/** Each takes a second or two, on a machine that may have other work. */
const LIMIT_MS = 120_000;

function ours(kind: unknown, spec: unknown, metadata: object = {}): object {
  return { apiVersion: "drawbridge.dev/v1alpha1", kind, metadata: { name: "default", ...metadata }, spec };
}

function namespace(labels: object, name: unknown = "shop"): object {
  return { apiVersion: "v1", kind: "Namespace", metadata: { name, labels } };
}

function times<T>(count: number, item: (i: number) => T): T[] {
  return Array.from({ length: count }, (_, i) => item(i));
}

function keys(count: number, value: (i: number) => unknown): object {
  return Object.fromEntries(times(count, (i) => [`k${i}`, value(i)]));
}

const policies = (count: number) => times(count, () => ({ ...POLICY, spec: { podSelector: {}, egress: [{}] } }));
const clauses = (count: number) => ({ podSelector: {}, egress: times(count, () => ({})) });

function exception(name: string, policyNames: readonly string[], rules = ["no-open-egress"]): object {
  const said = { reason: "r", owner: "o", expires: "2026-11-30" };
  return ours("NetworkException", { rules, policies: { names: policyNames }, ...said }, { name, namespace: "shop" });
}

const EXCEPTABLE = ours("NetworkRuleset", { exceptions: { rules: ["no-open-egress"], maxDays: 30 } });
const permanent = (more: object) => ({ rules: ["no-open-egress"], reason: "r", owner: "o", ...more });

/** Values where nobody expects them. */
describe("odd values", () => {
  const odd: readonly unknown[] = [
    NO_TEXT,
    { toString: null },
    { __proto__: null, toJSON: 1 },
    [NO_TEXT],
    [[]],
    null,
    true,
    -0,
    1e21,
    "\ud800",
  ];
  const strange = JSON.parse(
    '{"__proto__":{"x":1},"constructor":{"prototype":1},"hasOwnProperty":1,"length":-1}',
  ) as object;
  const values: readonly unknown[] = [...odd, strange, "\u001b[2J\u0085\u2028\u202e", "x".repeat(MEGABYTE)];

  test.each<[what: string, objectOf: (value: unknown) => unknown]>([
    ["a document", (value) => value],
    ["a kind", (value) => ({ ...POLICY, kind: value })],
    ["an apiVersion", (value) => ({ ...POLICY, apiVersion: value })],
    ["a kind of ours", (value) => ours(value, {})],
    ["a spec of ours", (value) => ours("NetworkRuleset", value)],
    ["rules of ours", (value) => ours("NetworkRuleset", { rules: value })],
    ["a rule of ours", (value) => ours("NetworkRuleset", { rules: { "no-broad-cidr": value } })],
    [
      "an option of ours",
      (value) => ours("NetworkRuleset", { rules: { "no-broad-cidr": { options: { publicIPv4: value } } } }),
    ],
    ["a name of ours", (value) => ours("NetworkRuleset", {}, { name: value })],
    ["a namespace of ours", (value) => ours("NetworkException", {}, { namespace: value })],
    ["items", (value) => ({ ...LIST, items: value })],
    ["an item", (value) => ({ ...LIST, items: [value, POLICY] })],
    ["the kind of a List", (value) => ({ apiVersion: "v1", kind: value, items: [POLICY, {}] })],
    ["metadata", (value) => ({ ...POLICY, metadata: value })],
    ["a name", (value) => ({ ...POLICY, metadata: { name: value } })],
    ["a namespace", (value) => ({ ...POLICY, metadata: { name: "web", namespace: value } })],
    ["labels", (value) => namespace(value as object)],
    ["a label", (value) => namespace({ "drawbridge.dev/mode": value, "drawbridge.dev/ruleset": value })],
    ["a Namespace's name", (value) => namespace({ "drawbridge.dev/mode": "warn" }, value)],
    ["annotations", (value) => ({ ...POLICY, metadata: { name: "web", annotations: value } })],
    ["a date", (value) => ({ ...POLICY, metadata: { name: "web", annotations: { expires: value, owner: value } } })],
    ["an owner", (value) => ({ ...POLICY, kind: "Pod", apiVersion: "v1", metadata: { ownerReferences: [value] } })],
    ["a spec", (value) => ({ ...POLICY, spec: value })],
    ["clauses", (value) => ({ ...POLICY, spec: { podSelector: value, egress: value, policyTypes: value } })],
    ["a clause", (value) => ({ ...POLICY, spec: { podSelector: {}, egress: [value], policyTypes: [value] } })],
    ["a peer", (value) => ({ ...POLICY, spec: { podSelector: {}, egress: [{ to: [value], ports: [value] }] } })],
    [
      "a CIDR",
      (value) => ({
        ...POLICY,
        spec: { podSelector: {}, egress: [{ to: [{ ipBlock: { cidr: value, except: [value] } }] }] },
      }),
    ],
    [
      "a port",
      (value) => ({
        ...POLICY,
        spec: { podSelector: {}, ingress: [{ ports: [{ port: value, endPort: value, protocol: value }] }] },
      }),
    ],
    [
      "a requirement",
      (value) => ({
        ...POLICY,
        spec: { podSelector: { matchExpressions: [{ key: value, operator: value, values: value }] } },
      }),
    ],
  ])("as %s", (_what, objectOf) => {
    for (const value of values) {
      const text = JSON.stringify(objectOf(value));
      // The same object once more, which may contradict the first.
      for (const file of [text, `${text}\n${text}`])
        expect(faultOf(file, lint(file)), file.slice(0, 500)).toBeUndefined();
    }
  });

  test.each(["1e400", "-1e400", "-0", "9".repeat(40), "1e-400", "0.1e1", '"\\ud800"', "NaN", "0x1F"])(
    "%s",
    (scalar) => {
      const text = `{"apiVersion":"networking.k8s.io/v1","kind":"NetworkPolicy","metadata":{"name":${scalar}},"spec":{"podSelector":{},"egress":[{"ports":[{"port":${scalar},"endPort":${scalar}}]}]}}`;
      expect(faultOf(text, lint(text))).toBeUndefined();
    },
  );
});

/**
 * A megabyte of each, which took minutes or all memory, or still would if somebody did twice what need be done once. No
 * time is asserted: what takes the square of its size does not end before the runner's patience does.
 */
describe("much of one thing", () => {
  const list = (items: readonly unknown[]) => JSON.stringify({ ...LIST, items });
  const many = keys(25_000, () => "v");

  test.each<[what: string, text: string, found: RegExp]>([
    ["carriage returns", "\r".repeat(MEGABYTE), /U\+000D/],
    ["lines of old Macs", "a: 1\r".repeat(MEGABYTE / 5), /U\+000D/],
    ["carriage returns behind brackets", `{"a":${"[".repeat(300)}${"\r".repeat(MEGABYTE)}`, /U\+000D/],
    ["a float of digits and _", `a: .9${"_9".repeat(4_000_000)}\n`, /neither apiVersion nor kind/],
    ["an integer of _", `a: 1${"_".repeat(MEGABYTE)}\n`, /neither apiVersion nor kind/],
    ["brackets in brackets", `a: [${`${"[".repeat(190)}${"]".repeat(190)},\n `.repeat(2_600)}]`, /too many values/],
    [
      "a long key",
      JSON.stringify(ours("NetworkRuleset", { rules: { ["r".repeat(MEGABYTE / 2)]: keys(50_000, () => 1) } })),
      /1,024 characters/,
    ],
    ["a long key in YAML", `? ${"k".repeat(MEGABYTE)}\n: 1\n`, /1,024 characters/],
    ["brackets in JSON", `{"a":${"[".repeat(100_000)}${"]".repeat(100_000)}}`, /levels deep/],
    ["separators", "---\n".repeat(100_000), /^$/],
    ["documents", "---\na: 1\n".repeat(20_000), /neither/],
    ["JSON after JSON", "{}".repeat(20_000), /neither/],
    [
      "owners",
      JSON.stringify({ ...POLICY, metadata: { name: "web", ownerReferences: times(300_000, () => ({})) } }),
      /more than 1,000 faults/,
    ],
    ["items that are nothing", list(times(300_000, () => 1)), /more than 100,000 findings/],
    [
      "Lists in Lists",
      JSON.stringify(
        times(40, () => 0).reduce<object>((inner) => ({ ...LIST, items: [inner] }), {
          ...LIST,
          items: times(150_000, () => 1),
        }),
      ),
      /more than 100,000 findings/,
    ],
    [
      "a List of a long kind",
      JSON.stringify({ apiVersion: "v1", kind: `${"x".repeat(MEGABYTE / 2)}List`, items: times(50_000, () => ({})) }),
      /neither/,
    ],
    [
      "a long name, and findings",
      JSON.stringify({ ...POLICY, metadata: { name: "x".repeat(MEGABYTE / 2) }, spec: clauses(15_000) }),
      /everyone/,
    ],
    [
      "a long namespace, and findings",
      JSON.stringify({ ...POLICY, metadata: { name: "x", namespace: "x".repeat(MEGABYTE) }, spec: clauses(15_000) }),
      /everyone/,
    ],
    [
      "blanks at the end, and findings",
      `${JSON.stringify({ ...POLICY, spec: clauses(15_000) }, null, 1)}${" ".repeat(MEGABYTE)}`,
      /everyone/,
    ],
    [
      "a ruleset of a long name",
      list([ours("NetworkRuleset", {}, { name: "r".repeat(MEGABYTE / 2) }), ...policies(2_000)]),
      /everyone/,
    ],
    [
      "labels of a Namespace that is there often",
      list([namespace(many), ...times(5_000, () => namespace({}))]),
      /label environment is missing/,
    ],
    ["labels of a Namespace, and its policies", list([namespace(many), ...policies(4_000)]), /everyone/],
    [
      "contradictions",
      list([
        ours("NetworkRuleset", { description: "x".repeat(MEGABYTE / 2) }),
        ...times(5_000, (i) => ours("NetworkRuleset", { description: `y${i}` })),
      ]),
      /says something else/,
    ],
    [
      "exceptions",
      list([EXCEPTABLE, ...times(2_000, (i) => exception(`e${i}`, ["web"])), ...policies(2_000)]),
      /everyone/,
    ],
    [
      "exceptions, and findings",
      list([EXCEPTABLE, ...times(2_000, (i) => exception(`e${i}`, ["web"])), { ...POLICY, spec: clauses(15_000) }]),
      /everyone/,
    ],
    [
      "permanent exceptions, and findings",
      list([
        ours("NetworkRuleset", {
          exceptions: {
            permanent: times(3_000, () => permanent({ rules: ["no-open-ingress"], namespaces: { names: ["shop"] } })),
          },
        }),
        { ...POLICY, spec: clauses(15_000) },
      ]),
      /everyone/,
    ],
    [
      "requirements of an exception",
      list([
        ours("NetworkRuleset", {
          exceptions: {
            permanent: [
              permanent({
                namespaces: {
                  selector: { matchExpressions: times(8_000, (i) => ({ key: `a${i}`, operator: "DoesNotExist" })) },
                },
              }),
            ],
          },
        }),
        ...policies(1_500),
      ]),
      /everyone/,
    ],
  ])(
    "%s",
    (_what, text, found) => {
      const answered = lint(text);
      expect(answered.findings.length === 0 ? "" : answered.findings.map(({ message }) => message).join("\n")).toMatch(
        found,
      );
      expect(faultOf(text, answered)).toBeUndefined();
    },
    LIMIT_MS,
  );
});
