import { printableUpTo } from "../model/printable.ts";

/** Takes one thing that is wrong: where (JSON Pointer), and what is there and what is allowed, in one line. */
export type Report = (path: string, message: string) => void;

/** A value, short enough for a line, with nothing in it that a terminal would act upon. Any size, any depth. */
export function show(value: unknown): string {
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object" && value !== null) return "an object";
  if (typeof value !== "string") return String(value);
  return printableUpTo(JSON.stringify(value.slice(0, 60)), 40);
}
