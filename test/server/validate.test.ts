import { describe, expect, test, vi } from "vitest";
import { byNamespace } from "../../src/baseline/backends.ts";
import { CONVENTIONAL } from "../../src/baseline/resolve.ts";
import type { NetworkException } from "../../src/config/exception.ts";
import { configure } from "../../src/engine/configuration.ts";
import { readEmbeddedPolicies } from "../../src/files/policies.ts";
import { findBackends } from "../../src/model/backends.ts";
import { API_VERSION } from "../../src/model/names.ts";
import type { KubernetesObject } from "../../src/model/objects.ts";
import type { AdmissionRequest } from "../../src/server/review.ts";
import { type ValidateDeps, validate } from "../../src/server/validate.ts";
import { calledService, webhookConfiguration } from "../helpers/backends.ts";
import {
  deployment,
  ipBlock,
  NAMESPACE_CONTRACT,
  namespace,
  networkException,
  networkPolicy,
  pod,
  selector,
} from "../helpers/build.ts";
import { admissionRequest } from "./reviews.ts";

const NONE = { rulesets: new Map(), baselines: new Map() };
const embedded = await readEmbeddedPolicies();
const configuration = configure("enforce", embedded, NONE);
const RESTRICTED = { "drawbridge.dev/ruleset": "restricted" };

const EXCEPTION: NetworkException = {
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

/** `denied`, or the rules that warn. In namespace `shop`, which is under the restricted ruleset unless `deps` say else. */
async function verdictOf(request: AdmissionRequest, deps: Partial<ValidateDeps> = {}): Promise<readonly string[]> {
  const { decision, findings } = await validate(
    request,
    {
      configuration: () => configuration,
      namespaceLabels: async () => RESTRICTED,
      exceptionsIn: () => [],
      policiesIn: () => [],
      newestExceptionsIn: async () => [],
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
    const deps = { exceptionsIn: () => [EXCEPTION], newestExceptionsIn: async () => [EXCEPTION] };
    const excepted = ["audit require-workload-labels", "audit require-workload-labels"];
    expect(await verdictOf(created(deployment(UNLABELLED)), deps)).toEqual(excepted);
    expect(await verdictOf(created(deployment({ ...UNLABELLED, metadata: { name: "other" } })), deps)).toEqual([
      "denied",
    ]);
  });

  describe("whose exception the cache has not heard of yet", () => {
    const refused = created(deployment(UNLABELLED));
    const askedOnce = (exceptions: readonly NetworkException[]) => {
      const newestExceptionsIn = vi.fn(async () => exceptions);
      return { newestExceptionsIn };
    };

    test.each([
      ["is admitted when the cluster has it", [EXCEPTION], ["audit", "audit"]],
      ["is refused when it has none", [], ["denied"]],
    ])("%s", async (_, exceptions, verdict) => {
      const deps = askedOnce(exceptions);
      expect((await verdictOf(refused, deps)).map((text) => text.split(" ")[0])).toEqual(verdict);
      expect(deps.newestExceptionsIn).toHaveBeenCalledExactlyOnceWith("shop", expect.any(Number));
    });

    test("is refused when that cannot be told", async () => {
      expect(await verdictOf(refused, { newestExceptionsIn: () => Promise.reject(new Error("no answer")) })).toEqual([
        "denied",
      ]);
    });

    test.each([
      ["what is admitted", created(deployment())],
      [
        "what no exception may cover",
        created(networkPolicy({ spec: { podSelector: {}, policyTypes: ["Egress"], ingress: [{}] } })),
      ],
    ])("is not asked for of %s", async (_, request) => {
      const deps = askedOnce([EXCEPTION]);
      await verdictOf(request, deps);
      expect(deps.newestExceptionsIn).not.toHaveBeenCalled();
    });
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

describe("a policy that cuts off what the API server calls", () => {
  const SHOP = { namespace: "shop", name: "web" };
  const objects = [calledService("web", {}, "shop"), webhookConfiguration("Validating", "quota", SHOP)];
  const web = (name: string, spec: object = {}) =>
    networkPolicy({ metadata: { name, namespace: "shop" }, spec: { podSelector: selector({ app: "web" }), ...spec } });
  const opening = (name: string) =>
    web(name, { ingress: [{ from: [ipBlock("10.0.0.0/28")], ports: [{ port: 443 }] }] });
  const found = { ...CONVENTIONAL, backends: byNamespace(findBackends(objects)) };
  const calling = configure("enforce", embedded, NONE, found);
  /** In which there are these, as a server has heard of them. */
  const among = (...policies: readonly KubernetesObject[]): Partial<ValidateDeps> => ({
    configuration: () => calling,
    policiesIn: (name) => (name === "shop" ? policies : []),
  });
  const isolated = async (request: AdmissionRequest, deps: Partial<ValidateDeps>) =>
    (await verdictOf(request, deps)).filter((line) => line.includes("no-isolated-backend"));
  const WARNS = ["warn no-isolated-backend"];

  test("is warned of, also where the ruleset enforces: what opens it may be the next to come", async () => {
    const lenient = async () => ({});
    expect(await isolated(created(web("deny")), { ...among(), namespaceLabels: lenient })).toEqual(WARNS);
    expect(await verdictOf(created(web("deny")), among())).toEqual(["warn require-label-contract", ...WARNS]);
  });

  test("is not where another opens it, or it does itself", async () => {
    const deps = { namespaceLabels: async () => ({}) };
    expect(await isolated(created(web("deny")), { ...deps, ...among(opening("allow")) })).toEqual([]);
    expect(await isolated(created(opening("allow")), { ...deps, ...among(web("deny")) })).toEqual([]);
  });

  test("as it would be afterwards: what it was before opens nothing any more, nor cuts off", async () => {
    const deps = { namespaceLabels: async () => ({}) };
    expect(await isolated(updated(opening("a"), web("a")), { ...deps, ...among(opening("a")) })).toEqual(WARNS);
    expect(await isolated(updated(web("a"), opening("a")), { ...deps, ...among(web("a")) })).toEqual([]);
    expect(await isolated(updated(web("a"), web("a")), { ...deps, ...among(web("a")) })).toEqual(WARNS);
  });

  test("is nothing in another namespace, and where nothing is known", async () => {
    const deps = { namespaceLabels: async () => ({}) };
    const elsewhere = { ...web("a"), metadata: { name: "a", namespace: "bank" } };
    expect(await isolated(created(elsewhere), { ...deps, ...among() })).toEqual([]);
    expect(await isolated(created(web("a")), deps)).toEqual([]);
  });

  test("nor where the baseline keeps it open, whoever it says that calls come from", async () => {
    const labels = { "app.kubernetes.io/managed-by": "drawbridge", "drawbridge.dev/baseline": "default" };
    const from = [{ namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "tunnels" } } }];
    const kept = (metadata: object) => {
      const policy = web("drawbridge-backend-web", { ingress: [{ from, ports: [{ port: 443 }] }] });
      return { ...policy, metadata: { ...policy.metadata, ...metadata } };
    };
    const deps = { namespaceLabels: async () => ({}) };
    expect(await isolated(created(web("a")), { ...deps, ...among(kept({ labels })) })).toEqual([]);
    expect(await isolated(created(web("a")), { ...deps, ...among(kept({})) })).toEqual(WARNS);
    const other = kept({ labels, name: "drawbridge-backend-api" });
    expect(await isolated(created(web("a")), { ...deps, ...among(other) })).toEqual(WARNS);
  });

  test("may be excepted", async () => {
    const exception = networkException({ rules: ["no-isolated-backend"], policies: { names: ["a"] } });
    const deps = { ...among(), namespaceLabels: async () => ({}), exceptionsIn: () => [exception] };
    expect(await isolated(created(web("a")), deps)).toEqual(["audit no-isolated-backend"]);
  });
});
