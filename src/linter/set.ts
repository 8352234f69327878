import { manifestChunks } from "../manifest/chunks.ts";
import { readChunk } from "../manifest/read.ts";
import { canonical, isRecord, type JsonObject, text as textIn } from "../model/json.ts";
import { GROUP, NAMESPACE_NAME_LABEL } from "../model/names.ts";
import { type Labels, labelsOf, type ObjectRef } from "../model/objects.ts";
import { groupOf } from "../model/workload.ts";
import { refOf } from "../engine/subject.ts";
import type { Place } from "./finding.ts";
import { itemsOf } from "./objects.ts";

/**
 * What a set of manifests says about how the rest of it is to be judged, wherever it says so. Of two that are named
 * alike the first counts, and the linter says so of the second where it says something else.
 */
export interface SetContents {
  /** The Namespaces in it, by name. With the label that the API server sets on each. */
  readonly namespaces: Map<string, Place & { readonly labels: Labels }>;
  /** Documents of our own kinds, unchecked. */
  readonly documents: Map<string, Place & OwnDocument>;
}

interface OwnDocument {
  readonly object: ObjectRef;
  readonly document: JsonObject;
  /** Its canonical spec, made when first asked for: thousands of others of its name may be compared with it. */
  readonly spec: () => string;
}

/**
 * To parse twice what mentions neither would double the time. Escapes and base64 may hide what a text mentions.
 */
const MENTIONED = /Namespace|drawbridge\.dev|\\|binary/;

export function emptySet(): SetContents {
  return { namespaces: new Map(), documents: new Map() };
}

/** Adds what the text of one file says. */
export function collect(file: string, text: string, defaultNamespace: string, into: SetContents): void {
  if (!MENTIONED.test(text)) return;
  for (const chunk of manifestChunks(text)) {
    const read = MENTIONED.test(chunk.text) ? readChunk(chunk) : undefined;
    if (read?.kind !== "document") continue;
    for (const { value, base } of itemsOf(read.value)) {
      const place = (): Place => ({ file, ...read.locate(base) });
      if (isNamespace(value)) {
        const { name } = refOf("Namespace", value);
        if (into.namespaces.has(name)) continue;
        const labels = { ...labelsIn(value), [NAMESPACE_NAME_LABEL]: name };
        into.namespaces.set(name, { ...place(), labels });
      } else if (isConfiguration(value)) {
        const object = configurationRef(value, defaultNamespace);
        const key = canonical(object);
        if (into.documents.has(key)) continue;
        into.documents.set(key, { ...place(), object, document: value, spec: once(() => canonical(value["spec"])) });
      }
    }
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
  return isRecord(value) && value["apiVersion"] === "v1" && value["kind"] === "Namespace";
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
