import type { ConfigKind } from "../config/validate.ts";
import { manifestChunks } from "../manifest/chunks.ts";
import { readChunk } from "../manifest/read.ts";
import { isRecord, type JsonObject } from "../model/json.ts";
import { API_VERSION } from "../model/names.ts";
import { type Labels, labelsOf } from "../model/objects.ts";
import { itemsOf } from "./objects.ts";

/** What a set of manifests says about how the rest of it is to be judged. */
export interface SetContents {
  /** Labels of the Namespaces in it, by name. */
  readonly namespaces: Map<string, Labels>;
  /** Documents of our own kinds, unchecked, in the order of the set. */
  readonly configuration: JsonObject[];
}

const CONFIG_KINDS: ReadonlySet<string> = new Set<ConfigKind>([
  "NetworkRuleset",
  "NetworkBaseline",
  "NetworkException",
]);

/** To parse twice what mentions none of them would double the time. */
const MENTIONED = /Namespace|NetworkRuleset|NetworkBaseline|NetworkException/;

/** Adds what the texts of one file say: Namespaces and our own kinds count wherever in the set they are. */
export function collect(text: string, into: SetContents): void {
  if (!MENTIONED.test(text)) return;
  for (const chunk of manifestChunks(text)) {
    const read = MENTIONED.test(chunk.text) ? readChunk(chunk) : undefined;
    if (read?.kind !== "document") continue;
    for (const { value } of itemsOf(read.value)) {
      if (isNamespace(value)) into.namespaces.set(...namespaceOf(value));
      else if (isConfiguration(value)) into.configuration.push(value);
    }
  }
}

/** Is it meant to be one of ours, in whatever version? */
export function isConfiguration(value: unknown): value is JsonObject {
  if (!isRecord(value)) return false;
  const { apiVersion, kind } = value;
  return apiVersion === API_VERSION && typeof kind === "string" && CONFIG_KINDS.has(kind);
}

function isNamespace(value: unknown): value is JsonObject {
  return isRecord(value) && value["apiVersion"] === "v1" && value["kind"] === "Namespace";
}

function namespaceOf({ metadata }: JsonObject): [name: string, labels: Labels] {
  const { name, labels } = isRecord(metadata) ? metadata : {};
  return [typeof name === "string" ? name : "", labelsOf(labels)];
}
