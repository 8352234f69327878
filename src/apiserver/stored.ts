import { isRecord, items, type JsonObject } from "../model/json.ts";
import type { NetworkPolicy } from "../model/network-policy.ts";

/**
 * The policy as the API server stores it and shows it to webhooks, had this been written: policyTypes and protocols
 * filled in; null and empty lists and maps gone; a null item is an empty item; fields that nobody knows dropped. For a
 * policy that it refuses, what comes closest. What it adds to metadata (uid, creationTimestamp) is not there.
 */
export function asStored(policy: NetworkPolicy): NetworkPolicy {
  const { metadata, spec } = policy;
  return {
    ...policy,
    ...(isRecord(metadata) && { metadata: storedMetadata(metadata) }),
    spec: storedSpec(isRecord(spec) ? spec : {}),
  };
}

function storedMetadata(metadata: JsonObject): JsonObject {
  const labels = storedMap(metadata["labels"]);
  const annotations = storedMap(metadata["annotations"]);
  const others = Object.entries(metadata).filter(
    ([key, value]) => key !== "labels" && key !== "annotations" && value !== null,
  );
  return { ...Object.fromEntries(others), ...(labels && { labels }), ...(annotations && { annotations }) };
}

function storedSpec(spec: JsonObject): JsonObject {
  const ingress = storedList(spec["ingress"], (clause) => storedClause(clause, "from"));
  const egress = storedList(spec["egress"], (clause) => storedClause(clause, "to"));
  return {
    podSelector: storedSelector(spec["podSelector"]),
    ...(ingress && { ingress }),
    ...(egress && { egress }),
    policyTypes: storedList(spec["policyTypes"], storedText) ?? (egress ? ["Ingress", "Egress"] : ["Ingress"]),
  };
}

function storedClause(clause: unknown, side: "from" | "to"): JsonObject {
  if (!isRecord(clause)) return {};
  const ports = storedList(clause["ports"], storedPort);
  const peers = storedList(clause[side], storedPeer);
  return { ...(ports && { ports }), ...(peers && { [side]: peers }) };
}

function storedPort(raw: unknown): JsonObject {
  const { protocol, port, endPort } = isRecord(raw) ? raw : {};
  return { protocol: protocol ?? "TCP", ...(port != null && { port }), ...(endPort != null && { endPort }) };
}

function storedPeer(raw: unknown): JsonObject {
  const { podSelector, namespaceSelector, ipBlock } = isRecord(raw) ? raw : {};
  return {
    ...(podSelector != null && { podSelector: storedSelector(podSelector) }),
    ...(namespaceSelector != null && { namespaceSelector: storedSelector(namespaceSelector) }),
    ...(isRecord(ipBlock) && { ipBlock: storedBlock(ipBlock) }),
  };
}

function storedBlock({ cidr, except: holes }: JsonObject): JsonObject {
  const except = storedList(holes, storedText);
  return { cidr: storedText(cidr), ...(except && { except }) };
}

function storedSelector(raw: unknown): JsonObject {
  const { matchLabels: labels, matchExpressions: expressions } = isRecord(raw) ? raw : {};
  const matchLabels = storedMap(labels);
  const matchExpressions = storedList(expressions, storedRequirement);
  return { ...(matchLabels && { matchLabels }), ...(matchExpressions && { matchExpressions }) };
}

function storedRequirement(raw: unknown): JsonObject {
  const { key, operator, values: list } = isRecord(raw) ? raw : {};
  const values = storedList(list, storedText);
  return { key: storedText(key), operator: storedText(operator), ...(values && { values }) };
}

/** Null is the empty text wherever a text is expected. */
function storedText(value: unknown): unknown {
  return value ?? "";
}

/** Undefined where nothing is left of it. */
function storedMap(raw: unknown): JsonObject | undefined {
  if (!isRecord(raw)) return undefined;
  const entries = Object.entries(raw);
  if (entries.length === 0) return undefined;
  return entries.some(([, value]) => value === null)
    ? Object.fromEntries(entries.map(([key, value]) => [key, storedText(value)]))
    : raw;
}

function storedList(raw: unknown, item: (raw: unknown) => unknown): readonly unknown[] | undefined {
  const list = items(raw);
  return list.length === 0 ? undefined : list.map(item);
}
