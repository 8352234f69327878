import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { RULES } from "../../src/rules/index.ts";
import { mutateValue } from "./mutate.ts";
import { mutateText } from "./mutate-text.ts";
import { createRandom, type Random } from "./random.ts";
import { startingPoints } from "./reviews.ts";
import { decorate } from "./yaml-text.ts";

/** What a case is made of; each is something else to begin with. */
export const STYLES = ["objects", "yaml", "texts", "bytes"] as const;

export type Style = (typeof STYLES)[number];

const DEPLOY = join(import.meta.dirname, "../../deploy");

/** In characters. Larger ones take long to read, and say no more. */
const LARGE = 4_000;

/** As people write them: with comments, of several documents. */
const files: readonly string[] = [DEPLOY, join(DEPLOY, "crds"), join(import.meta.dirname, "../../policies")].flatMap(
  (folder) =>
    readdirSync(folder)
      .filter((name) => name.endsWith(".yaml"))
      .map((name) => readFileSync(join(folder, name), "utf8"))
      .filter((text) => text.length < LARGE),
);

const examples: readonly string[] = RULES.flatMap((rule) => rule.examples.flatMap(({ bad, good }) => [bad, good]));

/** A policy and the objects among which it is bad. */
const sets: readonly string[] = RULES.flatMap((rule) =>
  rule.examples.flatMap(({ among, bad }) => (among === undefined ? [] : [`${bad}\n---${among}`])),
);

const texts: readonly string[] = [...examples, ...examples, ...sets, ...files];

const objects: readonly unknown[] = [
  ...examples.map((yaml) => parse(yaml) as unknown),
  ...startingPoints["/validate"]
    .map(({ object }) => object)
    .filter((object) => object != null && JSON.stringify(object).length < LARGE / 4),
];

/** Case `number` of `seed`: the bytes of a file. */
export function manifestBytes(style: Style, seed: number, number: number): Buffer {
  const random = createRandom(seed, number);
  return MAKERS[style](random);
}

const MAKERS: Readonly<Record<Style, (random: Random) => Buffer>> = {
  objects: (random) => Buffer.from(joined(() => written(mutatedObject(random), random), random)),
  yaml: (random) => Buffer.from(joined(() => decorate(source(random), random), random)),
  texts: (random) =>
    mutateText(
      joined(() => source(random), random),
      random,
      texts,
    ),
  bytes: (random) =>
    encoded(
      joined(() => source(random), random),
      random,
    ),
};

/** One document, or a few. */
function joined(document: () => string, random: Random): string {
  const count = random.oneIn(5) ? 2 + random.below(3) : 1;
  const separator = random.pick([
    "---\n",
    "---\n",
    "---\n",
    "--- # next\n",
    "---\n---\n",
    "...\n---\n",
    "\n--- x\n",
    "",
  ]);
  return Array.from({ length: count }, document).join(separator);
}

/** A text that is right, or nearly so. */
function source(random: Random): string {
  if (!random.oneIn(3)) return random.pick(texts);
  return written(random.oneIn(2) ? random.from(objects) : mutatedObject(random), random);
}

function mutatedObject(random: Random): unknown {
  const start = random.from(objects);
  if (!random.oneIn(6)) return mutateValue(start, random, [random.from(objects)]);
  const kind = random.pick(["List", "NetworkPolicyList", "PodList", "Foo", "", 1]);
  const items = Array.from({ length: 1 + random.below(3) }, () => random.from(objects));
  return mutateValue({ apiVersion: random.pick(["v1", "networking.k8s.io/v1"]), kind, items }, random, objects);
}

/** In one of the ways to write a value. */
function written(value: unknown, random: Random): string {
  switch (random.below(3)) {
    case 0:
      return block(value, random.pick(["", "", "  "]));
    case 1:
      return `${JSON.stringify(value, null, random.below(4))}\n`;
    default:
      return `${JSON.stringify(value)}\n`;
  }
}

/** Block style, whose scalars are JSON's, as far as a block can hold a value. */
function block(value: unknown, indent: string): string {
  if (Array.isArray(value) && value.length > 0) {
    return value.map((item) => `${indent}-${inside(item, indent)}`).join("");
  }
  if (typeof value === "object" && value !== null && Object.keys(value).length > 0) {
    return Object.entries(value)
      .map(([key, inner]) => `${indent}${keyText(key)}:${inside(inner, indent)}`)
      .join("");
  }
  return `${indent}${scalarText(value)}\n`;
}

function inside(value: unknown, indent: string): string {
  const isCollection = typeof value === "object" && value !== null && Object.keys(value).length > 0;
  return isCollection ? `\n${block(value, `${indent}  `)}` : ` ${scalarText(value)}\n`;
}

function keyText(key: string): string {
  return /^[a-z][\w./-]*$/i.test(key) ? key : JSON.stringify(key);
}

function scalarText(value: unknown): string {
  return typeof value === "string" && /^[a-z][\w./-]*$/i.test(value) ? value : JSON.stringify(value);
}

/** As other editors and systems save a file, and cut off. */
function encoded(text: string, random: Random): Buffer {
  switch (random.below(8)) {
    case 0:
      return Buffer.from(text.replaceAll("\n", "\r\n"));
    case 1:
      return Buffer.from(text.replaceAll("\n", "\r"));
    case 2:
      return Buffer.from(`\ufeff${text}`);
    case 3:
      return Buffer.from(`\ufeff${text}`, "utf16le");
    case 4:
      return Buffer.from(text, "utf16le").swap16();
    case 5:
      return Buffer.from(text.replace(/[aeiou]/, random.pick(["ä", "\u00ff", "\u0085"])), "latin1");
    case 6: {
      const bytes = Buffer.from(text.replaceAll("a", random.pick(["💥", "é", "\u2028", "漢", "\u202e"])));
      return bytes.subarray(0, random.below(bytes.length + 1));
    }
    default:
      return mutateText(text.replaceAll("\n", "\r\n"), random);
  }
}
