import { canonical } from "../model/json.ts";

/** A value as a problem quotes it: `"enfroce"`, `missing`. */
export function show(value: unknown): string {
  const json = value === undefined ? "missing" : canonical(value);
  return json.length > 60 ? `${json.slice(0, 57)}...` : json;
}
