import type { JsonObject } from "../../src/model/json.ts";

/** What an object is, the object, and where it is wrong: nowhere, if the API server takes it. */
export type Case = readonly [what: string, object: unknown, ...paths: readonly string[]];

const long = (length: number): string => "x".repeat(length);

function policy(spec?: unknown, metadata: unknown = { name: "web", namespace: "default" }): JsonObject {
  return {
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    metadata,
    ...(spec !== undefined && { spec }),
  };
}

const named = (metadata: object): JsonObject => policy({ podSelector: {} }, metadata);
const described = (metadata: object): JsonObject => named({ name: "web", ...metadata });
const selecting = (podSelector: unknown): JsonObject => policy({ podSelector });
const expressing = (...matchExpressions: readonly unknown[]): JsonObject => selecting({ matchExpressions });
const from = (...peers: readonly unknown[]): JsonObject => policy({ podSelector: {}, ingress: [{ from: peers }] });
const block = (cidr: unknown, ...except: readonly unknown[]): JsonObject => from({ ipBlock: { cidr, except } });
const port = (...ports: readonly unknown[]): JsonObject => policy({ podSelector: {}, egress: [{ ports }] });

const POD = "/spec/podSelector";
const LABELS = `${POD}/matchLabels`;
const EXPRESSION = `${POD}/matchExpressions/0`;
const PEER = "/spec/ingress/0/from/0";
const PORT = "/spec/egress/0/ports/0";

const SHAPES: readonly Case[] = [
  ["the smallest policy", policy({ podSelector: {} })],
  ["no spec", policy()],
  ["a null spec", policy(null)],
  ["an empty spec", policy({})],
  ["a spec that is a list", policy([]), "/spec"],
  ["a spec that is a text", policy("all"), "/spec"],
  ["null everywhere", policy({ podSelector: null, ingress: null, egress: null, policyTypes: null })],
  ["empty lists", policy({ podSelector: {}, ingress: [], egress: [] })],
  ["an empty clause", policy({ podSelector: {}, ingress: [{}] })],
  ["a null clause", policy({ podSelector: {}, egress: [null] })],
  ["a clause of empty lists", policy({ podSelector: {}, ingress: [{ from: [], ports: [] }] })],
  ["a clause of nulls", policy({ podSelector: {}, egress: [{ to: null, ports: null }] })],
  ["a clause that is a text", policy({ podSelector: {}, ingress: ["all"] }), "/spec/ingress/0"],
  ["clauses that are an object", policy({ podSelector: {}, ingress: {} }), "/spec/ingress"],
  ["clauses that are true", policy({ podSelector: {}, egress: true }), "/spec/egress"],
  ["from under egress", policy({ podSelector: {}, egress: [{ from: [] }] }), "/spec/egress/0/from"],
  ["to under ingress", policy({ podSelector: {}, ingress: [{ to: [] }] }), "/spec/ingress/0/to"],
  ["a status", { ...policy({}), status: {} }, "/status"],
  ["a misspelt field of the spec", policy({ podSelectors: {} }), "/spec/podSelectors"],
  ["a field in another case", policy({ podselector: {} }), "/spec/podselector"],
  ["an unknown field that is null", policy({ selector: null }), "/spec/selector"],
  ["an unknown field with a slash", policy({ "a/b~c": 1 }), "/spec/a~1b~0c"],
  ["a field named __proto__", policy(JSON.parse('{"__proto__": {}}')), "/spec/__proto__"],
  ["a field named constructor", policy({ constructor: 1 }), "/spec/constructor"],
  ["several mistakes", policy({ a: 1, ingress: [{ b: 2 }] }), "/spec/a", "/spec/ingress/0/b"],
];

const TYPES: readonly Case[] = [
  ["both types", policy({ policyTypes: ["Ingress", "Egress"] })],
  ["no types, with egress", policy({ egress: [{}] })],
  ["no types, with egress that is empty", policy({ egress: [] })],
  ["types that are empty, with egress", policy({ egress: [{}], policyTypes: [] })],
  ["a type twice", policy({ policyTypes: ["Ingress", "Ingress"] })],
  ["egress alone, with ingress clauses", policy({ policyTypes: ["Egress"], ingress: [{}] })],
  ["three types", policy({ policyTypes: ["Ingress", "Egress", "Ingress"] }), "/spec/policyTypes"],
  ["a type in lower case", policy({ policyTypes: ["ingress"] }), "/spec/policyTypes/0"],
  ["an empty type", policy({ policyTypes: ["Ingress", ""] }), "/spec/policyTypes/1"],
  ["a null type", policy({ policyTypes: [null] }), "/spec/policyTypes/0"],
  ["a type that is a number", policy({ policyTypes: [1] }), "/spec/policyTypes/0"],
  ["types that are a text", policy({ policyTypes: "Ingress" }), "/spec/policyTypes"],
];

const SELECTORS: readonly Case[] = [
  ["labels", selecting({ matchLabels: { app: "web", "example.com/tier": "", A_1: "x.y_z-1" } })],
  ["empty maps and lists", selecting({ matchLabels: {}, matchExpressions: [] })],
  ["nulls", selecting({ matchLabels: null, matchExpressions: null })],
  ["a null label", selecting({ matchLabels: { app: null } })],
  ["labels directly under the selector", selecting({ app: "web" }), `${POD}/app`],
  ["a selector that is a text", selecting("app=web"), POD],
  ["a selector that is a list", selecting([]), POD],
  ["a label that YAML makes a boolean", selecting({ matchLabels: { on: true } }), `${LABELS}/on`],
  ["a label that YAML makes a number", selecting({ matchLabels: { version: 1.1 } }), `${LABELS}/version`],
  ["a label that is a list", selecting({ matchLabels: { app: ["web"] } }), `${LABELS}/app`],
  ["labels that are a list", selecting({ matchLabels: ["app"] }), LABELS],
  ["a value with a space", selecting({ matchLabels: { app: "a b" } }), `${LABELS}/app`],
  ["a value that ends with a dash", selecting({ matchLabels: { app: "web-" } }), `${LABELS}/app`],
  ["a value of 63", selecting({ matchLabels: { app: long(63) } })],
  ["a value of 64", selecting({ matchLabels: { app: long(64) } }), `${LABELS}/app`],
  ["a value that ends with a line break", selecting({ matchLabels: { app: "web\n" } }), `${LABELS}/app`],
  ["a value that is not ASCII", selecting({ matchLabels: { app: "é" } }), `${LABELS}/app`],
  ["an empty key", selecting({ matchLabels: { "": "web" } }), `${LABELS}/`],
  ["a key with two slashes", selecting({ matchLabels: { "a/b/c": "web" } }), `${LABELS}/a~1b~1c`],
  ["a key without a domain", selecting({ matchLabels: { "/a": "web" } }), `${LABELS}/~1a`],
  ["a key without a name", selecting({ matchLabels: { "a/": "web" } }), `${LABELS}/a~1`],
  ["a domain in upper case", selecting({ matchLabels: { "Example.com/a": "web" } }), `${LABELS}/Example.com~1a`],
  ["a key of 63", selecting({ matchLabels: { [long(63)]: "web" } })],
  ["a key of 64", selecting({ matchLabels: { [long(64)]: "web" } }), `${LABELS}/${long(64)}`],
  ["a domain of 253", selecting({ matchLabels: { [`${"a.".repeat(126)}a/x`]: "web" } })],
  [
    "a domain of 255",
    selecting({ matchLabels: { [`${"a.".repeat(127)}a/x`]: "" } }),
    `${LABELS}/${"a.".repeat(127)}a~1x`,
  ],
  ["a domain with long labels", selecting({ matchLabels: { [`${long(64)}.com/x`]: "web" } })],
  ["a key named constructor", selecting({ matchLabels: { constructor: "x" } })],
  ["all operators", expressing(...["Exists", "DoesNotExist"].map((operator) => ({ key: "a", operator })))],
  [
    "values",
    expressing({ key: "a", operator: "In", values: ["x", ""] }, { key: "b", operator: "NotIn", values: ["y"] }),
  ],
  ["a null value", expressing({ key: "a", operator: "In", values: [null] })],
  ["In without values", expressing({ key: "a", operator: "In" }), `${EXPRESSION}/values`],
  ["In with no values", expressing({ key: "a", operator: "NotIn", values: [] }), `${EXPRESSION}/values`],
  ["Exists with values", expressing({ key: "a", operator: "Exists", values: ["x"] }), `${EXPRESSION}/values`],
  ["Exists with empty values", expressing({ key: "a", operator: "Exists", values: [] })],
  ["an operator in lower case", expressing({ key: "a", operator: "in", values: ["x"] }), `${EXPRESSION}/operator`],
  ["an operator of nodes", expressing({ key: "a", operator: "Gt", values: ["1"] }), `${EXPRESSION}/operator`],
  ["no operator", expressing({ key: "a" }), `${EXPRESSION}/operator`],
  ["no key", expressing({ operator: "Exists" }), `${EXPRESSION}/key`],
  ["a wrong key", expressing({ key: "a b", operator: "Exists" }), `${EXPRESSION}/key`],
  ["a value that is wrong", expressing({ key: "a", operator: "In", values: ["x", "y!"] }), `${EXPRESSION}/values/1`],
  ["a value that is a number", expressing({ key: "a", operator: "In", values: [1] }), `${EXPRESSION}/values/0`],
  ["values that are a text", expressing({ key: "a", operator: "Exists", values: "x" }), `${EXPRESSION}/values`],
  ["an empty expression", expressing({}), `${EXPRESSION}/operator`, `${EXPRESSION}/key`],
  ["a null expression", expressing(null), `${EXPRESSION}/operator`, `${EXPRESSION}/key`],
  ["value instead of values", expressing({ key: "a", operator: "Exists", value: "x" }), `${EXPRESSION}/value`],
  ["expressions that are an object", selecting({ matchExpressions: { key: "a" } }), `${POD}/matchExpressions`],
];

const PEERS: readonly Case[] = [
  ["every Pod here", from({ podSelector: {} })],
  ["every namespace", from({ namespaceSelector: {} })],
  ["both selectors", from({ podSelector: {}, namespaceSelector: { matchLabels: { a: "b" } } })],
  ["a null beside a selector", from({ podSelector: {}, namespaceSelector: null, ipBlock: null })],
  ["an empty peer", from({}), PEER],
  ["a null peer", from(null), PEER],
  ["a peer of nulls", from({ podSelector: null }), PEER],
  ["a peer that is a text", from("10.0.0.0/8"), PEER],
  ["a peer with a misspelt field", from({ podselector: {} }), `${PEER}/podselector`],
  ["peers that are an object", policy({ ingress: [{ from: { podSelector: {} } }] }), "/spec/ingress/0/from"],
  ["ipBlock with a podSelector", from({ ipBlock: { cidr: "10.0.0.0/8" }, podSelector: {} }), PEER],
  ["ipBlock with a namespaceSelector", from({ ipBlock: { cidr: "::/0" }, namespaceSelector: {} }), PEER],
  [
    "a wrong selector of a peer",
    from({ podSelector: { matchLabels: { a: "!" } } }),
    `${PEER}/podSelector/matchLabels/a`,
  ],
  ["an ipBlock without a cidr", from({ ipBlock: {} }), `${PEER}/ipBlock/cidr`],
  ["an ipBlock with only except", from({ ipBlock: { except: ["10.0.0.0/8"] } }), `${PEER}/ipBlock/cidr`],
  ["an ipBlock that is a text", from({ ipBlock: "10.0.0.0/8" }), `${PEER}/ipBlock`],
  ["cidrs", from({ ipBlock: { cidrs: ["10.0.0.0/8"], cidr: "10.0.0.0/8" } }), `${PEER}/ipBlock/cidrs`],
];

const good = ["0.0.0.0/0", "10.0.0.0/8", "1.2.3.4/32", "::/0", "2001:db8::/32", "2001:0DB8::/32", "::1/128"];
const goodOdd = ["::10.0.0.0/104", "1:2:3:4:5:6:7::/112", "64:ff9b::/96", "::fffe:0:0/96", "0:0:0:0:0:0:0:0/0"];
const bad: readonly unknown[] = [
  ..."10.0.0.0 ::1 10.0.0.0/ /8 10.0.0.0/33 ::/129 10.0.0.0/8/8 10.0.0/8 1.2.3.4.5/8 all".split(" "),
  ..."256.0.0.0/8 010.0.0.0/8 10.0.0.0/08 10.0.0.1/8 2001:db8::1/32 02001:db8::/32 1::2::3/64".split(" "),
  ..."::ffff:10.0.0.0/104 ::ffff:0:0/96 ::ffff:a00:0/128 ::ffff:10.0.0.0/8 0::FFFF:1.2.3.4/128".split(" "),
  "fe80::%eth0/64",
  " 10.0.0.0/8",
  "10.0.0.0/8 ",
  "10.0.0.0/+8",
  "10.0.0.0/-1",
  "0x0a.0.0.0/8",
  "10.0.0.0/8\n",
  ":/8",
  "10.0.0.0-10.0.0.9",
  "localhost/8",
  "١0.0.0.0/8",
  "::00.0.0.0/96",
  "::12345/128",
  "10.0.0.0/99999999999",
  "",
  null,
  10,
  true,
  {},
  ["10.0.0.0/8"],
];

const CIDRS: readonly Case[] = [
  ...[...good, ...goodOdd].map((cidr): Case => [`the CIDR ${cidr}`, block(cidr)]),
  ...bad.map((cidr): Case => [`the CIDR ${JSON.stringify(cidr)}`, block(cidr), `${PEER}/ipBlock/cidr`]),
  ["parts", block("10.0.0.0/8", "10.1.0.0/16", "10.1.0.0/16", "10.2.3.4/32")],
  ["a part of IPv6", block("2001:db8::/32", "2001:db8:1::/48")],
  ["an except that is everything", block("10.0.0.0/8", "10.0.0.0/8"), `${PEER}/ipBlock/except/0`],
  ["an except that is more", block("10.0.0.0/8", "0.0.0.0/0"), `${PEER}/ipBlock/except/0`],
  ["an except elsewhere", block("10.0.0.0/8", "10.1.0.0/16", "11.0.0.0/16"), `${PEER}/ipBlock/except/1`],
  ["an except of the other family", block("0.0.0.0/0", "::/64"), `${PEER}/ipBlock/except/0`],
  ["an except with host bits", block("10.0.0.0/8", "10.1.0.1/16"), `${PEER}/ipBlock/except/0`],
  ["an except without a length", block("10.0.0.0/8", "10.1.0.1"), `${PEER}/ipBlock/except/0`],
  ["an except that is null", block("10.0.0.0/8", null), `${PEER}/ipBlock/except/0`],
  ["an except that is a number", block("10.0.0.0/8", 10), `${PEER}/ipBlock/except/0`],
  ["except as a text", from({ ipBlock: { cidr: "::/0", except: "::/64" } }), `${PEER}/ipBlock/except`],
  ["except null", from({ ipBlock: { cidr: "::/0", except: null } })],
];

const PORTS: readonly Case[] = [
  ["an empty port", port({})],
  ["a null port", port(null)],
  ["ports", port({ port: 1 }, { port: 65_535, protocol: "UDP" }, { port: "http", protocol: "SCTP" })],
  ["a range", port({ port: 80, endPort: 90 }, { port: 80, endPort: 80 })],
  ["nulls", port({ port: null, protocol: null, endPort: null })],
  ["port 0", port({ port: 0 }), `${PORT}/port`],
  ["port 65536", port({ port: 65_536 }), `${PORT}/port`],
  ["a port below 0", port({ port: -1 }), `${PORT}/port`],
  ["a port with a fraction", port({ port: 80.5 }), `${PORT}/port`],
  ["a port beyond 32 bits", port({ port: 2 ** 31 }), `${PORT}/port`],
  ["a port of 1e21", port({ port: 1e21 }), `${PORT}/port`],
  ["a port in quotes", port({ port: "80" }), `${PORT}/port`],
  ["a port that is true", port({ port: true }), `${PORT}/port`],
  ["a port that is a list", port({ port: [80] }), `${PORT}/port`],
  ["an empty name", port({ port: "" }), `${PORT}/port`],
  ["a name of 15", port({ port: "fifteen-letters" })],
  ["a name of 16", port({ port: "sixteen-letters-" }), `${PORT}/port`],
  ["a name with digits", port({ port: "8080-tcp" }, { port: "p1" })],
  ["a name in upper case", port({ port: "HTTP" }), `${PORT}/port`],
  ["a name with two dashes", port({ port: "a--b" }), `${PORT}/port`],
  ["a name of dashes and digits", port({ port: "8-0" }), `${PORT}/port`],
  ["a range as text", port({ port: "80-90" }), `${PORT}/port`],
  ["an endPort alone", port({ endPort: 90 }), `${PORT}/endPort`],
  ["an endPort of a name", port({ port: "http", endPort: 90 }), `${PORT}/endPort`],
  ["an endPort below", port({ port: 80, endPort: 79 }), `${PORT}/endPort`],
  ["an endPort above 65535", port({ port: 80, endPort: 70_000 }), `${PORT}/endPort`],
  ["an endPort of 0", port({ port: 80, endPort: 0 }), `${PORT}/endPort`],
  ["an endPort in quotes", port({ port: 80, endPort: "90" }), `${PORT}/endPort`],
  ["an endPort with a fraction", port({ port: 80, endPort: 90.5 }), `${PORT}/endPort`],
  ["a protocol in lower case", port({ protocol: "tcp" }), `${PORT}/protocol`],
  ["another protocol", port({ protocol: "ICMP" }), `${PORT}/protocol`],
  ["an empty protocol", port({ protocol: "" }), `${PORT}/protocol`],
  ["a protocol that is a number", port({ protocol: 6 }), `${PORT}/protocol`],
  ["a port that is a number itself", port(80), PORT],
  ["a misspelt protocol", port({ protcol: "UDP" }), `${PORT}/protcol`],
  ["ports that are a number", policy({ egress: [{ ports: 80 }] }), "/spec/egress/0/ports"],
];

const METADATA: readonly Case[] = [
  ["no metadata", { apiVersion: "networking.k8s.io/v1", kind: "NetworkPolicy" }, "/metadata/name"],
  ["null metadata", policy({}, null), "/metadata/name"],
  ["metadata that is a list", policy({}, []), "/metadata"],
  ["metadata that is a text", policy({}, "web"), "/metadata"],
  ["no name", named({}), "/metadata/name"],
  ["an empty name", named({ name: "" }), "/metadata/name"],
  ["a null name", named({ name: null }), "/metadata/name"],
  ["a name that is a number", named({ name: 1 }), "/metadata/name"],
  ["a name with dots", named({ name: "0-a.b" })],
  ["a name in upper case", named({ name: "Web" }), "/metadata/name"],
  ["a name with an underscore", named({ name: "a_b" }), "/metadata/name"],
  ["a name with two dots", named({ name: "a..b" }), "/metadata/name"],
  ["a name that ends with a dot", named({ name: "a." }), "/metadata/name"],
  ["a name with a slash", named({ name: "a/b" }), "/metadata/name"],
  ["a name of 253", named({ name: long(253) })],
  ["a name of 254", named({ name: long(254) }), "/metadata/name"],
  ["a prefix", named({ generateName: "web-" })],
  ["a prefix and an empty name", named({ generateName: "web-", name: "" })],
  ["a long prefix", named({ generateName: long(200) })],
  ["a prefix that ends with a dot", named({ generateName: "web." }), "/metadata/generateName"],
  ["a prefix that ends with a dot and a dash", named({ generateName: "a.-" }), "/metadata/generateName"],
  ["a prefix that is a dash", named({ generateName: "-" }), "/metadata/generateName"],
  ["a prefix in upper case", named({ generateName: "Web-" }), "/metadata/generateName"],
  ["a prefix of one letter in upper case", named({ generateName: "W-" }), "/metadata/generateName"],
  ["a wrong prefix beside a name", described({ generateName: "a b" }), "/metadata/generateName"],
  ["an odd prefix beside a name", described({ generateName: "W-" })],
  ["a namespace in upper case", described({ namespace: "Default" }), "/metadata/namespace"],
  ["a namespace with a dot", described({ namespace: "a.b" }), "/metadata/namespace"],
  ["a namespace that is a number", described({ namespace: 1 }), "/metadata/namespace"],
  ["an empty namespace", described({ namespace: "" })],
  ["labels", described({ labels: { app: "web", "a.b/c": "" }, annotations: { "A.B/c": "any text\n é", x: null } })],
  ["null labels", described({ labels: null, annotations: null })],
  ["empty labels", described({ labels: {}, annotations: {} })],
  ["a null label", described({ labels: { app: null } })],
  ["a label that is a number", described({ labels: { version: 2 } }), "/metadata/labels/version"],
  ["a label with a slash in its value", described({ labels: { app: "a/b" } }), "/metadata/labels/app"],
  ["a label with a wrong key", described({ labels: { "a b": "c" } }), "/metadata/labels/a b"],
  ["an annotation that is a boolean", described({ annotations: { reviewed: true } }), "/metadata/annotations/reviewed"],
  ["an annotation that is an object", described({ annotations: { a: { b: 1 } } }), "/metadata/annotations/a"],
  ["an annotation with a wrong key", described({ annotations: { "a b": "c" } }), "/metadata/annotations/a b"],
  ["annotations that just fit", described({ annotations: { a: long(262_143) } })],
  ["annotations that do not fit", described({ annotations: { a: long(262_144) } }), "/metadata/annotations"],
  [
    "annotations that fit in characters",
    described({ annotations: { a: "é".repeat(131_072) } }),
    "/metadata/annotations",
  ],
  ["an unknown field", described({ label: {} }), "/metadata/label"],
  ["clusterName", described({ clusterName: "a" }), "/metadata/clusterName"],
  ["what the server sets", described({ uid: "1", selfLink: "/x", resourceVersion: "7", generation: -1 })],
  ["times", described({ creationTimestamp: "2030-02-28T23:59:59.5+01:00", deletionTimestamp: null })],
  ["a null time", described({ creationTimestamp: null })],
  ["a time that is a date", described({ creationTimestamp: "2030-01-31" }), "/metadata/creationTimestamp"],
  ["a day that is not", described({ creationTimestamp: "2030-02-29T00:00:00Z" }), "/metadata/creationTimestamp"],
  ["a leap day", described({ creationTimestamp: "2028-02-29T00:00:00Z" })],
  ["no leap day", described({ creationTimestamp: "2100-02-29T00:00:00Z" }), "/metadata/creationTimestamp"],
  ["an empty time", described({ deletionTimestamp: "" }), "/metadata/deletionTimestamp"],
  ["an hour of one digit", described({ creationTimestamp: "2030-01-01T1:00:00Z" })],
  ["hour 24", described({ creationTimestamp: "2030-01-01T24:00:00Z" }), "/metadata/creationTimestamp"],
  ["a comma in a time", described({ creationTimestamp: "2030-01-01T01:00:00,5Z" })],
  ["offsets", described({ creationTimestamp: "2030-01-01T01:00:00+24:60" })],
  ["a wrong offset", described({ creationTimestamp: "2030-01-01T01:00:00+25:00" }), "/metadata/creationTimestamp"],
  ["a generation in quotes", described({ generation: "1" }), "/metadata/generation"],
  ["finalizers", described({ finalizers: ["example.com/a", "orphan"] })],
  ["a finalizer without a domain", described({ finalizers: ["mine"] }), "/metadata/finalizers/0"],
  ["a null finalizer", described({ finalizers: [null] }), "/metadata/finalizers/0"],
  [
    "finalizers that exclude each other",
    described({ finalizers: ["orphan", "foregroundDeletion"] }),
    "/metadata/finalizers",
  ],
  ["managed fields", described({ managedFields: [{ manager: "x", operation: "Nonsense", fieldsV1: 1 }, null] })],
  ["a wrong time in managed fields", described({ managedFields: [{ time: "x" }] }), "/metadata/managedFields/0/time"],
  [
    "owners",
    described({ ownerReferences: [{ apiVersion: "a/v1", kind: "A", name: "a", uid: "1", controller: true }] }),
  ],
  [
    "an owner without a uid",
    described({ ownerReferences: [{ apiVersion: "v1", kind: "A", name: "a" }] }),
    "/metadata/ownerReferences/0/uid",
  ],
  [
    "an owner with an odd version",
    described({ ownerReferences: [{ apiVersion: "a/", kind: "A", name: "a", uid: "1" }] }),
    "/metadata/ownerReferences/0/apiVersion",
  ],
  [
    "an owner with two slashes",
    described({ ownerReferences: [{ apiVersion: "a/b/c", kind: "A", name: "a", uid: "1" }] }),
    "/metadata/ownerReferences/0/apiVersion",
  ],
  [
    "an Event as owner",
    described({ ownerReferences: [{ apiVersion: "v1", kind: "Event", name: "a", uid: "1" }] }),
    "/metadata/ownerReferences/0",
  ],
  [
    "two controllers",
    described({
      ownerReferences: [1, 2].map((uid) => ({
        apiVersion: "v1",
        kind: "A",
        name: "a",
        uid: `${uid}`,
        controller: true,
      })),
    }),
    "/metadata/ownerReferences",
  ],
];

const namespace = (metadata: unknown, more: object = {}): JsonObject => ({
  apiVersion: "v1",
  kind: "Namespace",
  metadata,
  ...more,
});

const NAMESPACES: readonly Case[] = [
  ["a namespace", namespace({ name: "shop", labels: { team: "shop", "kubernetes.io/metadata.name": "other" } })],
  ["a namespace in a namespace", namespace({ name: "shop", namespace: "Nonsense!" })],
  ["a namespace of 63", namespace({ name: long(63) })],
  ["a namespace of 64", namespace({ name: long(64) }), "/metadata/name"],
  ["a namespace with a dot", namespace({ name: "a.b" }), "/metadata/name"],
  ["a namespace without a name", namespace({ labels: {} }), "/metadata/name"],
  ["a namespace by prefix", namespace({ generateName: "shop-" })],
  ["a namespace with a long prefix", namespace({ generateName: long(63) })],
  ["a namespace with a wrong label", namespace({ name: "shop", labels: { a: "b c" } }), "/metadata/labels/a"],
  ["a namespace with a boolean label", namespace({ name: "shop", labels: { a: true } }), "/metadata/labels/a"],
  ["a namespace with an unknown field", namespace({ name: "shop", label: {} }), "/metadata/label"],
  ["a namespace with a generation", namespace({ name: "shop", generation: 7 })],
  ["a namespace with a generation below 0", namespace({ name: "shop", generation: -1 }), "/metadata/generation"],
  ["labels outside metadata", namespace({ name: "shop" }, { labels: {} }), "/labels"],
  ["an unknown field of its spec", namespace({ name: "shop" }, { spec: { quota: 1 } }), "/spec/quota"],
  ["finalizers of its spec", namespace({ name: "shop" }, { spec: { finalizers: ["a.b/c", "kubernetes"] } })],
  ["a wrong finalizer of its spec", namespace({ name: "shop" }, { spec: { finalizers: ["x"] } }), "/spec/finalizers/0"],
  ["a status", namespace({ name: "shop" }, { status: { phase: "Nonsense", conditions: [{}] } })],
  ["a phase that is a number", namespace({ name: "shop" }, { status: { phase: 1 } }), "/status/phase"],
];

const container = { name: "a", image: "a" };
const labels = { app: "web" };

function template(metadata: unknown, spec: object = {}): JsonObject {
  return { metadata, spec: { containers: [container], ...spec } };
}

function workload(kind: string, spec: object = {}, name = "web"): JsonObject {
  const whole = { selector: { matchLabels: labels }, template: template({ labels }), ...spec };
  const more = kind === "StatefulSet" ? { serviceName: "web" } : {};
  return { apiVersion: "apps/v1", kind, metadata: { name }, spec: { ...whole, ...more } };
}

function controller(spec: object): JsonObject {
  return { apiVersion: "v1", kind: "ReplicationController", metadata: { name: "web" }, spec };
}

function pod(metadata: object, spec: object = {}): JsonObject {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "web", ...metadata },
    spec: { containers: [container], ...spec },
  };
}

function job(metadata: object, spec: object = {}, name = "web"): JsonObject {
  const once = template(metadata, { restartPolicy: "Never", ...spec });
  return { apiVersion: "batch/v1", kind: "Job", metadata: { name }, spec: { template: once } };
}

function cronJob(inner: JsonObject, name = "web", jobMetadata: object = {}): JsonObject {
  const jobTemplate = { metadata: jobMetadata, spec: inner["spec"] };
  return { apiVersion: "batch/v1", kind: "CronJob", metadata: { name }, spec: { schedule: "0 0 * * *", jobTemplate } };
}

const TEMPLATE_LABELS = "/spec/template/metadata/labels";

const WORKLOADS: readonly Case[] = [
  ...["Deployment", "ReplicaSet", "DaemonSet", "StatefulSet"].flatMap((kind): Case[] => [
    [`a ${kind}`, workload(kind)],
    [`a ${kind} that selects other Pods`, workload(kind, { selector: { matchLabels: { app: "x" } } }), TEMPLATE_LABELS],
    [
      `a ${kind} that excludes its Pods`,
      workload(kind, { selector: { matchExpressions: [{ key: "app", operator: "DoesNotExist" }] } }),
      TEMPLATE_LABELS,
    ],
    [`a ${kind} without a selector`, workload(kind, { selector: null }), "/spec/selector"],
    [`a ${kind} with an empty selector`, workload(kind, { selector: {} }), "/spec/selector"],
    [
      `a ${kind} with a wrong selector`,
      workload(kind, { selector: { matchLabels: { app: "!" } } }),
      "/spec/selector/matchLabels/app",
    ],
    [
      `a ${kind} with a wrong label`,
      workload(kind, { template: template({ labels: { ...labels, a: "!" } }) }),
      `${TEMPLATE_LABELS}/a`,
    ],
    [
      `a ${kind} with a name with a dot`,
      workload(kind, {}, "a.b"),
      ...(kind === "StatefulSet" ? ["/metadata/name"] : []),
    ],
  ]),
  ["a template without labels", workload("Deployment", { template: template({}) }), TEMPLATE_LABELS],
  [
    "a null label",
    workload("Deployment", { selector: { matchLabels: { a: null } }, template: template({ labels: { a: null } }) }),
  ],
  [
    "a template with a name that cannot be",
    workload("Deployment", { template: template({ labels, name: "A b", namespace: "!" }) }),
  ],
  [
    "a template with an unknown field",
    workload("Deployment", { template: template({ labels, label: {} }) }),
    "/spec/template/metadata/label",
  ],
  [
    "a template with a wrong annotation",
    workload("Deployment", { template: template({ labels, annotations: { "a b": "" } }) }),
    "/spec/template/metadata/annotations/a b",
  ],
  [
    "a number as a label",
    workload("Deployment", { template: template({ labels: { ...labels, a: 1 } }) }),
    `${TEMPLATE_LABELS}/a`,
  ],
  [
    "hostNetwork in quotes",
    workload("Deployment", { template: template({ labels }, { hostNetwork: "true" }) }),
    "/spec/template/spec/hostNetwork",
  ],
  ["hostNetwork", workload("Deployment", { template: template({ labels }, { hostNetwork: true }) })],
  ["a template that is a list", workload("Deployment", { template: [] }), "/spec/template", TEMPLATE_LABELS],
  ["a controller", controller({ selector: labels, template: template({ labels }) })],
  ["a controller without a selector", controller({ template: template({ labels }) })],
  ["a controller without labels", controller({ template: template({}) }), "/spec/selector"],
  [
    "a controller that selects other Pods",
    controller({ selector: { a: "b" }, template: template({ labels }) }),
    TEMPLATE_LABELS,
  ],
  ["a controller without a template", controller({ selector: labels }), "/spec/template"],
  ["a Pod", pod({ labels })],
  ["a Pod with a wrong label", pod({ labels: { a: "b c" } }), "/metadata/labels/a"],
  ["a Pod with a number as a label", pod({ labels: { a: 1 } }), "/metadata/labels/a"],
  ["a Pod with hostNetwork in quotes", pod({}, { hostNetwork: "yes" }), "/spec/hostNetwork"],
  ["a Pod with hostNetwork null", pod({}, { hostNetwork: null })],
  ["a Pod with a wrong finalizer", pod({ finalizers: ["x"] }), "/metadata/finalizers/0"],
  ["a Job", job({ labels })],
  ["a Job with a wrong label", job({ labels: { a: "b c" } }), `${TEMPLATE_LABELS}/a`],
  ["a Job with hostNetwork 1", job({}, { hostNetwork: 1 }), "/spec/template/spec/hostNetwork"],
  ["a CronJob", cronJob(job({ labels }), long(52))],
  ["a CronJob of 53", cronJob(job({ labels }), long(53)), "/metadata/name"],
  [
    "a CronJob with a wrong label",
    cronJob(job({ labels: { a: "b c" } })),
    "/spec/jobTemplate/spec/template/metadata/labels/a",
  ],
  ["a CronJob with an unknown field", cronJob(job({}), "web", { nmae: "x" }), "/spec/jobTemplate/metadata/nmae"],
];

/** By what they are about; each is posted to a real API server too. */
export const CASES: Readonly<Record<string, readonly Case[]>> = {
  shapes: SHAPES,
  policyTypes: TYPES,
  selectors: SELECTORS,
  peers: PEERS,
  cidrs: CIDRS,
  ports: PORTS,
  metadata: METADATA,
  namespaces: NAMESPACES,
  workloads: WORKLOADS,
};
