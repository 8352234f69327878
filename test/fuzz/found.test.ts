import { expect, test } from "vitest";
import { admissionRequest, admissionReview } from "../server/reviews.ts";
import type { Path } from "./cases.ts";
import { judge } from "./server.ts";

/** JSON of an object that JavaScript cannot make a text of. */
const NO_TEXT = { toString: 1, valueOf: 2 };
const DEEP = "@deep@";

type Kind = Parameters<typeof admissionRequest>[0];

/** What the fuzz tests once found, so that it is looked for without them. */
test.each<[what: string, path: Path, kind: Kind, tweak: object]>([
  [
    "the owner of a Pod is no text",
    "/validate",
    "Pod",
    { object: { metadata: { ownerReferences: [{ controller: true, apiVersion: NO_TEXT, kind: NO_TEXT }] } } },
  ],
  ["a policy's name is no text", "/validate", "NetworkPolicy", { object: open({ name: NO_TEXT }) }],
  [
    "a policy's name is of more than one line",
    "/validate",
    "NetworkPolicy",
    { object: open({ name: "a\nb\u001b[2J" }) },
  ],
  ["a policy's name has no end", "/validate", "NetworkPolicy", { object: open({ name: "x".repeat(200_000) }) }],
  ["the caller's name has no end", "/validate", "NetworkPolicy", { userInfo: { username: "x".repeat(20_000) } }],
  [
    "a deep spec is compared",
    "/validate",
    "NetworkPolicy",
    { operation: "UPDATE", object: open({}, { x: DEEP }), oldObject: open({}) },
  ],
  [
    "a deep field of an apply is compared",
    "/validate",
    "NetworkPolicy",
    { object: applied(), oldObject: applied(), operation: "UPDATE", options: { fieldManager: "m" } },
  ],
  [
    "a label of a namespace is no text",
    "/validate",
    "Namespace",
    { object: labelled({ "drawbridge.dev/mode": NO_TEXT }) },
  ],
  [
    "a label of a namespace has control characters",
    "/validate",
    "Namespace",
    { object: labelled({ "drawbridge.dev/mode": "\u0085\u2028" }) },
  ],
  ["a namespace without metadata", "/mutate", "Namespace", { object: {} }],
  ["a namespace's metadata is a text", "/mutate", "Namespace", { object: { metadata: "x" } }],
  ["a namespace's labels are a text", "/mutate", "Namespace", { object: labelled("shop") }],
  [
    "a ruleset's name is no text",
    "/validate",
    "NetworkRuleset",
    { object: { kind: "NetworkRuleset", metadata: { name: NO_TEXT } } },
  ],
  ["a ruleset's kind is no text", "/validate", "NetworkRuleset", { object: { kind: NO_TEXT } }],
  [
    "a ruleset's option is deep",
    "/validate",
    "NetworkRuleset",
    { object: ruleset({ "no-broad-cidr": { options: { publicIPv4: DEEP } } }) },
  ],
  [
    "a ruleset has thousands of faults",
    "/validate",
    "NetworkRuleset",
    { object: ruleset(Object.fromEntries(Array.from({ length: 20_000 }, (_, i) => [`r${i}`, {}]))) },
  ],
  [
    "a baseline's templates have JavaScript's own names",
    "/validate",
    "NetworkBaseline",
    {
      object: {
        apiVersion: "drawbridge.dev/v1alpha1",
        kind: "NetworkBaseline",
        metadata: { name: "x" },
        spec: { namespaceSelector: {}, templates: [NO_TEXT, { toString: 1 }] },
      },
    },
  ],
])("%s", async (_what, path, kind, tweak) => {
  const deep = `${"[".repeat(20_000)}${"]".repeat(20_000)}`;
  const text = JSON.stringify(admissionReview(admissionRequest(kind, tweak))).replaceAll(`"${DEEP}"`, deep);
  expect((await judge(path, Buffer.from(text))).fault).toBeUndefined();
});

/** A policy that is refused, so that it is talked about. */
function open(metadata: object, spec: object = {}): object {
  return {
    metadata: { name: "web", namespace: "shop", ...metadata },
    spec: { podSelector: {}, egress: [{}], ...spec },
  };
}

function applied(): object {
  return open({
    managedFields: [
      { manager: "m", operation: "Apply", fieldsV1: { "f:spec": {} } },
      { manager: "m", operation: "Update", fieldsV1: DEEP },
    ],
  });
}

function labelled(labels: unknown): object {
  return { metadata: { name: "shop", labels } };
}

function ruleset(rules: object): object {
  return { apiVersion: "drawbridge.dev/v1alpha1", kind: "NetworkRuleset", metadata: { name: "x" }, spec: { rules } };
}
