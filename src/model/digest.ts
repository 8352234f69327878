import { createHash } from "node:crypto";
import { canonical } from "./json.ts";

/** 16 hex digits that tell a JSON value from others, whatever the order of its keys. Not for secrets. */
export function digest(value: unknown): string {
  return createHash("sha256").update(canonical(value)).digest("hex").slice(0, 16);
}
