import type { Finding } from "../engine/evaluate.ts";
import type { Position } from "../manifest/locate.ts";
import type { ObjectRef } from "../model/objects.ts";

/** A finding and where it is written. */
export interface LintFinding extends Finding {
  /** As it was named, or found under what was named. */
  readonly file: string;
  readonly position: Position;
  /** The line that the position is on, for showing. */
  readonly excerpt: Excerpt;
  /** Undefined where the document is no object. */
  readonly object?: ObjectRef;
  /** By which it is judged; undefined where no ruleset has a say. */
  readonly ruleset?: string;
}

export interface Excerpt {
  readonly text: string;
  /** From 1: the first marked character of `text`. */
  readonly column: number;
}

/** What came of it all. */
export interface LintSummary {
  readonly files: number;
  /** Of kinds that Drawbridge judges. */
  readonly judged: number;
  /** Of those kinds, but in a system namespace, where nothing is judged. */
  readonly exempt: number;
  readonly enforce: number;
  readonly warn: number;
  readonly audit: number;
}
