/**
 * In one line, and without what a terminal would act upon (control and format characters, line and paragraph ends):
 * objects, names and files may hold anything. As many characters as before, so that places in it stay where they are.
 */
export function printable(text: string): string {
  return isPlain(text) ? text : text.replaceAll(UNPRINTABLE, questionMarks);
}

/** The same where tabs are shown as such. */
export function printableWithTabs(text: string): string {
  return isPlain(text) ? text : text.replaceAll(UNPRINTABLE, (one) => (one === "\t" ? one : questionMarks(one)));
}

/** The same of at most so many characters, and well formed. Of a longer text only the beginning is looked at. */
export function printableUpTo(text: string, most: number): string {
  if (text.length <= most) return printable(text);
  return `${printable(text.slice(0, most - 3)).toWellFormed()}...`;
}

const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]/gu;

/** Nearly every text, and a hundred times as fast as to look each character up. */
function isPlain(text: string): boolean {
  return /^[ -~]*$/.test(text);
}

function questionMarks(one: string): string {
  return "?".repeat(one.length);
}

/** A value, short enough for a line, with nothing in it that a terminal would act upon. Any size, any depth. */
export function show(value: unknown): string {
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object" && value !== null) return "an object";
  if (typeof value !== "string") return String(value);
  return printableUpTo(JSON.stringify(value.slice(0, 60)), 40);
}
