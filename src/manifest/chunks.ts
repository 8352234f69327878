import { jsonEnd } from "./json.ts";
import { LIMITS, quoted, Unreadable } from "./unreadable.ts";

/** The text of one document, not yet read. */
export interface ManifestChunk {
  readonly format: "yaml" | "json";
  readonly text: string;
  /** Where it begins in the whole text, from 1. */
  readonly line: number;
  readonly column: number;
  /** Set where the text is not even that of a document. */
  readonly unreadable?: Unreadable;
}

/**
 * Cuts a text into documents as kubectl does (YAMLOrJSONDecoder of k8s.io/apimachinery): lines that begin with `---`
 * part YAML, whatever they are within; a text that begins with `{` is JSON values one after another as long as it can be.
 */
export function* manifestChunks(text: string): Generator<ManifestChunk> {
  let at = 0;
  let count = 0;
  const lines = lineCounter(text);
  if (/^[ \t\r\n]*\{/.test(text.slice(0, 4096))) {
    for (;;) {
      const start = afterSpace(text, at);
      if (start === text.length) return;
      const end = jsonEnd(text, start);
      if (end === undefined || (end - start <= LIMITS.size && !isJson(text.slice(start, end)))) break;
      count++;
      yield { format: "json", text: text.slice(start, end), ...lines(start) };
      at = end;
    }
    const newline = text.indexOf("\n", at);
    const start = afterSpace(text, at);
    // What indents the first line of YAML counts.
    at = newline !== -1 && newline < start ? newline + 1 : start;
  }
  if (count > 1) {
    const message = "Several JSON objects stand before this, after which kubectl reads only JSON";
    const unreadable = new Unreadable(message, "Put a line with --- between all of them", 0);
    yield { format: "json", text: text.slice(at, at + 1), ...lines(at), unreadable };
    const separator = text.indexOf("\n---", at);
    at = separator === -1 ? text.length : separator + 1;
  }
  yield* yamlChunks(text, at, lines);
}

type LineCounter = (at: number) => { readonly line: number; readonly column: number };

/** For places that only go forward. */
function lineCounter(text: string): LineCounter {
  let line = 1;
  let lineStart = 0;
  let lineEnd = text.indexOf("\n");
  return (at) => {
    for (; lineEnd !== -1 && lineEnd < at; lineEnd = text.indexOf("\n", lineStart)) {
      line++;
      lineStart = lineEnd + 1;
    }
    return { line, column: at - lineStart + 1 };
  };
}

function afterSpace(text: string, from: number): number {
  let at = from;
  while (" \t\r\n".includes(text.charAt(at)) && at < text.length) at++;
  return at;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Lines of `---` end what stands before them, and belong to the document where nothing does. */
function* yamlChunks(text: string, from: number, lines: LineCounter): Generator<ManifestChunk> {
  let start = from;
  const chunk = (end: number): ManifestChunk => ({ format: "yaml", text: text.slice(start, end), ...lines(start) });
  for (let at = from; at < text.length; ) {
    const newline = text.indexOf("\n", at);
    const end = newline === -1 ? text.length : newline + 1;
    if (text.startsWith("---", at)) {
      const rest = text.slice(at + 3, end).trim();
      const isBad = rest !== "" && !rest.startsWith("#");
      const isFirst = at === start;
      if (!isFirst) yield chunk(at);
      if (isBad) yield { ...badSeparator(text.slice(at, end), rest), ...lines(at) };
      if (isBad || !isFirst) start = end;
    }
    at = end;
  }
  if (start < text.length) yield chunk(text.length);
}

function badSeparator(line: string, rest: string): Pick<ManifestChunk, "format" | "text" | "unreadable"> {
  const at = line.indexOf(rest, 3);
  const message = `After --- only a comment may stand, not ${quoted(rest)}`;
  const fix = "Put it on a line of its own";
  return { format: "yaml", text: line, unreadable: new Unreadable(message, fix, at, line.trimEnd().length) };
}
