import { readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually } from "../helpers/eventually.ts";
import { describeCluster } from "./harness/context.ts";
import { type Drawbridge, startDrawbridge } from "./harness/drawbridge.ts";

const POLICIES = join(import.meta.dirname, "../../policies");
const CRDS = join(import.meta.dirname, "../../deploy/crds");

const OPEN = {
  apiVersion: "networking.k8s.io/v1",
  kind: "NetworkPolicy",
  metadata: {
    name: "open",
    namespace: "default",
    annotations: { description: "d", owner: "o", reviewed: "2026-11-01", expires: "2099-12-31" },
  },
  spec: { podSelector: {}, policyTypes: ["Egress"], egress: [{}] },
};

const ruleset = (name: string, spec: object) =>
  JSON.stringify({ apiVersion: "drawbridge.dev/v1alpha1", kind: "NetworkRuleset", metadata: { name }, spec });

interface Readiness {
  readonly ready: boolean;
  readonly configuration: readonly string[];
}

describeCluster("configuration on a real API server", (cluster) => {
  let drawbridge: Drawbridge;
  beforeAll(async () => {
    drawbridge = await startDrawbridge({ cluster: cluster() });
  });
  afterAll(() => drawbridge?.stop());

  /** denied, warned or nothing: what an open policy in a namespace gets. */
  const verdict = async (): Promise<string> => {
    const { code, stderr } = await cluster().kubectl(["create", "--dry-run=server", "-f", "-"], {
      input: JSON.stringify(OPEN),
    });
    return code !== 0 ? "denied" : stderr.includes("Warning: drawbridge: no-open-egress") ? "warned" : "nothing";
  };
  const apply = (input: string) => cluster().kubectl(["apply", "-f", "-"], { input, as: "platform" });
  const readiness = async (): Promise<Readiness> =>
    (await (await fetch(`${drawbridge.healthUrl}/readyz`)).json()) as Readiness;

  test("the API server takes the CRDs, and the documents that come with Drawbridge", async () => {
    const files = readdirSync(POLICIES, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".yaml"));
    expect(files).toHaveLength(3);
    for (const file of files) {
      const { code, stderr } = await cluster().kubectl([
        "create",
        "--dry-run=server",
        "--validate=strict",
        "-f",
        join(POLICIES, file),
      ]);
      expect({ file, code, stderr }).toEqual({ file, code: 0, stderr: "" });
    }
  });

  test.each([
    [
      "a mode that is none",
      { rules: { "no-broad-cidr": { mode: "enfroce" } } },
      /supported values: "disabled", "audit", "warn", "enforce"/,
    ],
    [
      "a rule that is none",
      { rules: { "no-cidr": {} } },
      /NetworkRuleset wrong is not valid:\n {2}spec\.rules\.no-cidr is not a rule; the rules are/,
    ],
    [
      "an option of a wrong type",
      { rules: { "no-unstable-label": { options: { labels: "version" } } } },
      /options\.labels is "version"; must be of type array/,
    ],
    [
      "an option that is none",
      { rules: { "no-unstable-label": { options: { label: [] } } } },
      /options\.label is not a field of this; allowed: labels/,
    ],
    ["a field that is none", { rulse: {} }, /spec\.rulse is not a field of this; allowed: description, base, rules/],
  ])("%s is refused at apply", async (_name, spec, message) => {
    const { code, stderr } = await apply(ruleset("wrong", spec));
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringMatching(message) });
  });

  test("a selector that could match nothing is refused at apply", async () => {
    const namespaceSelector = { matchExpressions: [{ key: "tier", operator: "In", values: [] }] };
    const spec = { namespaceSelector, templates: [{ name: "00-default-deny-ingress" }] };
    const { code, stderr } = await apply(
      JSON.stringify({
        apiVersion: "drawbridge.dev/v1alpha1",
        kind: "NetworkBaseline",
        metadata: { name: "wrong" },
        spec,
      }),
    );
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringContaining(
        "spec.namespaceSelector.matchExpressions[0].values is empty; operator In needs at least one value",
      ),
    });
  });

  test("a ruleset of one's own holds as soon as it is there, changes only what it names, and no longer when it is gone", async () => {
    expect(await verdict()).toBe("denied");
    expect(await apply(ruleset("default", { rules: { "no-open-egress": { mode: "warn" } } }))).toMatchObject({
      code: 0,
    });
    await eventually(async () => expect(await verdict()).toBe("warned"));
    const dead = { ...OPEN, spec: { ...OPEN.spec, policyTypes: ["Ingress"] } };
    const { stderr } = await cluster().kubectl(["create", "--dry-run=server", "-f", "-"], {
      input: JSON.stringify(dead),
    });
    expect(stderr).toContain("no-dead-clause");
    await cluster().ok(["delete", "networkruleset", "default"]);
    await eventually(async () => expect(await verdict()).toBe("denied"));
  });

  test("a namespace may name a ruleset of one's own, that stands on a shipped one", async () => {
    expect(
      await apply(ruleset("lenient", { base: "restricted", rules: { "no-open-egress": { mode: "disabled" } } })),
    ).toMatchObject({ code: 0 });
    await cluster().ok(["label", "namespace", "default", "drawbridge.dev/ruleset=lenient"]);
    await eventually(async () => expect(await verdict()).toBe("nothing"));
    await cluster().ok(["label", "namespace", "default", "drawbridge.dev/ruleset-"]);
    await eventually(async () => expect(await verdict()).toBe("denied"));
  });

  describe("a document that came in past the webhook", () => {
    /** Valid to the CRD, so that it is stored; not to us. */
    const INVALID = ruleset("default", { rules: { "no-open-egress": { mode: "warn", options: { strength: 11 } } } });
    const openTheWebhook = () =>
      cluster().ok([
        "patch",
        "validatingwebhookconfiguration",
        "drawbridge",
        "--type=json",
        "-p",
        '[{"op":"test","path":"/webhooks/3/name","value":"configuration.drawbridge.dev"},{"op":"remove","path":"/webhooks/3"}]',
      ]);
    const applyPast = () => eventually(async () => expect(await apply(INVALID)).toMatchObject({ code: 0 }));

    test("does not replace the last good one; it is logged, counted and told by /readyz, until it is repaired", async () => {
      await apply(ruleset("default", { rules: { "no-open-egress": { mode: "warn" } } }));
      await eventually(async () => expect(await verdict()).toBe("warned"));
      await openTheWebhook();
      await applyPast();
      const problem =
        "NetworkRuleset default is not valid, so its last good version stays in force: spec.rules.no-open-egress.options.strength is not a field of this; nothing is allowed here";
      await eventually(async () => expect(await readiness()).toMatchObject({ ready: true, configuration: [problem] }));
      await eventually(() =>
        expect(drawbridge.log).toContainEqual(expect.objectContaining({ level: 50, msg: problem })),
      );
      expect(await drawbridge.metrics()).toMatch(/^drawbridge_configuration_errors 1$/m);
      expect(await drawbridge.metrics()).toMatch(
        /^drawbridge_configuration_rejections_total\{kind="NetworkRuleset"\} 1$/m,
      );
      expect(await verdict()).toBe("warned");

      await apply(ruleset("default", { rules: { "no-open-egress": { mode: "audit" } } }));
      await eventually(async () => expect(await readiness()).toMatchObject({ configuration: [] }));
      expect(await drawbridge.metrics()).toMatch(/^drawbridge_configuration_errors 0$/m);
      expect(await verdict()).toBe("nothing");
      await cluster().ok(["delete", "networkruleset", "default"]);
    });

    test("is not in force after a start either: there the embedded one holds", async () => {
      await drawbridge.stop();
      expect(await apply(INVALID)).toMatchObject({ code: 0 });
      drawbridge = await startDrawbridge({ cluster: cluster() });
      expect(await verdict()).toBe("denied");
      expect((await readiness()).configuration).toEqual([
        expect.stringContaining("NetworkRuleset default is not valid, so it is not in force: "),
      ]);
      await cluster().ok(["delete", "networkruleset", "default"]);
      await eventually(async () => expect((await readiness()).configuration).toEqual([]));
    });
  });
});

describeCluster(
  "a cluster without our CRDs",
  (cluster) => {
    test("is served by the embedded configuration, and by its own as soon as there is one", async () => {
      const drawbridge = await startDrawbridge({ cluster: cluster() });
      try {
        const judge = () =>
          cluster().kubectl(["create", "--dry-run=server", "-f", "-"], { input: JSON.stringify(OPEN) });
        expect((await judge()).stderr).toContain("no-open-egress");
        await cluster().ok(["apply", "--server-side", "-f", CRDS]);
        await cluster().ok(["wait", "--for=condition=Established", "-f", CRDS]);
        await cluster().ok(["apply", "-f", "-"], {
          input: ruleset("default", { rules: { "no-open-egress": { mode: "disabled" } } }),
        });
        await eventually(async () => expect(await judge()).toMatchObject({ code: 0, stderr: "" }), 20_000);
      } finally {
        await drawbridge.stop();
      }
    });
  },
  { crds: false },
);
