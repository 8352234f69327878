import { checkDocument } from "../../src/engine/check-document.ts";
import { readEmbeddedPolicies } from "../../src/files/policies.ts";
import { contextOf, type LintContext, type Surroundings } from "../../src/linter/context.ts";
import type { LintFinding } from "../../src/linter/finding.ts";
import { lintChunk } from "../../src/linter/lint.ts";
import { type SetContents, setOf } from "../../src/linter/set.ts";
import { manifestChunks } from "../../src/manifest/chunks.ts";

const embedded = await readEmbeddedPolicies();

export const NOW = Date.parse("2026-11-21T12:00:00Z");

/** A set of files: their texts by their names. */
export type Files = Readonly<Record<string, string>>;

export function contextFor(files: Files, more: Partial<Surroundings> = {}): LintContext {
  const texts = Object.entries(files).map(([file, text]) => ({ file, text }));
  return contextIn(setOf(texts, more.defaultNamespace ?? "default"), more);
}

export function contextIn(set: SetContents, more: Partial<Surroundings> = {}): LintContext {
  const defaultNamespace = "default";
  return contextOf(set, { mode: "enforce", embedded, check: checkDocument, defaultNamespace, now: NOW, ...more });
}

export interface LintedSet {
  readonly findings: readonly LintFinding[];
  /** What was made of each object. */
  readonly objects: readonly string[];
}

export function lintFiles(files: Files, more: Partial<Surroundings> = {}, isNamed = true): LintedSet {
  return lintedIn(contextFor(files, more), files, isNamed);
}

export function lintedIn(context: LintContext, files: Files, isNamed = true): LintedSet {
  const linted = Object.entries(files).flatMap(([file, text]) =>
    [...manifestChunks(text)].map((chunk) => lintChunk(chunk, { file, isNamed }, context)),
  );
  return { findings: linted.flatMap(({ findings }) => findings), objects: linted.flatMap(({ objects }) => objects) };
}

/** Each finding in short: `web.yaml:12:19 enforce no-broad-cidr`. What every object here lacks is left out. */
export function shortly({ findings }: LintedSet): string[] {
  return findings
    .filter(({ rule }) => !LACKING.includes(rule))
    .map(({ place: { file, line, column }, mode, rule }) => `${file}:${line}:${column} ${mode} ${rule}`);
}

const LACKING = ["require-metadata", "require-expiry", "require-namespace-labels"];
