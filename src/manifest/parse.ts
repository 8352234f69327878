import { Composer, isAlias, isMap, isScalar, Lexer, type ParsedNode, Parser } from "yaml";
import { printableUpTo } from "../model/printable.ts";
import { kubectlSyntax } from "./kubectl-syntax.ts";
import type { Node } from "./nodes.ts";
import { LIMITS, quoted, tooDeep, tooMany, Unreadable } from "./unreadable.ts";

/**
 * The document of a YAML text, `undefined` where there is none. The library knows the syntax; what a scalar stands for
 * is decided in resolve.ts.
 * @throws Unreadable
 */
export function parseYaml(text: string): Node | undefined {
  const contents = composed(text);
  return contents === undefined ? undefined : nodesOf(contents);
}

/** A collection takes as much memory as so many other tokens. */
const BRACKET = 3;

/** No schema: a scalar stays the text that it is. Keys are compared in value.ts, where it takes linear time. */
const OPTIONS = { schema: "failsafe", resolveKnownTags: false, uniqueKeys: false } as const;

function composed(text: string): ParsedNode | undefined {
  const parser = new Parser();
  const composer = new Composer(OPTIONS);
  // It would collect all errors with a stack for each: a million quotes would take a minute.
  Object.assign<object, object>(composer, { onError: firstError() });
  let hasContent = false;
  const compose = (tokens: ReturnType<Parser["next"]>): void => {
    for (const token of tokens) {
      if (token.type === "error") throw syntaxError(token.message, token.offset);
      if (token.type === "directive") throw directive(token.offset);
      if (token.type === "doc-end" && !hasContent) throw syntaxError("Nothing ends here", token.offset);
      if (token.type === "document") {
        if (hasContent) throw trailing(token.offset);
        hasContent = true;
      }
      // It has nothing to yield before a second document.
      composer.next(token).next();
    }
  };
  let count = 0;
  let before = "\n";
  const check = kubectlSyntax(text, parser);
  for (const lexeme of new Lexer().lex(text)) {
    check(lexeme);
    // Where blank lines stand before comments, the parser looks at all of them for each comment.
    const isComment = lexeme.startsWith("#") && /^\s/.test(before);
    compose(parser.next(isComment ? " ".repeat(lexeme.length) : lexeme));
    before = lexeme;
    // One more is the document, one the scalar.
    if (parser.stack.length > LIMITS.depth + 2) throw tooDeep(parser.offset);
    count += lexeme === "[" || lexeme === "{" ? BRACKET : 1;
    if (count > LIMITS.tokens) throw tooMany(parser.offset);
  }
  compose(parser.end());
  const [document] = composer.end();
  return document?.contents ?? undefined;
}

type Place = number | readonly number[] | { readonly offset: number; readonly source?: string };

/** For the composer, which catches what is thrown within a collection and reports it again as an error of that. */
function firstError(): (place: Place, code: string, message: string, isWarning?: boolean) => void {
  let first: Unreadable | undefined;
  return (place, code, message, isWarning = false) => {
    if (isWarning) return;
    first ??= syntaxError(message, ...rangeOf(place), FIXES[code]);
    throw first;
  };
}

function rangeOf(place: Place): [number, number] {
  if (typeof place === "number") return [place, place + 1];
  if ("offset" in place) return [place.offset, place.offset + (place.source?.length ?? 1)];
  const [at = 0, end = at + 1] = place;
  return [at, end];
}

const FIXES: Readonly<Record<string, string>> = {
  BAD_ALIAS: "Put the value in quotes if it is meant as text",
  BAD_DQ_ESCAPE: "Write \\\\ for a backslash, or use single quotes",
  BAD_SCALAR_START: "Put the value in quotes",
  TAG_RESOLVE_FAILED: "Put the value in quotes if it is meant as text",
};
const INDENTATION = "Check the indentation, the brackets and quotes of this line and the ones above";

function syntaxError(message: string, at: number, end = at + 1, fix = INDENTATION): Unreadable {
  return new Unreadable(printableUpTo(message, 120), fix, at, end);
}

function directive(at: number): Unreadable {
  const fix = "Remove the line, or put what begins with % in quotes";
  return new Unreadable("kubectl cannot read lines that begin with %", fix, at);
}

function trailing(at: number): Unreadable {
  return new Unreadable("kubectl reads nothing from here to the next ---", "Put --- before it, or indent it", at);
}

/** The same with only what the value and the places need. */
function nodesOf(root: ParsedNode): Node {
  const anchors = new Map<string, Node>();

  function node(source: ParsedNode, depth: number): Node {
    const [at, end] = source.range;
    if (depth > LIMITS.depth) throw tooDeep(at);
    if (isAlias(source)) return alias(source.source, at, end);
    const named = <T extends Node>(result: T): T => {
      // An anchor may be used within what it names, which is refused later.
      if (source.anchor !== undefined) anchors.set(nameOf(source.anchor, at), result);
      return result;
    };
    if (isScalar(source)) {
      const { source: text, type, tag } = source;
      return named({ kind: "scalar", at, end, text, plain: type === "PLAIN" && tag === undefined, tag });
    }
    if (!isMap(source)) {
      const list = named({ kind: "list" as const, at, end: at + 1, items: [] as Node[] });
      for (const item of source.items) list.items.push(node(item, depth + 1));
      return list;
    }
    const map = named({ kind: "map" as const, at, end: at + 1, entries: [] as Node[] });
    for (const pair of source.items) {
      const key = node(pair.key, depth + 1);
      map.entries.push(key, pair.value === null ? empty(key.end) : node(pair.value, depth + 1));
    }
    const [first] = map.entries;
    if (first !== undefined && !source.flow) map.end = first.end;
    return map;
  }

  function alias(name: string, at: number, end: number): Node {
    const target = anchors.get(nameOf(name, at));
    if (target !== undefined) return { kind: "alias", at, end, target };
    const fix = "Define it before with &, or put the text in quotes";
    throw new Unreadable(`No anchor is called ${quoted(name)}`, fix, at, end);
  }

  return node(root, 1);
}

/** YAML 1.2 allows more; kubectl takes what follows for something else or nothing. */
function nameOf(anchor: string, at: number): string {
  if (/^[\w-]+$/.test(anchor)) return anchor;
  const fix = "Put the value in quotes if it is meant as text";
  throw new Unreadable(`Only letters, digits, - and _ may name an anchor, not ${quoted(anchor)}`, fix, at);
}

function empty(at: number): Node {
  return { kind: "scalar", at, end: at, text: "", plain: true, tag: undefined };
}
