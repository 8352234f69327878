import { describe, expect, test } from "vitest";
import type { TemplateName } from "../../src/config/baseline.ts";
import { configure } from "../../src/engine/configuration.ts";
import { readEmbeddedPolicies } from "../../src/files/policies.ts";
import type { NetworkPolicy } from "../../src/model/network-policy.ts";
import { wantedPolicies } from "../../src/baseline/templates.ts";
import { type ProtectDeps, protect } from "../../src/server/protect.ts";
import type { AdmissionRequest } from "../../src/server/review.ts";
import { networkBaseline, resolvedBaseline, networkPolicy } from "../helpers/build.ts";
import { admissionRequest } from "./reviews.ts";

const embedded = await readEmbeddedPolicies();
const configured = (...templates: readonly TemplateName[]) =>
  configure("enforce", embedded, {
    rulesets: new Map(),
    baselines: new Map([["default", networkBaseline("default", templates.length > 0 ? { templates } : {})]]),
  });
const configuration = configured();
const [ours] = wantedPolicies(resolvedBaseline("default"), "shop") as [NetworkPolicy];
const theirs = networkPolicy();
const CONTROLLER = "system:serviceaccount:kube-system:namespace-controller";
const COLLECTOR = "system:serviceaccount:kube-system:generic-garbage-collector";

function tweaked(metadata: object, spec?: object): NetworkPolicy {
  return { ...ours, metadata: { ...ours.metadata, ...metadata }, ...(spec && { spec }) };
}
const opened = tweaked({}, { podSelector: {}, policyTypes: ["Egress"], egress: [{}] });
const unlabelled = tweaked({ labels: {} });
const backend = tweaked({ name: "drawbridge-backend-webhook" });
const leftover = tweaked({ name: "drawbridge-99-of-an-older-baseline" });

async function refusal(tweak: Partial<AdmissionRequest>, deps: Partial<ProtectDeps> = {}): Promise<string> {
  const lines = await protect(
    admissionRequest("NetworkPolicy", { namespace: "shop", ...tweak }),
    {
      configuration: () => configuration,
      namespaceLabels: async () => ({}),
      isGoing: async () => false,
      ...deps,
    },
    1_000,
  );
  return lines?.[0] ?? "";
}
const deletion = (oldObject: NetworkPolicy, username = "somebody"): Partial<AdmissionRequest> => ({
  operation: "DELETE",
  oldObject,
  object: null,
  name: "", // as in a DELETECOLLECTION
  userInfo: { username },
});
const update = (oldObject: NetworkPolicy, object: NetworkPolicy): Partial<AdmissionRequest> => ({
  operation: "UPDATE",
  oldObject,
  object,
});
const going = { isGoing: async () => true };

describe("protect", () => {
  test.each([
    ["an edit", update(ours, opened), {}],
    ["a deletion of what lets the API server in, whether it is still called or not", deletion(backend), {}],
    ["labels that make it anybody's", update(ours, unlabelled), {}],
    ["a deletion", deletion(ours), {}],
    ["a deletion by a person while the namespace goes: its Pods may still run", deletion(ours), going],
    ["a deletion by the garbage collector of what somebody has given an owner", deletion(ours, COLLECTOR), {}],
  ])("refuses %s", async (_name, request, deps) => {
    expect(await refusal(request, deps)).toBe(
      `NetworkPolicy shop/${request.oldObject?.metadata?.name} is part of NetworkBaseline default: only Drawbridge changes or deletes it.`,
    );
  });

  test.each([
    ["a creation", { operation: "CREATE", object: tweaked({ name: "mine" }) }],
    ["an update", update(tweaked({ name: "mine", labels: {} }), tweaked({ name: "mine" }))],
  ] as const)("refuses %s that passes a policy off as one of a baseline", async (_name, request) => {
    expect(await refusal(request)).toMatch(
      /^NetworkPolicy shop\/mine: only Drawbridge writes policies with the labels/,
    );
  });

  test.each([
    ["somebody's own policy", deletion(theirs), {}],
    ["somebody's policy with a name of ours", deletion(unlabelled), {}],
    ["other labels and annotations", update(ours, tweaked({ labels: { ...ours.metadata?.labels, a: "b" } })), {}],
    ["a policy that the baseline no longer wants", deletion(leftover), {}],
    [
      "what lets the API server in, where the baseline does not deny that",
      deletion(backend),
      { configuration: () => configured("01-default-deny-egress") },
    ],
    [
      "a namespace that is only warned",
      deletion(ours),
      { namespaceLabels: async () => ({ "drawbridge.dev/mode": "warn" }) },
    ],
    [
      "a namespace that has no baseline",
      deletion(ours),
      { namespaceLabels: async () => ({ "drawbridge.dev/baseline": "no-such" }) },
    ],
    ["a namespace that is gone", deletion(ours), { namespaceLabels: async () => undefined }],
    ["the namespace controller, at its work", deletion(ours, CONTROLLER), going],
    ["the garbage collector, where the namespace goes", deletion(ours, COLLECTOR), going],
  ])("passes %s", async (_name, request, deps) => {
    expect(await refusal(request, deps)).toBe("");
  });

  describe("a policy of a NetworkBaseline that is there and not valid, so that nobody knows what it wants", () => {
    const broken = tweaked({ labels: { ...ours.metadata?.labels, "drawbridge.dev/baseline": "broken" } });
    const unusable = { ...configuration, unusable: new Set(["broken"]), baselines: [] };
    const refused = (labels: Record<string, string>) =>
      refusal(deletion(broken), { configuration: () => unusable, namespaceLabels: async () => labels });
    test("is kept until that is mended, whatever else governs there, if anything does", async () => {
      const expected =
        "NetworkPolicy shop/drawbridge-10-allow-dns-egress is part of NetworkBaseline broken: only Drawbridge changes or deletes it.";
      expect(await refused({})).toBe(expected);
      expect(await refused({ "drawbridge.dev/baseline": "broken" })).toBe(expected);
      const others = {
        configuration: () => ({ ...unusable, baselines: configured("00-default-deny-ingress").baselines }),
      };
      expect(await refusal(deletion(broken), others)).toBe(expected);
    });
    test("but where the mode is lower it is anybody's", async () => {
      expect(await refused({ "drawbridge.dev/mode": "warn" })).toBe("");
    });
    test("a creation is not refused where nothing governs", async () => {
      const request = { operation: "CREATE", object: broken } as const;
      expect(await refusal(request, { configuration: () => unusable })).toBe("");
    });
  });

  test("asks nobody about policies that are nobody's but their author's", async () => {
    const namespaceLabels = () => Promise.reject(new Error("asked"));
    expect(await refusal(update(theirs, theirs), { namespaceLabels })).toBe("");
    await expect(refusal(deletion(ours), { namespaceLabels })).rejects.toThrow("asked");
  });

  test("where it cannot be told whether the namespace goes, the call fails instead of being refused for good", async () => {
    const isGoing = () => Promise.reject(new Error("no answer"));
    await expect(refusal(deletion(ours, CONTROLLER), { isGoing })).rejects.toThrow("no answer");
  });
});
