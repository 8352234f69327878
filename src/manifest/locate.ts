import { stepsOf } from "../model/json.ts";
import type { MapNode, Node } from "./nodes.ts";
import { isMerge, keyName, mergeSources } from "./value.ts";

/** Where something stands, counted from 1; `length` is that of the marked text on this line, at least 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
  readonly length: number;
}

/** From an offset in a chunk's text to the position in the whole. */
export type Positions = (at: number, end: number) => Position;

export function positionsIn(text: string, firstLine: number, firstColumn: number): Positions {
  let starts: readonly number[] | undefined;
  let inkEnd = 0;
  return (offset, end) => {
    if (starts === undefined) {
      starts = lineStarts(text);
      inkEnd = text.trimEnd().length;
    }
    // The end of the text is marked at its last character that is not white space.
    const at = Math.max(0, Math.min(offset, inkEnd - (offset >= text.length ? 1 : 0)));
    const index = lastUpTo(starts, at);
    const start = starts[index] ?? 0;
    const next = starts[index + 1] ?? text.length + 1;
    const lineEnd = text.charCodeAt(next - 2) === 13 ? next - 2 : next - 1;
    const column = at - start + (index === 0 ? firstColumn : 1);
    return { line: firstLine + index, column, length: Math.max(1, Math.min(end, lineEnd) - at) };
  };
}

function lineStarts(text: string): number[] {
  const starts = [0];
  for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
  return starts;
}

/** The index of the last number that is not larger, in a list that ascends from 0. */
function lastUpTo(numbers: readonly number[], limit: number): number {
  let low = 0;
  let high = numbers.length;
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if ((numbers[middle] ?? Infinity) <= limit) low = middle;
    else high = middle;
  }
  return low;
}

interface Entry {
  readonly key: Node;
  readonly value: Node;
}

/**
 * Where a JSON Pointer leads: to a scalar itself, to the key of a mapping, a list or nothing, to the first token of a
 * list's item. A pointer that leads nowhere stops at the last that is there; aliases lead to what they name.
 */
export function locator(root: Node, position: Positions): (pointer: string) => Position {
  const indexes = new Map<MapNode, ReadonlyMap<string, Entry>>();
  const entryOf = (map: MapNode, step: string): Entry | undefined => {
    let index = indexes.get(map);
    if (index === undefined) {
      index = new Map(entriesOf(map));
      indexes.set(map, index);
    }
    return index.get(step);
  };
  return (pointer) => {
    let here = root;
    let marked = root;
    for (const step of stepsOf(pointer)) {
      const target: Node = here.kind === "alias" ? here.target : here;
      if (target.kind === "map") {
        const entry = entryOf(target, step);
        if (entry === undefined) break;
        here = entry.value;
        marked =
          here.kind === "scalar" && here.end > here.at
            ? here
            : here.kind === "alias"
              ? aliasMark(here, entry.key)
              : entry.key;
      } else {
        const item = target.kind === "list" && /^(?:0|[1-9]\d*)$/.test(step) ? target.items[Number(step)] : undefined;
        if (item === undefined) break;
        here = marked = item;
      }
    }
    return position(marked.at, marked.end);
  };
}

function aliasMark(alias: Node & { kind: "alias" }, key: Node): Node {
  return alias.target.kind === "scalar" ? alias : key;
}

/** In the order in which they override each other, as in the value. */
function* entriesOf(map: MapNode): Generator<[string, Entry]> {
  for (let i = 0; i < map.entries.length; i += 2) {
    const [key, value] = map.entries.slice(i, i + 2) as [Node, Node];
    if (!isMerge(key)) yield [keyName(key), { key, value }];
    else for (const source of mergeSources(value)) yield* mergedEntries(source);
  }
}

function* mergedEntries(source: Node): Generator<[string, Entry]> {
  const map = source.kind === "alias" ? source.target : source;
  if (map.kind === "map") yield* entriesOf(map);
}
