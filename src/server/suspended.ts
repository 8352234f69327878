import { boundWarnings } from "../engine/decide.ts";
import type { Answer } from "./review.ts";

/** A refusal as it is while nothing is refused: its author reads the same, as warnings. */
export function suspended({ message = "", auditAnnotations = {} }: Answer, until: number): Answer {
  const time = new Date(until).toISOString();
  const lines = [`not refused only because Drawbridge is suspended until ${time}:`, ...message.split("\n")];
  return {
    allowed: true,
    warnings: boundWarnings(lines.map((line) => `drawbridge: ${line.trim()}`)),
    auditAnnotations: { ...auditAnnotations, suspended: time },
  };
}
