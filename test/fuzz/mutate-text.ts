import type { Random } from "./random.ts";

/**
 * A text of JSON or YAML with one to three things wrong in it, as bytes, since some are no longer UTF-8. `donors` are
 * texts of which pieces may be planted.
 */
export function mutateText(text: string, random: Random, donors: readonly string[] = []): Buffer {
  let bytes: Buffer = Buffer.from(text);
  for (let left = 1 + random.below(3) * random.below(2); left > 0; left--) {
    bytes = random.pick(MUTATIONS)(bytes, random, donors);
  }
  return bytes;
}

type Mutation = (bytes: Buffer, random: Random, donors: readonly string[]) => Buffer;

const MUTATIONS: readonly Mutation[] = [
  flipBit,
  (bytes, random) => bytes.subarray(0, random.below(bytes.length + 1)),
  (bytes, random) => bytes.subarray(random.below(bytes.length + 1)),
  (bytes, random) => insert(bytes, random, Buffer.from(random.pick(TOKENS))),
  (bytes, random) => insert(bytes, random, Buffer.from(random.pick(TOKENS))),
  (bytes, random) => insert(bytes, random, random.pick(BROKEN_UTF8)),
  (bytes, random) => insert(bytes, random, range(bytes, random)),
  (bytes, random, donors) => insert(bytes, random, range(Buffer.from(random.from(donors) ?? ""), random)),
  (bytes, random) => {
    const [from, to] = bounds(bytes, random);
    return Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)]);
  },
  indent,
  secondKey,
  nest,
  scalar,
];

function flipBit(bytes: Buffer, random: Random): Buffer {
  const flipped = Buffer.from(bytes);
  const at = random.below(bytes.length + 1);
  if (at < bytes.length) flipped[at] = (flipped[at] ?? 0) ^ (1 << random.below(8));
  return flipped;
}

function insert(bytes: Buffer, random: Random, piece: Buffer): Buffer {
  const at = random.below(bytes.length + 1);
  return Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(at)]);
}

function bounds(bytes: Buffer, random: Random): [number, number] {
  const from = random.below(bytes.length + 1);
  return [from, Math.min(bytes.length, from + random.below(random.oneIn(4) ? 2_000 : 40))];
}

function range(bytes: Buffer, random: Random): Buffer {
  return bytes.subarray(...bounds(bytes, random));
}

/** Of one line, which is nothing to JSON and everything to YAML. */
function indent(bytes: Buffer, random: Random): Buffer {
  const lines = bytes.toString().split("\n");
  const at = random.below(lines.length);
  const line = lines[at] ?? "";
  lines[at] = random.oneIn(2) ? line.slice(random.below(4)) : random.pick(["  ", " ", "\t", "- ", "    "]) + line;
  return Buffer.from(lines.join("\n"));
}

/** The same key twice in one JSON object. */
function secondKey(bytes: Buffer, random: Random): Buffer {
  return atMatch(bytes, random, /"[^"\\]{1,60}":/g, (key) => `${key}${random.pick(["null", "{}", "1"])},${key}`);
}

/** Deeper than any program of one's own would go, in place of one scalar. */
function nest(bytes: Buffer, random: Random): Buffer {
  const depth = random.oneIn(20) ? 12_000 : random.below(300);
  const [open, close] = random.oneIn(2) ? ["[", "]"] : ['{"a":', "}"];
  return atMatch(bytes, random, SCALAR, () => `:${open.repeat(depth)}1${close.repeat(depth)}`);
}

/** What JSON.stringify never writes, and JSON.parse may or may not read. */
function scalar(bytes: Buffer, random: Random): Buffer {
  return atMatch(bytes, random, SCALAR, () => `:${random.pick(ODD_SCALARS)}`);
}

const SCALAR = /:(?:"[^"\\]*"|-?\d+|true|false|null)/g;

function atMatch(bytes: Buffer, random: Random, pattern: RegExp, to: (match: string) => string): Buffer {
  const text = bytes.toString();
  const match = random.from([...text.matchAll(pattern)]);
  if (match === undefined) return bytes;
  return Buffer.from(text.slice(0, match.index) + to(match[0]) + text.slice(match.index + match[0].length));
}

const TOKENS: readonly string[] = [
  ["{", "}", "[", "]", '"', "'", ",", ":", "\\", "\\u0000", "\\ud800", "\\x", "\u0000", "\u0007", "\n"],
  ["\r", "\t", " ", "/*", "//", "#", "null", "NaN", "-", "0", "1e999", "\ufeff", "\u2028", "💥", "---\n", "...\n"],
  [
    "- ",
    ": ",
    "&a ",
    "*a",
    "<<: ",
    "!!binary ",
    "!!js/function ",
    "|\n",
    ">-\n",
    "? ",
    "%YAML 1.1\n",
    "{{ .x }}",
    "@",
    "`",
  ],
  ['"__proto__":{"x":1},', '"constructor":{"prototype":{"x":1}},'],
].flat();

const ODD_SCALARS: readonly string[] = [
  ["1e999", "-1e999", "-0", "1E400", "0.1e-400", "123456789012345678901234567890", "01", "+1", ".5"],
  ["0x1f", "0777", "1_000", "NaN", "Infinity", "undefined", "yes", "12:30", '"\\ud800"', '"\\u0000"', '"\\u202e"'],
].flat();

const BROKEN_UTF8: readonly Buffer[] = [
  Buffer.from([0xff]),
  Buffer.from([0xc3]),
  Buffer.from([0x80]),
  Buffer.from([0xc0, 0xaf]),
  Buffer.from([0xed, 0xa0, 0x80]),
  Buffer.from([0xf8, 0x88, 0x80, 0x80, 0x80]),
  Buffer.from([0xff, 0xfe, 0x7b, 0x00]),
];
