import { asStored } from "../apiserver/stored.ts";
import { manifestChunks } from "../manifest/chunks.ts";
import { type ManifestDocument, readChunk } from "../manifest/read.ts";
import { findBackends } from "../model/backends.ts";
import { canonical, isRecord, type JsonObject, text as textIn } from "../model/json.ts";
import { GROUP, NAMESPACE_NAME_LABEL } from "../model/names.ts";
import type { NetworkPolicy } from "../model/network-policy.ts";
import { type KubernetesObject, type Labels, labelsOf, type ObjectRef } from "../model/objects.ts";
import { groupOf } from "../model/workload.ts";
import { refOf } from "../engine/subject.ts";
import type { Place } from "./finding.ts";
import { type Item, itemsOf } from "./objects.ts";

/**
 * What a set of manifests says about how the rest of it is to be judged, wherever it says so. Of two that are named
 * alike the first counts, and the linter says so of the second where it says something else.
 */
export interface SetContents {
  /** The Namespaces in it, by name. With the label that the API server sets on each. */
  readonly namespaces: Map<string, Place & { readonly labels: Labels }>;
  /** Documents of our own kinds, unchecked. */
  readonly documents: Map<string, Place & OwnDocument>;
  /** What makes the API server call Services. */
  readonly callers: JsonObject[];
  /** Only of namespaces in which Services are called, and each with its namespace: Services by their names in these. */
  readonly services: Map<string, KubernetesObject>;
  /** As the API server stores them, by their namespaces. */
  readonly policies: Map<string, NetworkPolicy[]>;
}

interface OwnDocument {
  readonly object: ObjectRef;
  readonly document: JsonObject;
  /** Its canonical spec, made when first asked for: thousands of others of its name may be compared with it. */
  readonly spec: () => string;
}

/**
 * To parse twice what mentions none of these would double the time. Escapes and base64 may hide what a text mentions.
 */
const GOVERNING = /Namespace|drawbridge\.dev|clientConfig|APIService|\\|binary/;
const CALLED = /Service|NetworkPolicy|\\|binary/;

export interface Text {
  readonly file: string;
  readonly text: string;
}

export function setOf(texts: readonly Text[], defaultNamespace: string): SetContents {
  const set: SetContents = {
    namespaces: new Map(),
    documents: new Map(),
    callers: [],
    services: new Map(),
    policies: new Map(),
  };
  for (const { file, text } of texts) addGoverning(file, text, defaultNamespace, set);
  const namespaces = new Set(findBackends(set.callers).map(({ namespace }) => namespace));
  // Most sets have none, and need not be gone through again.
  if (namespaces.size > 0) for (const { text } of texts) addCalled(text, namespaces, defaultNamespace, set);
  return set;
}

function addGoverning(file: string, text: string, defaultNamespace: string, set: SetContents): void {
  for (const { value, base, locate } of itemsIn(text, GOVERNING)) {
    const place = (): Place => ({ file, ...locate(base) });
    if (isNamespace(value)) {
      const { name } = refOf("Namespace", value);
      if (set.namespaces.has(name)) continue;
      const labels = { ...labelsIn(value), [NAMESPACE_NAME_LABEL]: name };
      set.namespaces.set(name, { ...place(), labels });
    } else if (isConfiguration(value)) {
      const object = configurationRef(value, defaultNamespace);
      const key = canonical(object);
      if (set.documents.has(key)) continue;
      set.documents.set(key, { ...place(), object, document: value, spec: once(() => canonical(value["spec"])) });
    } else if (isRecord(value) && findBackends([value]).length > 0) set.callers.push(value);
  }
}

function addCalled(text: string, called: ReadonlySet<string>, defaultNamespace: string, set: SetContents): void {
  for (const { value } of itemsIn(text, CALLED)) {
    if (!isRecord(value)) continue;
    const object = inNamespace(value, defaultNamespace);
    const { namespace = "", name } = refOf("", object);
    if (!called.has(namespace)) continue;
    if (isOf(value, "v1", "Service")) {
      const key = `${namespace}/${name}`;
      if (!set.services.has(key)) set.services.set(key, object);
    } else if (isOf(value, "networking.k8s.io/v1", "NetworkPolicy")) {
      const policies = set.policies.get(namespace) ?? [];
      policies.push(asStored(object));
      set.policies.set(namespace, policies);
    }
  }
}

/** The objects in documents that mention something. */
function* itemsIn(text: string, mentioned: RegExp): Generator<Item & Pick<ManifestDocument, "locate">> {
  if (!mentioned.test(text)) return;
  for (const chunk of manifestChunks(text)) {
    const read = mentioned.test(chunk.text) ? readChunk(chunk) : undefined;
    if (read?.kind !== "document") continue;
    for (const item of itemsOf(read.value)) yield { ...item, locate: read.locate };
  }
}

interface Compared {
  readonly set: SetContents;
  readonly defaultNamespace: string;
  /** The labels of Namespaces that say how what is in them is judged. */
  readonly governingKeys: ReadonlySet<string>;
}

/** Where the set says something else of what this object is about, and earlier. */
export function rivalOf(
  value: JsonObject,
  at: Place,
  { set, defaultNamespace, governingKeys: keys }: Compared,
): Place | undefined {
  const first = isNamespace(value)
    ? set.namespaces.get(refOf("Namespace", value).name)
    : set.documents.get(canonical(configurationRef(value, defaultNamespace)));
  if (first === undefined || (first.file === at.file && first.line === at.line && first.column === at.column)) {
    return undefined;
  }
  const isSame =
    "labels" in first
      ? canonical(governingLabels(first.labels, keys)) === canonical(governingLabels(labelsIn(value), keys))
      : first.spec() === canonical(value["spec"]);
  return isSame ? undefined : first;
}

/** Is it meant to be one of ours, in whatever version? */
export function isConfiguration(value: unknown): value is JsonObject {
  return isRecord(value) && typeof value["apiVersion"] === "string" && groupOf(value["apiVersion"]) === GROUP;
}

export function isNamespace(value: unknown): value is JsonObject {
  return isRecord(value) && isOf(value, "v1", "Namespace");
}

function isOf({ apiVersion, kind }: JsonObject, wantedVersion: string, wantedKind: string): boolean {
  return apiVersion === wantedVersion && kind === wantedKind;
}

/** An object that names no namespace is in the one that kubectl is told of. */
export function inNamespace(object: KubernetesObject, namespace: string): KubernetesObject {
  const { metadata } = object;
  return metadata?.namespace || !isRecord(metadata) || object.kind === "Namespace"
    ? object
    : { ...object, metadata: { ...metadata, namespace } };
}

export function governingLabels(labels: Labels, keys: ReadonlySet<string>): Labels {
  // There are two of these keys, or some; a Namespace that is there often may have thousands of labels.
  return Object.fromEntries([...keys].flatMap((key) => (Object.hasOwn(labels, key) ? [[key, labels[key] ?? ""]] : [])));
}

/** NetworkExceptions are of a namespace, the others of none, whatever they say. */
export function configurationRef(value: JsonObject, defaultNamespace: string): ObjectRef {
  const { kind, name, namespace } = refOf(textIn(value["kind"]), value);
  return kind === "NetworkException" ? { kind, namespace: namespace ?? defaultNamespace, name } : { kind, name };
}

function once(make: () => string): () => string {
  let made: string | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

function labelsIn({ metadata }: JsonObject): Labels {
  return labelsOf(isRecord(metadata) ? metadata["labels"] : undefined);
}
