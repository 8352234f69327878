/** Reading JSON of unknown shape without ever throwing, and pointing into it (JSON Pointer, RFC 6901). */
import { printable } from "./printable.ts";

export type JsonObject = Readonly<Record<string, unknown>>;

export function isRecord(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** One step of a JSON Patch (RFC 6902). */
export interface JsonPatchOperation {
  readonly op: "add" | "remove" | "replace" | "test";
  readonly path: string;
  readonly value?: unknown;
}

/** The object that a text is JSON of; of anything else, and of no text, one without fields. */
export function recordIn(json: string | undefined): JsonObject {
  try {
    const value: unknown = JSON.parse(json ?? "{}");
    return isRecord(value) ? value : {};
  } catch {
    return {};
  }
}

/** The items of a list; of anything else, none. */
export function items(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** A scalar as text; of anything else, the empty text. */
export function text(value: unknown): string {
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean" ? String(value) : "";
}

/** Extends a pointer by steps: `pointer("/spec", "matchLabels", "a/b")` is `/spec/matchLabels/a~1b`. */
export function pointer(base: string, ...steps: readonly (string | number)[]): string {
  let path = base;
  for (const step of steps) path += `/${typeof step === "number" ? step : escaped(step)}`;
  return path;
}

function escaped(step: string): string {
  return step.includes("~") || step.includes("/") ? step.replaceAll("~", "~0").replaceAll("/", "~1") : step;
}

export function stepsOf(path: string): string[] {
  if (path === "") return [];
  const steps = path.slice(1).split("/");
  return path.includes("~") ? steps.map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~")) : steps;
}

/** The value at a pointer, undefined where there is none. */
export function at(value: unknown, path: string): unknown {
  let here = value;
  for (const step of stepsOf(path)) {
    if (Array.isArray(here)) here = /^(?:0|[1-9]\d*)$/.test(step) ? here[Number(step)] : undefined;
    else if (isRecord(here) && Object.hasOwn(here, step)) here = here[step];
    else return undefined;
  }
  return here;
}

/** The pointer as Kubernetes prints field paths: `spec.egress[0].to[1].podSelector.matchLabels[app.kubernetes.io/name]`. */
export function fieldPath(path: string): string {
  return stepsOf(path).reduce((field, step) => {
    // A key of a file may hold anything, also what a terminal would act upon.
    if (!/^[A-Za-z_][\w-]*$/.test(step)) return `${field}[${printable(step)}]`;
    return field === "" ? step : `${field}.${step}`;
  }, "");
}

/** Whether two JSON values are the same, whatever the order of their keys. As deep as the shallower of them goes. */
export function isEqual(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((value, i) => isEqual(value, b[i]));
  }
  if (!isRecord(a) || !isRecord(b)) return false;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && isEqual(a[key], b[key]));
}

/**
 * One text per JSON value, whatever the order of its keys: equal values give equal text. It keeps its own stack, since
 * an API server takes objects that are too deep for JSON.stringify.
 */
export function canonical(value: unknown): string {
  const open: Level[] = [];
  let json = "";
  let here = value;
  for (;;) {
    if (typeof here === "object" && here !== null) {
      open.push(levelOf(here));
      json += Array.isArray(here) ? "[" : "{";
    } else json += JSON.stringify(here) ?? "null";

    let level = open.at(-1);
    for (; level !== undefined && level.left.length === 0; level = open.at(-1)) {
      json += level.end;
      open.pop();
    }
    const next = level?.left.pop();
    if (next === undefined) return json;
    json += next.before;
    here = next.value;
  }
}

/** A list or an object of which a part is written; what is left of it, last things first. */
interface Level {
  readonly end: "]" | "}";
  readonly left: { readonly before: string; readonly value: unknown }[];
}

function levelOf(container: object): Level {
  const comma = (i: number) => (i > 0 ? "," : "");
  if (Array.isArray(container)) {
    return { end: "]", left: container.map((value: unknown, i) => ({ before: comma(i), value })).toReversed() };
  }
  const entries = Object.entries(container as JsonObject)
    .filter(([, value]) => value !== undefined)
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
  const left = entries.map(([key, value], i) => ({ before: `${comma(i)}${JSON.stringify(key)}:`, value }));
  return { end: "}", left: left.toReversed() };
}
