import type { Node } from "./nodes.ts";
import { LIMITS, tooDeep, tooMany } from "./unreadable.ts";

/** The end of the JSON value that begins at `start`, or undefined where there is none; only brackets are counted. */
export function jsonEnd(text: string, start: number): number | undefined {
  const bare = /[^\s{}[\]",:]+/y;
  let depth = 0;
  for (let at = start; at < text.length; ) {
    const code = text.charCodeAt(at);
    if (code === 123 || code === 91) depth++;
    else if (code === 125 || code === 93) depth--;
    if (code === 34) at = stringEnd(text, at);
    else {
      bare.lastIndex = at;
      at = bare.test(text) ? bare.lastIndex : at + 1;
    }
    if (depth <= 0) return depth < 0 ? undefined : at;
  }
  return undefined;
}

/** Behind the quote that closes the string at `start`, or behind the end. */
function stringEnd(text: string, start: number): number {
  let at = start + 1;
  for (; at < text.length && text.charCodeAt(at) !== 34; at++) if (text.charCodeAt(at) === 92) at++;
  return at + 1;
}

/**
 * The nodes of a text that is known to be JSON.
 * @throws Unreadable where it is too large or too deep
 */
export function parseJson(text: string): Node {
  let at = 0;
  let nodes = 0;

  function space(): void {
    while (text.charCodeAt(at) <= 32) at++;
  }

  function scalar(): Node {
    const start = at;
    if (text.charCodeAt(at) !== 34) {
      while (!/[\s,\]}]/.test(text.charAt(at)) && at < text.length) at++;
      return { kind: "scalar", at: start, end: at, text: text.slice(start, at), plain: true, tag: undefined };
    }
    at = stringEnd(text, start);
    const inner = text.slice(start + 1, at - 1);
    const content = inner.includes("\\") ? String(JSON.parse(text.slice(start, at))) : inner;
    return { kind: "scalar", at: start, end: at, text: content, plain: false, tag: undefined };
  }

  function node(depth: number): Node {
    space();
    if (++nodes > LIMITS.nodes) throw tooMany(at);
    if (depth > LIMITS.depth) throw tooDeep(at);
    const code = text.charCodeAt(at);
    if (code !== 123 && code !== 91) return scalar();
    const start = at++;
    const children: Node[] = [];
    for (space(); !/[}\]]/.test(text.charAt(at)); space()) {
      children.push(node(depth + 1));
      space();
      if (/[,:]/.test(text.charAt(at))) at++;
    }
    at++;
    if (code === 91) return { kind: "list", at: start, end: start + 1, items: children };
    return { kind: "map", at: start, end: start + 1, entries: children };
  }

  return node(1);
}
