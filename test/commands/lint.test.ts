import { execFileSync, spawn } from "node:child_process";
import { linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { CLI, drawbridge, type Ended, type How } from "../helpers/cli.ts";
import { exceptionYaml, namespaceYaml, openPolicy, rulesetYaml } from "../linter/manifests.ts";

const top = mkdtempSync(join(tmpdir(), "drawbridge-lint-"));
afterAll(() => rmSync(top, { recursive: true }));

let cwd: string;
beforeEach(() => {
  cwd = mkdtempSync(join(top, "case-"));
});

function write(files: Readonly<Record<string, string | Buffer>>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(cwd, name)), { recursive: true });
    writeFileSync(join(cwd, name), text);
  }
}

/** As a user runs it in the folder of the test. Whatever happens, it is no bug of ours. */
async function lint(args: readonly string[], how: How = {}): Promise<Ended> {
  const ended = await drawbridge(["lint", ...args], { cwd, ...how });
  expect(ended.stdout + ended.stderr).not.toMatch(/^ {4}at |this is a bug/m);
  return ended;
}

/** The first line of each finding. */
const headsOf = (stdout: string) => stdout.split("\n").filter((line) => /:\d+:\d+: \w+: /.test(line));
/** Of findings that are errors: `open.yaml:8:7 no-open-egress`. */
const errorsOf = (stdout: string) =>
  headsOf(stdout).flatMap((line) => /^(.*:\d+:\d+): error: ([\w-]+):/.exec(line)?.slice(1).join(" ") ?? []);
const lastLine = (text: string) => text.trimEnd().split("\n").at(-1);

const clean = `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: web
  namespace: shop
  annotations: { description: The shop's pages., owner: team-shop@example.com }
spec:
  podSelector: { matchLabels: { app.kubernetes.io/name: web } }
  policyTypes: [Ingress]
`;

const REFUSED = ["open.yaml:8:7 no-open-egress"];

describe("exit codes", () => {
  test("0: nothing is found", async () => {
    write({ "web.yaml": clean });
    const summary = "1 object judged in 1 file: 0 errors, 0 warnings, 0 notes.\n";
    expect(await lint(["web.yaml"])).toEqual({ code: 0, stdout: summary, stderr: "" });
  });

  test("1: something would be refused; place, line, mark, and what to do", async () => {
    write({ "open.yaml": openPolicy() });
    const { code, stdout, stderr } = await lint(["open.yaml"]);
    expect({ code, stderr }).toEqual({ code: 1, stderr: "" });
    expect(stdout).toContain(`
open.yaml:8:7: error: no-open-egress: a clause without \`to\` allows egress to everyone, in and outside the cluster, on every port
    8 |     - {}
      |       ^
        NetworkPolicy shop/open, ruleset default
        Fix: name the peers under \`to\`, or remove the clause to allow nothing.

`);
    expect(lastLine(stdout)).toMatch(/^1 object judged in 1 file: 1 error, [1-9]\d* warnings, 0 notes\.$/);
  });

  test.each([
    ["warn", "warning"],
    ["audit", "note"],
  ])("0: with --mode %s there are only %ss", async (mode, level) => {
    write({ "open.yaml": openPolicy() });
    const { code, stdout } = await lint(["--mode", mode, "open.yaml"]);
    expect(code).toBe(0);
    expect(headsOf(stdout)).toContainEqual(expect.stringMatching(`^open.yaml:8:7: ${level}: no-open-egress: `));
    expect(errorsOf(stdout)).toEqual([]);
  });

  test("1: what the API server refuses is an error in every mode", async () => {
    write({ "a.yaml": openPolicy().replace("- {}", "- 1") });
    const { code, stdout } = await lint(["--mode", "audit", "a.yaml"]);
    expect({ code, errors: errorsOf(stdout) }).toEqual({ code: 1, errors: ["a.yaml:8:7 invalid-manifest"] });
  });

  test.each([
    ["no path", [], /missing required argument 'path'/],
    ["a path that is not there", ["nowhere.yaml"], /nowhere\.yaml cannot be read: ENOENT.*\(unreadable-file\)/],
    ["one of several that is not there", ["open.yaml", "nowhere"], /nowhere cannot be read.*\(unreadable-file\)/],
    ["a folder without manifests", ["empty"], /empty holds no \*\.yaml, \*\.yml or \*\.json.*\(unreadable-file\)/],
    ["an unknown option", ["open.yaml", "--modes", "warn"], /unknown option '--modes'\n\(Did you mean --mode\?\)/],
    ["a mode that is none", ["open.yaml", "--mode", "off"], /Allowed choices are audit, warn, enforce/],
    ["a format that is none", ["open.yaml", "--format", "sarif"], /Allowed choices are text, json/],
    [
      "an empty namespace, as of a variable that is not set",
      ["open.yaml", "-n", ""],
      /'' is invalid\. It must be a name/,
    ],
    ["a namespace that is none", ["open.yaml", "-n", "Shop"], /'Shop' is invalid\. It must be a name/],
    [
      "a policies folder that is not there",
      ["open.yaml", "--policies", "no"],
      /no cannot be read.*\(unreadable-file\)/,
    ],
    [
      "a policies folder with something else in it",
      ["open.yaml", "--policies", "."],
      /open\.yaml:1: kind is "NetworkPolicy"; allowed: .*\(invalid-policy-document\)/,
    ],
  ])("2: %s", async (_what, args, message) => {
    write({ "open.yaml": openPolicy() });
    mkdirSync(join(cwd, "empty"));
    const { code, stdout, stderr } = await lint(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(message);
  });
});

describe("standard input", () => {
  test("is -", async () => {
    const { code, stdout } = await lint(["-"], { input: openPolicy() });
    expect({ code, errors: errorsOf(stdout) }).toEqual({ code: 1, errors: ["<stdin>:8:7 no-open-egress"] });
  });

  test("counts beside files", async () => {
    write({ "open.yaml": openPolicy() });
    const { code, stdout } = await lint(["open.yaml", "-"], {
      input: namespaceYaml("shop", "drawbridge.dev/mode: warn"),
    });
    expect({ code, errors: errorsOf(stdout) }).toEqual({ code: 0, errors: [] });
  });

  test.each(["", "\n"])("of nothing (%o) means that the command before it failed", async (input) => {
    const { code, stdout, stderr } = await lint(["-"], { input });
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(/Standard input is empty.*\(unreadable-file\)/);
  });
});

describe("a folder", () => {
  const set = {
    "policies/deep/open.yaml": openPolicy(),
    "policies/other.json": JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a" } }),
    "values.yaml": "image: web\n",
    "README.md": "none of ours",
  };

  test("with all that is under it; what is no object is counted, not an error", async () => {
    write(set);
    const { code, stdout } = await lint(["."]);
    expect({ code, errors: errorsOf(stdout) }).toEqual({
      code: 1,
      errors: ["policies/deep/open.yaml:8:7 no-open-egress"],
    });
    expect(stdout.split("\n").slice(-3)).toEqual([
      expect.stringMatching(/^1 object judged in 3 files: 1 error, /),
      "Not judged: 1 object of other kinds, 1 document that is no object of Kubernetes.",
      "",
    ]);
  });

  test("says which folders it passes over", async () => {
    write({ ...set, "node_modules/chart/open.yaml": openPolicy() });
    expect(lastLine((await lint(["."])).stdout)).toBe("Not read: node_modules.");
  });

  test("Namespaces, rulesets and exceptions in it count, wherever they stand, and the summary says so", async () => {
    const month = 30 * 24 * 60 * 60 * 1000;
    const soon = new Date(Date.now() + month / 2).toISOString().slice(0, 10);
    const labels = "environment: test, domain: retail, tenant: web-team";
    write({
      "a/open.yaml": openPolicy("shop"),
      "b/open.yaml": openPolicy("bank"),
      "c/open.yaml": openPolicy("mine"),
      "z/namespace.yaml": namespaceYaml("bank", `${labels}, drawbridge.dev/mode: audit`),
      "z/more/exception.yaml": exceptionYaml("shop", soon),
      "z/rules.json": JSON.stringify({
        apiVersion: "drawbridge.dev/v1alpha1",
        kind: "NetworkRuleset",
        metadata: { name: "default" },
        spec: { exceptions: { rules: ["no-open-egress"], maxDays: 30 } },
      }),
    });
    const { code, stdout } = await lint(["."]);
    expect({ code, errors: errorsOf(stdout) }).toEqual({ code: 1, errors: ["c/open.yaml:8:7 no-open-egress"] });
    expect(stdout).toContain(`Excepted by NetworkException legacy of team-network@example.com until ${soon}.\n`);
    expect(stdout).toMatch(/^b\/open\.yaml:8:7: note: no-open-egress: /m);
    expect(stdout).toMatch(/^a\/open\.yaml:8:7: note: no-open-egress: /m);
    const [, verdict = ""] = stdout.split(/(?=^The verdict rests on )/m);
    expect(verdict.split("\n").slice(1)).toEqual([
      "  z/more/exception.yaml:1: NetworkException shop/legacy",
      "  z/rules.json:1: NetworkRuleset default",
      "  z/namespace.yaml:1: Namespace bank: drawbridge.dev/mode=audit",
      "",
    ]);
    expect((await lint(["a", "z"])).code).toBe(0);
  });
});

describe("options", () => {
  test("--policies: its rulesets count, those among the files do not, and the summary says so", async () => {
    const lax = "{ rules: { no-open-egress: { mode: warn } } }";
    write({
      "open.yaml": openPolicy(),
      "lax/default.yaml": rulesetYaml("default", lax),
      "strict/default.yaml": rulesetYaml("default", "{ rules: { require-metadata: { mode: enforce } } }"),
    });
    expect((await lint(["open.yaml", "--policies", "lax"])).code).toBe(0);
    const { code, stdout } = await lint(["open.yaml", "lax", "--policies", "strict"]);
    expect(code).toBe(1);
    expect(errorsOf(stdout)).toEqual(expect.arrayContaining(["open.yaml:3:1 require-metadata", ...REFUSED]));
    expect(lastLine(stdout)).toBe("  lax/default.yaml:1: NetworkRuleset default: does not count beside --policies");
  });

  test("--namespace: of objects that name none, and of them only", async () => {
    write({
      "open.yaml": openPolicy().replace(", namespace: shop", ""),
      "bank.yaml": namespaceYaml("bank", "drawbridge.dev/mode: warn"),
    });
    expect(errorsOf((await lint(["open.yaml", "bank.yaml"])).stdout)).toEqual(REFUSED);
    for (const option of ["--namespace", "-n"]) {
      const { code, stdout } = await lint(["open.yaml", "bank.yaml", option, "bank"]);
      expect(code).toBe(0);
      expect(stdout).toContain("NetworkPolicy bank/open, ruleset default");
    }
    write({ "open.yaml": openPolicy() });
    expect((await lint(["open.yaml", "bank.yaml", "-n", "bank"])).code).toBe(1);
  });

  test.each([
    ["findings", openPolicy(), 1],
    ["none", clean, 0],
    ["nothing to judge", "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a }\n", 0],
    ["what is no YAML", "a: [\n", 1],
  ])("--format json: one document with %s", async (_what, text, code) => {
    write({ "a.yaml": text });
    const ended = await lint(["--format", "json", "a.yaml"]);
    expect({ code: ended.code, stderr: ended.stderr }).toEqual({ code, stderr: "" });
    const { version, findings, summary } = JSON.parse(ended.stdout) as {
      version: number;
      findings: { mode: string; file: string; line: number }[];
      summary: { files: number; enforce: number };
    };
    expect({ version, files: summary.files }).toEqual({ version: 1, files: 1 });
    expect(findings.filter(({ mode }) => mode === "enforce")).toHaveLength(code);
    expect(summary.enforce).toBe(code);
    for (const { file, line } of findings) expect([file, line]).toEqual(["a.yaml", expect.any(Number)]);
  });

  test("--format json: nothing on standard output where it could not run", async () => {
    expect(await lint(["--format", "json", "nowhere"])).toMatchObject({ code: 2, stdout: "" });
  });

  test("--help says what the exit code means and what there is", async () => {
    const { code, stdout, stderr } = await lint(["--help"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    for (const text of ["exits with 1", "--namespace", "--policies", "--mode", "--format", "standard input"])
      expect(stdout.replaceAll(/\s+/g, " ")).toContain(text);
  });
});

describe("as written and as stored", () => {
  const without = clean.replace("  policyTypes: [Ingress]\n", "");

  test("policyTypes that are not written are missed, though the API server fills them in", async () => {
    write({ "web.yaml": without });
    const { code, stdout } = await lint(["web.yaml"]);
    expect({ code, errors: errorsOf(stdout) }).toEqual({ code: 1, errors: ["web.yaml:7:1 require-policy-types"] });
  });

  test("what the API server makes of it is what the other rules judge", async () => {
    write({ "web.yaml": without.replace(/$/, "  egress: [{ to: [], ports: null }]\n") });
    expect(errorsOf((await lint(["web.yaml"])).stdout)).toEqual([
      "web.yaml:7:1 require-policy-types",
      "web.yaml:9:12 no-open-egress",
    ]);
  });
});

describe("odd input is a finding with its place", () => {
  /** Ten of ten of ten... of one text. */
  const bomb = Array.from({ length: 12 }, (_, i) => {
    const inner = i === 0 ? "x," : `*a${i - 1},`;
    return `  a${i}: &a${i} [${inner.repeat(10)}]\n`;
  });
  const NULLS = `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: null, namespace: null, labels: null, annotations: null }
spec: { podSelector: null, policyTypes: [null], ingress: null, egress: [null, { to: [null], ports: [null] }] }
---
null
---
apiVersion: v1
kind: List
items: [null]
`;

  test.each<[string, string | Buffer, RegExp]>([
    ["no YAML", "kind: A\n  spec: [\n", /^a\.yaml:\d:\d+: error: invalid-manifest: /],
    [
      "no object of Kubernetes",
      "hello: world\n",
      /^a\.yaml:1:1: error: invalid-manifest: this has neither apiVersion /,
    ],
    ["nothing but a text", "404: Not Found", /^a\.yaml:1:\d: error: invalid-manifest: this has neither /],
    [
      "a template",
      "kind: NetworkPolicy\nmetadata:\n  name: {{ .Values.name }}\n",
      /^a\.yaml:3:9: error: invalid-manifest: This is a template, not a manifest/,
    ],
    ["an alias bomb", `kind: A\nbomb:\n${bomb.join("")}`, /^a\.yaml:\d+:\d+: error: invalid-manifest: Aliases make /],
    [
      "nulls everywhere",
      NULLS,
      /^a\.yaml:3:\d+: error: invalid-manifest: metadata\.name is missing; name or generateName is required/,
    ],
    [
      "null as apiVersion and kind",
      "apiVersion: null\nkind: null\n",
      /^a\.yaml:1:13: error: invalid-manifest: apiVersion /,
    ],
    [
      "a binary file",
      Buffer.from("\u007fELF\u0002\u0001\u0001\u0000\u00ff", "latin1"),
      /^a\.yaml:1:1: error: .*U\+007F/,
    ],
    ["a tape archive in zeros", Buffer.alloc(10_240), /^a\.yaml:1:1: error: .*Character U\+0000/],
    ["UTF-16", Buffer.from(`\ufeff${openPolicy()}`, "utf16le"), /^a\.yaml:1:\d: error: invalid-manifest: /],
    ["brackets that nobody closes", "[".repeat(100_000), /^a\.yaml:1:\d+: error: .*more than 200 levels deep/],
    [
      "an apiVersion of long ago",
      openPolicy().replace("networking.k8s.io/v1", "extensions/v1beta1"),
      /^a\.yaml:1:13: error: .*apiVersion is "extensions\/v1beta1"/,
    ],
  ])("%s", async (_what, text, finding) => {
    write({ "a.yaml": text });
    const { code, stdout, stderr } = await lint(["a.yaml"]);
    expect({ code, stderr }).toEqual({ code: 1, stderr: "" });
    expect(headsOf(stdout)).toContainEqual(expect.stringMatching(finding));
    expect(stdout.replaceAll("\n", "")).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  });

  test.each([
    ["YAML", `kind: ConfigMap\ndata: "${"x".repeat(50_000_000)}"\n`, /larger than 8 MiB/],
    ["JSON", `{"kind":"ConfigMap","data":"${"x".repeat(50_000_000)}"}`, /larger than 16 MiB/],
    [
      "many documents",
      `apiVersion: v1\nkind: ConfigMap\ndata:\n  a: ${"x".repeat(1_000_000)}\n---\n`.repeat(50),
      undefined,
    ],
  ])("50 MB of %s are no hang", async (_what, text, message) => {
    write({ "a.yaml": text });
    const { code, stdout } = await lint(["a.yaml"]);
    expect(code).toBe(message === undefined ? 0 : 1);
    if (message !== undefined) expect(headsOf(stdout)).toEqual([expect.stringMatching(message)]);
    expect(stdout.length).toBeLessThan(1000);
  });

  test("one document that cannot be read does not hide the others", async () => {
    write({ "a.yaml": `a: [\n---\n${openPolicy()}` });
    expect(errorsOf((await lint(["a.yaml"])).stdout)).toEqual([
      "a.yaml:1:4 invalid-manifest",
      "a.yaml:10:7 no-open-egress",
    ]);
  });

  test("only objects of other kinds are nothing to judge", async () => {
    write({ "a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a }\n" });
    const { code, stdout } = await lint(["a.yaml"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Nothing to judge in 1 file: no NetworkPolicy, Namespace or workload\.\n/);
  });

  test("nothing at all is a mistake, as it is for kubectl: whatever was to write it may have failed", async () => {
    write({ "a.yaml": "# nothing yet\n--- # nor here\n", "b.yaml": "" });
    const message = "drawbridge: Nothing is in a.yaml, b.yaml. See what was to write it. (unreadable-file)\n";
    expect(await lint(["a.yaml", "b.yaml"])).toEqual({ code: 2, stdout: "", stderr: message });
    write({ "b.yaml": "--- # nothing\n---\nkind: List\n" });
    expect((await lint(["a.yaml", "b.yaml"])).code).toBe(1);
  });

  test("names of files that a terminal would obey are shown, not obeyed", async () => {
    const name = "\u001b[2J\u202e.yaml";
    write({ [name]: openPolicy() });
    const found = await lint([name]);
    expect(errorsOf(found.stdout)).toEqual(["?[2J?.yaml:8:7 no-open-egress"]);
    const missing = await lint([`${name}x`]);
    expect(missing.stderr).toMatch(/^drawbridge: \?\[2J\?\.yamlx cannot be read/);
    expect((found.stdout + missing.stderr).replaceAll("\n", "")).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  });
});

describe("what else paths may be", () => {
  test("a file by many names is judged once", async () => {
    write({ "open.yaml": openPolicy() });
    linkSync(join(cwd, "open.yaml"), join(cwd, "hard.yaml"));
    symlinkSync("open.yaml", join(cwd, "soft.yaml"));
    const { stdout } = await lint(["open.yaml", "./open.yaml", "soft.yaml", "hard.yaml", ".", cwd]);
    expect(errorsOf(stdout)).toEqual(REFUSED);
    expect(lastLine(stdout)).toMatch(/^1 object judged in 1 file: /);
  });

  test("a named pipe, as of <(helm template .)", async () => {
    execFileSync("mkfifo", [join(cwd, "pipe")]);
    const writing = spawn("sh", ["-c", 'printf %s "$1" >pipe', "sh", openPolicy()], { cwd });
    const { code, stdout } = await lint(["pipe"]);
    expect({ code, errors: errorsOf(stdout) }).toEqual({ code: 1, errors: ["pipe:8:7 no-open-egress"] });
    expect(writing.exitCode).toBe(0);
  });
});

test("| head -1: whoever reads the output may stop; half a report has its own exit code, and no stack trace", async () => {
  write({ "many.yaml": Array.from({ length: 3000 }, () => openPolicy()).join("---\n") });
  const script = `"$0" "$1" lint many.yaml 2>errors | head -1; echo "\${PIPESTATUS[0]}"; cat errors`;
  const stdout = execFileSync("bash", ["-c", script, process.execPath, CLI], { cwd, encoding: "utf8" });
  expect(stdout.split("\n")).toEqual([expect.stringMatching(/^many\.yaml:\d+:\d+: /), "141", ""]);
});
