import type { Random } from "./random.ts";

/** A text of YAML in which one to four lines say what they say in another way, or nearly: what JSON has no words for. */
export function decorate(text: string, random: Random): string {
  const lines = text.split("\n");
  for (let left = 1 + random.below(4) * random.below(2); left > 0; left--) {
    const at = random.below(lines.length);
    lines[at] = random.pick(CHANGES)(lines[at] ?? "", random);
  }
  return lines.join("\n");
}

type Change = (line: string, random: Random) => string;

/** What stands before the value of a line, and the value. */
const ENTRY = /^(\s*(?:- )*(?:[^\s:#]+:(?=$| )|-)) ?(.*)$/;
const INDENT = /^\s*/;

/** Another value, where the line has one; what begins on the next line may only be named. */
function value(change: (value: string, random: Random, indent: string) => string): Change {
  return (line, random) => {
    const [, before, old] = ENTRY.exec(line) ?? [];
    if (before === undefined || old === undefined || (old === "" && !random.oneIn(8))) return line;
    return `${before} ${change(old, random, INDENT.exec(line)?.[0] ?? "")}`;
  };
}

/** A line more, indented as this one. */
function lineMore(pieces: readonly string[]): Change {
  return (line, random) => `${INDENT.exec(line)?.[0] ?? ""}${random.pick(pieces)}\n${line}`;
}

function named(line: string, random: Random): string {
  const [, before, old] = ENTRY.exec(line) ?? [];
  return before === undefined ? line : `${before} ${random.pick(["&a", "&a", "&b", "&a-1", "&ä", "&"])} ${old}`;
}

const CHANGES: readonly Change[] = [
  named,
  (line, random) => `${named(line, random)}\n${INDENT.exec(line)?.[0] ?? ""}x: *a`,
  value((_old, random) => random.pick(["*a", "*b", "*c", "*a-1", "*a ", "[*a, *a]", "{<<: *a}"])),
  value((old, random) => `${random.pick(TAGS)} ${old}`),
  value(
    (_old, random, indent) =>
      `${random.pick(["|", ">", "|-", ">+", "|2", ">1-", "|9", "| # c"])}\n${indent}  a\n\n${indent}   b`,
  ),
  value((old, random, indent) => `${old}\n${indent}${random.pick(["  ", "    ", "\t", " "])}and more`),
  value((old, random) => random.pick([`'${old}'`, `"${old}"`, `'${old}`, `"${old}`, `"${old}\\\n  x"`])),
  value((_old, random) => random.pick(SCALARS)),
  value((_old, random) => random.pick(COLLECTIONS)),
  value((old, random) => `${old}${random.pick([" # comment", "# none", " #", "\r", " \u00a0", "\t"])}`),
  lineMore(["<<: *a", "<<: [*a, *b]", "<<: {a: b}", "<<:", "<<: x", '"<<": *a', "a: &a {b: c}", "b: &b {<<: *a}"]),
  lineMore(["# comment", "", "   ", "\t", "---", "...", "--- # c", "--- |", "%YAML 1.2", "%TAG ! x", "{{- if .x }}"]),
  lineMore(["? a\n: b", "? [a]\n: b", "?", ":", "? |\n  a", "- ", "-", "a", "a:", "1: 2", "on: off", "~: x", '"": 1']),
  lineMore(["__proto__: {x: 1}", "constructor: x", "toString: 1", "kind: {toString: 1}", "items: []", "items: [{}]"]),
  (line) => `${line}\n${line}`,
  (line, random) => `${random.pick([" ", "  ", "\t", "- ", "-\t"])}${line}`,
  (line) => line.replace(/^ {1,2}/, ""),
  (line) => line.replace(": ", ":"),
  (line) => line.replaceAll("{ ", "{").replaceAll(" }", ""),
];

const TAGS = [
  ..."! !!str !!int !!float !!bool !!null !!binary !!timestamp !!map !!seq !!set !!merge".split(" "),
  ..."!x !<tag:yaml.org,2002:str> !<!> !!python/object:x !e!x".split(" "),
] as const;

const SCALARS = [
  "y no on Off ~ null 0 -0 +1 0x1F 0o17 0777 08 1_000 1e400 -1e400 .inf -.INF .nan .5_5 12:30 2026-11-21".split(" "),
  "9223372036854775808 123456789012345678901234567890 1e-400 0b101 _ - -- --- ? : , [] {} = <<".split(" "),
  ["", "'", '"', "''", '""', "@", "`", "%", "|", ">", "&", "*", "!", "a: b", "- a", "a #b", '"\\ud800"', '"\\x41"'],
  ['"\\u0000"', '"\\u001b[2J"', "\u202e", "\ud800", "{{ .Values.x }}", "${x}", "x".repeat(2_000)],
].flat();

const COLLECTIONS = [
  ["[", "{", "]", "}", "[[]]", "{{}}", "[a, b", "{a: b", "[a: b]", "{a, b}", "[,]", "{,}", "[a,]", "{a: b,}"],
  ['{"a":b}', "{a:b}", "[? a]", "{? a : b}", "[- a]", "[&a x, *a]", "{&a x: *a}", "&a [*a]", "{? [a] : b}"],
  ["{toString: 1}", "{__proto__: {x: 1}}", "{length: -1}", "[".repeat(300), `${"[".repeat(150)}${"]".repeat(150)}`],
].flat();
