import { execFile } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { decide } from "../../src/engine/decide.ts";
import type { Finding } from "../../src/engine/evaluate.ts";
import type { NetworkPolicy } from "../../src/model/network-policy.ts";
import { calledService, webhookConfiguration } from "../helpers/backends.ts";
import { ipBlock, NAMESPACE_CONTRACT, networkBaseline, networkPolicy } from "../helpers/build.ts";
import { eventually } from "../helpers/eventually.ts";
import type { KubectlResult } from "./harness/cluster.ts";
import { describeCluster } from "./harness/context.ts";
import { type Drawbridge, startDrawbridge } from "./harness/drawbridge.ts";

const TOP = join(import.meta.dirname, "../..");
const RULE = "no-isolated-backend";
const LABELS = { "app.kubernetes.io/name": "web" };

/** Of namespaces in each of which a Service is called by a webhook for a kind that nobody creates, so never in earnest. */
const NAMESPACES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  plain: {},
  strict: { "drawbridge.dev/ruleset": "restricted" },
  audited: { "drawbridge.dev/mode": "audit" },
  governed: { governed: "yes" },
};

const SURROUNDINGS: readonly object[] = Object.entries(NAMESPACES).flatMap(([name, labels]) => [
  { apiVersion: "v1", kind: "Namespace", metadata: { name, labels: { ...NAMESPACE_CONTRACT, ...labels } } },
  calledService("web", { selector: LABELS, ports: [{ port: 443, targetPort: 8443 }] }, name),
  webhookConfiguration("Validating", name, { namespace: name, name: "web" }),
]);

function policy(namespace: string, name: string, ingress: readonly object[] = []): NetworkPolicy {
  const annotations = { description: "Only for a test.", owner: "team-test@example.com", reviewed: "2026-11-01" };
  return networkPolicy({ metadata: { name, namespace, annotations }, spec: { ingress } });
}

const opening = (namespace: string, name: string) =>
  policy(namespace, name, [{ from: [ipBlock("10.0.0.0/28")], ports: [{ port: 8443, protocol: "TCP" }] }]);

describeCluster("a policy that cuts off what the API server calls, on a real API server", (cluster) => {
  let drawbridge: Drawbridge;

  beforeAll(async () => {
    drawbridge = await startDrawbridge({ cluster: cluster() });
    // In place of the shipped one, which would open the way by itself.
    await create(networkBaseline("default", { namespaceSelector: { matchLabels: { governed: "yes" } } }));
    await eventually(() =>
      expect(drawbridge.log).toContainEqual(
        expect.objectContaining({ msg: "configuration changed", kind: "NetworkBaseline" }),
      ),
    );
    for (const object of SURROUNDINGS) await create(object);
    for (const namespace of Object.keys(NAMESPACES)) {
      await eventually(() =>
        expect(drawbridge.log).toContainEqual(
          expect.objectContaining({
            msg: "what the API server calls in a namespace",
            namespace,
            services: [expect.objectContaining({ target: expect.objectContaining({ is: "pods" }) })],
          }),
        ),
      );
    }
  }, 120_000);
  afterAll(() => drawbridge?.stop());

  const create = (object: object) => cluster().ok(["create", "-f", "-"], { input: JSON.stringify(object) });
  const kubectl = (args: readonly string[], object?: object): Promise<KubectlResult> =>
    cluster().kubectl(args, object === undefined ? {} : { input: JSON.stringify(object) });
  /** The server hears of a write a moment later. */
  const isHeardOf = async (namespace: string, isOpen: boolean): Promise<void> => {
    await eventually(async () => {
      const { stderr } = await kubectl(["create", "--dry-run=server", "-f", "-"], policy(namespace, "probe"));
      expect(stderr.includes(RULE)).toBe(!isOpen);
    });
  };

  /** Every way in which a person or a tool writes a policy; those that change one find one there that opens the port. */
  const WAYS: Readonly<Record<string, (object: NetworkPolicy) => Promise<KubectlResult>>> = {
    apply: (object) => kubectl(["apply", "-f", "-"], object),
    "apply --server-side": (object) => kubectl(["apply", "--server-side", "-f", "-"], object),
    create: (object) => kubectl(["create", "-f", "-"], object),
    replace: async (object) => {
      await create(openingLike(object));
      return kubectl(["replace", "-f", "-"], object);
    },
    patch: async (object) => {
      await create(openingLike(object));
      const { name = "", namespace = "" } = object.metadata ?? {};
      const patch = JSON.stringify({ spec: { ingress: [] } });
      return kubectl(["patch", "networkpolicy", name, "-n", namespace, "--type=merge", "-p", patch]);
    },
    "apply --dry-run=server": (object) => kubectl(["apply", "--dry-run=server", "-f", "-"], object),
    "apply --server-side --dry-run=server": (object) =>
      kubectl(["apply", "--server-side", "--dry-run=server", "-f", "-"], object),
  };
  const openingLike = ({ metadata: { name = "", namespace = "" } = {} }: NetworkPolicy) => opening(namespace, name);

  /** The findings of the CLI over everything that is in the cluster and this. */
  const lint = async (...objects: readonly object[]): Promise<readonly Finding[]> => {
    const folder = join(cluster().directory, `manifests-${folders++}`);
    mkdirSync(folder);
    [...objects, ...SURROUNDINGS].forEach((object, i) =>
      writeFileSync(join(folder, `${i}.json`), JSON.stringify(object)),
    );
    const args = [join(TOP, "src/cli.ts"), "lint", "--format", "json", folder];
    const { stdout } = await promisify(execFile)(process.execPath, args).catch(
      (error: { stdout: string; code: number }) => (error.code === 1 ? error : Promise.reject(error)),
    );
    return (JSON.parse(stdout) as { readonly findings: readonly Finding[] }).findings;
  };
  let folders = 0;

  describe.each(Object.keys(WAYS))("kubectl %s", (way) => {
    const name = way.replaceAll(/[^a-z]+/g, "-");
    // Nothing of one way may open, or stay in the way of, the next.
    const write = async (object: NetworkPolicy): Promise<readonly string[]> => {
      const { code, stderr } = (await WAYS[way]?.(object)) ?? { code: -1, stderr: "" };
      expect(code, stderr).toBe(0);
      const { name: policyName = "", namespace = "" } = object.metadata ?? {};
      await cluster().ok(["delete", "networkpolicy", policyName, "-n", namespace, "--ignore-not-found"]);
      await isHeardOf(namespace, namespace === "audited");
      return stderr.split("\n").flatMap((line) => (line.startsWith("Warning: ") ? [line.slice(9)] : []));
    };

    test("is warned of as lint warns of it", { timeout: 60_000 }, async () => {
      const object = policy("plain", name);
      const findings = await lint(object);
      expect(findings.map(({ rule, mode }) => `${mode} ${rule}`)).toEqual([`warn ${RULE}`]);
      const { warnings } = decide({ kind: "NetworkPolicy", name }, "default", findings);
      expect(await write(object)).toEqual(warnings);
      expect(warnings[0]).toContain("closes TCP 8443 of Service web to the API server");
    });

    test("is warned of where the ruleset enforces, which lint does", { timeout: 60_000 }, async () => {
      const object = policy("strict", name);
      const findings = (await lint(object)).filter(({ rule }) => rule === RULE);
      expect(findings.map(({ mode }) => mode)).toEqual(["enforce"]);
      const asWarning = findings.map((finding) => ({ ...finding, mode: "warn" as const }));
      const { warnings } = decide({ kind: "NetworkPolicy", name }, "restricted", asWarning);
      expect((await write(object)).filter((text) => text.includes(RULE))).toEqual(warnings);
    });

    test("is recorded in mode audit", { timeout: 60_000 }, async () => {
      expect(await write(policy("audited", name))).toEqual([]);
      await eventually(() =>
        expect(drawbridge.log).toContainEqual(
          expect.objectContaining({ name, namespace: "audited", rules: expect.arrayContaining([`${RULE}=audit`]) }),
        ),
      );
    });
  });

  test("nothing is said where another policy opens it, and again once that is gone", { timeout: 60_000 }, async () => {
    const [deny, allow] = [policy("plain", "deny"), opening("plain", "allow")];
    const said = async () => (await kubectl(["apply", "-f", "-"], deny)).stderr.includes(RULE);
    expect((await lint(deny, allow)).filter(({ rule }) => rule === RULE)).toEqual([]);
    expect(await said()).toBe(true);
    await create(allow);
    await isHeardOf("plain", true);
    expect(await said()).toBe(false);
    await cluster().ok(["delete", "networkpolicy", "allow", "-n", "plain"]);
    await isHeardOf("plain", false);
    expect(await said()).toBe(true);
    await cluster().ok(["delete", "networkpolicy", "deny", "-n", "plain"]);
  });

  test("nothing is said where the baseline keeps it open", { timeout: 60_000 }, async () => {
    await eventually(async () =>
      expect(await cluster().ok(["get", "networkpolicies", "-n", "governed", "-o", "name"])).toContain(
        "drawbridge-backend-web",
      ),
    );
    await isHeardOf("governed", true);
    const { code, stderr } = await kubectl(["apply", "-f", "-"], policy("governed", "deny"));
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  });

  test("nothing is said once nothing calls it", { timeout: 60_000 }, async () => {
    await cluster().ok(["delete", "validatingwebhookconfiguration", "plain"]);
    await isHeardOf("plain", true);
  });
});
