/** Reading JSON of unknown shape without ever throwing, and pointing into it (JSON Pointer, RFC 6901). */

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
  return /[~/]/.test(step) ? step.replaceAll("~", "~0").replaceAll("/", "~1") : step;
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
    if (!/^[A-Za-z_][\w-]*$/.test(step)) return `${field}[${step.replaceAll(/\p{C}/gu, "?")}]`;
    return field === "" ? step : `${field}.${step}`;
  }, "");
}

/** One text per JSON value, whatever the order of its keys: equal values give equal text. */
export function canonical(value: unknown): string {
  return (
    JSON.stringify(value, (_key, inner: unknown) =>
      isRecord(inner) ? Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1))) : inner,
    ) ?? "null"
  );
}
