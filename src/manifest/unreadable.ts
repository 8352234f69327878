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
 * What one document may be. Every text within them is read in about two seconds and 400 MB at worst, mostly in a
 * hundredth of that; kubectl's list of 5,000 policies is a tenth of them.
 */
export const LIMITS = {
  /** Characters. etcd takes 1.5 MB for an object, but a List holds many. */
  size: 16 * 1024 * 1024,
  /** What the library's lexer parts the text into, of which white space and punctuation are most. */
  tokens: 4_000_000,
  /** Keys and values, also those that aliases repeat. */
  nodes: 1_000_000,
  /** Mappings and lists within each other: what walks them afterwards recurses. The deepest CRDs have about 60. */
  depth: 200,
} as const;

export function tooLarge(): Unreadable {
  return new Unreadable(`The document is larger than ${LIMITS.size / 1024 / 1024} MiB`, PART, 0);
}

export function tooMany(at: number): Unreadable {
  return new Unreadable(`The document has more than ${LIMITS.nodes} values`, PART, at);
}

const PART = "Put its objects into several documents, with --- between them";

export function tooDeep(at: number): Unreadable {
  const fix = "Check that its brackets are closed; no Kubernetes object is as deep";
  return new Unreadable(`The document is more than ${LIMITS.depth} levels deep`, fix, at);
}

/** A text of the input, as it may stand in a message: short and without what a terminal would act upon. */
export function quoted(text: string): string {
  return `\`${plainly(text, 40)}\``;
}

/** One line of limited length. */
export function plainly(text: string, length = 120): string {
  const clean = text.slice(0, length + 1).replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, "?");
  return text.length > length ? `${clean.slice(0, length - 3)}...` : clean;
}
