import { describe, expect, test } from "vitest";
import type { NetworkException } from "../../src/config/exception.ts";
import { configure } from "../../src/engine/configuration.ts";
import { readEmbeddedPolicies } from "../../src/files/policies.ts";
import { API_VERSION } from "../../src/model/names.ts";
import type { KubernetesObject } from "../../src/model/objects.ts";
import type { AdmissionRequest } from "../../src/server/review.ts";
import { type ValidateDeps, validate } from "../../src/server/validate.ts";
import { deployment, NAMESPACE_CONTRACT, namespace, pod } from "../helpers/build.ts";
import { admissionRequest } from "./reviews.ts";

const NONE = { rulesets: new Map(), baselines: new Map() };
const configuration = configure("enforce", await readEmbeddedPolicies(), NONE);
const RESTRICTED = { "drawbridge.dev/ruleset": "restricted" };

/** `denied`, or the rules that warn. In namespace `shop`, which is under the restricted ruleset unless `deps` say else. */
async function verdictOf(request: AdmissionRequest, deps: Partial<ValidateDeps> = {}): Promise<readonly string[]> {
  const { decision, findings } = await validate(
    request,
    {
      configuration: () => configuration,
      namespaceLabels: async () => RESTRICTED,
      exceptionsIn: () => [],
      isGoing: async () => false,
      canBind: async () => true,
      isOwn: () => false,
      now: () => Date.parse("2026-11-21T12:00:00Z"),
      ...deps,
    },
    1_000,
  );
  if (!decision.allowed) return ["denied"];
  return findings.map(({ mode, rule }) => `${mode} ${rule}`);
}

function created(object: KubernetesObject, tweak: Partial<AdmissionRequest> = {}): AdmissionRequest {
  return admissionRequest(object.kind as "Pod", { object, ...tweak });
}

function updated(oldObject: KubernetesObject, object: KubernetesObject): AdmissionRequest {
  return created(object, { operation: "UPDATE", oldObject });
}

const MADE = {
  ownerReferences: [{ apiVersion: "apps/v1", kind: "ReplicaSet", name: "web-1", uid: "1", controller: true }],
};
const UNLABELLED = { labels: { app: "web" } };
const WARNED = ["warn require-workload-labels", "warn require-workload-labels"];

describe("a workload", () => {
  test.each([
    ["that has the labels", created(deployment()), []],
    ["that lacks them", created(deployment(UNLABELLED)), ["denied"]],
    ["a Pod that lacks them", created(pod(UNLABELLED)), ["denied"]],
    ["on the host's network", created(pod({ hostNetwork: true })), ["warn no-host-network"]],
    ["that a ReplicaSet has made", created(pod({ ...UNLABELLED, metadata: MADE })), []],
    ["that is being scaled", updated(deployment(UNLABELLED, { replicas: 1 }), deployment(UNLABELLED)), WARNED],
    [
      "that a garbage collector sets free of its ReplicaSet: it was judged there, and is as it was",
      updated(pod({ ...UNLABELLED, metadata: MADE }), pod(UNLABELLED)),
      WARNED,
    ],
    ["that is adopted", updated(pod(UNLABELLED), pod({ ...UNLABELLED, metadata: MADE })), []],
  ])("%s", async (_name, request, expected) => {
    expect(await verdictOf(request)).toEqual(expected);
  });

  test("where no ruleset is named is warned of its labels, and hostNetwork is recorded", async () => {
    const request = created(pod({ labels: {}, hostNetwork: true }));
    expect(await verdictOf(request, { namespaceLabels: async () => ({}) })).toEqual([
      ...WARNED,
      "audit no-host-network",
    ]);
  });

  test.each(["kube-system", "drawbridge-system"])("of %s is not judged", async (name) => {
    const object = pod({ ...UNLABELLED, metadata: { namespace: name } });
    expect(await verdictOf(created(object, { namespace: name }))).toEqual([]);
  });

  test("is excepted by a NetworkException on its name", async () => {
    const exception: NetworkException = {
      apiVersion: API_VERSION,
      kind: "NetworkException",
      metadata: { name: "legacy", namespace: "shop" },
      spec: {
        rules: ["require-workload-labels"],
        workloads: { names: ["web"] },
        reason: "Its chart cannot set them yet.",
        owner: "team-shop@example.com",
        expires: "2026-12-01",
      },
    };
    const deps = { exceptionsIn: () => [exception] };
    const excepted = ["audit require-workload-labels", "audit require-workload-labels"];
    expect(await verdictOf(created(deployment(UNLABELLED)), deps)).toEqual(excepted);
    expect(await verdictOf(created(deployment({ ...UNLABELLED, metadata: { name: "other" } })), deps)).toEqual([
      "denied",
    ]);
  });
});

describe("a Namespace", () => {
  const bare = namespace(RESTRICTED);
  const warned = Array.from({ length: 3 }, () => "warn require-namespace-labels");

  test.each([
    ["that has the labels", created(namespace({ ...RESTRICTED, ...NAMESPACE_CONTRACT })), []],
    ["that lacks them", created(bare), ["denied"]],
    ["that lacks them under the default ruleset", created(namespace({})), warned],
    ["that has lacked them", updated(bare, namespace({ ...RESTRICTED, team: "x" })), warned],
    ["that loses one", updated(namespace({ ...RESTRICTED, ...NAMESPACE_CONTRACT }), bare), ["denied"]],
    ["that asks for a stricter ruleset", updated(namespace({}), bare), warned],
    ["of the system", created({ ...bare, metadata: { name: "kube-system" } }), []],
  ])("%s", async (_name, request, expected) => {
    expect(await verdictOf(request)).toEqual(expected);
  });

  test("that Drawbridge itself writes is not judged", async () => {
    expect(await verdictOf(created(bare), { isOwn: () => true })).toEqual([]);
  });

  test("that is going away is not judged", async () => {
    const going = { ...bare, metadata: { ...bare.metadata, deletionTimestamp: "2026-11-21T11:00:00Z" } };
    expect(await verdictOf(updated(going, { ...going, metadata: { name: "shop" } }))).toEqual([]);
  });
});
