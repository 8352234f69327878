import type { Finding } from "../engine/evaluate.ts";
import type { Position } from "../manifest/locate.ts";
import type { Labels, ObjectRef } from "../model/objects.ts";
import type { Excerpt } from "./excerpt.ts";

/** Somewhere in a set of files. */
export interface Place extends Position {
  /** As it was named, or found under what was named. */
  readonly file: string;
}

/** A finding and where it is written. */
export interface LintFinding extends Finding {
  readonly place: Place;
  /** The line of it, for showing. */
  readonly excerpt: Excerpt;
  /** Undefined where the document is no object. */
  readonly object?: ObjectRef;
  /** By which it is judged; undefined where no ruleset has a say. */
  readonly ruleset?: string;
}

/** What came of it all. */
export interface LintSummary {
  readonly files: number;
  /** Objects of kinds that Drawbridge judges. */
  readonly judged: number;
  /** Of those kinds, but in a system namespace, where nothing is judged. */
  readonly exempt: number;
  /** Objects of other kinds. */
  readonly others: number;
  /** Documents in folders that are no objects of Kubernetes. */
  readonly notObjects: number;
  readonly enforce: number;
  readonly warn: number;
  readonly audit: number;
  /** Folders that were passed over. */
  readonly notRead: readonly string[];
  readonly governing: readonly Governing[];
}

/** Something in the files that has a say in the verdicts: whoever may change it changes them. */
export interface Governing {
  readonly object: ObjectRef;
  readonly file: string;
  readonly line: number;
  /** Of a Namespace: those that govern. */
  readonly labels?: Labels;
  /** False of rulesets where others are named as those that count. */
  readonly counts: boolean;
}
