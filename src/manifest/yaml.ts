import { LineCounter, parseAllDocuments } from "yaml";
import { InputError } from "../model/errors.ts";

/** One document of a YAML or JSON text, and the line on which it begins (from 1). */
export interface ManifestDocument {
  readonly value: unknown;
  readonly line: number;
}

/** An alias may repeat what it names so often; more is an attempt to fill the memory. */
const MAX_ALIAS_COUNT = 100;

/**
 * The documents of a text, empty ones left out. `file` is for the message.
 * @throws InputError invalid-yaml with file, line and column
 */
export function parseManifest(text: string, file: string): ManifestDocument[] {
  const lines = new LineCounter();
  const fail = (position: number, why: string): InputError => {
    const { line, col } = lines.linePos(position);
    return new InputError(
      "invalid-yaml",
      `${file}:${line}:${col}: ${why.split("\n")[0]?.replace(/[.:]$/, "")}. Correct it and try again.`,
    );
  };
  return [...parseAllDocuments(text, { lineCounter: lines, prettyErrors: false, logLevel: "error" })].flatMap(
    (document) => {
      const start = document.contents?.range?.[0] ?? document.range[0];
      const [error] = document.errors;
      if (error !== undefined) throw fail(error.pos[0], error.message);
      try {
        const value: unknown = document.toJS({ maxAliasCount: MAX_ALIAS_COUNT });
        return value === null || value === undefined ? [] : [{ value, line: lines.linePos(start).line }];
      } catch (cause) {
        throw fail(start, cause instanceof Error ? cause.message : String(cause));
      }
    },
  );
}
