import type { Excerpt } from "../linter/excerpt.ts";

/** What stands under a line: white space as wide as what is before the mark, and as many carets as the mark is wide. */
export function markOf({ text, column, length }: Excerpt): { readonly indent: string; readonly mark: string } {
  const before = text.slice(0, column - 1);
  const marked = text.slice(column - 1, column - 1 + length);
  return {
    indent: before
      .split("\t")
      .map((part) => " ".repeat(columnsOf(part)))
      .join("\t"),
    mark: "^".repeat(Math.max(1, columnsOf(marked))),
  };
}

function columnsOf(text: string): number {
  if (/^[ -~]*$/.test(text)) return text.length;
  return Array.from(text, widthOf).reduce((sum, width) => sum + width, 0);
}

/** How many columns of a terminal a character takes. (An approximation of Unicode's annex 11.) */
function widthOf(character: string): number {
  if (character < "\u0300") return 1;
  if (/\p{M}/u.test(character)) return 0;
  return WIDE.test(character) ? 2 : 1;
}

const WIDE =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Emoji_Presentation}\u3000-\u303e\uff01-\uff60\uffe0-\uffe6]/u;
