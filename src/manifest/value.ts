import type { AliasNode, MapNode, Node, ScalarNode } from "./nodes.ts";
import { keyText, scalarValue } from "./resolve.ts";
import { keyNotText, keyTooLong, LIMITS, quoted, tooDeep, tooMany, Unreadable } from "./unreadable.ts";

/**
 * The value as kubectl sends it: aliases repeated, `<<` merged, keys as texts. Unlike kubectl, for which the last one
 * counts, a key that is there twice is refused: one of the two is never what its author believes.
 * @throws Unreadable
 */
export function valueOf(root: Node): unknown {
  let nodes = 1;
  let repeated = 0;
  let repeatedText = 0;
  const open = new Set<AliasNode>();

  function value(node: Node, depth: number): unknown {
    count(node, depth);
    if (node.kind === "scalar") {
      if (open.size > 0) repeatedText += node.text.length;
      return scalarValue(node);
    }
    if (node.kind === "list") return node.items.map((item) => value(item, depth + 1));
    if (node.kind === "alias") return within(node, () => value(node.target, depth));
    const object: Record<string, unknown> = {};
    fill(object, node, depth);
    return object;
  }

  /** As go-yaml counts: a little text may not become a lot. */
  function count(node: Node, depth: number): void {
    nodes++;
    if (open.size > 0) repeated++;
    if (depth > LIMITS.depth) throw tooDeep(node.at);
    if (nodes > 2 * LIMITS.nodes) throw tooMany(node.at);
    const tooOften = repeated > 100 && nodes > 1000 && repeated / nodes > allowedRatio(nodes);
    if (tooOften || repeatedText > LIMITS.size) {
      const [outermost = node] = open;
      const fix = "Write out what is meant instead of aliases of aliases";
      throw new Unreadable("Aliases make the document many times as large", fix, outermost.at, outermost.end);
    }
  }

  function within<T>(alias: AliasNode, read: () => T): T {
    if (open.has(alias)) {
      throw new Unreadable("This alias is part of what it stands for", "Write it out", alias.at, alias.end);
    }
    open.add(alias);
    const result = read();
    open.delete(alias);
    return result;
  }

  function fill(object: Record<string, unknown>, map: MapNode, depth: number, merged = false): void {
    // What is merged may be overridden, so that the object does not tell what is written in this mapping.
    let written = map.entries.some((entry, i) => i % 2 === 0 && isMerge(entry)) ? new Set<string>() : undefined;
    if (merged) written ??= new Set();
    for (let i = 0; i < map.entries.length; i += 2) {
      const key = map.entries[i] as Node;
      const content = map.entries[i + 1] as Node;
      if (isMerge(key)) {
        for (const source of mergeSources(content)) merge(object, source, depth);
        continue;
      }
      count(key, depth + 1);
      const name = keyName(key);
      if (name.length > LIMITS.key) throw keyTooLong(key.at);
      if (written?.has(name) ?? Object.hasOwn(object, name)) throw twice(map, key, name);
      written?.add(name);
      set(object, name, value(content, depth + 1));
    }
  }

  /** What `<<` names overrides what was written before it, and not what is written after it. */
  function merge(object: Record<string, unknown>, source: Node, depth: number): void {
    count(source, depth);
    if (source.kind === "map") fill(object, source, depth, true);
    else if (source.kind === "alias") within(source, () => merge(object, source.target, depth));
  }

  return value(root, 1);
}

/** From 99 % of 400,000 values on less and less may come from aliases, 10 % of 4,000,000. */
function allowedRatio(nodes: number): number {
  return 0.99 - 0.89 * Math.min(Math.max((nodes - 400_000) / 3_600_000, 0), 1);
}

/** `__proto__` is a key like any other. */
function set(object: Record<string, unknown>, name: string, value: unknown): void {
  if (name !== "__proto__") object[name] = value;
  else Object.defineProperty(object, name, { value, enumerable: true, configurable: true, writable: true });
}

export function isMerge(key: Node): boolean {
  return key.kind === "scalar" && key.text === "<<" && (key.plain || key.tag === "!" || key.tag === MERGE);
}

const MERGE = "tag:yaml.org,2002:merge";

/** The mappings that `<<` merges, what counts most last. @throws Unreadable */
export function mergeSources(node: Node): readonly Node[] {
  const isMap = (source: Node) => (source.kind === "alias" ? source.target : source).kind === "map";
  const sources = node.kind === "list" ? node.items.toReversed() : [node];
  const other = sources.find((source) => !isMap(source));
  if (other === undefined) return sources;
  throw new Unreadable("`<<` merges mappings, and this is none", "Name an alias of a mapping", other.at, other.end);
}

/** @throws Unreadable */
export function keyName(node: Node): string {
  const key = node.kind === "alias" ? node.target : node;
  if (key.kind === "scalar") return keyText(key);
  throw keyNotText(node.at, node.end);
}

function twice(map: MapNode, key: Node, name: string): Unreadable {
  const first = map.entries.find((entry, i) => i % 2 === 0 && !isMerge(entry) && keyName(entry) === name) as ScalarNode;
  const message = `The key ${quoted(name)} is here twice, before on line %LINE`;
  return new Unreadable(
    message,
    "Keep one of the two: kubectl takes the last and says nothing",
    key.at,
    key.end,
    first.at,
  );
}
