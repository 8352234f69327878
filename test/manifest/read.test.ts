import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { manifestChunks } from "../../src/manifest/chunks.ts";
import {
  type ManifestDocument,
  type ManifestProblem,
  parseManifest,
  readChunk,
  readManifest,
} from "../../src/manifest/read.ts";
import { LIMITS } from "../../src/manifest/unreadable.ts";
import { InputError } from "../../src/model/errors.ts";
import { at, pointer } from "../../src/model/json.ts";
import { FIELDS, OBJECT, STREAMS } from "./kubectl-cases.ts";

const read = (text: string) => [...readManifest(text)];

function documentOf(text: string): ManifestDocument {
  const [only, ...others] = read(text);
  if (only?.kind !== "document" || others.length > 0) throw new Error(`no single document: ${JSON.stringify(only)}`);
  return only;
}

function problemOf(text: string): ManifestProblem {
  const problem = read(text).find((found) => found.kind === "problem");
  if (problem === undefined) throw new Error("it could be read");
  return problem;
}

/** The text that a position marks. */
function marked(text: string, { line, column, length }: ManifestProblem["position"]): string {
  return text.split(/\r?\n/)[line - 1]?.slice(column - 1, column - 1 + length) ?? "";
}

describe("as kubectl", () => {
  const values = (text: string) => {
    const found = read(text);
    const refused = found.some(({ kind }) => kind === "problem");
    return refused ? "refused" : found.map((document) => (document as ManifestDocument).value);
  };
  test.each(FIELDS)("$name", ({ text, reads: kubectlReads, stricter, wider }) => {
    const found = values(OBJECT + text);
    const reads = wider ?? kubectlReads;
    if (reads === "refused" || stricter) return expect(found).toBe("refused");
    const object = { apiVersion: "example.com/v1", kind: "Thing", metadata: { name: "it" } };
    return expect(found).toEqual([{ ...object, ...(reads as object) }]);
  });
  test.each(STREAMS)("$name", ({ text, reads }) => {
    expect(values(text)).toEqual(reads);
  });
});

describe("documents", () => {
  test.each([
    ["one", "a: 1", [[{ a: 1 }, 1]]],
    [
      "several",
      "a: 1\n---\nb: 2\n---\nc: 3",
      [
        [{ a: 1 }, 1],
        [{ b: 2 }, 3],
        [{ c: 3 }, 5],
      ],
    ],
    ["after a marker, comments and empty lines", "---\n# hello\n\na: 1", [[{ a: 1 }, 4]]],
    ["empty ones between", "---\n---\n# nothing\n---\na: 1\n---", [[{ a: 1 }, 5]]],
    ["null ones", "null\n---\n~\n---\na: 1", [[{ a: 1 }, 5]]],
    ["nothing", "", []],
    ["only comments", "# nothing\n\n# at all", []],
    ["JSON", '\n{"a":\n [1, null]}', [[{ a: [1, null] }, 2]]],
    [
      "JSON on one line",
      '{"a":1} {"a":2}\n\n{"a":3}',
      [
        [{ a: 1 }, 1],
        [{ a: 2 }, 1],
        [{ a: 3 }, 3],
      ],
    ],
    ["a text", "hello", [["hello", 1]]],
    ["a list", "- 1\n- 2", [[[1, 2], 1]]],
    ["false, which is not nothing", "false", [[false, 1]]],
  ])("%s", (_, text, expected) => {
    expect(parseManifest(text, "a.yaml").map(({ value, line }) => [value, line])).toEqual(expected);
  });

  test("one that cannot be read does not lose the others", () => {
    const found = read("a: 1\n---\nb: [\n--- x\nc: 3\n---\n{{ d }}\n---\ne: 5\n");
    expect(found.map((one) => (one.kind === "document" ? one.value : one.position.line))).toEqual([
      { a: 1 },
      3,
      4,
      { c: 3 },
      7,
      { e: 5 },
    ]);
  });
  test("they can be skipped unread", () => {
    const [first, second] = manifestChunks("kind: A\n---\nkind: B\n");
    expect([first?.text, second?.text]).toEqual(["kind: A\n", "kind: B\n"]);
    expect(second && readChunk(second)).toMatchObject({ value: { kind: "B" }, line: 3 });
  });
  test("`__proto__` is a key like any other", () => {
    for (const text of [
      "__proto__: {polluted: true}\nconstructor: 1",
      '{"__proto__":{"polluted":true},"constructor":1}',
    ]) {
      const value = documentOf(text).value as object;
      expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
      expect(Object.keys(value)).toEqual(["__proto__", "constructor"]);
    }
  });
});

describe("problems say what, where and what to do", () => {
  test.each([
    ["a bracket that is not closed", "a: 1\nb: [1, 2", 2, "2", /end with a \]/],
    ["a bracket with nothing in it", "a:\n  - [\n", 2, "[", /end with a \]/],
    ["a brace before the end", "a: {b:\n", 1, "", /end with a \}/],
    ["wrong indentation", "a:\n  - b\n c: d", 3, " ", /same column/],
    ["a tab", "a:\n\tb: 1", 2, "\t", /tab/],
    ["a tab after a text", "a: b\n\tc: 1", 2, "\t", /tab/],
    ["a key twice", "a: 1\nb: 2\na: 3", 3, "a", /`a` is here twice, before on line 1/],
    ["a key twice in JSON", '{"a": 1,\n "a": 2}', 2, '"a"', /twice, before on line 1/],
    ["a mapping in a mapping", "a: b: c", 1, "b", /Nested mappings/],
    ["an alias that names nothing", "a: 1\n---\nb: *nothing", 3, "*nothing", /`nothing`/],
    ["the second document", "a: 1\n---\nb: }", 3, "}", /flow-map-end/],
    ["JSON", '{"a": 1,\n"b" 2}', 2, "2", /Missing , or :/],
    ["a quote that is not closed", 'a: "x\nb: 1\n', 2, "1", /closing "quote/],
    ["a line that is no key", "a: 1\nword\nb: 2\n", 2, "word", /single line/],
    ["a reserved character", "a: @x", 1, "@", /reserved character @/],
    ["an unknown escape", 'a: "\\d"', 1, "\\", /escape sequence/],
    ["a template", "a: 1\nb: {{ .Values.b }}\n", 2, "{{", /template/],
    ["a template around lines", "a: 1\n{{- if .Values.b }}\nb: 2\n{{- end }}\n", 2, "{{", /template/],
    ["a control character", "a: 1\nb: \u0000\u001b[31m\n", 2, "\u0000", /U\+0000/],
    ["a merge of a text", "a:\n  <<: b\n", 2, "b", /<</],
    ["text after the end", "a: 1\n...\nb: 2\n", 3, "b", /kubectl reads nothing/],
    ["a directive", "%YAML 1.2\n---\na: 1\n", 1, "%", /%/],
    ["infinity", "a: [1, .inf]", 1, ".inf", /JSON/],
    ["a separator with content", "a: 1\n--- b", 2, "b", /---/],
    ["YAML after much JSON", '{"a":1}{"b":2}\n---\nc: 3', 2, "-", /JSON/],
  ])("%s", (_, text, line, mark, message) => {
    const { position, ...problem } = problemOf(text);
    expect(problem.message).toMatch(message);
    expect(position.line).toBe(line);
    expect(marked(text, position).startsWith(mark)).toBe(true);
  });

  test("in the words of an InputError, where all must be readable", () => {
    const parse = () => parseManifest("a: 1\n---\nb: 2\nb: 3", "policy.yaml");
    const message =
      "policy.yaml:4:1: The key `b` is here twice, before on line 3. Keep one of the two: kubectl takes the last and says nothing.";
    expect(parse).toThrow(new InputError("invalid-yaml", message));
  });
  test("a template is what is in quotes, too, but no problem", () => {
    expect(documentOf('a: "{{ x }}"\nb: |\n  {{ y }}\n').value).toEqual({ a: "{{ x }}", b: "{{ y }}\n" });
  });
});

describe("locate", () => {
  const text = [
    "base: &base",
    "  tier: web",
    "spec:",
    "  podSelector: {}",
    "  ports:",
    "    - port: 53",
    "      name:",
    "    - &second {port: 80, 'a/b': x}",
    "    - *second",
    "  labels:",
    "    <<: *base",
    "    text: |",
    "      more",
    "  copy: *base",
  ].join("\n");
  test.each([
    ["", 1, "base"],
    ["/base/tier", 2, "web"],
    ["/spec", 3, "spec"],
    ["/spec/podSelector", 4, "podSelector"],
    ["/spec/ports", 5, "ports"],
    ["/spec/ports/0", 6, "port"],
    ["/spec/ports/0/port", 6, "53"],
    ["/spec/ports/0/name", 7, "name"],
    ["/spec/ports/1", 8, "{"],
    ["/spec/ports/1/a~1b", 8, "x"],
    ["/spec/ports/2", 9, "*second"],
    ["/spec/ports/2/port", 8, "80"],
    ["/spec/labels/tier", 2, "web"],
    ["/spec/labels/text", 12, "|"],
    ["/spec/copy", 14, "copy"],
    ["/spec/copy/tier", 2, "web"],
    ["/spec/ports/7/from", 5, "ports"],
    ["/spec/ports/0/port/x", 6, "53"],
    ["/nowhere/at/all", 1, "base"],
  ])("%s", (path, line, mark) => {
    const position = documentOf(text).locate(path);
    expect([position.line, marked(text, position)]).toEqual([line, mark]);
  });
  test("in a later document, JSON and with line feeds as on Windows", () => {
    const several = 'a: 1\r\n---\r\nb:\r\n  c: "x y"\r\n';
    const [, second] = parseManifest(several, "a.yaml");
    expect(second?.locate("/b/c")).toEqual({ line: 4, column: 6, length: 5 });
    const json = '{"a":1} {"b":\n {"c": true}}';
    const [first, last] = parseManifest(json, "a.json");
    expect(first?.locate("/a")).toEqual({ line: 1, column: 6, length: 1 });
    expect(last?.locate("/b")).toEqual({ line: 1, column: 10, length: 3 });
    expect(last?.locate("/b/c")).toEqual({ line: 2, column: 8, length: 4 });
  });
});

describe("nothing fills the memory or the stack", () => {
  const lines = (count: number, line: (i: number) => string) =>
    Array.from({ length: count }, (_, i) => line(i)).join("\n");
  const bomb = `a0: &a0 [lol]\n${lines(9, (i) => `a${i + 1}: &a${i + 1} [${Array(9).fill(`*a${i}`).join(", ")}]`)}`;
  test.each([
    ["aliases of aliases", bomb, /Aliases/],
    ["one after the other", `a0: &a0 [x]\n${lines(400, (i) => `a${i + 1}: &a${i + 1} [*a${i}]`)}`, /levels deep/],
    ["a long text often", `a: &a ${"x".repeat(1e6)}\nb: [${"*a, ".repeat(100)}]`, /Aliases/],
    ["brackets", "[".repeat(100_000), /levels deep/],
    ["braces", "{".repeat(100_000), /levels deep/],
    ["brackets in JSON", `{"a":${"[".repeat(100_000)}${"]".repeat(100_000)}}`, /levels deep/],
    ["lists in lists", "- ".repeat(100_000), /levels deep/],
    ["keys of keys", "? ".repeat(100_000), /levels deep/],
    ["stairs", lines(300, (i) => `${" ".repeat(i)}a:`), /levels deep/],
    ["many values", `[${"1,".repeat(LIMITS.nodes + 1)}1]`, /too many values/],
    ["many empty values", "-\n".repeat(LIMITS.nodes + 1), /too many values/],
    ["a long text", "x".repeat(LIMITS.yamlSize + 1), /larger than 8 MiB/],
    ["long JSON", `{"a":"${"x".repeat(LIMITS.size + 1)}"}`, /larger than 16 MiB/],
    ["quotes", '"'.repeat(1_000_000), /at node end/],
    ["many errors", "a: 'b' c\n".repeat(100_000), /at node end/],
    ["many texts that are no keys", "- a\n b\n  : c\n".repeat(100_000), /./],
    ["collections as keys", `${"[".repeat(190)}${"a,".repeat(150_000)}${"]: x, ".repeat(190)}`, /A key cannot be/],
    [
      "many keys, one of them twice",
      `${lines(40_000, (i) => `k${i}: 1`)}\nk7: 1`,
      /`k7` is here twice, before on line 8/,
    ],
  ])("%s", (_, text, message) => {
    expect(problemOf(text).message).toMatch(message);
  });
  test.each([
    ["blank lines, then comments", `a: |\n    x\n${"\n".repeat(400_000)}${"  # c\n".repeat(50_000)}`],
    ["comments", `${"# c\n".repeat(200_000)}a: x\n${"# c\n".repeat(200_000)}`],
    ["a text over many lines", `a: x\n${"  y\n".repeat(500_000)}`],
    ["a block over many lines", `a: >\n${"  y\n\n".repeat(500_000)}`],
    ["many escapes", `a: "${"\\n".repeat(1_000_000)}"`],
    ["many anchors", `a:\n${lines(100_000, (i) => `- &a${i} x`)}`],
    ["many merges", `a: &a {b: 1}\n${lines(50_000, (i) => `k${i}:\n  <<: *a`)}`],
  ])("%s are read soon", (_, text) => {
    expect(Object.hasOwn(documentOf(text).value as object, "a")).toBe(true);
  });
  test("aliases in numbers that a person writes are fine", () => {
    const many = `ports: &ports [80, 443]\n${lines(90, (i) => `w${i}: *ports`)}`;
    expect(Object.keys(documentOf(many).value as object)).toHaveLength(91);
  });
  test("what is as deep as allowed is read, and can be walked", () => {
    const text = `${"[".repeat(LIMITS.depth)}${"]".repeat(LIMITS.depth)}`;
    expect(JSON.stringify(documentOf(text).value)).toBe(text);
  });
});

/** YAML 1.1 has neither lone surrogates nor most control characters, but quoted as JSON escapes these. */
const word = fc.string({ unit: "grapheme", maxLength: 8 }).filter((text) => text.isWellFormed());
const json = fc.letrec<{ value: unknown; leaf: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    tie("leaf"),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(word, tie("value"), { maxKeys: 4 }),
  ),
  leaf: fc.oneof(
    word,
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.boolean(),
    fc.constant(null),
  ),
})).value;

function pointersOf(value: unknown, base = ""): string[] {
  if (typeof value !== "object" || value === null) return [base];
  return [base, ...Object.entries(value).flatMap(([key, inner]) => pointersOf(inner, pointer(base, key)))];
}

describe("laws", () => {
  const normal = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

  test("JSON is read as it is, and each pointer leads to its value or key", () => {
    fc.assert(
      fc.property(json, fc.constantFrom(0, 2), (value, indent) => {
        const text = JSON.stringify({ value }, null, indent);
        const { value: found, locate } = documentOf(text);
        expect(found).toEqual(normal({ value }));
        for (const path of pointersOf(found)) {
          const inner = at(found, path);
          const mark = marked(text, locate(path));
          const isItem = /\/\d+$/.test(path) && Array.isArray(at(found, path.replace(/\/[^/]*$/, "")));
          if (typeof inner !== "object" || inner === null) expect(JSON.parse(mark)).toEqual(inner);
          else if (path === "" || isItem) expect(mark).toMatch(/^[{[]/);
          else expect(pointer("", JSON.parse(mark))).toBe(path.slice(path.lastIndexOf("/")));
        }
      }),
      { numRuns: 1_000 },
    );
  });
  test("YAML is read as it was written, in every style of quotes", () => {
    fc.assert(
      fc.property(json, fc.constantFrom("QUOTE_DOUBLE", "QUOTE_SINGLE", "PLAIN"), (value, style) => {
        const text = stringify({ value }, { version: "1.1", defaultStringType: style, defaultKeyType: "QUOTE_DOUBLE" });
        // What the other library writes as YAML 1.2, in which these are no line breaks and escapes.
        fc.pre(!/[\u0085\u2028\u2029\ufeff]|\\u[dD][89a-fA-F]|\\\//.test(text));
        const found = read(text);
        fc.pre(found[0]?.kind === "document");
        expect(found.map((one) => (one.kind === "document" ? one.value : one))).toEqual([normal({ value })]);
      }),
      { numRuns: 1_000 },
    );
  });
  const piece = fc.constantFrom(
    ..."- |a: |b:|? |[|]|{|}|, |: |&a |*a|!!int |'|\"|\\|\t|\n|\n  |\n    |#|%|@|---\n|...\n|<<: |~|on|1_0|\r\n|{{ x }}|\u2028|é|😀".split(
      "|",
    ),
    "|\n",
    ">-\n",
  );
  test.each([
    ["text", fc.string({ unit: "binary", maxLength: 200 })],
    ["YAML in pieces", fc.array(piece, { maxLength: 30 }).map((pieces) => pieces.join(""))],
    ["JSON in pieces", fc.array(piece, { maxLength: 20 }).map((pieces) => `{"a": 1} {"b": ${pieces.join("")}}`)],
  ])("no %s makes it throw, and each problem is one clean line at a place in the text", (_, texts) => {
    fc.assert(
      fc.property(texts, (text) => {
        const lineCount = text.split("\n").length;
        for (const found of read(text)) {
          if (found.kind === "document") {
            expect(found.line).toBeLessThanOrEqual(lineCount);
            for (const path of pointersOf(found.value)) expect(found.locate(path).line).toBeLessThanOrEqual(lineCount);
            continue;
          }
          const { message, fix, position } = found;
          expect(`${message}. ${fix}`).not.toMatch(/\p{C}|%LINE/u);
          expect(Math.max(message.length, fix.length)).toBeLessThanOrEqual(120);
          expect(Math.min(position.line, position.column, position.length)).toBeGreaterThanOrEqual(1);
          expect(position.line).toBeLessThanOrEqual(lineCount);
        }
      }),
      { numRuns: 5_000 },
    );
  });
});
