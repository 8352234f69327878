import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { refusalsOf } from "../../src/apiserver/refusals.ts";
import { asStored } from "../../src/apiserver/stored.ts";
import { ApiError } from "../../src/cluster/api-error.ts";
import type { KubernetesClient } from "../../src/cluster/client.ts";
import { connect } from "../../src/cluster/connect.ts";
import { at, fieldPath, type JsonObject } from "../../src/model/json.ts";
import type { NetworkPolicy } from "../../src/model/network-policy.ts";
import { CASES } from "../apiserver/cases.ts";
import { mutatedPolicies, VALID_POLICIES } from "../helpers/mutate.ts";
import { COLLECTIONS } from "./harness/collections.ts";
import { describeCluster } from "./harness/context.ts";

type Verdict = { readonly stored: object } | { readonly refused: string; readonly fields: readonly string[] };

/**
 * Where we differ on purpose. A POST says by its address what it brings, so the API server takes an object without
 * kind or apiVersion, and never sees a wrong one: kubectl does, which is asked instead.
 */
const ONLY_KUBECTL: readonly (readonly [what: string, object: JsonObject, says: RegExp])[] = [
  ["no kind", { apiVersion: "networking.k8s.io/v1" }, /kind not set|'Kind' is missing/i],
  ["no apiVersion", { kind: "NetworkPolicy" }, /apiVersion not set|'apiVersion' is missing/i],
  [
    "a kind in lower case",
    { apiVersion: "networking.k8s.io/v1", kind: "networkpolicy" },
    /no kind "networkpolicy" is registered/,
  ],
  ["a version that is gone", { apiVersion: "extensions/v1beta1", kind: "NetworkPolicy" }, /no matches for kind/],
  [
    "a version that never was",
    { apiVersion: "networking.k8s.io/v1beta1", kind: "NetworkPolicy" },
    /no matches for kind/,
  ],
  ["half a group", { apiVersion: "networking/v1", kind: "NetworkPolicy" }, /no matches for kind/],
  ["no group", { apiVersion: "v1", kind: "NetworkPolicy" }, /no matches for kind/],
  ["a version that is a number", { apiVersion: 1, kind: "Namespace" }, /apiVersion|cannot unmarshal/],
];

const MUTATIONS = 2_000;
const AT_ONCE = 8;

describeCluster("what the API server does before any webhook", (cluster) => {
  let client: KubernetesClient;
  beforeAll(async () => {
    client = await connect({ kubeconfig: cluster().kubeconfigs.admin });
  });
  afterAll(() => client?.close());

  /** What it would store, or why it refuses. */
  const post = async (object: unknown): Promise<Verdict> => {
    const namespace = at(object, "/metadata/namespace");
    const collection = COLLECTIONS[String(at(object, "/kind"))]?.replace(
      "NS",
      typeof namespace === "string" && namespace !== "" ? encodeURIComponent(namespace) : "default",
    );
    try {
      const stored = await client.create<object>(`${collection}?fieldValidation=Strict`, object as object, {
        dryRun: true,
      });
      return { stored };
    } catch (error) {
      // 400: not decoded, 404: no such namespace, 422: not valid. Anything else is no verdict.
      if (error instanceof ApiError && [400, 404, 422].includes(error.status)) {
        return { refused: error.message, fields: error.causes.flatMap(({ field }) => field ?? []).flatMap(cause) };
      }
      throw error;
    }
  };

  /** Empty, or what the two say. */
  const differences = async (object: unknown): Promise<object[]> => {
    const [theirs, ours] = [await post(object), refusalsOf(object)];
    if ("refused" in theirs !== ours.length > 0) return [{ object, theirs, ours }];
    if (at(object, "/kind") !== "NetworkPolicy") return [];
    if ("refused" in theirs) {
      const places = ours.map(({ path }) => fieldPath(path));
      const missed = theirs.fields.filter((field) => !places.some((place) => place.startsWith(field)));
      return missed.length === 0 ? [] : [{ object, missed, ours }];
    }
    const whatCounts = (policy: unknown) =>
      ["/spec", "/metadata/labels", "/metadata/annotations"].map((path) => at(policy, path));
    const [stored, expected] = [whatCounts(theirs.stored), whatCounts(asStored(object as NetworkPolicy))];
    try {
      expect(expected).toEqual(stored);
      return [];
    } catch {
      return [{ object, stored, expected }];
    }
  };

  const allDifferences = async (objects: readonly unknown[]): Promise<object[]> => {
    const queue = objects.values();
    const worker = async (): Promise<object[]> => {
      const found: object[] = [];
      for (const object of queue) found.push(...(await differences(object)));
      return found;
    };
    return (await Promise.all(Array.from({ length: AT_ONCE }, worker))).flat();
  };

  describe.each(Object.entries(CASES))("%s", (_name, cases) => {
    test("every case is refused or stored as foreseen", async () => {
      expect(await allDifferences(cases.map(([, object]) => object))).toEqual([]);
    });
  });

  test.each(ONLY_KUBECTL)("kubectl refuses %s", async (_what, object, says) => {
    const whole = { metadata: { name: "web" }, ...object };
    expect(refusalsOf(whole)).not.toEqual([]);
    const input = JSON.stringify(whole);
    const { code, stderr } = await cluster().kubectl(["apply", "--dry-run=server", "-f", "-"], { input });
    expect(code).not.toBe(0);
    expect(stderr).toMatch(says);
  });

  test(`${MUTATIONS} mutated policies are refused or stored as foreseen`, async () => {
    const policies = fc.sample(mutatedPolicies(VALID_POLICIES), { seed: 20_261, numRuns: MUTATIONS });
    const refused = policies.filter((policy) => refusalsOf(policy).length > 0);
    // Both verdicts must come up often, or nothing is compared.
    expect(refused.length).toBeGreaterThan(MUTATIONS / 5);
    expect(refused.length).toBeLessThan((MUTATIONS * 4) / 5);
    expect(await allDifferences(policies)).toEqual([]);
  });
});

/**
 * The place that the API server names, where it is the one to put right. It complains of what it generated from a
 * prefix, tells no item of ownerReferences, and an except of a wrong cidr is wrong to it too.
 */
function cause(field: string): string[] {
  if (field === "metadata.name" || field.startsWith("metadata.ownerReferences")) return [];
  return [field.replace(/\.except\[\d+\]$/, "")];
}
