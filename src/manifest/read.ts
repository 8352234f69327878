import { InputError } from "../model/errors.ts";
import { type ManifestChunk, manifestChunks } from "./chunks.ts";
import { parseJson } from "./json.ts";
import { locator, type Position, type Positions, positionsIn } from "./locate.ts";
import { parseYaml } from "./parse.ts";
import { LIMITS, tooLarge, Unreadable } from "./unreadable.ts";
import { valueOf } from "./value.ts";

/** One document of a YAML or JSON text. */
export interface ManifestDocument {
  readonly kind: "document";
  /** Plain JSON, as kubectl would send it: aliases and merges resolved, keys are texts. Never null. */
  readonly value: unknown;
  /** Where its content begins, from 1. */
  readonly line: number;
  /** Where a JSON Pointer leads in the text, or the nearest that is there. */
  readonly locate: (pointer: string) => Position;
}

/** A document that cannot be read: what is wrong, in one line, and what to do about it. */
export interface ManifestProblem {
  readonly kind: "problem";
  readonly message: string;
  readonly fix: string;
  readonly position: Position;
}

/** Each document of a text, empty ones left out. One that cannot be read does not lose the others. Never throws. */
export function* readManifest(text: string): Generator<ManifestDocument | ManifestProblem> {
  for (const chunk of manifestChunks(text)) {
    const read = readChunk(chunk);
    if (read !== undefined) yield read;
  }
}

/** The document of a chunk; `undefined` where it is empty or null. Never throws. */
export function readChunk(chunk: ManifestChunk): ManifestDocument | ManifestProblem | undefined {
  const { format, line, column } = chunk;
  // As kubectl does; offsets on a line are the same.
  const text = format === "yaml" ? withLineFeeds(chunk.text) : chunk.text;
  const position = positionsIn(text, line, column);
  try {
    if (chunk.unreadable !== undefined) throw chunk.unreadable;
    const size = format === "yaml" ? LIMITS.yamlSize : LIMITS.size;
    if (text.length > size) throw tooLarge(size);
    if (format === "yaml") refuseForbidden(text);
    const root = format === "yaml" ? parseYaml(text) : parseJson(text);
    const value = root === undefined ? null : valueOf(root);
    if (root === undefined || value === null) return undefined;
    return { kind: "document", value, line: position(root.at, root.end).line, locate: locator(root, position) };
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    return problemOf(templateIn(text, error) ?? error, position);
  }
}

/**
 * The documents of a file all of which must be readable.
 * @throws InputError invalid-yaml with file, line and column
 */
export function parseManifest(text: string, file: string): ManifestDocument[] {
  return [...readManifest(text)].map((read) => {
    if (read.kind === "document") return read;
    const { line, column } = read.position;
    throw new InputError("invalid-yaml", `${file}:${line}:${column}: ${read.message}. ${read.fix}.`);
  });
}

function withLineFeeds(text: string): string {
  const feeds = text.includes("\r\n") ? text.replaceAll("\r\n", "\n") : text;
  return feeds.endsWith("\n") ? feeds : `${feeds}\n`;
}

function problemOf({ message, fix, at, end, other }: Unreadable, position: Positions): ManifestProblem {
  const line = other === undefined ? "" : String(position(other, other).line);
  return { kind: "problem", message: message.replace("%LINE", line), fix, position: position(at, end) };
}

/**
 * What YAML does not allow in a text at all: control characters and lone surrogates; and what is a line break for
 * kubectl (YAML 1.1) but not for the library (YAML 1.2), so that a comment would end there.
 */
const FORBIDDEN = /[^\t\n -~\u00a0-\u2027\u202a-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u;

function refuseForbidden(text: string): void {
  const at = text.search(FORBIDDEN);
  if (at === -1) return;
  const code = (text.codePointAt(at) ?? 0).toString(16).toUpperCase().padStart(4, "0");
  const fix = "Remove the character; if the file is no YAML or JSON, leave it out";
  throw new Unreadable(`Character U+${code} may not stand in YAML`, fix, at);
}

/** Where a Helm template is what cannot be read: a `{{` outside quotes and comments on this line or the one before. */
function templateIn(text: string, { at }: Unreadable): Unreadable | undefined {
  const lineStart = text.lastIndexOf("\n", at - 1) + 1;
  const from = text.lastIndexOf("\n", lineStart - 2) + 1;
  const newline = text.indexOf("\n", at);
  const lines = text.slice(from, newline === -1 ? text.length : newline);
  // To it a carriage return begins a line too: none may be passed over, or each would be looked at from all before it.
  const match = /^([^"'#\n\r\u2028\u2029]*?)\{\{[^{]/m.exec(lines);
  if (match === null) return undefined;
  const open = from + match.index + (match[1]?.length ?? 0);
  return new Unreadable("This is a template, not a manifest", RENDER, open, open + 2);
}

const RENDER = "Render it first: helm template . | drawbridge lint -";
