import { describe, expect, test } from "vitest";
import { EXCEPTABLE, exceptionYaml, namespaceYaml, openPolicy, rulesetYaml } from "./manifests.ts";
import { contextFor, lintFiles, shortly } from "./linted.ts";

const REFUSED = ["open.yaml:8:7 enforce no-open-egress"];

describe("as written and as stored", () => {
  const spec = "podSelector: {}\n  egress: []";
  const written = `apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: { name: a }\nspec:\n  ${spec}\n`;

  test("policyTypes that its author left out are missed in a file", () => {
    expect(shortly(lintFiles({ "a.yaml": written }))).toEqual(["a.yaml:4:1 enforce require-policy-types"]);
  });

  test("a manifest out of a cluster has them", () => {
    expect(shortly(lintFiles({ "a.yaml": `${written}  policyTypes: [Ingress]\n` }))).toEqual([]);
  });

  test("nulls and empty lists mean what the API server makes of them", () => {
    const text = openPolicy().replace("- {}", "- to: []\n    - null");
    expect(shortly(lintFiles({ "open.yaml": text }))).toEqual([
      "open.yaml:8:7 enforce no-open-egress",
      "open.yaml:9:7 enforce no-open-egress",
    ]);
  });
});

describe("what the set says counts, wherever it says it", () => {
  const open = { "open.yaml": openPolicy() };

  test("without it, mode enforce and ruleset default", () => {
    expect(shortly(lintFiles(open))).toEqual(REFUSED);
    expect(shortly(lintFiles(open, { mode: "warn" }))).toEqual(["open.yaml:8:7 warn no-open-egress"]);
    expect(shortly(lintFiles(open, { mode: "audit" }))).toEqual(["open.yaml:8:7 audit no-open-egress"]);
  });

  test.each([
    ["a Namespace's mode", namespaceYaml("shop", "drawbridge.dev/mode: audit"), "audit"],
    ["another Namespace's mode", namespaceYaml("web", "drawbridge.dev/mode: audit"), "enforce"],
    ["a ruleset", rulesetYaml("default", "{ rules: { no-open-egress: { mode: warn } } }"), "warn"],
    ["a ruleset that nobody names", rulesetYaml("other", "{ rules: { no-open-egress: { mode: warn } } }"), "enforce"],
    [
      "a ruleset that a Namespace names",
      `${rulesetYaml("lax", "{ rules: { no-open-egress: { mode: warn } } }")}---\n${namespaceYaml("shop", "drawbridge.dev/ruleset: lax")}`,
      "warn",
    ],
    ["an exception", `${EXCEPTABLE}---\n${exceptionYaml("shop", "2026-12-01")}`, "audit"],
    [
      "an exception as kubectl prints one that nobody has created",
      `${EXCEPTABLE}---\n${exceptionYaml("shop", "2026-12-01", ", creationTimestamp: null")}`,
      "audit",
    ],
    ["an exception of another namespace", `${EXCEPTABLE}---\n${exceptionYaml("web", "2026-12-01")}`, "enforce"],
  ])("%s, before and after", (_what, text, mode) => {
    const only = [`open.yaml:8:7 ${mode} no-open-egress`];
    expect(shortly(lintFiles({ "a.yaml": text, ...open }))).toEqual(only);
    expect(shortly(lintFiles({ ...open, "z.yaml": text }))).toEqual(only);
    const one = lintFiles({ "open.yaml": `${openPolicy()}---\n${text}` });
    expect(shortly(one)).toEqual(only);
  });

  test("a finding says which ruleset, and which exception", () => {
    const set = { "a.yaml": `${EXCEPTABLE}---\n${exceptionYaml("shop", "2026-12-01")}`, ...open };
    expect(lintFiles(set).findings.find(({ rule }) => rule === "no-open-egress")).toMatchObject({
      ruleset: "default",
      object: { kind: "NetworkPolicy", namespace: "shop", name: "open" },
      exception: "NetworkException legacy of team-network@example.com until 2026-12-01",
    });
  });

  test("what names no namespace is in that of the command line", () => {
    const set = {
      "a.yaml": `${EXCEPTABLE}---\n${exceptionYaml("", "2026-12-01")}`,
      "open.yaml": openPolicy().replace(", namespace: shop", ""),
    };
    expect(shortly(lintFiles(set, { defaultNamespace: "web" }))).toEqual(["open.yaml:8:7 audit no-open-egress"]);
    const elsewhere = { ...set, "a.yaml": set["a.yaml"].replace("name: legacy", "name: legacy, namespace: shop") };
    expect(shortly(lintFiles(elsewhere, { defaultNamespace: "web" }))).toEqual(REFUSED);
  });

  test.each([
    ["expired", "2026-11-20", "", "warn", /has expired: it was until 2026-11-20/],
    ["too long", "2027-11-20", "", "enforce", /ruleset default allows 30 days from its creation, so until 2026-12-21/],
    ["old", "2026-12-01", ", creationTimestamp: 2026-10-01T00:00:00Z", "enforce", /so until 2026-10-31/],
    ["from the future", "2099-12-01", ", creationTimestamp: 2099-11-30T00:00:00Z", "enforce", /so until 2026-12-21/],
  ])("an exception that is %s does not count, and is said", (_what, expires, more, mode, why) => {
    const { findings } = lintFiles({ "a.yaml": `${EXCEPTABLE}---\n${exceptionYaml("shop", expires, more)}`, ...open });
    const own = findings.find(({ place }) => place.file === "a.yaml");
    expect(own).toMatchObject({
      rule: "invalid-manifest",
      mode,
      path: "/spec/rules/0",
      message: expect.stringMatching(why),
    });
    const policy = findings.find(({ rule }) => rule === "no-open-egress");
    expect(policy).toMatchObject({ mode: "enforce", lapsed: expect.stringMatching(why) });
  });

  test("a label that says nothing we know", () => {
    expect(
      shortly(lintFiles({ "a.yaml": namespaceYaml("shop", "drawbridge.dev/mode: off, drawbridge.dev/ruleset: none") })),
    ).toEqual(["a.yaml:5:34 enforce invalid-manifest", "a.yaml:5:63 warn invalid-manifest"]);
  });

  test("two that contradict each other: the first counts, the second is an error", () => {
    const set = {
      "a.yaml": namespaceYaml("shop", "team: shop"),
      ...open,
      "z.yaml": namespaceYaml("shop", "drawbridge.dev/mode: audit"),
    };
    const { findings } = lintFiles(set);
    expect(shortly({ findings, objects: [] })).toEqual([...REFUSED, "z.yaml:4:9 enforce invalid-manifest"]);
    expect(findings.find(({ rule }) => rule === "invalid-manifest")?.message).toBe(
      "the one of this name in a.yaml:1 has other labels that govern, and counts",
    );
    const rulesets = {
      "a.yaml": rulesetYaml("default", "{ rules: {} }"),
      "z.yaml": rulesetYaml("default", "{ rules: { no-open-egress: { mode: disabled } } }"),
    };
    expect(shortly(lintFiles({ ...rulesets, ...open }))).toEqual(["z.yaml:3:19 enforce invalid-manifest", ...REFUSED]);
    const twice = { "a.yaml": EXCEPTABLE, "z.yaml": EXCEPTABLE };
    expect(shortly(lintFiles(twice))).toEqual([]);
  });

  test("a label that a permanent exception asks for governs", () => {
    const vendors = "{ names: [other], selector: { matchLabels: { vendor: argocd } } }";
    const permanent = `[{ rules: [no-open-egress], namespaces: ${vendors}, reason: r, owner: o }]`;
    const files = {
      "a.yaml": rulesetYaml("default", `{ exceptions: { permanent: ${permanent} } }`),
      "b.yaml": namespaceYaml("shop", "vendor: argocd, team: web"),
      ...open,
    };
    expect(shortly(lintFiles(files))).toEqual(["open.yaml:8:7 audit no-open-egress"]);
    expect(contextFor(files).governing).toMatchObject([
      { object: { kind: "NetworkRuleset" } },
      { object: { kind: "Namespace", name: "shop" }, labels: { vendor: "argocd" }, counts: true },
    ]);
    const both = { ...files, "z.yaml": namespaceYaml("shop", "team: db") };
    expect(shortly(lintFiles(both))).toContain("z.yaml:4:9 enforce invalid-manifest");
    expect(shortly(lintFiles({ ...both, "a.yaml": "" }))).toEqual(REFUSED);
  });

  test("a document of ours that is not valid does not count", () => {
    const set = { "a.yaml": rulesetYaml("default", "{ rules: { no-open-egress: { mode: off } } }"), ...open };
    expect(shortly(lintFiles(set))).toEqual(["a.yaml:4:42 enforce invalid-manifest", ...REFUSED]);
    const version = EXCEPTABLE.replace("v1alpha1", "v1");
    expect(shortly(lintFiles({ "a.yaml": version }))).toEqual(["a.yaml:1:13 enforce invalid-manifest"]);
  });
});

describe("what nobody judges", () => {
  test.each(["kube-system", "kube-public", "drawbridge-system"])("objects in %s", (namespace) => {
    expect(lintFiles({ "open.yaml": openPolicy(namespace) })).toEqual({ findings: [], objects: ["exempt"] });
  });

  test("unless the API server refuses them", () => {
    const text = openPolicy("kube-system").replace("[Egress]", "[egress]");
    expect(shortly(lintFiles({ "open.yaml": text }))).toEqual(["open.yaml:6:17 enforce invalid-manifest"]);
  });

  test("other kinds", () => {
    const text =
      "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a }\n---\napiVersion: crd.projectcalico.org/v1\nkind: NetworkPolicy\n";
    expect(lintFiles({ "a.yaml": text })).toEqual({ findings: [], objects: ["other", "other"] });
  });
});

describe("what the cluster would not take is an error in every mode", () => {
  const one = (text: string, isNamed = true) =>
    lintFiles({ "a.yaml": text }, { mode: "audit" }, isNamed).findings.map(
      ({ place: { line, column }, rule, mode, message }) => `${line}:${column} ${rule} ${mode}: ${message}`,
    );

  test.each([
    [
      "a wrong apiVersion",
      openPolicy().replace("networking.k8s.io/v1", "extensions/v1beta1"),
      /^1:13 .* NetworkPolicy is served as networking\.k8s\.io\/v1/,
    ],
    ["a misspelt kind", openPolicy().replace("NetworkPolicy", "Networkpolicy"), /^2:7 .*did you mean NetworkPolicy\?/],
    ["no apiVersion", openPolicy().replace(/^.*\n/, ""), /^1:1 .* is missing/],
    ["a misspelt field", openPolicy().replace("egress:", "egres:"), /^7:3 /],
    ["items beside a spec", `${openPolicy()}items: []\n`, /^9:1 /],
    ["a name of ours", exceptionYaml("shop", "2026-12-01").replace("legacy", "Legacy"), /^3:19 .* is "Legacy"/],
    ["a tab", "kind: A\n\tmetadata: {}\n", / invalid-manifest enforce: A tab cannot indent/],
    ["a key twice", `${openPolicy()}spec: {}\n`, /^9:1 .*`spec` is here twice, before on line 4/],
    ["a template", "kind: NetworkPolicy\nmetadata:\n  name: {{ .Values.name }}\n", /^3:9 .*This is a template/],
  ])("%s", (_what, text, message) => {
    expect(one(text)).toContainEqual(expect.stringMatching(message));
    expect(one(text, false)).toContainEqual(expect.stringMatching(message));
  });

  test.each([
    ["a scalar", "hello\n", "1:1 invalid-manifest enforce: this is a string, no object of Kubernetes"],
    ["a list", "- a\n", "1:1 invalid-manifest enforce: this is a list, no object of Kubernetes"],
    [
      "neither apiVersion nor kind",
      "image: x\n",
      "1:1 invalid-manifest enforce: this has neither apiVersion nor kind, so it is no object of Kubernetes",
    ],
    ["JSON with comments", '{\n  // strict\n  "strict": true, {\n}\n', undefined],
    ["a chart", "apiVersion: v2\nname: shop\n", undefined],
    ["a pipeline", "kind: pipeline\nname: shop\n", undefined],
  ])("%s is an error in a file that is named, and none of our business in a folder", (_what, text, message) => {
    expect(one(text)).toHaveLength(1);
    if (message !== undefined) expect(one(text)).toEqual([message]);
    expect(lintFiles({ "a.yaml": text }, {}, false)).toEqual({ findings: [], objects: ["not-object"] });
  });

  test("an item of a List is meant to be an object wherever it is found", () => {
    const list = "apiVersion: v1\nkind: List\nitems: [null, { metadata: {} }]\n";
    expect(one(list, false)).toEqual([
      "3:9 invalid-manifest enforce: this is null, no object of Kubernetes",
      "3:15 invalid-manifest enforce: this has neither apiVersion nor kind, so it is no object of Kubernetes",
    ]);
  });

  test("nothing at all is nothing", () => {
    expect(lintFiles({ "a.yaml": "" })).toEqual({ findings: [], objects: [] });
    expect(lintFiles({ "a.yaml": "# nothing\n---\nnull\n---\n" })).toEqual({ findings: [], objects: [] });
  });
});

describe("odd objects", () => {
  test("a List as kubectl prints it, in YAML and JSON: places in the items", () => {
    const item = openPolicy().replaceAll(/^/gm, "    ").trimEnd().replace("   ", "  -");
    const yaml = `apiVersion: v1\nkind: List\nmetadata: { resourceVersion: "" }\nitems:\n${item}\n`;
    expect(shortly(lintFiles({ "list.yaml": yaml }))).toEqual(["list.yaml:12:11 enforce no-open-egress"]);
    const policy = {
      apiVersion: "networking.k8s.io/v1",
      kind: "NetworkPolicy",
      metadata: { name: "open", namespace: "shop" },
      spec: { podSelector: {}, policyTypes: ["Egress"], egress: [{}] },
    };
    const json = JSON.stringify({ apiVersion: "v1", kind: "List", items: [policy, policy] }, null, 1);
    expect(shortly(lintFiles({ "list.json": json }))).toEqual([
      "list.json:18:6 enforce no-open-egress",
      "list.json:35:6 enforce no-open-egress",
    ]);
  });

  test("generateName stands for the name", () => {
    const text = openPolicy().replace("name: open", "generateName: open-");
    expect(lintFiles({ "open.yaml": text }).findings[0]?.object?.name).toBe("open-");
  });

  test("names, labels and files of any size and sort make findings of one short line", () => {
    const odd = JSON.stringify(`\u001b[2J\u202e${"x".repeat(10_000)}`);
    const set = {
      "a.yaml": `${namespaceYaml("shop", `drawbridge.dev/mode: ${odd}, drawbridge.dev/ruleset: ${odd}`)}---\n${openPolicy("shop", odd)}`,
    };
    const { findings } = lintFiles(set);
    expect(findings.length).toBeGreaterThan(4);
    for (const { message, fix, excerpt } of findings) {
      expect(message.length).toBeLessThanOrEqual(120);
      expect(`${message}${fix}${excerpt.text}`).not.toMatch(/[\p{C}\p{Zl}\p{Zp}]/u);
    }
  });
});

describe("a policy that cuts off what the API server calls, as the whole set says it", () => {
  const WEBHOOK = `apiVersion: admissionregistration.k8s.io/v1
kind: MutatingWebhookConfiguration
metadata: { name: quota }
webhooks:
  - name: quota.example.com
    clientConfig: { service: { name: quota, namespace: shop } }
`;
  const SERVICE = `apiVersion: v1
kind: Service
metadata: { name: quota, namespace: shop }
spec: { selector: { app: quota }, ports: [{ port: 443, targetPort: 8443 }] }
`;
  const policy = (name: string, ingress: string, namespace = "shop") => `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: ${name}, namespace: ${namespace} }
spec:
  podSelector: { matchLabels: { app: quota } }
  policyTypes: [Ingress]
  ingress: ${ingress}
`;
  const OPENS = "[{ from: [{ ipBlock: { cidr: 10.0.0.0/28 } }], ports: [{ port: 8443 }] }]";
  const DENY = { "deny.yaml": policy("deny", "[]") };
  const CALLED = { "webhook.yaml": WEBHOOK, "service.yaml": SERVICE };
  const found = (mode: string) => [`deny.yaml:5:3 ${mode} no-isolated-backend`];

  test("is found, whatever comes first, and counts in full", () => {
    expect(shortly(lintFiles({ ...CALLED, ...DENY }))).toEqual(found("warn"));
    expect(shortly(lintFiles({ ...DENY, ...CALLED }))).toEqual(found("warn"));
    const enforced = rulesetYaml("default", "{ rules: { no-isolated-backend: { mode: enforce } } }");
    expect(shortly(lintFiles({ ...DENY, ...CALLED, "ruleset.yaml": enforced }))).toEqual(found("enforce"));
    const audited = namespaceYaml("shop", "drawbridge.dev/mode: audit");
    expect(shortly(lintFiles({ ...DENY, ...CALLED, "shop.yaml": audited }))).toEqual(found("audit"));
  });

  test("objects of the kinds that it is found by are not judged", () => {
    expect(lintFiles({ ...CALLED, ...DENY }).objects).toEqual(["other", "other", "judged"]);
  });

  test.each([
    ["another policy opens it", { ...CALLED, "open.yaml": policy("allow", OPENS) }],
    ["nothing in the set calls it", { "service.yaml": SERVICE }],
    ["its Service is not in the set", { "webhook.yaml": WEBHOOK }],
  ])("is not where %s", (_what, files) => {
    expect(shortly(lintFiles({ ...DENY, ...files }))).toEqual([]);
    expect(shortly(lintFiles({ ...files, ...DENY }))).toEqual([]);
  });

  test("a policy of another namespace opens nothing, and what is called alike there is another", () => {
    const bank = { "bank.yaml": policy("allow", OPENS, "bank"), "deny-bank.yaml": policy("deny", "[]", "bank") };
    expect(shortly(lintFiles({ ...DENY, ...CALLED, ...bank }))).toEqual(found("warn"));
  });

  test("what names no namespace is where the others are told to be, as a rendered chart has it", () => {
    const bare = (text: string) => text.replace(", namespace: shop }", " }");
    const files = { "deny.yaml": bare(policy("deny", "[]")), ...CALLED, "service.yaml": bare(SERVICE) };
    expect(shortly(lintFiles(files, { defaultNamespace: "shop" }))).toEqual(found("warn"));
    expect(shortly(lintFiles(files))).toEqual([]);
    const opened = { ...files, "open.yaml": bare(policy("allow", OPENS)) };
    expect(shortly(lintFiles(opened, { defaultNamespace: "shop" }))).toEqual([]);
  });

  test("in lists, in one file, and behind escapes", () => {
    const item = (text: string) => `  - ${text.trim().replaceAll("\n", "\n    ")}\n`;
    const list = `apiVersion: v1\nkind: List\nitems:\n${[WEBHOOK, SERVICE, policy("deny", "[]")].map(item).join("")}`;
    expect(shortly(lintFiles({ "a.yaml": list }))).toEqual(["a.yaml:18:7 warn no-isolated-backend"]);
    const hidden = { ...CALLED, "webhook.yaml": WEBHOOK.replace("clientConfig", '"client\\u0043onfig"') };
    expect(shortly(lintFiles({ ...DENY, ...hidden }))).toEqual(found("warn"));
    const deny = DENY["deny.yaml"].replace("kind: NetworkPolicy", 'kind: "Network\\u0050olicy"');
    expect(shortly(lintFiles({ ...CALLED, "deny.yaml": deny }))).toEqual(found("warn"));
  });

  test("nulls in a policy that opens mean what the API server makes of them", () => {
    const files = { ...DENY, ...CALLED, "open.yaml": policy("allow", "[null]") };
    expect(shortly(lintFiles(files))).toEqual(["open.yaml:7:13 enforce no-open-ingress"]);
  });
});
