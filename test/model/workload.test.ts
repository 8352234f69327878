import { describe, expect, test } from "vitest";
import type { KubernetesObject, ObjectMeta } from "../../src/model/objects.ts";
import { groupOf, isMadeByWorkload, isWorkloadKind, toWorkload } from "../../src/model/workload.ts";
import { cronJob, deployment, pod } from "../helpers/build.ts";
import { OWNERS } from "../helpers/owners.ts";

describe("a workload", () => {
  test.each([
    ["Pod", "", pod({ labels: { a: "b" }, hostNetwork: true }), ""],
    ["Deployment", "apps", deployment({ labels: { a: "b" }, hostNetwork: true }), "/spec/template"],
    ["CronJob", "batch", cronJob({ labels: { a: "b" }, hostNetwork: true }), "/spec/jobTemplate/spec/template"],
  ])("%s is what its Pods are", (kind, group, object, path) => {
    expect(toWorkload(group, kind, object)).toEqual({
      labels: { a: "b" },
      metadataPath: `${path}/metadata`,
      specPath: `${path}/spec`,
      isOnHostNetwork: true,
    });
  });

  test.each([null, [], "x", 1, { metadata: null, spec: [] }, { spec: { template: "x" } }])(
    "%j is one without labels, off the host's network",
    (object) => {
      expect(toWorkload("apps", "Deployment", object as KubernetesObject)).toMatchObject({
        labels: {},
        isOnHostNetwork: false,
      });
    },
  );

  test("is told by group and kind", () => {
    expect(isWorkloadKind("apps", "Deployment")).toBe(true);
    expect(isWorkloadKind("", "Deployment")).toBe(false);
    expect(isWorkloadKind("apps", "ControllerRevision")).toBe(false);
  });
});

describe("made by a workload", () => {
  test.each(OWNERS)("owner: %s", (_name, ownerReferences, expected) => {
    const metadata = { ...(ownerReferences && { ownerReferences }) };
    expect(isMadeByWorkload(pod({ metadata }))).toBe(expected);
  });

  test.each([
    null,
    "x",
    [null, "x", []],
    [{ controller: "true", apiVersion: "apps/v1", kind: "ReplicaSet" }],
    [{ controller: true, apiVersion: { toString: 1 }, kind: { toString: null } }],
  ])("owners that the API server would refuse make nothing: %j", (ownerReferences) => {
    const metadata = { ownerReferences } as ObjectMeta;
    expect(isMadeByWorkload({ metadata })).toBe(false);
  });
});

test.each([
  ["v1", ""],
  ["apps/v1", "apps"],
  ["networking.k8s.io/v1", "networking.k8s.io"],
  ["", ""],
])("the group of %j is %j", (apiVersion, group) => {
  expect(groupOf(apiVersion)).toBe(group);
});
