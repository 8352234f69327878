import * as fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { CAPS, type Mode } from "../../src/config/mode.ts";
import { admissionPolicies, LABELS } from "../../src/controllers/admission/admission-policies.ts";
import { type Configuration, configure } from "../../src/engine/configuration.ts";
import { readEmbeddedPolicies } from "../../src/files/policies.ts";
import { at } from "../../src/model/json.ts";
import {
  GOVERNING_LABELS,
  MODE_LABEL as MODE,
  NAMESPACE_NAME_LABEL,
  RULESET_LABEL as RULESET,
} from "../../src/model/names.ts";
import type { KubernetesObject, Labels } from "../../src/model/objects.ts";
import { isOwn } from "../../src/server/own.ts";
import type { AdmissionRequest } from "../../src/server/review.ts";
import { validate } from "../../src/server/validate.ts";
import { networkRuleset } from "../helpers/build.ts";
import { eventually } from "../helpers/eventually.ts";
import { admissionRequest } from "../server/reviews.ts";
import { describeCluster } from "./harness/context.ts";
import { type ApiClient, connectHttp, type Impersonated } from "./harness/http.ts";

const embedded = await readEmbeddedPolicies();
const OWN = "drawbridge-of-this-test";

/** Rulesets in which the rule has each mode, `default` among them, in an installation of each mode. */
const configurations: readonly Configuration[] = CAPS.flatMap((mode) =>
  (["enforce", "warn", "disabled"] as const).map((ofDefault) => {
    const ruleset = (name: string, own: Mode) => networkRuleset(name, { rules: { "no-unbound-label": { mode: own } } });
    const rulesets = [ruleset("default", ofDefault), ruleset("strict", "enforce"), ruleset("lenient", "audit")];
    return configure(mode, embedded, {
      rulesets: new Map(rulesets.map((one) => [one.metadata.name, one])),
      baselines: new Map(),
    });
  }),
);

const maybe = (...values: readonly string[]) => fc.option(fc.constantFrom(...values), { nil: undefined });
const labels = fc
  .tuple(
    maybe("", "default", "strict", "lenient", "restricted", "none"),
    maybe("", "audit", "warn", "enforce", "Enforce"),
    maybe("", "x"),
    maybe("a", "b"),
  )
  .map(
    ([ruleset, mode, baseline, team]): Labels => ({
      ...(ruleset !== undefined && { "drawbridge.dev/ruleset": ruleset }),
      ...(mode !== undefined && { "drawbridge.dev/mode": mode }),
      ...(baseline !== undefined && { "drawbridge.dev/baseline": baseline }),
      ...(team !== undefined && { team }),
    }),
  );
/** The same ones each time, so that what was once decided differently is seen again. */
const PAIRS = fc.sample(fc.tuple(labels, labels), { numRuns: 120, seed: 11 });

const NAMESPACES = ["namespaces", "namespaces/status", "namespaces/finalize"];
const REFUSED_BY_ALL = { [MODE]: "enforce", [RULESET]: "strict" };

interface Person {
  readonly who: Impersonated;
  readonly mayBind: (ruleset: string) => boolean;
}

const NOBODY: Person = { who: { user: "nobody", group: "people" }, mayBind: () => false };
const PEOPLE: Readonly<Record<string, Person>> = {
  nobody: NOBODY,
  some: { who: { user: "some", group: "people" }, mayBind: (name) => ["default", "strict"].includes(name) },
  "by group": { who: { user: "any", group: "binders" }, mayBind: () => true },
};

describeCluster("who changes labels that govern, on a real API server", (cluster) => {
  let api: ApiClient;
  beforeAll(async () => {
    api = connectHttp(cluster());
    const edit = { apiGroups: [""], resources: NAMESPACES, verbs: ["create", "update"] };
    const bind = { apiGroups: ["drawbridge.dev"], resources: ["networkrulesets"], verbs: ["bind"] };
    await grant({ kind: "Group", name: "people" }, [edit]);
    await grant({ kind: "User", name: "some" }, [{ ...bind, resourceNames: ["default", "strict"] }]);
    await grant({ kind: "Group", name: "binders" }, [edit, bind]);
    for (const [i, configuration] of configurations.entries()) await install(`c${i}`, specOf(configuration));
    // When and only when the API server has looked at more than the conditions.
    await install("looked", {
      ...specOf(configurations[0] as Configuration),
      validations: [{ expression: "false", message: "looked" }],
    });
    await eventually(async () =>
      expect(await saidOf("POST", created("new", REFUSED_BY_ALL))).toHaveLength(configurations.length + 1),
    );
  }, 60_000);
  afterAll(() => api?.close());

  const apply = (object: object) => cluster().ok(["create", "-f", "-"], { input: JSON.stringify(object) });
  const grant = async (
    subject: { readonly kind: string; readonly name: string },
    rules: readonly object[],
  ): Promise<void> => {
    const apiVersion = "rbac.authorization.k8s.io/v1";
    const apiGroup = "rbac.authorization.k8s.io";
    const { name } = subject;
    const roleRef = { apiGroup, kind: "ClusterRole", name };
    await apply({ apiVersion, kind: "ClusterRole", metadata: { name }, rules });
    await apply({
      apiVersion,
      kind: "ClusterRoleBinding",
      metadata: { name },
      roleRef,
      subjects: [{ apiGroup, ...subject }],
    });
  };
  const specOf = (configuration: Configuration): object => {
    const policy = admissionPolicies({ configuration, user: OWN }).find(
      ({ object }) => object.kind === "ValidatingAdmissionPolicy" && object.metadata?.name === LABELS,
    );
    return at(policy?.object, "/spec") as object;
  };
  /** By warnings, so that one request is judged by all configurations. */
  const install = async (name: string, spec: object): Promise<void> => {
    const apiVersion = "admissionregistration.k8s.io/v1";
    const kind = "ValidatingAdmissionPolicy";
    const validationActions = ["Warn"];
    await apply({ apiVersion, kind, metadata: { name }, spec });
    await apply({
      apiVersion,
      kind: `${kind}Binding`,
      metadata: { name },
      spec: { policyName: name, validationActions },
    });
  };
  const created = (name: string, ofNamespace: Labels) => ({
    apiVersion: "v1",
    kind: "Namespace",
    metadata: { name, labels: ofNamespace },
  });
  /** Which policies would refuse it; of a dry run. */
  const saidOf = async (
    method: "POST" | "PUT",
    object: ReturnType<typeof created>,
    { as = NOBODY.who, subresource = "", manager = "kubectl-edit" } = {},
  ): Promise<string[]> => {
    const path = method === "POST" ? "" : `/${object.metadata.name}${subresource}`;
    const url = `/api/v1/namespaces${path}?dryRun=All&fieldManager=${manager}`;
    const answer = await api.send(method, url, object, "application/json", as);
    expect([answer.status, answer.body.message]).toEqual([method === "POST" ? 201 : 200, undefined]);
    return answer.warnings.map((text) => /^Validation failed for \S+ '([^']*)'/.exec(text)?.[1] ?? text).toSorted();
  };

  /** Which of the configurations refuse it by the webhook. */
  const refusedByWebhook = async (
    tweak: Partial<AdmissionRequest>,
    mayBind: (ruleset: string) => boolean,
  ): Promise<string[]> => {
    const verdicts = configurations.map(async (configuration, i) => {
      const request = admissionRequest("Namespace", tweak);
      const verdict = await validate(
        request,
        {
          configuration: () => configuration,
          canBind: async (_user, ruleset) => mayBind(ruleset),
          isOwn: (own) => isOwn(own, OWN),
          now: () => 0,
          exceptionsIn: () => [],
          policiesIn: () => [],
          newestExceptionsIn: async () => [],
          namespaceLabels: async () => undefined,
          isGoing: async () => false,
        },
        1_000,
      );
      // Other rules may refuse it too.
      const isRefused = verdict.findings.some(({ rule, mode }) => rule === "no-unbound-label" && mode === "enforce");
      return isRefused ? [`c${i}`] : [];
    });
    return (await Promise.all(verdicts)).flat().toSorted();
  };
  const stored = (name: string, its: Labels, metadata: object = {}): KubernetesObject => ({
    metadata: { name, labels: { ...its, [NAMESPACE_NAME_LABEL]: name }, ...metadata },
  });

  test("an update is refused where the webhook refuses it, and looked at only where a governing label changes", {
    timeout: 120_000,
  }, async () => {
    const seen = new Set<string>();
    for (const [i, [before, now]] of PAIRS.entries()) {
      const name = `updated-${i}`;
      await api.send("POST", "/api/v1/namespaces", created(name, before), "application/json");
      const isChanged = GOVERNING_LABELS.some((label) => before[label] !== now[label]);
      const tweak = { operation: "UPDATE" as const, object: stored(name, now), oldObject: stored(name, before) };
      const subresource = ["", "/status", "/finalize"][i % 3];
      for (const [person, { who, mayBind }] of Object.entries(PEOPLE)) {
        const refused = await refusedByWebhook(tweak, mayBind);
        const said = await saidOf("PUT", created(name, now), { as: who, ...(subresource && { subresource }) });
        const expected = [...refused, ...(isChanged ? ["looked"] : [])];
        expect({ person, before, now, said }).toEqual({ person, before, now, said: expected });
        seen.add(`${person}: ${refused.length > 0}`);
      }
    }
    expect([...seen].toSorted()).toEqual([
      "by group: false",
      "nobody: false",
      "nobody: true",
      "some: false",
      "some: true",
    ]);
  });

  test("so is a creation", { timeout: 120_000 }, async () => {
    for (const [, now] of PAIRS) {
      for (const [person, { who, mayBind }] of Object.entries(PEOPLE)) {
        const refused = await refusedByWebhook({ object: stored("born", now) }, mayBind);
        const said = (await saidOf("POST", created("born", now), { as: who })).filter((name) => name !== "looked");
        expect({ person, now, said }).toEqual({ person, now, said: refused });
      }
    }
  });

  test.each<[string, boolean, string, Parameters<typeof saidOf>[2], Partial<AdmissionRequest>]>([
    [
      "Drawbridge itself",
      true,
      "plain",
      { as: { user: OWN, group: "people" }, manager: "drawbridge" },
      { userInfo: { username: OWN }, options: { fieldManager: "drawbridge" } },
    ],
    [
      "its user by another tool",
      false,
      "plain",
      { as: { user: OWN, group: "people" } },
      { userInfo: { username: OWN }, options: { fieldManager: "kubectl-edit" } },
    ],
    [
      "another user by its field manager",
      false,
      "plain",
      { manager: "drawbridge" },
      { userInfo: { username: "nobody" }, options: { fieldManager: "drawbridge" } },
    ],
    ["anybody in a system namespace", true, "kube-public", {}, {}],
    ["anybody in a namespace that is going away", true, "going", {}, {}],
  ])("%s is taken for the same by both", async (_who, isFree, name, how, tweak) => {
    await api.send("POST", "/api/v1/namespaces", created(name, {}), "application/json");
    // Without a controller manager it stays, terminating.
    if (name === "going") await cluster().ok(["delete", "namespace", name, "--wait=false"]);
    const metadata = name === "going" ? { deletionTimestamp: "2026-11-01T00:00:00Z" } : {};
    const update = {
      operation: "UPDATE" as const,
      object: stored(name, REFUSED_BY_ALL, metadata),
      oldObject: stored(name, {}, metadata),
    };
    const refused = await refusedByWebhook({ ...update, ...tweak }, () => false);
    const said = await saidOf("PUT", created(name, REFUSED_BY_ALL), how);
    expect(said).toEqual(refused.length === 0 ? [] : [...refused, "looked"]);
    expect(refused).toHaveLength(isFree ? 0 : configurations.length);
  });
});
