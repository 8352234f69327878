import type { Finding } from "../engine/evaluate.ts";
import type { ManifestChunk } from "../manifest/chunks.ts";
import type { Position } from "../manifest/locate.ts";
import { readChunk } from "../manifest/read.ts";
import { isRecord } from "../model/json.ts";
import { printableUpTo } from "../model/printable.ts";
import type { ObjectRef } from "../model/objects.ts";
import type { LintContext } from "./context.ts";
import { excerptsOf } from "./excerpt.ts";
import type { LintFinding, Place } from "./finding.ts";
import { invalid, judge, type Verdict } from "./judge.ts";
import { type Item, itemsOf } from "./objects.ts";

export interface LintSource {
  readonly file: string;
  /** Named itself, so that everything in it is meant to be an object; or only found in a folder. */
  readonly isNamed: boolean;
}

export interface Linted {
  /** In the order of the text. */
  readonly findings: readonly LintFinding[];
  /** Of each object in it, what was made of it. */
  readonly objects: readonly Verdict["is"][];
}

/** Judges one document, which may be a List of many objects. Never throws, whatever the text. */
export function lintChunk(chunk: ManifestChunk, { file, isNamed }: LintSource, context: LintContext): Linted {
  const excerptOf = excerptsOf(chunk.text, chunk.line, chunk.column);
  const placed = (finding: Finding, position: Position, of: Omit<Verdict, "is" | "findings"> = {}): LintFinding => ({
    ...finding,
    ...inOneLine(finding),
    place: { file, ...position },
    excerpt: excerptOf(position),
    ...of,
  });

  const read = readChunk(chunk);
  if (read === undefined) return { findings: [], objects: [] };
  if (read.kind === "problem") {
    if (!isNamed && !OBJECT_LIKE.test(chunk.text)) return { findings: [], objects: ["not-object"] };
    return { findings: [placed(invalid("", read.message, read.fix), read.position)], objects: [] };
  }
  const objects: Verdict["is"][] = [];
  const findings: LintFinding[] = [];
  for (const item of itemsOf(read.value)) {
    const place: Place = { file, ...read.locate(item.base) };
    const { is, findings: found, object, ...of } = verdictOn(item, isNamed, place, context);
    objects.push(is);
    const whose = object === undefined ? of : { ...of, object: inShort(object) };
    const left = MOST_FINDINGS - findings.length;
    for (const finding of found.slice(0, left)) {
      findings.push(placed(finding, read.locate(item.base + finding.path), whose));
    }
    if (found.length > left) {
      findings.push(placed(invalid("", TOO_MANY, CORRECT), place));
      break;
    }
  }
  return { findings: findings.toSorted(byPlace), objects };
}

/** A megabyte can be wrong in a million places. What nobody reads would fill the memory, and the report the disk. */
const MOST_FINDINGS = 100_000;
const TOO_MANY = `more than ${MOST_FINDINGS.toLocaleString("en")} findings in one document: what follows is not judged`;
const CORRECT = "correct the others first, or put its objects into several documents, with --- between them";

/** Names may be of any length, but none that the API server takes is as long; each finding repeats them. */
function inShort({ kind, namespace, name }: ObjectRef): ObjectRef {
  return { kind: cut(kind), ...(namespace !== undefined && { namespace: cut(namespace) }), name: cut(name) };
}

function cut(name: string): string {
  return name.length > LONG ? `${name.slice(0, LONG - 3).toWellFormed()}...` : name;
}

/** In folders there are other files too: settings of editors with comments in JSON, and the like. Templates make objects. */
const OBJECT_LIKE = /kind|apiVersion|\{\{/;

function verdictOn({ value, isListed }: Item, isNamed: boolean, place: Place, context: LintContext): Verdict {
  if (isRecord(value) && isObject(value)) return judge(value, place, context);
  // kubectl takes no such thing, so to pass it over lets nothing through: values of charts, kustomizations, pipelines.
  if (!isNamed && !isListed) return { is: "not-object", findings: [] };
  const message = isRecord(value)
    ? "this has neither apiVersion nor kind, so it is no object of Kubernetes"
    : `this is ${value === null ? "null" : Array.isArray(value) ? "a list" : `a ${typeof value}`}, no object of Kubernetes`;
  return { is: "not-object", findings: [invalid("", message, NO_OBJECT)] };
}

const NO_OBJECT = "leave it out, or write the object's apiVersion, kind and metadata";

/** A chart has an apiVersion and no kind, a pipeline of Drone a kind and no apiVersion; neither has metadata. */
function isObject({ apiVersion, kind, metadata }: Readonly<Record<string, unknown>>): boolean {
  const named = [apiVersion, kind].filter((value) => value !== undefined).length;
  return named === 2 || (named === 1 && metadata !== undefined);
}

/** What is found in a file may hold anything that its author wrote. */
function inOneLine({ message, fix, exception, lapsed }: Finding) {
  return {
    message: printableUpTo(message, MESSAGE),
    fix: printableUpTo(fix, LONG),
    ...(exception !== undefined && { exception: printableUpTo(exception, LONG) }),
    ...(lapsed !== undefined && { lapsed: printableUpTo(lapsed, LONG) }),
  };
}

const MESSAGE = 120;
const LONG = 300;

function byPlace({ place: a }: LintFinding, { place: b }: LintFinding): number {
  return a.line - b.line || a.column - b.column;
}
