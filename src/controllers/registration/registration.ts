import { authoritiesIn } from "../../certs/inspect.ts";
import { canonical, isRecord, items } from "../../model/json.ts";
import type { KubernetesObject } from "../../model/objects.ts";
import { CLUSTER_ROLE } from "./owner.ts";
import type { Webhook, WebhookConfiguration } from "./webhook-configurations.ts";

/**
 * What platforms add to the namespaceSelector of every webhook, and would add again: to take it out would be a fight
 * without end. Each excludes namespaces by a label, so on such a platform who may label Namespaces decides who is judged.
 */
const PLATFORM_EXPRESSIONS: readonly object[] = [
  // AKS, Admissions Enforcer (https://github.com/Azure/AKS/issues/1771, /issues/4002); the first is the older form.
  { key: "control-plane", operator: "DoesNotExist" },
  { key: "control-plane", operator: "NotIn", values: ["true"] },
  { key: "kubernetes.azure.com/managedby", operator: "NotIn", values: ["aks"] },
];

const KNOWN: ReadonlySet<string> = new Set(PLATFORM_EXPRESSIONS.map(canonical));

/** The stored configuration with everything of ours as it is to be; what is known to be a platform's stays. */
export function restored(found: WebhookConfiguration, wanted: WebhookConfiguration): WebhookConfiguration {
  const foundBy = byName(found);
  const { metadata = {} } = found;
  const { labels, ownerReferences } = wanted.metadata ?? {};
  const others = (metadata.ownerReferences ?? []).filter((owner) => !isInstallation(owner));
  return {
    ...wanted,
    metadata: {
      ...metadata,
      labels: { ...metadata.labels, ...labels },
      ...(ownerReferences && { ownerReferences: [...others, ...ownerReferences] }),
    },
    webhooks: (wanted.webhooks ?? []).map((webhook) => withPlatform(webhook, foundBy.get(webhook.name))),
  };
}

/**
 * In what the stored configuration is not as it is to be: `gate.pods.drawbridge.dev: failurePolicy`. We write out what
 * the API server would default, so fields are the same to the letter; but CAs are trusted in whatever order.
 */
export function deviations(found: WebhookConfiguration, wanted: WebhookConfiguration): readonly string[] {
  const { metadata, webhooks = [] } = restored(found, wanted);
  const foundBy = byName(found);
  const wantedNames = new Set(webhooks.map(({ name }) => name));
  return [
    ...webhooks.flatMap((webhook) => {
      const stored = foundBy.get(webhook.name);
      return stored === undefined
        ? [`${webhook.name}: missing`]
        : differing(comparable(stored, webhook), sorted(webhook)).map((field) => `${webhook.name}: ${field}`);
    }),
    ...[...foundBy.keys()].filter((name) => !wantedNames.has(name)).map((name) => `${name}: added`),
    ...differing(labelsAndOwners(found.metadata), labelsAndOwners(metadata)).map((field) => `metadata: ${field}`),
  ];
}

function byName({ webhooks = [] }: WebhookConfiguration): ReadonlyMap<string | undefined, Webhook> {
  return new Map(webhooks.map((webhook) => [webhook.name, webhook]));
}

function withPlatform(wanted: Webhook, found: Webhook | undefined): Webhook {
  const additions = expressionsOf(found).filter((expression) => KNOWN.has(canonical(expression)));
  if (additions.length === 0) return wanted;
  const selector = isRecord(wanted["namespaceSelector"]) ? wanted["namespaceSelector"] : {};
  return { ...wanted, namespaceSelector: { ...selector, matchExpressions: [...expressionsOf(wanted), ...additions] } };
}

function expressionsOf(webhook: Webhook | undefined): readonly unknown[] {
  const selector = webhook?.["namespaceSelector"];
  return isRecord(selector) ? items(selector["matchExpressions"]) : [];
}

function comparable(found: Webhook, wanted: Webhook): Webhook {
  const webhook = sorted(found);
  const { clientConfig = {} } = webhook;
  const caBundle = wanted.clientConfig?.caBundle ?? "";
  return clientConfig.caBundle !== caBundle && idsIn(clientConfig.caBundle) === idsIn(caBundle)
    ? { ...webhook, clientConfig: { ...clientConfig, caBundle } }
    : webhook;
}

function idsIn(caBundle = ""): string {
  const ids = authoritiesIn(Buffer.from(caBundle, "base64").toString()).map(({ id }) => id);
  return [...new Set(ids)].toSorted().join(" ");
}

/** The expressions of a selector all hold, in whatever order. */
function sorted(webhook: Webhook): Webhook {
  const expressions = expressionsOf(webhook);
  if (expressions.length === 0) return webhook;
  const matchExpressions = expressions.toSorted((a, b) => (canonical(a) < canonical(b) ? -1 : 1));
  const selector = isRecord(webhook["namespaceSelector"]) ? webhook["namespaceSelector"] : {};
  return { ...webhook, namespaceSelector: { ...selector, matchExpressions } };
}

function differing(a: Readonly<Record<string, unknown>>, b: Readonly<Record<string, unknown>>): readonly string[] {
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].filter((key) => canonical(a[key]) !== canonical(b[key]));
}

function labelsAndOwners({ labels, ownerReferences }: KubernetesObject["metadata"] = {}) {
  return { labels: labels ?? {}, ownerReferences: ownerReferences ?? [] };
}

function isInstallation(owner: unknown): boolean {
  return isRecord(owner) && owner["kind"] === "ClusterRole" && owner["name"] === CLUSTER_ROLE;
}
