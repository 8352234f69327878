import { expect, test } from "vitest";
import { isOwn } from "../../src/server/own.ts";
import type { AdmissionRequest } from "../../src/server/review.ts";
import { admissionRequest } from "./reviews.ts";

const US = "system:serviceaccount:drawbridge-system:drawbridge";
const preconditions = { uid: "u", resourceVersion: "5" };

test.each<[boolean, string, Partial<AdmissionRequest>]>([
  [true, "a write with our field manager", { operation: "UPDATE", options: { fieldManager: "drawbridge" } }],
  [false, "one with another", { operation: "UPDATE", options: { fieldManager: "kubectl-edit" } }],
  [false, "one that says no version, as only a deletion can", { operation: "UPDATE", options: { preconditions } }],
  [true, "the deletion of one version", { operation: "DELETE", options: { preconditions } }],
  [false, "the deletion of any", { operation: "DELETE", options: { preconditions: { uid: "u" } } }],
  [false, "a deletion without options", { operation: "DELETE", options: null }],
])("%s: %s", (expected, _, tweak) => {
  const request = (username: string) => admissionRequest("NetworkPolicy", { ...tweak, userInfo: { username } });
  expect(isOwn(request(US), US)).toBe(expected);
  expect(isOwn(request("somebody"), US)).toBe(false);
});
