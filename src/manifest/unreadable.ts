import { printableUpTo } from "../model/printable.ts";

/** Why a document cannot be read, and from which character on. Thrown and caught within this folder only. */
export class Unreadable extends Error {
  readonly at: number;
  readonly end: number;
  readonly fix: string;
  /** A second place that belongs to it; `%LINE` in the message stands for its line. */
  readonly other: number | undefined;

  constructor(message: string, fix: string, at: number, end = at + 1, other?: number) {
    super(message);
    this.at = at;
    this.end = end;
    this.fix = fix;
    this.other = other;
  }
}

/**
 * What one document may be, so that each is read in some three seconds at worst. kubectl's list of 3,200 policies has
 * 400,000 tokens in 1.6 MB.
 */
export const LIMITS = {
  /** Characters. etcd takes 1.5 MB for an object, but a List holds many. */
  size: 16 * 1024 * 1024,
  /** The same for YAML: a folded text takes a hundred bytes for each character while it is read. */
  yamlSize: 8 * 1024 * 1024,
  /** What the YAML library parts a text into, white space and punctuation too: it needs up to 3 s and 700 MB for a million. */
  tokens: 1_000_000,
  /** Keys and values of JSON, and what aliases may make of YAML. */
  nodes: 1_000_000,
  /** Characters of a key, as YAML has it for most; each finding on what is in it repeats it. */
  key: 1024,
  /** Mappings and lists within each other: what walks them afterwards recurses. The deepest CRDs have about 60. */
  depth: 200,
} as const;

export function tooLarge(size: number): Unreadable {
  return new Unreadable(`The document is larger than ${size / 1024 / 1024} MiB`, PART, 0);
}

export function tooMany(at: number): Unreadable {
  return new Unreadable("The document has too many values", PART, at);
}

const PART = "Put its objects into several documents, with --- between them";

export function tooDeep(at: number): Unreadable {
  const fix = "Check that its brackets are closed; no Kubernetes object is as deep";
  return new Unreadable(`The document is more than ${LIMITS.depth} levels deep`, fix, at);
}

export function keyTooLong(at: number): Unreadable {
  const message = `A key has more than ${LIMITS.key.toLocaleString("en")} characters`;
  return new Unreadable(message, "Check its quotes; no Kubernetes object has one as long", at);
}

export function keyNotText(at: number, end: number): Unreadable {
  return new Unreadable("A key cannot be a mapping or a list", "Put it in quotes if it is a text", at, end);
}

/** A text of the input, as it may stand in a message: short and without what a terminal would act upon. */
export function quoted(text: string): string {
  return `\`${printableUpTo(text, 40)}\``;
}
