import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { NetworkBaseline } from "../../src/config/baseline.ts";
import { CAPS } from "../../src/config/mode.ts";
import { admissionPolicies, STAMP } from "../../src/controllers/admission/admission-policies.ts";
import { selects } from "../../src/controllers/admission/cel.ts";
import { configure, enforcedBaseline } from "../../src/engine/configuration.ts";
import { readEmbeddedPolicies } from "../../src/files/policies.ts";
import { at } from "../../src/model/json.ts";
import type { Labels } from "../../src/model/objects.ts";
import { matches, toSelector } from "../../src/model/selector.ts";
import { networkBaseline } from "../helpers/build.ts";
import { eventually } from "../helpers/eventually.ts";
import { describeCluster } from "./harness/context.ts";
import { type ApiClient, connectHttp } from "./harness/http.ts";

const embedded = await readEmbeddedPolicies();

const key = fc.constantFrom(
  "a",
  "b",
  "constructor",
  "example.com/tier",
  "drawbridge.dev/mode",
  "kubernetes.io/metadata.name",
);
const value = fc.constantFrom("x", "y", "", "enforce", "audit", "it.is-so_1");
const pairs = (maxLength: number) =>
  fc.array(fc.tuple(key, value), { maxLength }).map((entries): Record<string, string> => Object.fromEntries(entries));
const expression = fc.record({
  key,
  operator: fc.constantFrom("In" as const, "NotIn" as const, "Exists" as const, "DoesNotExist" as const),
  values: fc.array(value, { maxLength: 2 }),
});
const selectors = fc.record(
  { matchLabels: pairs(2), matchExpressions: fc.array(expression, { maxLength: 3 }) },
  { requiredKeys: [] },
);
const namespaces = fc
  .tuple(
    pairs(5),
    fc.option(fc.constantFrom("enforce", "warn", "audit", "Enforce", ""), { nil: undefined }),
    fc.option(fc.constantFrom("b0", "b1", "b2", "none", ""), { nil: undefined }),
  )
  .map(
    ([labels, mode, baseline]): Labels => ({
      ...labels,
      ...(mode !== undefined && { "drawbridge.dev/mode": mode }),
      ...(baseline !== undefined && { "drawbridge.dev/baseline": baseline }),
    }),
  );
/** The same ones each time, so that what the API server once said differently is said again. */
const sample = <T>(arbitrary: fc.Arbitrary<T>, count: number): T[] => fc.sample(arbitrary, { numRuns: count, seed: 5 });

describeCluster(
  "what CEL makes of the configuration, on a real API server",
  (cluster) => {
    let api: ApiClient;
    beforeAll(() => {
      api = connectHttp(cluster());
    });
    afterAll(() => api?.close());

    /** Applies policies that refuse nothing: by warnings they say what they make of a ConfigMap's labels. */
    const install = async (name: string, spec: object): Promise<void> => {
      const kind = "ValidatingAdmissionPolicy";
      const apiVersion = "admissionregistration.k8s.io/v1";
      const rule = { apiGroups: [""], apiVersions: ["v1"], operations: ["CREATE"], resources: ["configmaps"] };
      const policy = {
        apiVersion,
        kind,
        metadata: { name },
        spec: { matchConstraints: { resourceRules: [rule] }, ...spec },
      };
      const binding = {
        apiVersion,
        kind: `${kind}Binding`,
        metadata: { name },
        spec: { policyName: name, validationActions: ["Warn"] },
      };
      for (const object of [policy, binding])
        await cluster().ok(["create", "-f", "-"], { input: JSON.stringify(object) });
    };
    const warningsFor = async (labels: Labels): Promise<string[]> => {
      const object = { apiVersion: "v1", kind: "ConfigMap", metadata: { generateName: "x-", labels } };
      const path = "/api/v1/namespaces/default/configmaps?dryRun=All";
      const { status, body, warnings } = await api.send("POST", path, object, "application/json");
      expect([status, body.message]).toEqual([201, undefined]);
      return warnings.map((text) => text.replace(/^Validation failed for .* with binding '[^']*': /, ""));
    };

    test("a selector is the same in CEL as in model/selector.ts", { timeout: 60_000 }, async () => {
      const list = sample(selectors, 30).map((raw) => toSelector(raw, ""));
      await install("s", {
        variables: [{ name: "labels", expression: "object.metadata.?labels.orValue({})" }],
        validations: [
          { expression: "false", message: "asked" },
          ...list.map((selector, i) => ({
            expression: `!(${selects(selector, "variables.labels")})`,
            message: `${i}`,
          })),
        ],
      });
      await eventually(async () => expect(await warningsFor({})).toContain("asked"));
      const seen = new Set<string>();
      for (const labels of sample(pairs(4), 60)) {
        const expected = list.flatMap((selector, i) => (matches(selector, labels) ? [`${i}`] : []));
        expect({ labels, selects: await warningsFor(labels) }).toEqual({ labels, selects: ["asked", ...expected] });
        for (const i of expected) seen.add(i);
      }
      // Most select something and leave something out: the comparison is not of nothing with nothing.
      expect(seen.size).toBeGreaterThan(15);
      await cluster().ok(["delete", "validatingadmissionpolicy,validatingadmissionpolicybinding", "s"]);
    });

    test("the baseline of a namespace is the same in CEL as in the webhook", { timeout: 60_000 }, async () => {
      const configurations = sample(
        fc.tuple(fc.array(selectors, { minLength: 2, maxLength: 3 }), fc.constantFrom(...CAPS)),
        12,
      ).map(([raws, mode]) => {
        // In any order, as they come from a cache.
        const baselines = raws
          .map((raw, i) => networkBaseline(`b${i}`, { namespaceSelector: asWritten(raw) }))
          .toReversed();
        const own = { rulesets: new Map(), baselines: new Map(baselines.map((one) => [one.metadata.name, one])) };
        return configure(mode, embedded, own);
      });
      for (const [i, configuration] of configurations.entries()) {
        const stamp = admissionPolicies({ configuration, user: "x" }).find(
          ({ object }) => object.kind === "MutatingAdmissionPolicy" && object.metadata?.name === STAMP,
        );
        const variables = at(stamp?.object, "/spec/variables");
        const message = `"${i}=" + variables.baseline`;
        await install(`c${i}`, { variables, validations: [{ expression: "false", messageExpression: message }] });
      }
      await eventually(async () => expect(await warningsFor({})).toHaveLength(configurations.length));
      const found = new Set<string>();
      for (const labels of sample(namespaces, 60)) {
        const expected = configurations.map(
          (configuration, i) => `${i}=${enforcedBaseline("shop", labels, configuration)?.metadata.name ?? ""}`,
        );
        expect({ labels, baselines: (await warningsFor(labels)).toSorted() }).toEqual({
          labels,
          baselines: expected.toSorted(),
        });
        for (const one of expected) found.add(one.split("=")[1] ?? "");
      }
      expect([...found].toSorted()).toEqual(["", "b0", "b1", "b2"]);
    });

    describe("as they are written", () => {
      test("the API server has no complaint about their types, also with many baselines", async () => {
        const baselines = Array.from({ length: 300 }, (_, i): [string, NetworkBaseline] => {
          const matchExpressions = [{ key: "team", operator: "In" as const, values: [`team-${i}`, `squad-${i}`] }];
          return [`b${i}`, networkBaseline(`b${i}`, { namespaceSelector: { matchExpressions } })];
        });
        const configuration = configure("enforce", embedded, { rulesets: new Map(), baselines: new Map(baselines) });
        const objects = admissionPolicies({ configuration, user: "x" }).map(({ object }) => object);
        await cluster().ok(["create", "-f", "-"], {
          input: JSON.stringify({ apiVersion: "v1", kind: "List", items: objects }),
        });
        await eventually(async () => {
          const list = JSON.parse(await cluster().ok(["get", "validatingadmissionpolicies", "-o", "json"])) as {
            items: { metadata: { name: string }; status?: { typeChecking?: object } }[];
          };
          const ours = list.items.filter(({ metadata }) => metadata.name.startsWith("drawbridge-"));
          expect(ours.map(({ status }) => status?.typeChecking)).toEqual([{}, {}, {}]);
        }, 20_000);
        const create = async (team: string): Promise<string> => {
          const metadata = { name: "many", labels: { team } };
          const input = JSON.stringify({ apiVersion: "v1", kind: "Namespace", metadata });
          return cluster().ok(["create", "--dry-run=server", "-o", "yaml", "-f", "-"], { input });
        };
        await eventually(async () => expect(await create("squad-299")).toContain("baseline-pending"));
        expect(await create("nobody")).not.toContain("baseline-pending");
      });
    });
  },
  { controllerManager: true },
);

/** Without the fields that are not there: our schema takes no `undefined`. */
function asWritten(raw: object): NetworkBaseline["spec"]["namespaceSelector"] {
  return JSON.parse(JSON.stringify(raw)) as NetworkBaseline["spec"]["namespaceSelector"];
}
