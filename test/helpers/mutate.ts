import * as fc from "fast-check";
import { at, isRecord, pointer, stepsOf } from "../../src/model/json.ts";

/**
 * Policies that were valid, with one or two things changed: what people write by mistake, and what decides between
 * accepted and refused. `apiVersion`, `kind` and the namespace stay, as they say where to post it.
 */
export function mutatedPolicies(policies: readonly object[]): fc.Arbitrary<unknown> {
  const often = (weight: number, ...how: readonly Change["how"][]) => ({ weight, arbitrary: fc.constantFrom(...how) });
  const how = fc.oneof(often(6, "exchange"), often(3, "drop", "null"), often(3, ...HOW));
  const change: fc.Arbitrary<Change> = fc.record({ where: fc.nat(), how, chance: fc.nat() });
  return fc
    .record({ policy: fc.constantFrom(...policies), changes: fc.array(change, { minLength: 1, maxLength: 2 }) })
    .map(({ policy, changes }) => changes.reduce<unknown>(mutate, policy));
}

interface Change {
  /** Which place of all that there are, and which word, key or other place: taken modulo their number. */
  readonly where: number;
  readonly chance: number;
  readonly how: (typeof HOW)[number];
}

/** Between them every field that a policy may have. */
export const VALID_POLICIES: readonly object[] = [
  {
    metadata: {
      name: "web",
      labels: { app: "web" },
      annotations: { description: "Who may call the web.", "example.com/owner": "shop" },
    },
    spec: {
      podSelector: { matchLabels: { "app.kubernetes.io/name": "web" } },
      policyTypes: ["Ingress", "Egress"],
      ingress: [
        {
          from: [
            { podSelector: { matchLabels: { app: "a" } }, namespaceSelector: { matchLabels: { team: "b" } } },
            { namespaceSelector: { matchExpressions: [{ key: "team", operator: "In", values: ["a", "b"] }] } },
          ],
          ports: [{ port: 8080, protocol: "TCP" }, { port: "metrics" }],
        },
      ],
      egress: [
        {
          to: [{ ipBlock: { cidr: "10.0.0.0/8", except: ["10.1.0.0/16", "10.2.0.0/24"] } }],
          ports: [{ port: 8000, endPort: 8010 }],
        },
        { to: [{ podSelector: {} }], ports: [{ port: 53, protocol: "UDP" }] },
      ],
    },
  },
  {
    metadata: { generateName: "api-", finalizers: ["example.com/keep"], creationTimestamp: null },
    spec: {
      podSelector: { matchExpressions: [{ key: "app", operator: "Exists" }] },
      egress: [{ to: [{ ipBlock: { cidr: "2001:db8::/32", except: ["2001:db8:1::/48"] } }] }, {}],
    },
  },
  {
    metadata: {
      name: "deny",
      namespace: "default",
      ownerReferences: [{ apiVersion: "v1", kind: "ConfigMap", name: "a", uid: "1", controller: true }],
    },
    spec: { podSelector: {}, ingress: [], policyTypes: ["Ingress"] },
  },
].map((policy) => ({ apiVersion: "networking.k8s.io/v1", kind: "NetworkPolicy", ...policy }));

/** Odd and even valid texts, numbers and shapes, for every field that takes any. */
export const WORDS: readonly unknown[] = [
  ..."10.0.0.0/8 10.0.0.1/8 10.0.0.0/08 010.0.0.0/8 10.0.0.0 0.0.0.0/0 255.255.255.255/32 10/8".split(" "),
  "10.0.0.0/33",
  "10.1.0.0/16",
  "10.0.0.0/-1",
  "10.0.0.0/8 ",
  ..."1.2.3.4.5/8 256.0.0.0/8 10.0.0.0/8/8 /8".split(" "),
  ..."::/0 2001:db8::/32 2001:0db8::/32 02001:db8::/32 2001:DB8::/32 2001:db8::1/32 ::1/128".split(" "),
  ..."::ffff:10.0.0.0/104 ::ffff:0:0/96 ::10.0.0.0/104 fe80::%eth0/64 ::/129 1::2::3/64 ::ffff/128".split(" "),
  ..."app app.kubernetes.io/name a/b/c /a a/ A.b/c a.B/c -a a-".split(" "),
  "a b",
  ..."é _ a_b a..b".split(" "),
  "x".repeat(63),
  "x".repeat(64),
  "a.".repeat(126) + "a",
  "a.".repeat(127) + "a",
  `${"x".repeat(64)}/a`,
  ..."In NotIn Exists DoesNotExist in Gt Ingress Egress ingress TCP UDP SCTP tcp".split(" "),
  ..."http http-alt HTTP http--alt -http 80 8a a-very-long-port fifteen-letters".split(" "),
  "",
  " ",
  ..."* web- web. kubernetes orphan foregroundDeletion example.com/x null true".split(" "),
  "a\nb",
  "constructor",
  ..."2030-01-31T12:00:00Z 2030-02-31T12:00:00Z 2030-01-31 v1 a/v1 a/b/v1 Event __proto__".split(" "),
  0,
  1,
  -1,
  53,
  80,
  65535,
  65536,
  80.5,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 63,
  -(2 ** 31),
  1e21,
  1e-7,
  true,
  false,
  null,
  {},
  [],
  [null],
  [{}],
  [[]],
  [""],
  { a: "b" },
  { a: null },
  { a: 1 },
  { podSelector: {} },
  ["Ingress"],
  ["Egress"],
  ["Ingress", "Egress", "Ingress"],
  [null, null],
  { cidr: "10.0.0.0/8" },
];

const FIXED = new Set(["", "/apiVersion", "/kind", "/metadata/namespace"]);
const HOW = ["drop", "null", "exchange", "replace", "wrap", "unwrap", "copy", "rename", "add"] as const;

/** Fields, so that renaming finds one that is known elsewhere, or nearly. */
const KEYS = [
  ..."podSelector namespaceSelector ipBlock cidr except from to ports port endPort".split(" "),
  ..."protocol matchLabels matchExpressions key operator values policyTypes ingress egress".split(" "),
  ..."labels annotations name generateName finalizers ownerReferences status podselector cidrs".split(" "),
  ..."uid creationTimestamp generation managedFields deletionTimestamp selfLink controller".split(" "),
];

function mutate(object: unknown, { where, how, chance }: Change): unknown {
  const places = placesIn(object, "").filter((path) => !FIXED.has(path));
  const path = places[where % places.length];
  if (path === undefined) return object;
  const old = at(object, path);
  const key = KEYS[chance % KEYS.length] ?? "x";
  const alike = WORDS.filter((word) => typeof word === typeof old);
  const word = WORDS[chance % WORDS.length];
  const edits: Readonly<Record<Change["how"], (name: string) => Entries>> = {
    drop: () => [],
    rename: () => [[key, old]],
    add: (name) => [[name, isRecord(old) ? { ...old, [key]: word } : Array.isArray(old) ? [...old, word] : old]],
    null: (name) => [[name, null]],
    exchange: (name) => [[name, alike[chance % alike.length]]],
    replace: (name) => [[name, word]],
    wrap: (name) => [[name, [old]]],
    unwrap: (name) => [[name, Array.isArray(old) ? (old[0] ?? null) : JSON.stringify(old)]],
    copy: (name) => [[name, at(object, places[chance % places.length] ?? path)]],
  };
  return edited(object, path, edits[how]);
}

type Entries = readonly (readonly [name: string, value: unknown])[];

function placesIn(value: unknown, path: string): string[] {
  const inner = Array.isArray(value)
    ? value.flatMap((item, i) => placesIn(item, pointer(path, i)))
    : isRecord(value)
      ? Object.entries(value).flatMap(([key, item]) => placesIn(item, pointer(path, key)))
      : [];
  return [path, ...inner];
}

/** The same with other entries (none, or one) in the place of the one at `path`. */
function edited(value: unknown, path: string, entries: (name: string) => Entries): unknown {
  const [step, ...rest] = stepsOf(path);
  const one = ([name, item]: [string, unknown]): Entries =>
    name !== step
      ? [[name, item]]
      : rest.length === 0
        ? entries(name)
        : [[name, edited(item, pointer("", ...rest), entries)]];
  if (Array.isArray(value)) return value.flatMap((item, i) => one([String(i), item]).map(([, left]) => left));
  // Object.fromEntries makes even `__proto__` a key like any other, as JSON.parse does.
  return isRecord(value) ? Object.fromEntries(Object.entries(value).flatMap(one)) : value;
}
