import { isRecord, pointer } from "../model/json.ts";
import { nearest } from "../model/nearest.ts";
import { show } from "../model/printable.ts";
import type { Report } from "./report.ts";

/** The type of a field, as far as decoding looks. `others: "allowed"` is for what is only read in part. */
export type Schema =
  | Scalar
  | "anything"
  | { readonly fields: Readonly<Record<string, Schema>>; readonly others?: "allowed" }
  | { readonly list: Schema }
  | { readonly map: Schema };

type Scalar = "string" | "boolean" | "int32" | "int64" | "time" | "intOrString";

const SCALARS: Readonly<Record<Scalar, { readonly is: (value: unknown) => boolean; readonly what: string }>> = {
  string: { is: (value) => typeof value === "string", what: "a string, in quotes" },
  boolean: { is: (value) => typeof value === "boolean", what: "true or false, without quotes" },
  int32: { is: (value) => isInteger(value, 31), what: "a whole number, without quotes" },
  int64: { is: (value) => isInteger(value, 63), what: "a whole number, without quotes" },
  time: { is: isTime, what: "a time like 2030-01-31T12:00:00Z" },
  intOrString: { is: (value) => typeof value === "string" || isInteger(value, 31), what: "a whole number or a name" },
};

/**
 * What strict decoding refuses: fields that the type does not have, and values of another type. Null is the same as
 * absent everywhere, as an item of a list it is an empty item.
 */
export function checkTypes(value: unknown, schema: Schema, path: string, report: Report): void {
  if (value === null || value === undefined || schema === "anything") return;
  if (typeof schema === "string") {
    const { is, what } = SCALARS[schema];
    if (!is(value)) report(path, `is ${show(value)}; must be ${what}`);
  } else if ("list" in schema) {
    if (!Array.isArray(value)) return report(path, `is ${show(value)}; must be a list`);
    for (const [i, item] of value.entries()) checkTypes(item, schema.list, `${path}/${i}`, report);
  } else if (!isRecord(value)) {
    report(path, `is ${show(value)}; must be an object`);
  } else if ("map" in schema) {
    for (const key of Object.keys(value)) {
      // Most are strings and right, and escaping a key costs more than all the rest.
      if (schema.map !== "string" || typeof value[key] !== "string")
        checkTypes(value[key], schema.map, pointer(path, key), report);
    }
  } else {
    for (const key of Object.keys(value)) {
      const field = Object.hasOwn(schema.fields, key) ? schema.fields[key] : undefined;
      if (field !== undefined) checkTypes(value[key], field, `${path}/${key}`, report);
      else if (schema.others === undefined) report(pointer(path, key), unknownField(key, Object.keys(schema.fields)));
    }
  }
}

function unknownField(key: string, known: readonly string[]): string {
  const meant = nearest(key, known);
  if (meant !== undefined) return `is not a field here; did you mean ${meant}?`;
  const allowed = known.join(", ");
  return allowed.length <= 80 ? `is not a field here; allowed: ${allowed}` : "is not a field here";
}

/** In JSON 80.0 has become 80, so only a real fraction is seen; the API server does not see more either. */
function isInteger(value: unknown, bits: number): boolean {
  return Number.isInteger(value) && Number(value) >= -(2 ** bits) && Number(value) < 2 ** bits;
}

const TIME =
  /^(\d{4})-(\d\d)-(\d\d)T([01]?\d|2[0-3]):[0-5]\d:[0-5]\d(?:[.,]\d+)?(?:Z|[+-](?:[01]\d|2[0-4]):(?:[0-5]\d|60))$/;

/** RFC 3339 as Go reads it. */
function isTime(value: unknown): boolean {
  const [, year, month, day] = (typeof value === "string" && value.length < 100 && TIME.exec(value)) || [];
  if (year === undefined) return false;
  // The last day of a month is day 0 of the next; 2000 and its like repeat every 400 years.
  const lastDay = new Date(Date.UTC(2000 + (Number(year) % 400), Number(month), 0)).getUTCDate();
  return Number(month) >= 1 && Number(month) <= 12 && Number(day) >= 1 && Number(day) <= lastDay;
}
