import type { Parser } from "yaml";
import { keyNotText, Unreadable } from "./unreadable.ts";

/**
 * To be called with each token of the lexer before the parser gets it: refuses what the library (YAML 1.2) reads, and
 * kubectl (go-yaml 2, YAML 1.1) does not or as something else.
 * @throws Unreadable
 */
export function kubectlSyntax(text: string, parser: Parser): (lexeme: string) => void {
  /** Behind a line break, `-` or `?` and spaces. */
  let atIndentation = true;
  let isScalar = false;
  return (lexeme) => {
    const { offset } = parser;
    const first = lexeme.charAt(0);
    if (isScalar) {
      isScalar = false;
      if (" \t\n".includes(first) && /^[ \n]*\t/.test(lexeme)) throw tab(offset + lexeme.indexOf("\t"));
      if (isInFlow(parser) && (first === ":" || lexeme.includes("?"))) throw quotesNeeded(offset, lexeme);
      return;
    }
    if (first === " " || first === "\t") {
      if (atIndentation && lexeme.includes("\t") && !isInFlow(parser)) throw tab(offset + lexeme.indexOf("\t"));
      return;
    }
    if (first === '"') refuseEscapes(lexeme, offset);
    else if (lexeme === ":") refuseFlowKey(text, parser);
    isScalar = lexeme === SCALAR;
    atIndentation = first === "\n" || lexeme === "-" || lexeme === "?";
  };
}

/** What the lexer says before plain and block scalars (CST.SCALAR). */
const SCALAR = "\u001F";

function tab(at: number): Unreadable {
  return new Unreadable("A tab cannot indent", "Put spaces instead of the tab", at);
}

function quotesNeeded(at: number, plain: string): Unreadable {
  const message = "Between brackets kubectl takes a ? or a : at the beginning for something else";
  return new Unreadable(message, "Put the value in quotes", at, at + plain.length);
}

function isInFlow({ stack }: Parser): boolean {
  return stack.at(-1)?.type === "flow-collection" || stack.at(-2)?.type === "flow-collection";
}

/** JSON has `\/` and surrogates, YAML 1.1 has not; behind an escaped line break the library forgets an empty line. */
function refuseEscapes(quotes: string, offset: number): void {
  if (!quotes.includes("\\")) return;
  for (const { 0: escape, index } of quotes.matchAll(/\\(?:(?:u|U0000)[dD][89a-fA-F]|\n[ \t]*\n|[^])/g)) {
    if (escape.length === 2 && escape !== "\\/") continue;
    const message = "kubectl does not read this escape as it is meant";
    throw new Unreadable(message, "Write the character itself", offset + index, offset + index + escape.length);
  }
}

/** To be called at the `:` behind a key. */
function refuseFlowKey(text: string, { stack, offset }: Parser): void {
  const top = stack.at(-1);
  if (top?.type !== "flow-collection") return;
  const item = top.items.at(-1);
  const key = top.end.length > 0 ? top : item?.value === undefined ? item?.key : undefined;
  // Refused anyway; but each would be searched for line breaks together with all that is in it.
  if (key?.type === "flow-collection") throw keyNotText(key.offset, offset);
  if (key?.type !== "scalar" || key.offset + key.source.length < offset) return;
  if (!/[,[\]{}]/.test(text.charAt(offset + 1))) return;
  throw new Unreadable("After this : kubectl expects a space", "Put a space there, or the text in quotes", offset);
}
