import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { RECORDED } from "../../demo/recorded.ts";
import { EMBEDDED_POLICIES, readPolicies } from "../../src/files/policies.ts";
import type { JsonObject } from "../../src/model/json.ts";
import type { KubernetesObject, Labels } from "../../src/model/objects.ts";
import { RULES } from "../../src/rules/index.ts";
import type { AdmissionRequest } from "../../src/server/review.ts";
import { admissionRequest } from "../server/reviews.ts";

/** Namespaces as the server knows them; any other has no labels. */
export const NAMESPACES: Readonly<Record<string, Labels>> = {
  strict: { "drawbridge.dev/ruleset": "restricted" },
  warned: { "drawbridge.dev/mode": "warn" },
  audited: { "drawbridge.dev/mode": "audit" },
};

/** As an API server sent them: creations with managedFields, defaults and the annotation of a client-side apply. */
export const recorded: readonly AdmissionRequest[] = readdirSync(RECORDED).map(
  (name) => (JSON.parse(readFileSync(join(RECORDED, name), "utf8")) as { request: AdmissionRequest }).request,
);

const [first = admissionRequest("NetworkPolicy")] = recorded;

/** Every rule's bad and good, in each of the namespaces. */
const examples: readonly AdmissionRequest[] = RULES.flatMap((rule) =>
  rule.examples.flatMap(({ bad, good }) => [bad, good]),
).map((yaml, i) => {
  const policy = parse(yaml) as KubernetesObject;
  const namespace = ["shop", ...Object.keys(NAMESPACES)][i % 4] ?? "";
  return { ...first, namespace, object: { ...policy, metadata: { ...policy.metadata, namespace } } };
});

/** Each follows the one before it. */
const updates: readonly AdmissionRequest[] = [...recorded, ...examples].map((request, i, all) => ({
  ...request,
  operation: "UPDATE",
  oldObject: all[i > 0 ? i - 1 : all.length - 1]?.object ?? null,
}));

const deletions: readonly AdmissionRequest[] = recorded.map((request) => ({
  ...request,
  operation: "DELETE",
  object: null,
  oldObject: request.object ?? null,
}));

function namespaceObject(labels?: object, more: object = {}): KubernetesObject {
  const metadata = { name: "shop", uid: "1", creationTimestamp: "2026-11-21T10:49:56Z", ...(labels && { labels }) };
  return { apiVersion: "v1", kind: "Namespace", metadata: { ...metadata, ...more } } as KubernetesObject;
}

const PENDING = { "drawbridge.dev/baseline-pending": "true" };

const namespaces: readonly AdmissionRequest[] = [
  ...[
    undefined,
    {},
    { team: "shop" },
    PENDING,
    { "drawbridge.dev/baseline": "default" },
    ...Object.values(NAMESPACES),
  ].map((labels) => admissionRequest("Namespace", { object: namespaceObject(labels), name: "shop" })),
  ...[
    namespaceObject(PENDING),
    namespaceObject({}),
    namespaceObject(PENDING, { deletionTimestamp: "2026-11-21T10:49:56Z" }),
  ].map((oldObject) =>
    admissionRequest("Namespace", { operation: "UPDATE", object: namespaceObject({ a: "b" }), oldObject }),
  ),
  admissionRequest("Namespace", { operation: "DELETE", object: null, oldObject: namespaceObject(PENDING) }),
];

const { rulesets, baselines } = await readPolicies(EMBEDDED_POLICIES);

const ownKinds: readonly AdmissionRequest[] = [...rulesets.values(), ...baselines.values()].flatMap((object) => [
  admissionRequest(object.kind, { object }),
  admissionRequest(object.kind, { operation: "UPDATE", object, oldObject: object }),
]);

export const policyRequests: readonly AdmissionRequest[] = [...recorded, ...examples, ...updates];

/** What an API server may ask, for each of the two paths. */
export const startingPoints: Readonly<Record<"/validate" | "/mutate", readonly AdmissionRequest[]>> = {
  "/validate": [...policyRequests, ...deletions, ...namespaces, ...ownKinds, ...ownKinds],
  "/mutate": [...namespaces, ...namespaces, ...namespaces, ...recorded, ...deletions, ...ownKinds],
};

/** The part of an answer that is ours to say. */
export interface ReviewResponse {
  readonly uid?: unknown;
  readonly allowed?: unknown;
  readonly status?: { readonly code?: unknown; readonly reason?: unknown; readonly message?: unknown };
  readonly warnings?: unknown;
  readonly auditAnnotations?: unknown;
  readonly patchType?: unknown;
  readonly patch?: unknown;
}

export interface AnswerBody {
  readonly apiVersion?: unknown;
  readonly kind?: unknown;
  readonly error?: unknown;
  readonly response?: ReviewResponse & JsonObject;
}
