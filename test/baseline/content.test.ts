import { describe, expect, test } from "vitest";
import { isAsWritten } from "../../src/baseline/content.ts";
import { wantedPolicies } from "../../src/baseline/templates.ts";
import type { NetworkPolicy } from "../../src/model/network-policy.ts";
import type { ObjectMeta } from "../../src/model/objects.ts";
import { networkPolicy, resolvedBaseline } from "../helpers/build.ts";

const [allow, deny] = wantedPolicies(resolvedBaseline(), "shop") as [NetworkPolicy, NetworkPolicy];
const withMetadata = (metadata: ObjectMeta): NetworkPolicy => ({
  ...deny,
  metadata: { ...deny.metadata, ...metadata },
});

describe("a policy as we have written it", () => {
  test.each<[string, NetworkPolicy]>([
    ["itself", allow],
    [
      "as the API server gives it back, without empty lists",
      { ...deny, spec: { ...(deny.spec as object), ingress: [] } },
    ],
    [
      "with labels and annotations of others",
      withMetadata({
        labels: { ...deny.metadata?.labels, team: "shop" },
        annotations: { ...deny.metadata?.annotations, "argocd.argoproj.io/tracking-id": "x" },
      }),
    ],
  ])("%s", (_, policy) => {
    expect(isAsWritten(policy)).toBe(true);
  });
});

describe("a policy that somebody has changed, or written", () => {
  test.each<[string, NetworkPolicy]>([
    ["another spec", { ...deny, spec: allow.spec }],
    ["a clause more", { ...deny, spec: { ...(deny.spec as object), ingress: [{}] } }],
    ["a label of ours that is gone", withMetadata({ labels: { "app.kubernetes.io/managed-by": "drawbridge" } })],
    [
      "an annotation of ours that says something else",
      withMetadata({ annotations: { ...deny.metadata?.annotations, owner: "me" } }),
    ],
    ["no hash", withMetadata({ annotations: { description: "d", owner: "o" } })],
    ["somebody's own", networkPolicy()],
  ])("%s", (_, policy) => {
    expect(isAsWritten(policy)).toBe(false);
  });
});
