import type { JsonObject, JsonPatchOperation } from "../model/json.ts";
import { isTerminating, type KubernetesObject } from "../model/objects.ts";

/**
 * The envelope of admission.k8s.io/v1 (k8s.io/api/admission/v1/types.go). Strict in what we rely on: whoever sends
 * something else is no API server. Lenient in all else, since newer API servers add fields; user objects are not looked at.
 */
export const ADMISSION_REVIEW_SCHEMA = {
  type: "object",
  required: ["apiVersion", "kind", "request"],
  properties: {
    apiVersion: { const: "admission.k8s.io/v1" },
    kind: { const: "AdmissionReview" },
    request: {
      type: "object",
      required: ["uid", "kind", "operation", "userInfo"],
      properties: {
        uid: { type: "string", minLength: 1, maxLength: 256 },
        kind: {
          type: "object",
          required: ["group", "version", "kind"],
          properties: { group: { type: "string" }, version: { type: "string" }, kind: { type: "string" } },
        },
        name: { type: "string" },
        namespace: { type: "string" },
        operation: { enum: ["CREATE", "UPDATE", "DELETE", "CONNECT"] },
        userInfo: { type: "object", properties: { username: { type: "string" } } },
        object: { type: ["object", "null"] },
        oldObject: { type: ["object", "null"] },
        dryRun: { type: "boolean" },
        options: { type: ["object", "null"] },
      },
    },
  },
} as const;

/** As authentication.k8s.io/v1 has it. */
export interface UserInfo {
  readonly username?: string;
  readonly uid?: string;
  readonly groups?: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

export interface AdmissionReview {
  readonly request: AdmissionRequest;
}

export interface AdmissionRequest {
  readonly uid: string;
  readonly kind: { readonly group: string; readonly version: string; readonly kind: string };
  /** Empty in a DELETECOLLECTION. */
  readonly name?: string;
  readonly namespace?: string;
  readonly operation: "CREATE" | "UPDATE" | "DELETE" | "CONNECT";
  readonly userInfo: UserInfo;
  readonly object?: KubernetesObject | null;
  readonly oldObject?: KubernetesObject | null;
  readonly dryRun?: boolean;
  readonly options?: JsonObject | null;
}

/**
 * What only waits for its finalizers is never refused: a namespace must be able to go. It counts what the API server has
 * stored; in the object itself anyone can write a deletionTimestamp (a server-side apply that creates keeps it).
 */
export function isBeingDeleted({ operation, oldObject }: AdmissionRequest): boolean {
  return operation === "UPDATE" && oldObject != null && isTerminating(oldObject);
}

const REASONS = { 403: "Forbidden", 503: "ServiceUnavailable" } as const;

export interface Answer {
  readonly allowed: boolean;
  /** Of a refusal: 403 by default. 503 where the same request may be allowed in a moment. */
  readonly code?: 403 | 503;
  readonly message?: string;
  readonly warnings?: readonly string[];
  readonly auditAnnotations?: Readonly<Record<string, string>>;
  readonly patch?: readonly JsonPatchOperation[];
}

/** A verdict is always HTTP 200 with the uid echoed: anything else is a failure, which failurePolicy decides. */
export function toReview(uid: string, answer: Answer): JsonObject {
  const { allowed, code = 403, message, warnings = [], auditAnnotations = {}, patch = [] } = answer;
  return {
    apiVersion: "admission.k8s.io/v1",
    kind: "AdmissionReview",
    response: {
      uid,
      allowed,
      // Without a code kubectl would show a refusal as "BadRequest".
      ...(!allowed && { status: { code, reason: REASONS[code], message } }),
      ...(warnings.length > 0 && { warnings }),
      ...(Object.keys(auditAnnotations).length > 0 && { auditAnnotations }),
      ...(patch.length > 0 && { patchType: "JSONPatch", patch: Buffer.from(JSON.stringify(patch)).toString("base64") }),
    },
  };
}
