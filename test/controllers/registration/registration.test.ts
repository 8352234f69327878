import { describe, expect, test } from "vitest";
import { issueCa } from "../../../src/certs/issue.ts";
import { deviations, restored } from "../../../src/controllers/registration/registration.ts";
import {
  type Webhook,
  type WebhookConfiguration,
  webhookConfigurations,
} from "../../../src/controllers/registration/webhook-configurations.ts";

const [first, second] = await Promise.all([issueCa(new Date()), issueCa(new Date())]);
const { validating: wanted } = webhookConfigurations({
  address: { service: { namespace: "drawbridge-system", name: "drawbridge", port: 443 } },
  caBundle: first.cert + second.cert,
  mode: "enforce",
});
const GATE = "gate.pods.drawbridge.dev";
const ENFORCED = "enforced.networkpolicies.drawbridge.dev";

/** As stored, with one webhook changed. */
function stored(name: string, change: (webhook: Webhook) => object = (webhook) => webhook): WebhookConfiguration {
  return {
    ...wanted,
    metadata: { ...wanted.metadata, resourceVersion: "7", annotations: { note: "kept" } },
    webhooks: wanted.webhooks.map((webhook) => (webhook.name === name ? (change(webhook) as Webhook) : webhook)),
  };
}

interface Selecting {
  readonly namespaceSelector: { readonly matchExpressions: readonly object[] };
}

function withExpressions(change: (expressions: readonly object[]) => readonly object[]) {
  return (webhook: Webhook): object => {
    const { namespaceSelector } = webhook as unknown as Selecting;
    return { ...webhook, namespaceSelector: { matchExpressions: change(namespaceSelector.matchExpressions) } };
  };
}

describe("a registration", () => {
  test("as it is to be is left alone", () => {
    expect(deviations(stored(GATE), wanted)).toEqual([]);
  });

  test("trusts its CAs in whatever order, and no others", () => {
    const trusting = (...cas: readonly string[]) =>
      stored(GATE, (webhook) => ({
        ...webhook,
        clientConfig: { ...webhook.clientConfig, caBundle: Buffer.from(cas.join("")).toString("base64") },
      }));
    expect(deviations(trusting(second.cert, first.cert), wanted)).toEqual([]);
    expect(deviations(trusting(first.cert), wanted)).toEqual([`${GATE}: clientConfig`]);
  });

  test.each<[string, (webhook: Webhook) => object, string]>([
    ["failurePolicy", (webhook) => ({ ...webhook, failurePolicy: "Ignore" }), "failurePolicy"],
    [
      "a condition",
      (webhook) => ({ ...webhook, matchConditions: [{ name: "never", expression: "false" }] }),
      "matchConditions",
    ],
    ["timeout", (webhook) => ({ ...webhook, timeoutSeconds: 1 }), "timeoutSeconds"],
    ["rules", (webhook) => ({ ...webhook, rules: [] }), "rules"],
    ["matchPolicy", (webhook) => ({ ...webhook, matchPolicy: "Exact" }), "matchPolicy"],
    ["objectSelector", (webhook) => ({ ...webhook, objectSelector: { matchLabels: { a: "b" } } }), "objectSelector"],
    ["another server", (webhook) => ({ ...webhook, clientConfig: { url: "https://x.example/" } }), "clientConfig"],
    [
      "no CA",
      ({ clientConfig, ...webhook }) => ({ ...webhook, clientConfig: { ...clientConfig, caBundle: "" } }),
      "clientConfig",
    ],
    ["a selector that is gone", (webhook) => ({ ...webhook, namespaceSelector: {} }), "namespaceSelector"],
    [
      "a namespace that is left out",
      withExpressions((all) => [...all, { key: "kubernetes.io/metadata.name", operator: "NotIn", values: ["shop"] }]),
      "namespaceSelector",
    ],
    [
      "what looks like a platform's",
      withExpressions((all) => [...all, { key: "control-plane", operator: "Exists" }]),
      "namespaceSelector",
    ],
  ])("that was weakened by %s is put right", (_what, change, field) => {
    const found = stored(ENFORCED, change);
    expect(deviations(found, wanted)).toEqual([`${ENFORCED}: ${field}`]);
    expect(restored(found, wanted).webhooks).toEqual(wanted.webhooks);
  });

  test("that lacks a webhook, or has one too many, is put right", () => {
    const other = { ...wanted.webhooks[0], name: "other.example.com" };
    const found = { ...wanted, webhooks: [...wanted.webhooks.filter(({ name }) => name !== GATE), other] };
    expect(deviations(found, wanted)).toEqual([`${GATE}: missing`, "other.example.com: added"]);
    expect(restored(found, wanted).webhooks).toEqual(wanted.webhooks);
  });

  test.each([
    { key: "control-plane", operator: "DoesNotExist" },
    { key: "control-plane", operator: "NotIn", values: ["true"] },
    { key: "kubernetes.azure.com/managedby", operator: "NotIn", values: ["aks"] },
  ])("keeps what a platform adds: $key $operator", (added) => {
    const platform = stored(
      GATE,
      withExpressions((all) => [added, ...all]),
    );
    expect(deviations(platform, wanted)).toEqual([]);
    const weakened = stored(GATE, (webhook) => ({
      ...withExpressions((all) => [added, ...all])(webhook),
      failurePolicy: "Ignore",
    }));
    expect(deviations(weakened, wanted)).toEqual([`${GATE}: failurePolicy`]);
    const after = restored(weakened, wanted);
    expect(deviations(after, wanted)).toEqual([]);
    expect(after.webhooks?.find(({ name }) => name === GATE)).toMatchObject({
      failurePolicy: "Fail",
      namespaceSelector: { matchExpressions: expect.arrayContaining([added]) },
    });
  });

  test("keeps the version that it was seen in, annotations and labels of others, and other owners", () => {
    const owner = (kind: string, uid: string) => ({ kind, name: "drawbridge", uid });
    const metadata = {
      ...wanted.metadata,
      resourceVersion: "7",
      labels: { team: "x" },
      annotations: { note: "kept" },
      ownerReferences: [owner("Other", "1"), owner("ClusterRole", "old")],
    };
    const found = { ...wanted, metadata };
    const owned = { ...wanted, metadata: { ...wanted.metadata, ownerReferences: [owner("ClusterRole", "new")] } };
    expect(deviations(found, owned)).toEqual(["metadata: labels", "metadata: ownerReferences"]);
    const after = restored(found, owned);
    expect(after.metadata).toMatchObject({
      resourceVersion: "7",
      labels: { team: "x", "app.kubernetes.io/managed-by": "drawbridge" },
      annotations: { note: "kept" },
      ownerReferences: [owner("Other", "1"), owner("ClusterRole", "new")],
    });
    expect(deviations(after, owned)).toEqual([]);
  });
});
