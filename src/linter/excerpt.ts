import type { Position } from "../manifest/locate.ts";
import { printableWithTabs } from "../model/printable.ts";

/** The part of a line that is worth showing: one line, without what a terminal would act upon. */
export interface Excerpt {
  readonly text: string;
  /** From 1: the first marked character of `text`. */
  readonly column: number;
  /** How many are marked. */
  readonly length: number;
}

/** Of longer lines, the part around the mark: a List on one line may be millions of characters long. */
const WIDTH = 120;

/** Finds lines of a text that begins at a line and a column of something larger. Most texts are never asked. */
export function excerptsOf(text: string, firstLine: number, firstColumn: number): (position: Position) => Excerpt {
  let lines: readonly string[] | undefined;
  return ({ line, column, length }) => {
    lines ??= text.split("\n");
    const start = Math.max(0, column - (line === firstLine ? firstColumn : 1));
    return cut(lines[line - firstLine] ?? "", start, length);
  };
}

function cut(line: string, start: number, length: number): Excerpt {
  const from = line.length > WIDTH && start > WIDTH / 2 ? wholeFrom(line, start - WIDTH / 2) : 0;
  const part = line.slice(from, wholeFrom(line, from + WIDTH));
  return {
    // As many characters as before, or the mark would be beside.
    text: printableWithTabs(part.replace(/\r$/, "")),
    column: start - from + 1,
    length: Math.max(1, Math.min(length, part.length - (start - from))),
  };
}

/** Not within a character of two halves. */
function wholeFrom(line: string, at: number): number {
  const code = line.charCodeAt(at);
  return code >= 0xdc00 && code <= 0xdfff ? at + 1 : at;
}
