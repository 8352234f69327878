import { endOf } from "../../model/dates.ts";
import { pointer } from "../../model/json.ts";
import type { Policy } from "../../model/policy.ts";
import type { Violation } from "../rule.ts";

/** Its text, without blanks around it; empty where there is none. */
export function annotationOf(policy: Policy, key: string): string {
  return Object.hasOwn(policy.annotations, key) ? (policy.annotations[key] ?? "").trim() : "";
}

export function annotationPath(key: string): string {
  return pointer("", "metadata", "annotations", key);
}

/** A day that exists, as YYYY-MM-DD. */
export function isDate(text: string): boolean {
  return text.length === 10 && endOf(text) !== undefined;
}

export function notADate(key: string, text: string): Violation {
  // Cut after it is quoted, which makes six characters of some. JSON leaves a few that break a line or steer a terminal.
  const quoted = JSON.stringify(text)
    .replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]/gu, "?")
    .slice(0, 40);
  return {
    message: `annotation ${key} is not a date: ${quoted}`,
    path: annotationPath(key),
    annotation: key,
    fix: "write it as YYYY-MM-DD",
  };
}
