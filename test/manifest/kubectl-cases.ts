/** What kubectl 1.36 makes of a text; test/cluster/kubectl.test.ts asks it again. */
export interface KubectlCase {
  readonly name: string;
  readonly text: string;
  readonly reads: unknown;
  /** We refuse what kubectl takes: since its author means something else, or our YAML library reads it otherwise or not. */
  readonly stricter?: true;
  /** What we read although kubectl refuses it, which does no harm: kubectl will say so. */
  readonly wider?: unknown;
}

/** What stands before the texts of FIELDS: kubectl takes only objects. */
export const OBJECT = "apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: it}\n";

/** Texts that follow OBJECT, and the fields that they add, or "refused". */
export const FIELDS: readonly KubectlCase[] = [
  {
    name: "booleans of YAML 1.1",
    text: "v: [y, Y, yes, Yes, YES, on, On, ON, true, True, TRUE, n, N, no, off, OFF, false]\n",
    reads: {
      v: [true, true, true, true, true, true, true, true, true, true, true, false, false, false, false, false, false],
    },
  },
  {
    name: "words that only look like booleans",
    text: "v: [yEs, oN, tRUE, t, f, enabled, 'yes', \"no\"]\n",
    reads: { v: ["yEs", "oN", "tRUE", "t", "f", "enabled", "yes", "no"] },
  },
  {
    name: "nulls",
    text: "v: [~, null, Null, NULL, nULL, '~', '']\nw:\n",
    reads: { v: [null, null, null, null, "nULL", "~", ""], w: null },
  },
  {
    name: "integers",
    text: "v: [0, -0, +7, 1_000, 1__0, 12_, 0x1F, -0x1f, 0b101, 0B1, 0b-1, 0x_1]\n",
    reads: { v: [0, 0, 7, 1000, 10, 12, 31, -31, 5, 1, -1, 1] },
  },
  {
    name: "octals",
    text: "v: [0777, -0777, 0o17, 0O17, 00, 08, 09.5, 0o8, 0_7]\n",
    reads: { v: [511, -511, 15, 15, 0, 8, 9.5, "0o8", 7] },
  },
  {
    name: "large integers",
    text: "v: [9223372036854775807, 9223372036854775808, 18446744073709551616, -9223372036854775809]\n",
    reads: { v: [9223372036854776000, 9223372036854776000, 18446744073709552000, -9223372036854776000] },
  },
  {
    name: "floats",
    text: "v: [1.5, 1., .5, -.5, +.5, 1e3, 1.5E-3, 1e400, .8_1, 1_0.5, 1.0]\n",
    reads: { v: [1.5, 1, 0.5, -0.5, 0.5, 1000, 0.0015, "1e400", 0.81, 10.5, 1] },
  },
  {
    name: "what looks like a number and is a text",
    text: "v: [12:30, 1.2.3, 0x, 0b2, '-', +, ., 1e, _1, 10.0.0.0/8, 1-2, 0xg, ._5]\n",
    reads: { v: ["12:30", "1.2.3", "0x", "0b2", "-", "+", ".", "1e", "_1", "10.0.0.0/8", "1-2", "0xg", "._5"] },
  },
  { name: "infinity cannot be sent", text: "v: .inf\n", reads: "refused" },
  { name: "not a number cannot be sent", text: "v: .NaN\n", reads: "refused" },
  {
    name: "dates are texts",
    text: "v: [2026-11-01, 2026-11-01T10:00:00Z, '2026-11-01']\n",
    reads: { v: ["2026-11-01", "2026-11-01T10:00:00Z", "2026-11-01"] },
  },
  {
    name: "keys that are no texts",
    text: "v: {on: 1, 1: 2, 0x10: 3, 1.50: 4, 1e6: 5, 0.00001: 6, 2026-11-01: 7, .inf: 8, 1e3: 9, 0.1: 10}\n",
    reads: {
      v: {
        "1": 2,
        "16": 3,
        "1000": 9,
        ".inf": 8,
        "0.1": 10,
        "1.5": 4,
        "1e+06": 5,
        "1e-05": 6,
        "2026-11-01": 7,
        true: 1,
      },
    },
  },
  { name: "a key that is null", text: "v: {~: 1}\n", reads: "refused" },
  { name: "a key that is a list", text: "v: {[a]: 1}\n", reads: "refused" },
  { name: "a key that is a mapping", text: "? {a: 1}\n: 2\n", reads: "refused" },
  { name: "a key that is too large", text: "18446744073709551615: 1\n", reads: "refused" },
  {
    name: "tags",
    text: "v: [!!str 1, !!int '3', !!float 2, !!bool 'yes', !own 1, ! 1, !!null '', !<tag:yaml.org,2002:str> 2, !!binary aGk=]\n",
    reads: { v: ["1", 3, 2, true, "1", "1", null, "2", "hi"] },
  },
  { name: "a tag that does not fit", text: "v: !!int x\n", reads: "refused" },
  { name: "a tag of an unknown handle", text: "v: !e!x 1\n", reads: "refused" },
  {
    name: "anchors and aliases",
    text: "a: &x {b: [1, 2]}\nc: *x\nd: [&y text, *y]\n",
    reads: { a: { b: [1, 2] }, c: { b: [1, 2] }, d: ["text", "text"] },
  },
  { name: "an anchor defined twice", text: "a: &x 1\nb: *x\nc: &x 2\nd: *x\n", reads: { a: 1, b: 1, c: 2, d: 2 } },
  { name: "an alias that names nothing", text: "a: *nothing\n", reads: "refused" },
  { name: "an alias of what it is part of", text: "a: &x {b: *x}\n", reads: "refused" },
  { name: "an alias as key", text: "a: &x key\nb: {*x : 1}\n", reads: { a: "key", b: { key: 1 } } },
  {
    name: "merge, overridden after it",
    text: "a: &x {p: 1, q: 2}\nb:\n  <<: *x\n  q: 3\n",
    reads: { a: { p: 1, q: 2 }, b: { p: 1, q: 3 } },
  },
  {
    name: "merge, overriding what is before it",
    text: "a: &x {p: 1, q: 2}\nb:\n  q: 3\n  <<: *x\n",
    reads: { a: { p: 1, q: 2 }, b: { p: 1, q: 2 } },
  },
  {
    name: "merge of several, the first counts",
    text: "a: &x {p: 1}\nb: &y {p: 2, q: 3}\nc: {<<: [*x, *y, {r: 4}]}\n",
    reads: { a: { p: 1 }, b: { p: 2, q: 3 }, c: { p: 1, q: 3, r: 4 } },
  },
  {
    name: "merge of merges",
    text: "a: &x {p: 1}\nb: &y {<<: *x, q: 2}\nc: {<<: *y}\n",
    reads: { a: { p: 1 }, b: { p: 1, q: 2 }, c: { p: 1, q: 2 } },
  },
  { name: "merge of what is no mapping", text: "a: {<<: 3}\n", reads: "refused" },
  { name: "a quoted <<, which is a key", text: "a: {'<<': {b: 1}}\n", reads: { a: { "<<": { b: 1 } } } },
  {
    name: "plain texts over lines",
    text: "a: one\n  two\n\n  three\nb: x # comment\nc: x#none\nd: a:b\n",
    reads: { a: "one two\nthree", b: "x", c: "x#none", d: "a:b" },
  },
  {
    name: "flow texts without spaces",
    text: "a: {b:1, \"c\":2, 'd':x}\nb: [a:b, c: d, http://x]\n",
    reads: { a: { "b:1": null, c: 2, d: "x" }, b: ["a:b", { c: "d" }, "http://x"] },
  },
  {
    name: "flow over lines",
    text: "a: [1,\n 2, # comment\n\n 3]\nb: {x: 1,\n}\n",
    reads: { a: [1, 2, 3], b: { x: 1 } },
  },
  { name: "flow that is not indented", text: "a: [1,\n2]\n", reads: { a: [1, 2] }, stricter: true },
  {
    name: "flow keys without values",
    text: "a: {b, c: , d}\nb: [c: , ? e : f]\n",
    reads: { a: { b: null, c: null, d: null }, b: [{ c: null }, { e: "f" }] },
  },
  { name: "a comma too many", text: "a: [1,, 2]\n", reads: "refused" },
  { name: "a question mark in flow", text: "a: [b?c]\n", reads: "refused" },
  {
    name: "double quotes",
    text: 'a: "x\\n\\t\\x41\\u00e9\\U0001F600\\\\ \\" \\_ \\e"\nb: "one\n  two \\\n  three"\n',
    reads: { a: 'x\n\tAé😀\\ "   \u001b', b: "one two three" },
  },
  {
    name: "an empty line behind an escaped line break",
    text: 'a: "one\\\n\n  two"\n',
    reads: { a: "one\ntwo" },
    stricter: true,
  },
  { name: "an escape that JSON has and YAML 1.1 not", text: 'a: "a\\/b"\n', reads: "refused" },
  { name: "surrogates in an escape", text: 'a: "\\ud83d\\ude00"\n', reads: "refused" },
  { name: "single quotes", text: "a: 'it''s\n\n  two'\nb: '\\n'\n", reads: { a: "it's\ntwo", b: "\\n" } },
  {
    name: "literal texts",
    text: "a: |\n  x\n   y\n\n  z\nb: |-\n  x\nc: |+\n  x\n\nd: |2\n    x\ne: |\nf: 1\n",
    reads: { a: "x\n y\n\nz\n", b: "x", c: "x\n\n", d: "  x\n", e: "", f: 1 },
  },
  {
    name: "folded texts",
    text: "a: >\n  x\n  y\n\n  z\n   more\n  w\nb: >-\n  x\n\n",
    reads: { a: "x y\nz\n more\nw\n", b: "x" },
  },
  { name: "a literal text with a tab", text: "a: |\n\tx\n", reads: "refused" },
  { name: "tabs between", text: "a:\t1\t# x\nb: [\t1,\t2]\n", reads: { a: 1, b: [1, 2] } },
  { name: "a tab to indent", text: "a:\n\tb: 1\n", reads: "refused" },
  {
    name: "lists that are not indented",
    text: "a:\n- 1\n-\n- - 2\n  - 3\n- b: 1\n  c: 2\nd: 3\n",
    reads: { a: [1, null, [2, 3], { b: 1, c: 2 }], d: 3 },
  },
  { name: "complex keys", text: "? a\n: 1\n? b\n", reads: { a: 1, b: null } },
  { name: "a mapping on the line of a key", text: "a: b: c\n", reads: "refused" },
  { name: "a list on the line of a key", text: "a: - b\n", reads: "refused" },
  { name: "wrong indentation", text: "a:\n  b: 1\n c: 2\n", reads: "refused" },
  { name: "a line that is no key", text: "a: 1\nb\nc: 2\n", reads: "refused" },
  { name: "a quote that is not closed", text: 'a: "x\nb: 1\n', reads: "refused" },
  { name: "a bracket that is not closed", text: "a: [1, 2\nb: 1\n", reads: "refused" },
  { name: "a reserved character", text: "a: @x\n", reads: "refused" },
  { name: "a percent sign", text: "a: %x\n", reads: "refused" },
  { name: "a percent sign in a text", text: "a: 5%\n", reads: { a: "5%" } },
  {
    name: "a key of more than 1,024 characters",
    text: "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk: 1\n",
    reads: "refused",
  },
  { name: "a template", text: "a: {{ .Values.a }}\n", reads: "refused" },
  { name: "a template around lines", text: "{{- if .Values.a }}\na: 1\n{{- end }}\n", reads: "refused" },
  { name: "a control character", text: "a: \u0007\n", reads: "refused" },
  {
    name: "other line breaks",
    text: "a: 1\rb: 2\u0085c: 3\u2028d: 4\n",
    reads: { a: 1, b: 2, c: 3, d: 4 },
    stricter: true,
  },
  { name: "lines that end as on Windows", text: "a: 1\r\nb: |\r\n  x\r\n  y\r\n", reads: { a: 1, b: "x\ny\n" } },
  { name: "a key that is there twice", text: "a: 1\na: 2\n", reads: { a: 2 }, stricter: true },
  { name: "two keys that become one", text: "on: 1\nyes: 2\n", reads: { true: 2 }, stricter: true },
  { name: "a : before a comma", text: "v: [a:,b]\n", reads: { v: ["a:", "b"] }, stricter: true },
  { name: "a : before a bracket", text: "v: {a:[b]}\n", reads: "refused" },
  { name: "a : at the beginning", text: "v: [:a]\n", reads: "refused" },
  { name: "a dash alone in flow", text: "v: [-]\n", reads: { v: ["-"] }, stricter: true },
  { name: "a line of a tab", text: "a: 1\n\t\nb: 2\n", reads: "refused" },
  { name: "a tab behind a dash", text: "a:\n-\tb\n", reads: "refused" },
  { name: "a tab to indent a text", text: 'a: "b\n\tc"\n', reads: { a: "b c" }, stricter: true },
  { name: "a tab to indent flow", text: "a: [b,\n\tc]\n", reads: { a: ["b", "c"] }, stricter: true },
  { name: "an anchor with a dot", text: "a: &x.y b\n", reads: "refused" },
  { name: "a quote escaped as in shells", text: 'a: "it\\\'s"\n', reads: { a: "it's" }, stricter: true },
  {
    name: "a long key in flow",
    text: `v: {${"k".repeat(1030)}: 1}\n`,
    reads: "refused",
  },
  { name: "text after the end", text: "a: 1\n...\nb: 2\n", reads: { a: 1 }, stricter: true },
];

/** Whole texts, and the objects that are in them, or "refused". */
export const STREAMS: readonly KubectlCase[] = [
  {
    name: "documents",
    text: '{"apiVersion":"v1","kind":"Thing","metadata":{"name":"a"}}\n---\napiVersion: example.com/v1\nkind: Thing\nmetadata: {name: it}\n---\n# nothing\n---\n{"apiVersion":"v1","kind":"Thing","metadata":{"name":"b"}}\n',
    reads: [
      { apiVersion: "v1", kind: "Thing", metadata: { name: "a" } },
      { apiVersion: "example.com/v1", kind: "Thing", metadata: { name: "it" } },
      { apiVersion: "v1", kind: "Thing", metadata: { name: "b" } },
    ],
  },
  {
    name: "a separator with a comment",
    text: 'apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: it}\n--- # comment\n{"apiVersion":"v1","kind":"Thing","metadata":{"name":"b"}}',
    reads: [
      { apiVersion: "example.com/v1", kind: "Thing", metadata: { name: "it" } },
      { apiVersion: "v1", kind: "Thing", metadata: { name: "b" } },
    ],
  },
  {
    name: "a separator with content",
    text: "apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: it}\n--- {a: 1}\n",
    reads: "refused",
  },
  {
    name: "a separator within a text",
    text: 'apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: it}\na: "x\n--- y"\n',
    reads: "refused",
  },
  {
    name: "a separator that is none",
    text: "apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: it}\n---a: 1\n",
    reads: "refused",
  },
  {
    name: "JSON values one after another",
    text: '{"apiVersion":"v1","kind":"Thing","metadata":{"name":"a"}}{"apiVersion":"v1","kind":"Thing","metadata":{"name":"b"}}\n\n{"apiVersion":"v1","kind":"Thing","metadata":{"name":"c"}}',
    reads: [
      { apiVersion: "v1", kind: "Thing", metadata: { name: "a" } },
      { apiVersion: "v1", kind: "Thing", metadata: { name: "b" } },
      { apiVersion: "v1", kind: "Thing", metadata: { name: "c" } },
    ],
  },
  {
    name: "JSON, then YAML",
    text: '{"apiVersion":"v1","kind":"Thing","metadata":{"name":"a"}}\n---\napiVersion: example.com/v1\nkind: Thing\nmetadata: {name: it}\n',
    reads: [
      { apiVersion: "v1", kind: "Thing", metadata: { name: "a" } },
      { apiVersion: "example.com/v1", kind: "Thing", metadata: { name: "it" } },
    ],
  },
  {
    name: "much JSON, then YAML",
    text: '{"apiVersion":"v1","kind":"Thing","metadata":{"name":"a"}}{"apiVersion":"v1","kind":"Thing","metadata":{"name":"b"}}\n---\napiVersion: example.com/v1\nkind: Thing\nmetadata: {name: it}\n',
    reads: "refused",
  },
  {
    name: "YAML that begins as JSON",
    text: "{apiVersion: v1, kind: Thing, metadata: {name: a}}\n",
    reads: [{ apiVersion: "v1", kind: "Thing", metadata: { name: "a" } }],
  },
  {
    name: "JSON escapes",
    text: '{"apiVersion":"v1","kind":"Thing","metadata":{"name":"a","annotations":{"x":"\\/\\ud83d\\ude00"}}}',
    reads: [{ apiVersion: "v1", kind: "Thing", metadata: { annotations: { x: "/😀" }, name: "a" } }],
  },
  {
    name: "a byte order mark",
    text: "﻿apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: it}\n",
    reads: [{ apiVersion: "example.com/v1", kind: "Thing", metadata: { name: "it" } }],
  },
  {
    name: "a byte order mark before a separator",
    text: '﻿---\napiVersion: example.com/v1\nkind: Thing\nmetadata: {name: it}\n---\n{"apiVersion":"v1","kind":"Thing","metadata":{"name":"b"}}',
    reads: [
      { apiVersion: "example.com/v1", kind: "Thing", metadata: { name: "it" } },
      { apiVersion: "v1", kind: "Thing", metadata: { name: "b" } },
    ],
  },
  {
    name: "directives",
    text: "%YAML 1.1\n---\napiVersion: example.com/v1\nkind: Thing\nmetadata: {name: it}\n",
    reads: "refused",
  },
  {
    name: "an end marker",
    text: '---\napiVersion: example.com/v1\nkind: Thing\nmetadata: {name: it}\n...\n---\n{"apiVersion":"v1","kind":"Thing","metadata":{"name":"b"}}\n...\n',
    reads: [
      { apiVersion: "example.com/v1", kind: "Thing", metadata: { name: "it" } },
      { apiVersion: "v1", kind: "Thing", metadata: { name: "b" } },
    ],
  },
];
