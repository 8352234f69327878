import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { INPUT_ERRORS, InputError } from "../../src/model/errors.ts";
import { assertNodeVersion } from "../../src/node-version.ts";
import { RULES } from "../../src/rules/index.ts";
import { drawbridge } from "../helpers/cli.ts";

const TOP = join(import.meta.dirname, "../..");

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "drawbridge-cli-"));
});
afterAll(() => rm(folder, { recursive: true }));

async function file(name: string, text: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, text);
  return path;
}

test("--help says what there is, and is no error", async () => {
  const { code, stdout, stderr } = await drawbridge(["--help"]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  for (const command of ["lint", "serve", "rules", "version"])
    expect(stdout).toMatch(new RegExp(`^  ${command} `, "m"));
});

test.each([["version"], ["--version"]])("%s says which it is, and of Node.js", async (...args) => {
  const { version } = JSON.parse(await readFile(join(TOP, "package.json"), "utf8")) as { version: string };
  const stdout = `drawbridge ${version} (Node.js ${process.version})\n`;
  expect(await drawbridge(args)).toEqual({ code: 0, stdout, stderr: "" });
});

describe("rules", () => {
  test("lists them", async () => {
    const { code, stdout, stderr } = await drawbridge(["rules"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    for (const { id } of RULES) expect(stdout).toMatch(new RegExp(`^${id} .* (enforce|warn|audit|disabled)$`, "m"));
  });

  test("says more about one", async () => {
    const { code, stdout, stderr } = await drawbridge(["rules", "no-open-egress"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/^no-open-egress\n\nThis rule .*\n\nWhy: .*\n\nWhat to do: .*\n\nExample: /s);
  });

  test("says which was meant", async () => {
    const stderr =
      "drawbridge: no-open-egres is not a rule. Did you mean no-open-egress? drawbridge rules lists them. (unknown-rule)\n";
    expect(await drawbridge(["rules", "no-open-egres"])).toEqual({ code: 2, stdout: "", stderr });
  });
});

describe("bad input ends with exit code 2, one message and no stack trace", () => {
  const expectRefusal = async (args: readonly string[], ...texts: (string | RegExp)[]): Promise<void> => {
    const { code, stdout, stderr } = await drawbridge(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    for (const text of texts) expect(stderr).toMatch(text);
    expect(stderr).not.toMatch(/^ {4}at /m);
  };

  test.each([
    ["no command", [], /^Usage: drawbridge \[options\] \[command\]/],
    ["more rules than one", ["rules", "no-open-egress", "no-broad-cidr"], /too many arguments/],
    ["an unknown command", ["srve"], /unknown command 'srve'/],
    ["an unknown option", ["serve", "--prot", "1"], /unknown option '--prot'/],
    ["a mode that is none", ["serve", "--mode", "disabled"], /Allowed choices are audit, warn, enforce/],
    ["a port that is none", ["serve", "--port", "65536"], /It must be a number from 0 \(any free port\) to 65535/],
    [
      "a URL that is not https",
      ["serve", "--webhook-url", "http://127.0.0.1:1"],
      /It must be https:\/\/HOST:PORT: an API server calls nothing else/,
    ],
    [
      "a URL with a path",
      ["serve", "--webhook-url", "https://127.0.0.1:1/x"],
      /the paths \/validate, \/mutate and \/gate are added/,
    ],
    [
      "a URL without a cluster",
      ["serve", "--webhook-url", "https://127.0.0.1:1"],
      /name it by --kubeconfig, or in a Pod by --in-cluster. \(invalid-option\)/,
    ],
    [
      "a Service without its namespace",
      ["serve", "--service", "drawbridge"],
      /It must be NAMESPACE\/NAME or NAMESPACE\/NAME:PORT/,
    ],
    ["a namespace that is none", ["serve", "--namespace", "a/b"], /It must be the name of a namespace/],
    ["a Service's port that is none", ["serve", "--service", "a/b:0"], /It must be NAMESPACE\/NAME or/],
    ["a Service's name that is none", ["serve", "--service", "a/b.c"], /It must be NAMESPACE\/NAME or/],
    [
      "two ways to be reached",
      ["serve", "--in-cluster", "--service", "a/b", "--webhook-url", "https://127.0.0.1:1"],
      /give one of them. \(invalid-option\)/,
    ],
    [
      "a service account that is not there",
      ["serve", "--in-cluster", "--service", "a/b"],
      /KUBERNETES_SERVICE_HOST is not set, so this is no Pod.*\(invalid-service-account\)/,
    ],
    [
      "a folder beside a cluster",
      ["serve", "--policies", "x", "--kubeconfig", "y"],
      /--policies is for use without a cluster.*\(invalid-option\)/,
    ],
    [
      "a folder that is not there",
      ["serve", "--policies", "/nowhere/at/all"],
      /\/nowhere\/at\/all cannot be read: .*\(unreadable-file\)/,
    ],
    [
      "a kubeconfig that is not there",
      ["serve", "--kubeconfig", "/nowhere/at/all"],
      /\/nowhere\/at\/all.*\(invalid-kubeconfig\)/,
    ],
  ])("%s", async (_name, args, text) => {
    await expectRefusal(args, text);
  });

  test("a policies folder with invalid documents: every problem, with file, line, path, value and what is allowed", async () => {
    const inner = await mkdtemp(join(folder, "policies-"));
    await writeFile(
      join(inner, "a.yaml"),
      `apiVersion: drawbridge.dev/v1alpha1
kind: NetworkRuleset
metadata: { name: one }
spec: { rules: { no-broad-cidr: { mode: enfroce } } }
---
apiVersion: drawbridge.dev/v1alpha1
kind: NetworkBaseline
metadata: { name: two }
spec: { namespaceSelector: {}, templates: [{ name: 99-nothing }] }
---
apiVersion: v1
kind: ConfigMap
`,
    );
    await expectRefusal(
      ["serve", "--policies", inner],
      /a\.yaml:1: spec\.rules\.no-broad-cidr\.mode is "enfroce"; allowed: disabled, audit, warn, enforce\n/,
      /a\.yaml:6: spec\.templates\[0\]\.name is "99-nothing"; allowed: 00-default-deny-ingress, 01-default-deny-egress, 10-allow-dns-egress, 20-.+\n/,
      /a\.yaml:11: kind is "ConfigMap"; allowed: NetworkRuleset, NetworkBaseline, NetworkException/,
      /\(invalid-policy-document\)/,
    );
  });

  test("a policies folder that holds nothing", async () => {
    const inner = await mkdtemp(join(folder, "policies-"));
    await expectRefusal(
      ["serve", "--policies", inner],
      /holds no \*\.yaml, \*\.yml or \*\.json\. .*\(unreadable-file\)/,
    );
    await writeFile(join(inner, "empty.yaml"), "# nothing yet\n");
    await expectRefusal(
      ["serve", "--policies", inner],
      /holds no NetworkRuleset, NetworkBaseline or NetworkException\. .*\(invalid-policy-document\)/,
    );
  });

  test("YAML that is none: file, line and column", async () => {
    const inner = await mkdtemp(join(folder, "policies-"));
    await writeFile(join(inner, "b.yaml"), "a: 1\nb: [\n");
    await expectRefusal(["serve", "--policies", inner], /b\.yaml:2:4: .*\(invalid-yaml\)/);
  });

  test("a port that is taken", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => other.once("listening", resolve));
    const { port } = other.address() as AddressInfo;
    await expectRefusal(
      ["serve", "--log-level", "silent", "--health-port", String(port)],
      new RegExp(
        `127\\.0\\.0\\.1:${port} cannot be listened on: .*Choose another by --health-port\\. \\(port-in-use\\)`,
      ),
    );
    other.close();
  });

  test("a user whom the API server does not know", async () => {
    const config = await file(
      "refused.kubeconfig",
      JSON.stringify({
        apiVersion: "v1",
        kind: "Config",
        clusters: [{ name: "c", cluster: { server: "https://127.0.0.1:1" } }],
        users: [{ name: "u", user: { token: "t" } }],
        contexts: [{ name: "x", context: { cluster: "c", user: "missing" } }],
        "current-context": "x",
      }),
    );
    await expectRefusal(["serve", "--kubeconfig", config], /refused\.kubeconfig.*\(invalid-kubeconfig\)/);
  });
});

test("every InputError code is in docs/errors.md, and none is there that does not exist", async () => {
  const page = await readFile(join(TOP, "docs/errors.md"), "utf8");
  const documented = [...page.matchAll(/^\| `([a-z-]+)` \|/gm)].map((match) => match[1]);
  expect(documented).toEqual(Object.keys(INPUT_ERRORS));
});

test("every InputError code is in use", async () => {
  const { readdirSync, readFileSync } = await import("node:fs");
  const sources = readdirSync(join(TOP, "src"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts") && name !== "model/errors.ts")
    .map((name) => readFileSync(join(TOP, "src", name), "utf8"))
    .join("\n");
  expect(Object.keys(INPUT_ERRORS).filter((code) => !sources.includes(`"${code}"`))).toEqual([]);
});

describe("the version of Node.js", () => {
  test("is asserted, and says what to do", () => {
    expect(() => assertNodeVersion("20.20.2")).toThrow(InputError);
    expect(() => assertNodeVersion("20.20.2")).toThrow(/24 or newer is needed.*npm ci/);
    expect(() => assertNodeVersion("24.0.0")).not.toThrow();
    expect(() => assertNodeVersion()).not.toThrow();
  });

  test("is the one of package.json, which brings it", async () => {
    const { engines, devDependencies } = JSON.parse(await readFile(join(TOP, "package.json"), "utf8")) as {
      engines: { node: string };
      devDependencies: { node: string };
    };
    expect(engines.node).toBe(">=24");
    expect(process.versions.node).toBe(devDependencies.node);
  });
});
