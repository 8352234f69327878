import { describe } from "vitest";
import type { NetworkPolicy } from "../../src/model/network-policy.ts";
import { requireMetadata } from "../../src/rules/require-metadata.ts";
import { type Block, egress, egressTo, ingress, ingressFrom, networkPolicy } from "../helpers/build.ts";
import { testRule } from "../helpers/test-rule.ts";

const both = { description: "What the shop needs.", owner: "team-shop@example.com" };
const annotated = (annotations: unknown, policy: NetworkPolicy = networkPolicy()): NetworkPolicy => ({
  ...policy,
  metadata: { ...policy.metadata, annotations: annotations as Record<string, string> },
});
/** JSON.parse makes `__proto__` a key like any other. */
const parsed = (json: string): unknown => JSON.parse(json);
const path = (key: string) => `/metadata/annotations/${key}`;

describe("annotations of every policy", () => {
  const at = [path("description"), path("owner")];
  testRule(requireMetadata, {
    passes: [
      { name: "both", policy: annotated(both) },
      { name: "more", policy: annotated({ ...both, "example.com/ticket": "SHOP-1" }) },
      { name: "none is asked for", policy: annotated({}), options: { annotations: [] } },
      {
        name: "others, by the options",
        policy: annotated({ "example.com/purpose": "x" }),
        options: { annotations: ["example.com/purpose"] },
      },
      {
        name: "`constructor` and `__proto__` are keys like any other",
        policy: annotated(parsed('{"constructor": "x", "__proto__": "y"}')),
        options: { annotations: ["constructor", "__proto__"] },
      },
    ],
    fails: [
      { name: "none", policy: annotated({}), at, says: "is missing" },
      { name: "no annotations at all", policy: annotated(undefined), at },
      { name: "null for annotations", policy: annotated(null), at },
      { name: "a list for annotations", policy: annotated(["description", "owner"]), at },
      { name: "no metadata at all", policy: { spec: {} }, at },
      {
        name: "labels, which are no annotations",
        policy: networkPolicy({ metadata: { labels: both, annotations: {} } }),
        at,
      },
      { name: "one of them", policy: annotated({ description: "x" }), at: path("owner"), says: "annotation owner" },
      { name: "empty", policy: annotated({ ...both, owner: "" }), at: path("owner") },
      { name: "blank", policy: annotated({ ...both, owner: " \n\t" }), at: path("owner") },
      { name: "no text", policy: annotated({ description: 1, owner: null }), at },
      { name: "other letters", policy: annotated({ Description: "x", OWNER: "y" }), at },
      {
        name: "a key with a slash, by the options",
        policy: annotated(both),
        options: { annotations: ["example.com/purpose"] },
        at: path("example.com~1purpose"),
      },
      {
        name: "`constructor` and `__proto__`, which every JavaScript object has and no policy",
        policy: annotated(both),
        options: { annotations: ["constructor", "__proto__", "toString"] },
        at: [path("constructor"), path("__proto__"), path("toString")],
      },
    ],
  });
});

describe("the date of the review", () => {
  const out = egressTo("203.0.113.0/28");
  const dated = (reviewed: string) => annotated({ ...both, reviewed }, out);
  testRule(requireMetadata, {
    passes: [
      ...["2026-11-01", "2024-02-29", "1999-12-31", " 2026-11-01 "].map((date) => ({
        name: JSON.stringify(date),
        policy: dated(date),
      })),
      {
        name: "under another key, by the options",
        policy: annotated({ ...both, "example.com/reviewed": "2026-11-01" }, out),
        options: { reviewed: "example.com/reviewed" },
      },
      { name: "nonsense, where none is asked for", policy: annotated({ ...both, reviewed: "never" }) },
    ],
    fails: [
      ...[
        "2026-02-29",
        "2026-02-31",
        "2026-13-01",
        "2026-00-10",
        "2026-01-00",
        "2026-1-1",
        "26-01-01",
        "01.11.2026",
        "2026/11/01",
        "2026-11-01T00:00:00Z",
        "2026-11-01 yes",
        "last year",
        "+02026-11-01",
        "\u0000".repeat(60),
        '"'.repeat(60),
        "x".repeat(5000),
        "2026\u2028-11-01",
        "\u009b31m\u0085",
      ].map((date) => ({
        name: JSON.stringify(date.slice(0, 24)),
        policy: dated(date),
        at: path("reviewed"),
        says: "annotation reviewed is not a date: ",
      })),
      { name: "none", policy: annotated(both, out), at: path("reviewed"), says: "leaves for public addresses" },
      { name: "blank", policy: dated("  "), at: path("reviewed"), says: "leaves for public addresses" },
      {
        name: "under the default's key where another is asked for",
        policy: dated("2026-11-01"),
        options: { reviewed: "constructor" },
        at: path("constructor"),
      },
      { name: "all three", policy: annotated({}, out), at: ["description", "owner", "reviewed"].map(path) },
    ],
  });
});

describe("who needs a review: egress to public addresses", () => {
  const at = path("reviewed");
  const reaching = (...blocks: (Block | string)[]) => annotated(both, egressTo(...blocks));
  testRule(requireMetadata, {
    passes: [
      { name: "nothing", policy: annotated(both, egress()) },
      { name: "Pods", policy: annotated(both, egress({ to: [{ namespaceSelector: {} }] })) },
      { name: "a peer that is not known", policy: annotated(both, egress({ to: [null, {}] })) },
      { name: "public ingress", policy: annotated(both, ingressFrom("0.0.0.0/0")) },
      { name: "ingress from anyone", policy: annotated(both, ingress({})) },
      ...["10.0.0.0/8", "172.31.255.255/32", "192.168.0.0/16", "100.127.255.255/32", "169.254.169.254/32"].map(
        (cidr) => ({ name: `private: ${cidr}`, policy: reaching(cidr) }),
      ),
      ...["fd00::/8", "fe80::1/128", "64:ff9b::10.0.0.0/104", "64:ff9b::192.168.1.1/128"].map((cidr) => ({
        name: `private: ${cidr}`,
        policy: reaching(cidr),
      })),
      {
        name: "public, all of it excepted",
        policy: reaching({ cidr: "172.0.0.0/10", except: ["172.0.0.0/12", "172.32.0.0/11"] }),
      },
      ...["", "foo", "10.0.0.0/33"].map((cidr) => ({ name: `unreadable: "${cidr}"`, policy: reaching(cidr) })),
    ],
    fails: [
      ...[
        "8.8.8.8/32",
        "0.0.0.0/0",
        "172.32.0.0/32",
        "172.15.255.255/32",
        "100.128.0.0/32",
        "192.169.0.0/16",
        "9.0.0.0/7",
        "2001:db8::1/128",
        "::/0",
        "64:ff9b::8.8.8.8/128",
        "64:ff9b::/96",
      ].map((cidr) => ({ name: `public: ${cidr}`, policy: reaching(cidr), at })),
      { name: "public beside private", policy: reaching("10.0.0.0/8", "8.8.8.8/32"), at },
      { name: "public, but for private", policy: reaching({ cidr: "0.0.0.0/0", except: ["10.0.0.0/8"] }), at },
      { name: "anyone", policy: annotated(both, egress({ ports: [{ port: 443 }] })), at },
      { name: "a null clause, which is anyone", policy: annotated(both, egress(null)), at },
      { name: "the second clause", policy: annotated(both, egress({ to: [{ podSelector: {} }] }, { to: [] })), at },
    ],
  });
});
