import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { refusalsOf } from "../../src/apiserver/refusals.ts";
import { at } from "../../src/model/json.ts";
import { egressTo, networkPolicy, selector } from "../helpers/build.ts";
import { mutatedPolicies, VALID_POLICIES } from "../helpers/mutate.ts";
import { oddPolicies } from "../helpers/odd.ts";
import { type Case, CASES } from "./cases.ts";

const messagesOf = (object: unknown): string[] => refusalsOf(object).map(({ path, message }) => `${path} ${message}`);

describe.each(Object.entries(CASES))("%s", (_name, cases: readonly Case[]) => {
  test.each(cases)("%s", (_what, object, ...paths) => {
    expect(refusalsOf(object).map(({ path }) => path)).toEqual(paths);
  });
});

test.each(["NetworkException", "NetworkRuleset", "NetworkBaseline"])("of %s only metadata is judged", (kind) => {
  const own = (metadata: object) => messagesOf({ apiVersion: "drawbridge.dev/v1alpha1", kind, metadata, spec: 1 });
  expect(own({ name: "legacy.v1", labels: { team: "web" } })).toEqual([]);
  expect(own({ name: "Legacy_1" })).toEqual([expect.stringMatching(/^\/metadata\/name is "Legacy_1"/)]);
  expect(own({ name: "legacy", labels: { "a b": "c" } })).toHaveLength(1);
  expect(own({ name: "legacy", annotations: { a: 1 } })).toHaveLength(1);
  expect(own({ name: "legacy", namespace: "Shop" })).toHaveLength(kind === "NetworkException" ? 1 : 0);
});

test("messages say what is there, what is allowed, and what was perhaps meant", () => {
  const policy = (spec: object) => messagesOf(networkPolicy({ spec: { policyTypes: undefined, ...spec } }))[0];
  expect(policy({ podSelecter: {} })).toBe("/spec/podSelecter is not a field here; did you mean podSelector?");
  expect(policy({ rules: [] })).toBe(
    "/spec/rules is not a field here; allowed: podSelector, policyTypes, ingress, egress",
  );
  expect(policy({ podSelector: { matchLabels: { on: true } } })).toBe(
    "/spec/podSelector/matchLabels/on is true; must be a string, in quotes",
  );
  expect(policy({ podSelector: selector({ "a/b/c": "" }) })).toBe(
    '/spec/podSelector/matchLabels/a~1b~1c name "a/b/c" has more than one "/"; allowed: NAME or DOMAIN/NAME',
  );
  expect(policy({ policyTypes: ["ingress"] })).toBe('/spec/policyTypes/0 is "ingress"; allowed: Ingress, Egress');
  expect(policy({ ingress: [{ ports: [{ port: "80" }] }] })).toBe(
    '/spec/ingress/0/ports/0/port is "80", a name without a letter; write the number without quotes',
  );
  expect(policy({ ingress: [{ from: [{}] }] })).toBe(
    "/spec/ingress/0/from/0 is empty; one of podSelector, namespaceSelector, ipBlock is required",
  );
});

test.each([
  ["10.0.0.1", "must be a CIDR: write /32 after it"],
  ["::1", "must be a CIDR: write /128 after it"],
  ["10.0.0.0/33", "must be a CIDR like 10.0.0.0/8 or 2001:db8::/32"],
  ["10.0.0.1/8", "bits after the first 8 must be 0: the network's address"],
  ["010.0.0.0/8", "numbers must not begin with 0"],
  ["10.0.0.0/08", "numbers must not begin with 0"],
  ["02001:db8::/32", "numbers must not begin with 0"],
  ["::ffff:10.0.0.0/104", "IPv4 must not be written as IPv6"],
])("the CIDR %s %s", (cidr, says) => {
  expect(messagesOf(egressTo(cidr))).toEqual([`/spec/egress/0/to/0/ipBlock/cidr is "${cidr}"; ${says}`]);
});

describe("what it is", () => {
  const named = (apiVersion: unknown, kind: unknown) => messagesOf({ apiVersion, kind, metadata: { name: "web" } });

  test.each([
    [null, [" is null; must be an object"]],
    [[], [" is a list; must be an object"]],
    ["text", [' is "text"; must be an object']],
    [{}, ["/apiVersion is missing", "/kind is missing"]],
    [{ apiVersion: "", kind: null }, ["/apiVersion is missing", "/kind is missing"]],
    [
      { apiVersion: 1, kind: true },
      ["/apiVersion is 1; must be a string, in quotes", "/kind is true; must be a string, in quotes"],
    ],
  ])("%j", (object, messages) => {
    expect(messagesOf(object)).toEqual(messages);
  });

  test.each([
    ["extensions/v1beta1", "NetworkPolicy", "networking.k8s.io/v1", ", not served since Kubernetes 1.16"],
    ["apps/v1beta2", "Deployment", "apps/v1", ", not served since Kubernetes 1.16"],
    ["batch/v1beta1", "CronJob", "batch/v1", ", not served since Kubernetes 1.25"],
    ["networking.k8s.io/v1beta1", "NetworkPolicy", "networking.k8s.io/v1", ""],
    ["networking/v1", "NetworkPolicy", "networking.k8s.io/v1", ""],
    ["networkng.k8s.io/v1", "NetworkPolicy", "networking.k8s.io/v1", ""],
    ["policy/v1", "NetworkPolicy", "networking.k8s.io/v1", ""],
    ["v1", "NetworkPolicy", "networking.k8s.io/v1", ""],
    ["networking.k8s.io", "NetworkPolicy", "networking.k8s.io/v1", ""],
    ["v1", "Deployment", "apps/v1", ""],
    ["core/v1", "Namespace", "v1", ""],
    ["v2", "Namespace", "v1", ""],
  ])("%s %s is served as %s", (apiVersion, kind, right, since) => {
    expect(named(apiVersion, kind)).toEqual([`/apiVersion is "${apiVersion}"${since}; ${kind} is served as ${right}`]);
  });

  test.each([
    ["networking.k8s.io/v1", "networkpolicy", "NetworkPolicy"],
    ["networking.k8s.io/v1", "NetworkPolicies", "NetworkPolicy"],
    ["apps/v1", "Deploymnet", "Deployment"],
    ["v1", "NameSpace", "Namespace"],
  ])("%s %s means %s", (apiVersion, kind, meant) => {
    expect(named(apiVersion, kind)).toEqual([`/kind is "${kind}"; did you mean ${meant}?`]);
  });

  test.each([
    ["networking.k8s.io/v1", "Ingress"],
    ["projectcalico.org/v3", "NetworkPolicy"],
    ["crd.antrea.io/v1beta1", "NetworkPolicy"],
    ["batch.volcano.sh/v1alpha1", "Job"],
    ["apps.kruise.io/v1alpha1", "DaemonSet"],
    ["v1", "Node"],
    ["v1", "List"],
    ["v1", "Service"],
    ["apps/v1", "DeploymentList"],
    ["apps/v1", "ControllerRevision"],
    ["v1", "constructor"],
    ["drawbridge.example.com/v1alpha1", "NetworkRuleset"],
  ])("%s %s is not judged", (apiVersion, kind) => {
    expect(refusalsOf({ apiVersion, kind, metadata: 1, spec: null })).toEqual([]);
  });
});

describe("whatever it is given", () => {
  /** What may be missing; every other problem is with something that is there. */
  const REQUIRED = /\/(?:apiVersion|kind|name|uid|key|operator|values|cidr|selector|template|labels)$/;
  const kinds = fc.constantFrom("NetworkPolicy", "Namespace", "Pod", "Deployment", "ReplicationController", "CronJob");
  const versions = fc.constantFrom("networking.k8s.io/v1", "v1", "apps/v1", "batch/v1");
  const anything = fc.oneof(
    fc.jsonValue(),
    mutatedPolicies(VALID_POLICIES),
    fc.tuple(versions, kinds, oddPolicies()).map(([apiVersion, kind, object]) => ({ ...object, apiVersion, kind })),
  );

  test("each problem has a place of its own and one printable line", () => {
    fc.assert(
      fc.property(anything, (object) => {
        const problems = refusalsOf(object);
        for (const { path, message } of problems) {
          expect(message).toMatch(/^\P{C}{1,120}$/u);
          if (at(object, path) === undefined) expect(path).toMatch(REQUIRED);
        }
        expect(new Set(problems.map(({ path }) => path)).size).toBe(problems.length);
      }),
      { numRuns: 2_000, seed: 4 },
    );
  });
});

test("size and depth do not matter", () => {
  let deep: unknown = [];
  for (let depth = 0; depth < 100_000; depth += 1) deep = [deep];
  for (const odd of ["a".repeat(2 ** 24), "1.".repeat(2 ** 19), "/".repeat(2 ** 20), deep, { deep }]) {
    const key = typeof odd === "string" ? odd : "a";
    const whole = networkPolicy({
      metadata: { name: odd, labels: { [key]: odd }, creationTimestamp: odd, finalizers: [odd] } as object,
      spec: {
        podSelector: { matchLabels: { [key]: odd }, matchExpressions: [{ key: odd, operator: odd, values: [odd] }] },
        policyTypes: [odd],
        ingress: [{ from: [{ ipBlock: { cidr: odd, except: [odd] } }], ports: [{ port: odd, protocol: odd }] }],
        [key]: odd,
      },
    });
    expect(refusalsOf(whole).length).toBeGreaterThan(10);
  }
});

test("of a hundred thousand mistakes a thousand are told, and that there are more", () => {
  const fields = Object.fromEntries(Array.from({ length: 100_000 }, (_, i) => [`field-${i}`, i]));
  const refusals = refusalsOf(networkPolicy({ spec: fields }));
  expect(refusals).toHaveLength(1_001);
  expect(refusals.at(-1)).toEqual({
    path: "",
    message: "has more than 1,000 faults, of which these are the first",
  });
});
