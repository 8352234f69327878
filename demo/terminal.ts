import { styleText } from "node:util";

// styleText leaves the text plain where standard output is no terminal or NO_COLOR is set.
export const bold = (text: string): string => styleText("bold", text);
export const dim = (text: string): string => styleText("dim", text);
export const green = (text: string): string => styleText("green", text);
export const red = (text: string): string => styleText("red", text);

const INDENT = 5;
const WIDEST = 110;
/** More than what a refusal indents its findings by. */
const HANG = " ".repeat(4);

/** What a program printed, set off from the rest; long lines are broken between words. */
export function indented(text: string, columns: number = process.stdout.columns ?? WIDEST): string {
  const width = Math.min(columns, WIDEST) - INDENT;
  return text
    .split("\n")
    .flatMap((line) => wrapped(line, width))
    .map((line) => " ".repeat(INDENT) + line)
    .join("\n");
}

/** What hangs over is further in than its line. */
function wrapped(line: string, width: number): string[] {
  if (line.length <= width) return [line];
  const margin = /^ */.exec(line)?.[0] ?? "";
  const lines: string[] = [];
  let current = margin;
  for (const word of line.trim().split(" ")) {
    const isFirst = current.trim() === "";
    if (!isFirst && current.length + 1 + word.length > width) {
      lines.push(current);
      current = `${margin}${HANG}${word}`;
    } else current += isFirst ? word : ` ${word}`;
  }
  return [...lines, current];
}
