import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseManifest } from "../../src/manifest/read.ts";
import { RULES } from "../../src/rules/index.ts";
import { NAMESPACE_CONTRACT } from "../helpers/build.ts";
import { eventually } from "../helpers/eventually.ts";
import type { KubectlResult } from "./harness/cluster.ts";
import { describeCluster } from "./harness/context.ts";
import { type Drawbridge, startDrawbridge } from "./harness/drawbridge.ts";

interface Policy {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly annotations?: Record<string, string>;
    readonly [field: string]: unknown;
  };
  readonly spec: object;
}

const ANNOTATIONS = {
  description: "Only for a test.",
  owner: "team-test",
  reviewed: "2026-11-01",
  expires: "2099-12-31",
};

/** A ruleset in which every rule refuses, so that in these three namespaces all of them deny, warn and audit. */
const EVERY_RULE = {
  apiVersion: "drawbridge.dev/v1alpha1",
  kind: "NetworkRuleset",
  metadata: { name: "every-rule" },
  spec: { rules: Object.fromEntries(RULES.map(({ id }) => [id, { mode: "enforce" }])) },
};
const MODES = { enforce: "deny", warn: "warn", audit: "audit" } as const;
type Mode = keyof typeof MODES;

function policy(
  namespace: string,
  name: string,
  spec: object,
  metadata: object = { annotations: ANNOTATIONS },
): Policy {
  return {
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    metadata: { name, namespace, ...metadata },
    spec,
  };
}

const GOOD_SPEC = { podSelector: { matchLabels: { "app.kubernetes.io/name": "base" } }, policyTypes: ["Ingress"] };

/** The rule's own first example, which breaks this rule; what another rule would ask for is added. */
function badPolicy(id: string, namespace: string, name: string): Policy {
  const rule = RULES.find((one) => one.id === id);
  const [document] = parseManifest(rule?.examples[0]?.bad ?? "", id);
  const { spec } = (document?.value ?? {}) as { spec: object };
  if (id === "require-metadata") return policy(namespace, name, spec, {});
  if (id !== "require-expiry") return policy(namespace, name, spec);
  const { expires: _, ...annotations } = ANNOTATIONS;
  return policy(namespace, name, spec, { annotations });
}

describeCluster(
  "admission on a real API server",
  (cluster) => {
    let drawbridge: Drawbridge;

    beforeAll(async () => {
      drawbridge = await startDrawbridge({ cluster: cluster() });
      await cluster().ok(["create", "-f", "-"], { input: JSON.stringify(EVERY_RULE) });
      await eventually(() =>
        expect(drawbridge.log).toContainEqual(
          expect.objectContaining({ msg: "configuration changed", name: "every-rule" }),
        ),
      );
      for (const [mode, name] of Object.entries(MODES)) {
        const labels = { ...NAMESPACE_CONTRACT, "drawbridge.dev/ruleset": "every-rule", "drawbridge.dev/mode": mode };
        await cluster().ok(["create", "-f", "-"], {
          input: JSON.stringify({ apiVersion: "v1", kind: "Namespace", metadata: { name, labels } }),
        });
      }
    });
    afterAll(() => drawbridge?.stop());

    /** As a tenant would, with the object on standard input. */
    const kubectl = (args: readonly string[], object?: object): Promise<KubectlResult> =>
      cluster().kubectl(args, { as: "tenant", ...(object && { input: JSON.stringify(object) }) });
    const create = async (object: object): Promise<void> => {
      expect(await kubectl(["create", "-f", "-"], object)).toMatchObject({ code: 0 });
    };

    /** Every way in which a person or a tool writes a policy; those that change one find a good one there. */
    const WAYS: Record<string, (object: Policy) => Promise<KubectlResult>> = {
      apply: (object) => kubectl(["apply", "-f", "-"], object),
      "apply --server-side": (object) => kubectl(["apply", "--server-side", "-f", "-"], object),
      create: (object) => kubectl(["create", "-f", "-"], object),
      replace: async (object) => {
        await create(policy(object.metadata.namespace, object.metadata.name, GOOD_SPEC));
        return kubectl(["replace", "-f", "-"], object);
      },
      patch: async (object) => {
        const { name, namespace, annotations = {} } = object.metadata;
        await create(policy(namespace, name, GOOD_SPEC));
        const operations = [
          { op: "replace", path: "/spec", value: object.spec },
          { op: "replace", path: "/metadata/annotations", value: annotations },
        ];
        return kubectl([
          "patch",
          "networkpolicy",
          name,
          "-n",
          namespace,
          "--type=json",
          "-p",
          JSON.stringify(operations),
        ]);
      },
      "apply --dry-run=server": (object) => kubectl(["apply", "--dry-run=server", "-f", "-"], object),
      "apply --server-side --dry-run=server": (object) =>
        kubectl(["apply", "--server-side", "--dry-run=server", "-f", "-"], object),
    };

    /** facts of the API server: only an apply leaves a trace of what its author left out. */
    const isKnowable = (id: string, way: string): boolean => id !== "require-policy-types" || way.startsWith("apply");

    // Those on other kinds: workloads.test.ts. Those on several objects: isolated-backend.test.ts.
    const onPolicies = RULES.filter(({ on, isCrossObject }) => on === "NetworkPolicy" && isCrossObject !== true);
    describe.each(onPolicies.map(({ id }) => id))("%s", (id) => {
      test.each(Object.keys(WAYS))("kubectl %s", async (way) => {
        for (const mode of ["enforce", "warn", "audit"] as const satisfies Mode[]) {
          const name = `${id}-${way.replaceAll(/[^a-z]+/g, "-")}`;
          const result = await WAYS[way]?.(badPolicy(id, MODES[mode], name));
          const about = `${way} in mode ${mode}: ${JSON.stringify(result)}`;
          if (!isKnowable(id, way)) {
            expect(result?.code, about).toBe(0);
            expect(result?.stderr, about).not.toContain(id);
          } else if (mode === "enforce") {
            expect(result?.code, about).not.toBe(0);
            expect(result?.stderr, about).toMatch(
              new RegExp(
                `\\(Forbidden\\).* denied the request: NetworkPolicy deny/${name} breaks \\d+ rules? of ruleset every-rule:`,
              ),
            );
            expect(result?.stderr, about).toContain(`\n  ${id}: `);
            expect(result?.stderr, about).not.toContain("Warning:");
          } else if (mode === "warn") {
            expect(result?.code, about).toBe(0);
            expect(result?.stderr, about).toContain(`Warning: drawbridge: ${id}: `);
          } else {
            expect(result, about).toMatchObject({ code: 0, stderr: "" });
            // The line comes through a pipe, and kubectl may be faster.
            await eventually(() =>
              expect(drawbridge.log, about).toContainEqual(
                expect.objectContaining({
                  name,
                  namespace: "audit",
                  verdict: "audited",
                  rules: expect.arrayContaining([`${id}=audit`]),
                }),
              ),
            );
          }
        }
      });
    });

    test("what is refused, and what was only a dry run, is not there", async () => {
      expect(await kubectl(["get", "networkpolicies", "-n", "deny", "-o", "name"])).toMatchObject({ code: 0 });
      const { stdout } = await kubectl(["get", "networkpolicies", "-n", "deny", "-o", "name"]);
      for (const way of ["apply", "apply-server-side", "create", "apply-dry-run-server"]) {
        expect(stdout).not.toContain(`/no-open-egress-${way}\n`);
      }
      expect((await kubectl(["get", "networkpolicies", "-n", "warn", "-o", "name"])).stdout).not.toContain("dry-run");
    });

    test("an audit finding is in the API server's audit log", async () => {
      await create(badPolicy("no-open-egress", "audit", "for-the-auditor"));
      const line = await eventually(() => {
        const found = readFileSync(cluster().auditLog ?? "", "utf8")
          .split("\n")
          .find((text) => text.includes("for-the-auditor") && text.includes("ResponseComplete"));
        if (found === undefined) throw new Error("not there yet");
        return found;
      });
      const { annotations } = JSON.parse(line) as { annotations: Record<string, string> };
      expect(annotations["observed.networkpolicies.drawbridge.dev/findings"]).toBe(
        "audit no-open-egress spec.egress[0]",
      );
    });

    describe("an object that was bad before", () => {
      const NAME = "was-bad";
      const bad = (spec: object = {}, metadata: object = {}): Policy =>
        policy(
          "late",
          NAME,
          { ...GOOD_SPEC, policyTypes: ["Egress"], egress: [{ ports: [{ port: 443 }] }], ...spec },
          { annotations: ANNOTATIONS, ...metadata },
        );

      beforeAll(async () => {
        const labels = { "drawbridge.dev/ruleset": "restricted", "drawbridge.dev/mode": "audit" };
        await cluster().ok(["create", "-f", "-"], {
          input: JSON.stringify({ apiVersion: "v1", kind: "Namespace", metadata: { name: "late", labels } }),
        });
        expect(await kubectl(["apply", "-f", "-"], bad())).toMatchObject({ code: 0, stderr: "" });
        await cluster().ok(["label", "namespace", "late", "drawbridge.dev/mode=enforce", "--overwrite"]);
        await eventually(async () => {
          const { stderr } = await kubectl(["create", "--dry-run=server", "-f", "-"], {
            ...bad(),
            metadata: { ...bad().metadata, name: "other" },
          });
          expect(stderr).toContain("denied the request");
        });
      });

      test("may be annotated: spec and labels stay as they were", async () => {
        expect(await kubectl(["annotate", "networkpolicy", NAME, "-n", "late", "seen=yes"])).toMatchObject({
          code: 0,
          stderr: expect.stringContaining("Warning: drawbridge: no-open-egress"),
        });
      });

      test("may change in another place, with a warning of what is still wrong", async () => {
        const { code, stderr } = await kubectl(["apply", "-f", "-"], bad({ policyTypes: ["Egress", "Ingress"] }));
        expect({ code, stderr }).toEqual({
          code: 0,
          stderr: expect.stringContaining("Warning: drawbridge: no-open-egress"),
        });
      });

      test("may not get worse", async () => {
        const { code, stderr } = await kubectl(["apply", "-f", "-"], bad({ egress: [{ ports: [{ port: 443 }] }, {}] }));
        expect(code).not.toBe(0);
        expect(stderr).toContain("\n  no-open-egress: spec.egress[1]: ");
      });

      test("may be deleted, also where a finalizer holds it", async () => {
        expect(
          await kubectl([
            "patch",
            "networkpolicy",
            NAME,
            "-n",
            "late",
            "--type=merge",
            "-p",
            '{"metadata":{"finalizers":["example.com/hold"]}}',
          ]),
        ).toMatchObject({ code: 0 });
        expect(await kubectl(["delete", "networkpolicy", NAME, "-n", "late", "--wait=false"])).toMatchObject({
          code: 0,
        });
        const release = [
          "patch",
          "networkpolicy",
          NAME,
          "-n",
          "late",
          "--type=merge",
          "-p",
          '{"metadata":{"finalizers":null}}',
        ];
        expect(await kubectl(release)).toMatchObject({ code: 0, stderr: "" });
      });
    });

    describe("policyTypes", () => {
      const SILENT = { ...GOOD_SPEC, policyTypes: undefined };
      const refusal =
        /require-policy-types: spec.policyTypes: policyTypes is not written, so the API server guessed \[Ingress\]/;

      test("left out by a tool that applies as kubectl does, under another name, on an update", async () => {
        const first = policy("deny", "by-another-tool", GOOD_SPEC);
        expect(await kubectl(["apply", "--field-manager=deployer", "-f", "-"], first)).toMatchObject({ code: 0 });
        const second = policy("deny", "by-another-tool", {
          ...SILENT,
          podSelector: { matchLabels: { "app.kubernetes.io/name": "next" } },
        });
        expect((await kubectl(["apply", "--field-manager=deployer", "-f", "-"], second)).stderr).toMatch(refusal);
      });

      test("left out of a server-side apply over one that had written them", async () => {
        expect(
          await kubectl(["apply", "--server-side", "-f", "-"], policy("deny", "ssa-again", GOOD_SPEC)),
        ).toMatchObject({ code: 0 });
        const second = policy("deny", "ssa-again", {
          ...SILENT,
          podSelector: { matchLabels: { "app.kubernetes.io/name": "next" } },
        });
        expect((await kubectl(["apply", "--server-side", "-f", "-"], second)).stderr).toMatch(refusal);
      });

      test("written, in an object that is restored with an old annotation that lacks them, is fine", async () => {
        const lastApplied = JSON.stringify(policy("deny", "restored", SILENT));
        const annotations = { ...ANNOTATIONS, "kubectl.kubernetes.io/last-applied-configuration": lastApplied };
        const restored = policy("deny", "restored", GOOD_SPEC, { annotations });
        expect(await kubectl(["create", "-f", "-"], restored)).toMatchObject({ code: 0, stderr: "" });
        const changed = {
          ...restored,
          spec: { ...GOOD_SPEC, podSelector: { matchLabels: { "app.kubernetes.io/name": "next" } } },
        };
        expect(await kubectl(["replace", "-f", "-"], changed)).toMatchObject({ code: 0, stderr: "" });
      });

      test("left out by an earlier server-side apply do not count against a patch by the same manager", async () => {
        expect(
          await kubectl(["apply", "--server-side", "-f", "-"], policy("audit", "patched-later", SILENT)),
        ).toMatchObject({ code: 0 });
        const patch = [
          "patch",
          "networkpolicy",
          "patched-later",
          "-n",
          "audit",
          "--field-manager=kubectl",
          "--type=merge",
          "-p",
        ];
        expect(
          await kubectl([...patch, '{"spec":{"podSelector":{"matchLabels":{"app.kubernetes.io/name":"next"}}}}']),
        ).toMatchObject({ code: 0 });
        await eventually(() => {
          const updates = drawbridge.log.filter(
            ({ name, operation }) => name === "patched-later" && operation === "UPDATE",
          );
          expect(updates).toMatchObject([{ verdict: "allowed" }]);
        });
      });

      test("that an API server keeps from an older manifest leave dead clauses, which are refused", async () => {
        expect(await kubectl(["apply", "-f", "-"], policy("audit", "stale", SILENT))).toMatchObject({ code: 0 });
        const egress = [
          { to: [{ podSelector: { matchLabels: { "app.kubernetes.io/name": "db" } } }], ports: [{ port: 5432 }] },
        ];
        expect(await kubectl(["apply", "-f", "-"], policy("audit", "stale", { ...SILENT, egress }))).toMatchObject({
          code: 0,
        });
        await eventually(() => {
          expect(drawbridge.log.filter(({ name }) => name === "stale").at(-1)).toMatchObject({
            verdict: "audited",
            rules: ["require-policy-types=audit", "no-dead-clause=audit"],
          });
        });
      });
    });

    test("a deletionTimestamp that the author writes, which a server-side apply keeps, exempts nothing", async () => {
      const spec = { podSelector: {}, policyTypes: ["Egress"], egress: [{}] };
      const metadata = {
        annotations: ANNOTATIONS,
        deletionTimestamp: "2020-01-01T00:00:00Z",
        finalizers: ["example.com/hold"],
      };
      const { code, stderr } = await kubectl(
        ["apply", "--server-side", "-f", "-"],
        policy("deny", "dated", spec, metadata),
      );
      expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining("no-open-egress") });
    });

    test("an apply of labels alone, by another manager, says nothing of policyTypes", async () => {
      expect(await kubectl(["apply", "--server-side", "-f", "-"], policy("deny", "labelled", GOOD_SPEC))).toMatchObject(
        { code: 0 },
      );
      const labels = { ...policy("deny", "labelled", {}, { labels: { team: "shop" } }), spec: undefined };
      const apply = ["apply", "--server-side", "--field-manager=labeller", "-f", "-"];
      expect(await kubectl(apply, labels)).toMatchObject({ code: 0, stderr: "" });
    });

    test("metadata.managedFields that a client has emptied do not disturb", async () => {
      await create(policy("deny", "no-managed-fields", GOOD_SPEC));
      const emptied = policy(
        "deny",
        "no-managed-fields",
        { ...GOOD_SPEC, podSelector: { matchLabels: { "app.kubernetes.io/name": "next" } } },
        { annotations: ANNOTATIONS, managedFields: [{}] },
      );
      expect(await kubectl(["replace", "-f", "-"], emptied)).toMatchObject({ code: 0, stderr: "" });
    });

    test("a name that the API server makes up is in the refusal", async () => {
      const generated = badPolicy("no-open-egress", "deny", "x");
      const { stderr } = await kubectl(["create", "-f", "-"], {
        ...generated,
        metadata: { generateName: "made-up-", namespace: "deny", annotations: ANNOTATIONS },
      });
      expect(stderr).toMatch(/NetworkPolicy deny\/made-up-[a-z0-9]+ breaks 1 rule/);
    });

    test("a policy that comes right after its namespace is judged by that namespace's labels", async () => {
      const namespaces = Array.from({ length: 10 }, (_, i) => `at-once-${i}`);
      const results = await Promise.all(
        namespaces.map((name) => {
          const labels = { "drawbridge.dev/mode": "audit" };
          const both = [
            { apiVersion: "v1", kind: "Namespace", metadata: { name, labels } },
            badPolicy("no-open-egress", name, "bad"),
          ];
          return cluster().kubectl(["create", "-f", "-"], {
            input: JSON.stringify({ apiVersion: "v1", kind: "List", items: both }),
          });
        }),
      );
      expect(results.map(({ code, stderr }) => ({ code, stderr }))).toEqual(
        namespaces.map(() => ({ code: 0, stderr: "" })),
      );
    });

    test("nothing of all this failed", async () => {
      expect(await drawbridge.metrics()).not.toContain('verdict="failed"');
      expect(drawbridge.log.filter(({ level }) => Number(level) >= 40)).toEqual([]);
    });
  },
  { auditPolicy: true },
);
