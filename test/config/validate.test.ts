import { describe, expect, test } from "vitest";
import { type TemplateName, TEMPLATES } from "../../src/config/baseline.ts";
import { BASES } from "../../src/config/ruleset.ts";
import { validateDocument } from "../../src/config/validate.ts";
import { readEmbeddedPolicies } from "../../src/files/policies.ts";
import { type Chosen, networkBaseline, networkException, networkRuleset } from "../helpers/build.ts";

const problems = (raw: unknown) => validateDocument(raw).problems ?? [];

describe("valid", () => {
  const served = { uid: "1", resourceVersion: "2", labels: { a: "b" }, managedFields: [{}], generation: 3 };
  test.each([
    ["the smallest ruleset", networkRuleset("x")],
    [
      "a ruleset",
      networkRuleset("x", { description: "d", base: "restricted", rules: { r: { mode: "warn", options: {} } } }),
    ],
    ["the longest name of a baseline", networkBaseline("x".repeat(63))],
    ["the smallest baseline", networkBaseline("x", { templates: ["10-allow-dns-egress"] })],
    ["as the API server serves it", { ...networkRuleset("x"), metadata: { name: "x", ...served }, status: { any: 1 } }],
    ["whatever its status is, which is not its author's", { ...networkBaseline("x"), status: { namespaces: "all" } }],
    [
      "every operator",
      networkBaseline("x", {
        namespaceSelector: {
          matchLabels: { a: "b", "c/d": "" },
          matchExpressions: [
            { key: "a", operator: "In", values: ["x"] },
            { key: "a", operator: "NotIn", values: ["x", "y"] },
            { key: "a", operator: "Exists" },
            { key: "a", operator: "DoesNotExist", values: [] },
          ],
        },
      }),
    ],
  ])("%s", (_, raw) => {
    expect(validateDocument(raw)).toEqual({ document: raw });
  });
  test("what is shipped, in which every base is", async () => {
    const { rulesets, baselines } = await readEmbeddedPolicies();
    expect([...rulesets.keys()].toSorted()).toEqual([...BASES].toSorted());
    for (const document of [...rulesets.values(), ...baselines.values()]) expect(problems(document)).toEqual([]);
  });
});

describe("what is no document of ours", () => {
  const allowed = "allowed: NetworkRuleset, NetworkBaseline, NetworkException (apiVersion drawbridge.dev/v1alpha1)";
  test.each<[unknown, string]>([
    [null, "missing"],
    [undefined, "missing"],
    ["NetworkRuleset", "missing"],
    [[networkRuleset("x")], "missing"],
    [{}, "missing"],
    [{ kind: null }, "null"],
    [{ kind: ["NetworkRuleset", 1] }, '["NetworkRuleset",1]'],
    [{ kind: "NetworkPolicy" }, '"NetworkPolicy"'],
    [{ kind: "constructor" }, '"constructor"'],
    [{ kind: "x".repeat(500) }, `"${"x".repeat(56)}...`],
  ])("%j", (raw, shown) => {
    expect(problems(raw)).toEqual([{ path: "/kind", message: `is ${shown}; ${allowed}` }]);
  });
});

describe("what is wrong with one, with the value and what is allowed", () => {
  const ruleset = (spec: unknown) => ({ ...networkRuleset("x"), spec });
  const baseline = (spec: object) => ({ ...networkBaseline(), spec: { ...networkBaseline().spec, ...spec } });
  const selecting = (...matchExpressions: unknown[]) => baseline({ namespaceSelector: { matchExpressions } });
  const values = "/spec/namespaceSelector/matchExpressions/0/values";

  test.each<[string, unknown, string, string]>([
    [
      "another version",
      { ...networkRuleset("x"), apiVersion: "drawbridge.dev/v1" },
      "/apiVersion",
      'is "drawbridge.dev/v1"; must be "drawbridge.dev/v1alpha1"',
    ],
    ["no version", { kind: "NetworkRuleset", metadata: { name: "x" }, spec: {} }, "/apiVersion", "is missing"],
    ["no metadata", { ...networkRuleset("x"), metadata: undefined }, "/metadata", "is missing"],
    ["no name", { ...networkRuleset("x"), metadata: {} }, "/metadata/name", "is missing"],
    ["an empty name", networkRuleset(""), "/metadata/name", 'is ""; must NOT have fewer than 1 characters'],
    [
      "a field beside spec",
      { ...networkRuleset("x"), rules: {} },
      "/rules",
      "is not a field of this; allowed: apiVersion, kind, metadata, spec, status",
    ],
    [
      "a field of another tool",
      ruleset({ parserOptions: {} }),
      "/spec/parserOptions",
      "is not a field of this; allowed: description, base, rules, exceptions",
    ],
    ["spec is a list", ruleset([]), "/spec", "is []; must be of type object"],
    ["spec is null", ruleset(null), "/spec", "is null; must be of type object"],
    [
      "a base that is not there",
      ruleset({ base: "strict" }),
      "/spec/base",
      'is "strict"; allowed: default, restricted',
    ],
    [
      "rules is a list",
      ruleset({ rules: ["no-open-egress"] }),
      "/spec/rules",
      'is ["no-open-egress"]; must be of type object',
    ],
    [
      "options is a list",
      ruleset({ rules: { r: { options: [] } } }),
      "/spec/rules/r/options",
      "is []; must be of type object",
    ],
    ["a description that is none", ruleset({ description: 1 }), "/spec/description", "is 1; must be of type string"],
    ["no selector", baseline({ namespaceSelector: undefined }), "/spec/namespaceSelector", "is missing"],
    ["no templates", baseline({ templates: [] }), "/spec/templates", "is []; must NOT have fewer than 1 items"],
    [
      "a template that is not there",
      baseline({ templates: [{ name: "02-allow-all" }] }),
      "/spec/templates/0/name",
      `is "02-allow-all"; allowed: ${TEMPLATES.join(", ")}`,
    ],
    [
      "a template as text",
      baseline({ templates: ["10-allow-dns-egress"] }),
      "/spec/templates/0",
      'is "10-allow-dns-egress"; must be of type object',
    ],
    [
      "a label that is no text",
      baseline({ namespaceSelector: { matchLabels: { a: true } } }),
      "/spec/namespaceSelector/matchLabels/a",
      "is true; must be of type string",
    ],
    [
      "a label beside matchLabels",
      baseline({ namespaceSelector: { tenant: "shop" } }),
      "/spec/namespaceSelector/tenant",
      "is not a field of this; allowed: matchLabels, matchExpressions",
    ],
    [
      "an operator that is not there",
      selecting({ key: "a", operator: "in" }),
      "/spec/namespaceSelector/matchExpressions/0/operator",
      'is "in"; allowed: In, NotIn, Exists, DoesNotExist',
    ],
    [
      "In without values",
      selecting({ key: "a", operator: "In" }),
      values,
      "is empty; operator In needs at least one value",
    ],
    [
      "NotIn without values",
      selecting({ key: "a", operator: "NotIn", values: [] }),
      values,
      "is empty; operator NotIn needs at least one value",
    ],
    [
      "Exists with values",
      selecting({ key: "a", operator: "Exists", values: ["x"] }),
      values,
      'is ["x"]; operator Exists takes no values',
    ],
    [
      "DoesNotExist with values",
      selecting({ key: "a", operator: "DoesNotExist", values: ["x"] }),
      values,
      'is ["x"]; operator DoesNotExist takes no values',
    ],
    [
      "a name that cannot be the label of its policies",
      networkBaseline("x".repeat(64)),
      "/metadata/name",
      expect.stringMatching(/^is "x+\.\.\., has 64 characters; policies carry it as a label, which takes at most 63$/),
    ],
    [
      "a value that is long",
      ruleset({ base: "x".repeat(500) }),
      "/spec/base",
      `is "${"x".repeat(56)}...; allowed: default, restricted`,
    ],
    [
      "a key with a slash",
      { ...networkRuleset("x"), "a/b": 1 },
      "/a~1b",
      "is not a field of this; allowed: apiVersion, kind, metadata, spec, status",
    ],
  ])("%s", (_, raw, path, message) => {
    expect(problems(JSON.parse(JSON.stringify(raw)))).toEqual([{ path, message }]);
  });

  test("the same template twice", () => {
    const [first] = networkBaseline().spec.templates;
    const found = problems(baseline({ templates: [first, first] }));
    expect(found).toEqual([
      { path: "/spec/templates/1/name", message: 'is "00-default-deny-ingress", which is there already' },
    ]);
  });

  test.each<[string, object]>([
    ["items with JavaScript's own names", { templates: [{ toString: 1, valueOf: 2 }, { toString: 1 }] }],
    ["a kind with them", { kind: { toString: 1 } }],
    [
      "what is nested too deeply for JSON.stringify",
      { templates: JSON.parse("[".repeat(20_000) + "]".repeat(20_000)) as unknown },
    ],
  ])("%s", (_, spec) => {
    expect(problems({ ...baseline(spec), ...("kind" in spec && spec) })).not.toEqual([]);
  });

  test("all of it at once", () => {
    const raw = { ...networkRuleset("x"), metadata: {}, spec: { base: 1, x: 2 } };
    expect(
      problems(raw)
        .map(({ path }) => path)
        .toSorted(),
    ).toEqual(["/metadata/name", "/spec/base", "/spec/x"]);
  });
});

describe("what templates need, each told with what to write", () => {
  const DENIES = ["00-default-deny-ingress", "01-default-deny-egress"] as const;
  const peer = { pods: [{ namespace: "a", labels: { "app.kubernetes.io/name": "b" } }] };
  const made = (platform: object, ...templates: readonly (TemplateName | Chosen)[]) => ({
    ...networkBaseline("x", { templates }),
    spec: { ...networkBaseline("x", { templates }).spec, platform },
  });

  test.each<[string, object]>([
    [
      "all of them",
      made(
        { ingressController: peer, prometheus: peer, collector: peer },
        ...DENIES,
        "10-allow-dns-egress",
        { name: "20-allow-ingress-controller", ports: [8080, "http", "a"] },
        { name: "30-allow-observability", ports: ["http-metrics"] },
        "allow-apiserver-egress",
        "allow-same-namespace",
      ),
    ],
    ["peers that no template asks for", made({ collector: peer, prometheus: peer }, ...DENIES)],
    ["only what scrapes", made({ prometheus: peer }, ...DENIES, { name: "30-allow-observability", ports: [1] })],
    [
      "only a collector, and no ports",
      made({ collector: { ...peer, ports: [8126] } }, ...DENIES, "30-allow-observability"),
    ],
    [
      "what scrapes, where ingress is open anyway",
      made({ prometheus: peer, collector: peer }, "01-default-deny-egress", "30-allow-observability"),
    ],
    [
      "the API server, by what is named",
      made({ apiServer: { addresses: ["fd00::1"], ports: [443] } }, ...DENIES, "allow-apiserver-egress"),
    ],
    ["where the API server calls from, and no more of it", made({ apiServer: { callers: peer } }, ...DENIES)],
    ["ports within a namespace", made({}, ...DENIES, { name: "allow-same-namespace", ports: [8080] })],
    ["a way to the API server beside that to the DNS", made({}, "10-allow-dns-egress", "allow-apiserver-egress")],
    ["ranges", made({ collector: { addresses: ["10.0.0.0/16", "10.1.0.7", "fd00::/48", "fd00::7"] } }, ...DENIES)],
  ])("%s is valid", (_, document) => {
    expect(problems(document)).toEqual([]);
  });

  const ways = (name: TemplateName, ports?: readonly (string | number)[]): Chosen => ({
    name,
    ...(ports && { ports: [...ports] }),
  });
  const at = "/spec/templates/2";
  test.each<[string, object, string, string | RegExp]>([
    [
      "an ingress controller that is not named",
      made({}, ...DENIES, ways("20-allow-ingress-controller", [80])),
      "/spec/platform/ingressController",
      "is missing; 20-allow-ingress-controller opens the way to it. Say where it runs: ingressController: {pods: [{namespace: NAMESPACE, labels: {app.kubernetes.io/name: NAME}}]}",
    ],
    [
      "nobody who observes",
      made({ ingressController: peer }, ...DENIES, ways("30-allow-observability")),
      "/spec/platform",
      /^names neither prometheus nor collector; 30-allow-observability opens .+: prometheus: \{pods: /,
    ],
    [
      "an ingress controller without ports",
      made({ ingressController: peer }, ...DENIES, ways("20-allow-ingress-controller")),
      `${at}/ports`,
      /^is missing; say which ports of its Pods every such namespace opens for 20-.+: \[8080, http\]$/,
    ],
    [
      "what scrapes without ports",
      made({ prometheus: peer, collector: peer }, ...DENIES, ways("30-allow-observability")),
      `${at}/ports`,
      /^is missing; /,
    ],
    [
      "ports where nobody scrapes",
      made({ collector: peer }, ...DENIES, ways("30-allow-observability", [9090])),
      `${at}/ports`,
      "is [9090]; 30-allow-observability takes them only for spec.platform.prometheus, where ingress is denied",
    ],
    [
      "ports of a template that takes none",
      made({}, ...DENIES, ways("10-allow-dns-egress", [53])),
      `${at}/ports`,
      "is [53]; 10-allow-dns-egress takes none",
    ],
    [
      "ports of the API server, which are the platform's",
      made({}, ...DENIES, ways("allow-apiserver-egress", [6443])),
      `${at}/ports`,
      "is [6443]; allow-apiserver-egress takes none",
    ],
    [
      "a way in where all is open",
      made({ ingressController: peer }, "01-default-deny-egress", ways("20-allow-ingress-controller", [80])),
      "/spec/templates/1/name",
      'is "20-allow-ingress-controller", which has nothing to open where nothing is denied: add 00-default-deny-ingress',
    ],
    [
      "a way out where all is open",
      made({}, "00-default-deny-ingress", ways("allow-apiserver-egress")),
      "/spec/templates/1/name",
      /: add 01-default-deny-egress$/,
    ],
    [
      "ways within a namespace where all is open",
      made({}, ways("allow-same-namespace")),
      "/spec/templates/0/name",
      /: add 00-default-deny-ingress or 01-default-deny-egress$/,
    ],
    [
      "a peer that is nowhere",
      made({ collector: { ports: [4317] } }, ...DENIES),
      "/spec/platform/collector",
      "names neither pods nor addresses; say where it runs",
    ],
    [
      "Pods that carry nothing",
      made({ prometheus: { pods: [{ namespace: "a", labels: {} }] } }, ...DENIES),
      "/spec/platform/prometheus/pods/0/labels",
      /fewer than 1 properties/,
    ],
    [
      "Pods in a namespace that no cluster can have",
      made({ prometheus: { pods: [{ namespace: "Monitoring", labels: { a: "" } }] } }, ...DENIES),
      "/spec/platform/prometheus/pods/0/namespace",
      /^is "Monitoring"; must match pattern/,
    ],
    [
      "a value that no label can have",
      made({ prometheus: { pods: [{ namespace: "a", labels: { "a.b/c_D": "x y" } }] } }, ...DENIES),
      "/spec/platform/prometheus/pods/0/labels/a.b~1c_D",
      /^is "x y"; must match pattern/,
    ],
    [
      "a key that no label can have",
      made({ prometheus: { pods: [{ namespace: "a", labels: { "a.b/c": "x", "A.b/c": "x" } }] } }, ...DENIES),
      "/spec/platform/prometheus/pods/0/labels/A.b~1c",
      "is not the key of a label",
    ],
    [
      "a way in for what scrapes, where only egress is denied",
      made({ prometheus: peer }, "01-default-deny-egress", ways("30-allow-observability", [80])),
      "/spec/templates/1/name",
      /: add 00-default-deny-ingress$/,
    ],
    [
      "a range for the API server",
      made({ apiServer: { addresses: ["10.0.0.0/24"], ports: [443] } }, ...DENIES),
      "/spec/platform/apiServer/addresses/0",
      'is "10.0.0.0/24"; must be one IPv4 or IPv6 address, without a prefix',
    ],
    [
      "an API server at no port",
      made({ apiServer: { addresses: ["10.0.0.1"] } }, ...DENIES),
      "/spec/platform/apiServer/ports",
      "is missing; say where it listens at these addresses: [6443]",
    ],
    [
      "ports of an API server that is to be found",
      made({ apiServer: { ports: [6443], callers: peer } }, ...DENIES),
      "/spec/platform/apiServer/addresses",
      "is missing; without addresses ports are found, too",
    ],
    [
      "an API server of which nothing is said",
      made({ apiServer: {} }, ...DENIES),
      "/spec/platform/apiServer",
      "names neither addresses and ports nor callers; leave it out to have found where it answers",
    ],
    [
      "callers that are nowhere",
      made({ apiServer: { callers: {} } }, ...DENIES),
      "/spec/platform/apiServer/callers",
      "names neither pods nor addresses; say where its calls come from",
    ],
    [
      "callers that may be anyone",
      made({ apiServer: { callers: { addresses: ["10.0.0.0/8"] } } }, ...DENIES),
      "/spec/platform/apiServer/callers/addresses/0",
      'is "10.0.0.0/8"; no range may be wider than /16 (IPv4) or /48 (IPv6)',
    ],
    [
      "a caller by a label that is none",
      made({ apiServer: { callers: { pods: [{ namespace: "a", labels: { "A.b/c": "x" } }] } } }, ...DENIES),
      "/spec/platform/apiServer/callers/pods/0/labels/A.b~1c",
      "is not the key of a label",
    ],
  ])("%s", (_, document, path, message) => {
    expect(problems(document)).toEqual([
      { path, message: typeof message === "string" ? message : (expect.stringMatching(message) as unknown) },
    ]);
  });

  const asPort = (port: unknown) =>
    made({ ingressController: peer }, ...DENIES, ways("20-allow-ingress-controller", [port as number]));
  test.each([0, 65_536, 80.5, -1, "", "HTTP", "http_alt", "-http", "a--b", "80", "a".repeat(16), null, true, {}, [80]])(
    "%j is no port",
    (port) => {
      expect(problems(asPort(port))).toEqual([
        {
          path: `${at}/ports/0`,
          message: expect.stringMatching(/must be a number from 1 to 65535, or the name/) as unknown,
        },
      ]);
    },
  );

  const asRange = (range: string) => made({ collector: { addresses: [range] } }, ...DENIES);
  test.each(["0.0.0.0/0", "10.0.0.0/15", "::/0", "fd00::/47", "64:ff9b::/96"])("%s is too wide for a peer", (range) => {
    expect(problems(asRange(range))).toEqual([
      {
        path: "/spec/platform/collector/addresses/0",
        message: `is "${range}"; no range may be wider than /16 (IPv4) or /48 (IPv6)`,
      },
    ]);
  });
  test.each([
    "10.0.0.1/24",
    "10.0.0.0/024",
    "10.0.0.0/33",
    "10.0.0.0/",
    "010.0.0.0/24",
    "nodes",
    "::ffff:10.0.0.0/120",
  ])("%s is no range", (range) => {
    expect(problems(asRange(range))).toMatchObject([{ message: expect.stringMatching(/must be an IPv4 or IPv6 add/) }]);
  });
});

describe("a NetworkException", () => {
  const made = (spec: object) => ({ ...networkException(), spec: { ...networkException().spec, ...spec } });

  test.each<[string, object]>([
    ["for policies by name", { policies: { names: ["web"] } }],
    ["for policies by label", { policies: { selector: { matchLabels: { app: "web" } } } }],
    [
      "for both kinds, by both",
      { policies: { names: ["a"], selector: {} }, workloads: { names: ["b"], selector: {} } },
    ],
    ["until a moment", { expires: "2026-11-30T18:00:00Z" }],
    ["until a leap day", { expires: "2028-02-29" }],
  ])("%s is valid", (_, spec) => {
    expect(problems(made(spec))).toEqual([]);
  });

  test.each(["rules", "reason", "owner", "expires"])("without %s", (field) => {
    expect(problems(made({ [field]: undefined }))).toEqual([{ path: `/spec/${field}`, message: "is missing" }]);
  });

  test.each<[string, object, string, RegExp]>([
    ["for nothing", { policies: undefined }, "/spec", /^says neither policies nor workloads/],
    ["for policies that it does not say", { policies: {} }, "/spec/policies", /must NOT have fewer than 1 properties/],
    ["for no names", { policies: { names: [] } }, "/spec/policies/names", /must NOT have fewer than 1 items/],
    ["for an empty name", { policies: { names: [""] } }, "/spec/policies/names/0", /fewer than 1 characters/],
    [
      "a misspelt field of it",
      { policy: { names: ["web"] } },
      "/spec/policy",
      /is not a field of this; allowed: rules, policies/,
    ],
    [
      "a misspelt selector, which would select everything",
      { policies: { selector: { matchLabel: { app: "web" } } } },
      "/spec/policies/selector/matchLabel",
      /is not a field of this; allowed: matchLabels, matchExpressions/,
    ],
    [
      "an operator without values",
      { policies: { selector: { matchExpressions: [{ key: "a", operator: "In" }] } } },
      "/spec/policies/selector/matchExpressions/0/values",
      /is empty/,
    ],
    [
      "an operator with values too many, of workloads",
      { workloads: { selector: { matchExpressions: [{ key: "a", operator: "Exists", values: ["b"] }] } } },
      "/spec/workloads/selector/matchExpressions/0/values",
      /takes no values/,
    ],
    ["no rules", { rules: [] }, "/spec/rules", /fewer than 1 items/],
    ["a reason of blanks", { reason: " \n\t" }, "/spec/reason", /must match pattern/],
    ["an owner of nothing", { owner: "" }, "/spec/owner", /must match pattern/],
    ["an owner that is a novel", { owner: "x".repeat(201) }, "/spec/owner", /more than 200 characters/],
    ["a day that is none", { expires: "2026-02-30" }, "/spec/expires", /is "2026-02-30"; there is no such day or time/],
    ["a time that is none", { expires: "2026-11-30T24:00:00Z" }, "/spec/expires", /there is no such day or time/],
    ["another time zone", { expires: "2026-11-30T18:00:00+01:00" }, "/spec/expires", /must match pattern/],
    ["a date, as YAML 1.1 would have it", { expires: 20261130 }, "/spec/expires", /must be of type string/],
    ["for ever", { expires: "never" }, "/spec/expires", /must match pattern/],
  ])("%s", (_, spec, path, message) => {
    expect(problems(made(spec))).toContainEqual({ path, message: expect.stringMatching(message) as unknown });
  });
});

describe("what a ruleset says of exceptions", () => {
  const made = (exceptions: unknown) => ({ ...networkRuleset("x"), spec: { exceptions } });
  const permanent = (tweak: object) =>
    made({ permanent: [{ rules: ["r"], namespaces: { names: ["a"] }, reason: "r", owner: "o", ...tweak }] });
  const at = "/spec/exceptions";

  test.each<[string, unknown]>([
    ["nothing", made({})],
    ["none", made({ rules: [], permanent: [] })],
    ["rules and days", made({ rules: ["r"], maxDays: 1 })],
    ["ten years", made({ maxDays: 3650 })],
    ["a permanent one", permanent({})],
    ["a permanent one for some policies", permanent({ policies: { names: ["web"] } })],
  ])("%s", (_, raw) => {
    expect(problems(raw)).toEqual([]);
  });

  test.each<[string, unknown, string, RegExp]>([
    ["no day", made({ maxDays: 0 }), `${at}/maxDays`, /must be >= 1/],
    ["more than ten years", made({ maxDays: 3651 }), `${at}/maxDays`, /must be <= 3650/],
    ["half a day", made({ maxDays: 1.5 }), `${at}/maxDays`, /must be of type integer/],
    ["days as text", made({ maxDays: "90" }), `${at}/maxDays`, /must be of type integer/],
    ["a permanent one without a reason", permanent({ reason: undefined }), `${at}/permanent/0/reason`, /is missing/],
    ["a permanent one without an owner", permanent({ owner: undefined }), `${at}/permanent/0/owner`, /is missing/],
    [
      "a permanent one for no namespaces",
      permanent({ namespaces: undefined }),
      `${at}/permanent/0/namespaces`,
      /is missing/,
    ],
    [
      "a permanent one for any namespaces",
      permanent({ namespaces: {} }),
      `${at}/permanent/0/namespaces`,
      /fewer than 1 prop/,
    ],
    [
      "a permanent one that ends",
      permanent({ expires: "2027-01-31" }),
      `${at}/permanent/0/expires`,
      /is not a field of this/,
    ],
    [
      "a misspelt narrowing",
      permanent({ policys: { names: ["web"] } }),
      `${at}/permanent/0/policys`,
      /is not a field of this/,
    ],
    [
      "a selector of namespaces that selects nothing",
      permanent({ namespaces: { selector: { matchExpressions: [{ key: "a", operator: "In", values: [] }] } } }),
      `${at}/permanent/0/namespaces/selector/matchExpressions/0/values`,
      /is empty/,
    ],
  ])("%s", (_, raw, path, message) => {
    expect(problems(raw)).toContainEqual({ path, message: expect.stringMatching(message) as unknown });
  });
});
