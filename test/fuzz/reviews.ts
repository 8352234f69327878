import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { RECORDED } from "../../demo/recorded.ts";
import type { NetworkException } from "../../src/config/exception.ts";
import { readEmbeddedPolicies } from "../../src/files/policies.ts";
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

const { rulesets, baselines } = await readEmbeddedPolicies();

/** What is agreed upon in every namespace, and may be written once more. */
export const EXCEPTION: NetworkException = {
  apiVersion: "drawbridge.dev/v1alpha1",
  kind: "NetworkException",
  metadata: { name: "import", namespace: "shop", creationTimestamp: "2026-11-21T10:49:56Z" },
  spec: {
    rules: ["no-broad-cidr", "no-open-egress"],
    policies: { names: ["import"], selector: { matchLabels: { team: "import" } } },
    workloads: { selector: { matchExpressions: [{ key: "app", operator: "In", values: ["import"] }] } },
    reason: "The supplier's addresses change weekly.",
    owner: "team-import@shop.example",
    expires: "2026-11-30",
  },
};

const ownKinds: readonly AdmissionRequest[] = [...rulesets.values(), ...baselines.values(), EXCEPTION].flatMap(
  (object) => [
    admissionRequest(object.kind, { object, namespace: "shop" }),
    admissionRequest(object.kind, { operation: "UPDATE", object, oldObject: object }),
  ],
);

const TEMPLATE = {
  metadata: { labels: { app: "import", "app.kubernetes.io/name": "import" } },
  spec: { hostNetwork: true, containers: [{ name: "import", image: "import:1", ports: [{ containerPort: 80 }] }] },
};

const workloads: readonly AdmissionRequest[] = Object.keys({ shop: {}, ...NAMESPACES }).flatMap((inNamespace) => {
  const request = (kind: "Pod" | "Deployment" | "CronJob", body: object, metadata: object = {}): AdmissionRequest => {
    const object = { kind, ...body, metadata: { name: "import", namespace: inNamespace, ...metadata } };
    return admissionRequest(kind, { namespace: inNamespace, object });
  };
  const owner = { apiVersion: "apps/v1", kind: "ReplicaSet", name: "import", uid: "1", controller: true };
  return [
    request("Pod", TEMPLATE, TEMPLATE.metadata),
    request("Pod", TEMPLATE, { generateName: "import-", ownerReferences: [{ ...owner, kind: "Rollout" }] }),
    request("Pod", TEMPLATE, { ownerReferences: [owner] }),
    request("Deployment", { spec: { template: TEMPLATE } }),
    request("CronJob", { spec: { jobTemplate: { spec: { template: TEMPLATE } } } }),
  ];
});

export const policyRequests: readonly AdmissionRequest[] = [...recorded, ...examples, ...updates];

/** What an API server may ask, for each path. */
export const startingPoints: Readonly<Record<"/validate" | "/mutate" | "/gate", readonly AdmissionRequest[]>> = {
  "/validate": [...policyRequests, ...deletions, ...namespaces, ...workloads, ...ownKinds, ...ownKinds],
  "/mutate": [...namespaces, ...namespaces, ...namespaces, ...recorded, ...deletions, ...ownKinds],
  "/gate": workloads,
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
