import type { AdmissionRequest } from "../../src/server/review.ts";

const KINDS = {
  NetworkPolicy: { group: "networking.k8s.io", version: "v1" },
  Namespace: { group: "", version: "v1" },
  NetworkRuleset: { group: "drawbridge.dev", version: "v1alpha1" },
  NetworkBaseline: { group: "drawbridge.dev", version: "v1alpha1" },
  NetworkException: { group: "drawbridge.dev", version: "v1alpha1" },
  Pod: { group: "", version: "v1" },
  Deployment: { group: "apps", version: "v1" },
  CronJob: { group: "batch", version: "v1" },
} as const;

/** A minimal request that an API server would send, plus a tweak. */
export function admissionRequest(kind: keyof typeof KINDS, tweak: Partial<AdmissionRequest> = {}): AdmissionRequest {
  return {
    uid: "7f0b2a1c",
    kind: { ...KINDS[kind], kind },
    operation: "CREATE",
    userInfo: { username: "somebody" },
    options: { kind: "CreateOptions", fieldManager: "kubectl-create" },
    dryRun: false,
    ...tweak,
  };
}

export function admissionReview(request: AdmissionRequest): object {
  return { apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview", request };
}
