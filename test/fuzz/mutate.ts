import type { Random } from "./random.ts";

/**
 * A copy of a JSON value with one to four things wrong in it; whatever else is right stays so. What is an object or a
 * list remains one: only what is inside is changed. `donors` are values whose parts may be planted anywhere.
 */
export function mutateValue(value: unknown, random: Random, donors: readonly unknown[] = []): unknown {
  // JSON.parse makes `__proto__` a key like any other.
  const root: unknown = JSON.parse(JSON.stringify(value));
  for (let left = 1 + random.below(4) * random.below(2); left > 0; left--) {
    const place = random.from(placesIn(root));
    if (place === undefined) plant(root, random);
    else random.pick(MUTATIONS)(place, random, donors);
  }
  return root;
}

type Container = Record<string, unknown> | unknown[];

interface Place {
  readonly parent: Container;
  readonly key: string | number;
}

/** Every place inside a value: the entries of all objects and lists in it. */
export function placesIn(value: unknown, places: Place[] = []): Place[] {
  if (!isContainer(value)) return places;
  const keys = Array.isArray(value) ? value.keys() : Object.keys(value);
  for (const key of keys) {
    places.push({ parent: value, key });
    placesIn(get({ parent: value, key }), places);
  }
  return places;
}

type Mutation = (place: Place, random: Random, donors: readonly unknown[]) => void;

const MUTATIONS: readonly Mutation[] = [
  (place) => remove(place),
  (place) => set(place, null),
  (place, random) => set(place, otherType(get(place), random)),
  (place, random) => set(place, random.pick(DICTIONARY)),
  (place, random) => set(place, random.pick(DICTIONARY)),
  (place, random) => set(place, nearby(get(place), random)),
  (place, random) => set(place, nearby(get(place), random)),
  ({ parent }, random) => plant(parent, random),
  (place, random) => rename(place, random.pick(KEYS)),
  (place, random) => swap(place, random),
  (place, random) => repeat(place, random),
  (place, random) => set(place, nested(random.oneIn(50) ? 200 : random.below(8), get(place), random)),
  (place, random, donors) => {
    const donor = random.from(placesIn(random.from(donors)));
    if (donor !== undefined) set(place, copy(get(donor)));
  },
];

function remove({ parent, key }: Place): void {
  if (Array.isArray(parent)) parent.splice(Number(key), 1);
  else delete parent[key];
}

/** The same meaning in another type: a number as text, a thing as a list of it, a list as its first item. */
function otherType(value: unknown, random: Random): unknown {
  switch (random.below(5)) {
    case 0:
      return [value];
    case 1:
      return Array.isArray(value) ? (value as unknown[])[0] : { value };
    case 2:
      return typeof value === "string" ? Number(value) || 0 : JSON.stringify(value);
    case 3:
      return isContainer(value) && !Array.isArray(value) ? Object.values(value) : {};
    default:
      return [];
  }
}

/** Almost what was there: a bit more or less, one character another. */
function nearby(value: unknown, random: Random): unknown {
  if (typeof value === "number") return value + random.pick([1, -1, 0.5, 65_536, -value, value * 1e9]);
  if (typeof value === "boolean") return !value;
  if (typeof value !== "string") return copy(value);
  const at = random.below(value.length + 1);
  const piece = random.pick(PIECES);
  return random.oneIn(3) ? value.slice(0, at) : value.slice(0, at) + piece + value.slice(at + random.below(2));
}

/** A new entry. */
function plant(parent: unknown, random: Random): void {
  const value = random.pick(DICTIONARY);
  if (Array.isArray(parent)) parent.splice(random.below(parent.length + 1), 0, value);
  else if (isContainer(parent)) set({ parent, key: random.pick(KEYS) }, value);
}

function rename(place: Place, key: string): void {
  const value = get(place);
  if (Array.isArray(place.parent)) return set(place, { [key]: value });
  remove(place);
  set({ parent: place.parent, key }, value);
}

function swap(place: Place, random: Random): void {
  const other = random.from(placesIn(place.parent));
  if (other === undefined) return;
  const [a, b] = [copy(get(place)), copy(get(other))];
  set(other, a);
  set(place, b);
}

/** A few times more in its list, seldom very often; an entry of an object once more under another name. */
function repeat(place: Place, random: Random): void {
  const { parent, key } = place;
  const value = get(place);
  if (!Array.isArray(parent)) return set({ parent, key: `${key}${random.pick(PIECES)}` }, copy(value));
  const most = LONGEST_LIST / (JSON.stringify(value) ?? "").length;
  const times = Math.min(random.oneIn(40) ? 1_000 : 1 + random.below(6), most);
  parent.splice(Number(key), 0, ...Array.from({ length: times }, () => copy(value)));
}

/** In characters: a list of lists would else grow beyond what anything takes. */
const LONGEST_LIST = 300_000;

function nested(depth: number, value: unknown, random: Random): unknown {
  let inner = copy(value);
  for (let left = depth; left > 0; left--) inner = random.oneIn(2) ? [inner] : { [random.pick(KEYS)]: inner };
  return inner;
}

function get({ parent, key }: Place): unknown {
  return Array.isArray(parent) ? parent[Number(key)] : parent[key];
}

/** By definition, since an assignment to `__proto__` makes no key. */
function set({ parent, key }: Place, value: unknown): void {
  Object.defineProperty(parent, key, { value: copy(value), enumerable: true, writable: true, configurable: true });
}

function copy(value: unknown): unknown {
  return isContainer(value) ? (JSON.parse(JSON.stringify(value)) as unknown) : value;
}

function isContainer(value: unknown): value is Container {
  return typeof value === "object" && value !== null;
}

/** What goes into the middle of a text. */
const PIECES = [
  "",
  " ",
  "/",
  ":",
  ".",
  "-",
  "0",
  "9",
  "A",
  "\n",
  "\t",
  "\u0000",
  "\u202e",
  "é",
  "\ud83d",
  "💥",
] as const;

const KEYS: readonly string[] = [
  ["__proto__", "constructor", "toString", "valueOf", "hasOwnProperty", "toJSON", "length"],
  ["", "0", "-1", "a/b~c", "line\nbreak", "\u0000", "\ud800", "k".repeat(400), "spec", "metadata", "status", "kind"],
  ["name", "namespace", "labels", "annotations", "matchLabels", "matchExpressions", "key", "operator", "values"],
  ["podSelector", "namespaceSelector", "ipBlock", "cidr", "except", "port", "endPort", "protocol", "ports", "from"],
  ["to", "ingress", "egress", "policyTypes", "deletionTimestamp", "managedFields", "fieldsV1", "f:spec", "f:egress"],
  ["app", "tier", "version", "app.kubernetes.io/name", "pod-template-hash", "kubernetes.io/metadata.name"],
  ["drawbridge.dev/mode", "drawbridge.dev/ruleset", "drawbridge.dev/baseline", "drawbridge.dev/baseline-pending"],
  ["description", "owner", "expires", "reviewed", "kubectl.kubernetes.io/last-applied-configuration"],
  ["rules", "options", "mode", "base", "templates", "no-broad-cidr", "publicIPv4", "enforceAbove"],
].flat();

const DICTIONARY = (
  [
    [null],
    [true, false, {}, [], [null], [[]], [{}], { "": "" }, [null, {}, "x"]],
    [0, -0, -1, 1, 0.1, 53, 80, 65_535, 65_536, 2 ** 31, 2 ** 53, -(2 ** 63), 1e21, 1e308, 5e-324],
    ["", " ", "0", "-1", "1e999", "NaN", "Infinity", "null", "true", "yes", "undefined", "[object Object]", "{}", "{"],
    ["\u0000", "\u001b[2J", "\u0085\u2028\u2029", "\ufeff", "\u202etxet", "\ud800", "\udfff\ud800", "é́", "💥"],
    ["x".repeat(300), "\u0000".repeat(300), "💥".repeat(200), "a/".repeat(200), "x".repeat(20_000)],
    ["../../etc/passwd", "%00%ff", "${7*7}", "{{ .Values.x }}", "*", "*.*", "(a+)+$", "'; --", "<b>"],
    ["0.0.0.0/0", "::/0", "0.0.0.0/1", "10.0.0.0/8", "10.0.0.0/33", "10.0.0.0/-1", "10.1.2.3/8", "010.0.0.0/8"],
    ["10.0.0.0", "64:ff9b::/96", "::ffff:1.2.3.4/96", "fe80::1%eth0/64", "1::2::3/64", "::/129", "/", ":", "1.2.3/24"],
    ["169.254.169.254/32", "fd00:ec2::254/128", "256.0.0.0/8", "1.2.3.4/3٢"],
    [
      "Ingress",
      "Egress",
      "ingress",
      "TCP",
      "UDP",
      "SCTP",
      "tcp",
      "http",
      "In",
      "NotIn",
      "Exists",
      "DoesNotExist",
      "in",
    ],
    ["app.kubernetes.io/name", "pod-template-hash", "kubernetes.io/metadata.name", "kube-system", "default", "api"],
    ["enforce", "warn", "audit", "disabled", "restricted", "strict", "CREATE", "UPDATE", "DELETE", "CONNECT"],
    ["2026-02-28", "2026-02-31", "9999-99-99", "2026-02-28T00:00:00Z", "+010000-01-01", "0000-00-00", "99999999"],
    [{ toString: 1, valueOf: 2 }, { toString: null }, { toJSON: "x" }, { length: 9e9 }, { length: -1 }],
    [{ podSelector: {} }, { namespaceSelector: {} }, { ipBlock: {} }, { ipBlock: { cidr: "0.0.0.0/0" } }],
    [{ port: 53, protocol: "UDP" }, { port: 1, endPort: 65_535 }, { matchLabels: { app: "api" } }, { matchLabels: [] }],
    [
      { key: "a", operator: "In", values: [] },
      { manager: "kubectl", operation: "Apply", fieldsV1: { "f:spec": {} } },
    ],
    ['{"spec":null}', '{"spec":{}}', '{"spec":{"policyTypes":[null]}}', '{"__proto__":{"spec":{}}}', "[".repeat(5_000)],
  ] as readonly (readonly unknown[])[]
).flat();
