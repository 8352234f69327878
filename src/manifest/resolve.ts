import type { ScalarNode } from "./nodes.ts";
import { quoted, Unreadable } from "./unreadable.ts";

type Resolved = string | number | bigint | boolean | null;

/** A float, which Go keeps apart from integers: as a key, 1e3 and 1000 are written differently. */
interface Float {
  readonly float: number;
}

const CORE = "tag:yaml.org,2002:";
const WORDS = new Map<string, boolean | null | Float>();
for (const word of ["y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"]) WORDS.set(word, true);
for (const word of ["n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"]) WORDS.set(word, false);
for (const word of ["", "~", "null", "Null", "NULL"]) WORDS.set(word, null);
for (const word of [".nan", ".NaN", ".NAN"]) WORDS.set(word, { float: Number.NaN });
for (const word of [".inf", ".Inf", ".INF"]) {
  WORDS.set(word, { float: Infinity });
  WORDS.set(`+${word}`, { float: Infinity });
  WORDS.set(`-${word}`, { float: -Infinity });
}
const LONGEST_WORD = 5;

/** What a scalar stands for, as go-yaml 2 (YAML 1.1) resolves it and JSON can say it. @throws Unreadable */
export function scalarValue(node: ScalarNode): string | number | boolean | null {
  const value = resolved(node);
  if (typeof value === "bigint") return Number(value);
  if (typeof value !== "object" || value === null) return value;
  if (Number.isFinite(value.float)) return value.float;
  throw new Unreadable(`${quoted(node.text)} cannot be sent as JSON`, "Put it in quotes", node.at, node.end);
}

/** What a key becomes: `on` is "true", 0x10 is "16", 1.50 is "1.5". @throws Unreadable */
export function keyText(node: ScalarNode): string {
  const value = resolved(node);
  if (typeof value === "string") return value;
  const tooLarge = typeof value === "bigint" && value >= 2n ** 63n;
  if (value === null || tooLarge) {
    throw new Unreadable(
      `A key cannot be ${value === null ? "null" : "so large"}`,
      "Put it in quotes",
      node.at,
      node.end,
    );
  }
  return typeof value === "object" ? floatText(value.float) : String(value);
}

function resolved({ text, plain, tag, at, end }: ScalarNode): Resolved | Float {
  if (tag === undefined) return plain ? untagged(text) : text;
  if (!tag.startsWith(CORE)) return text;
  const kind = tag.slice(CORE.length);
  const value = tagged(kind, text);
  if (value !== undefined) return value;
  throw new Unreadable(`${quoted(text)} is no ${quoted(kind)}`, "Correct the value, or remove the tag", at, end);
}

/** `undefined`: the text is nothing of the kind. */
function tagged(kind: string, text: string): Resolved | Float | undefined {
  const value = untagged(text);
  const isInteger = typeof value === "number" || typeof value === "bigint";
  switch (kind) {
    case "null":
      return value === null ? value : undefined;
    case "bool":
      return typeof value === "boolean" ? value : undefined;
    case "int":
      return isInteger ? value : undefined;
    case "float":
      if (isInteger) return typeof value === "bigint" && value >= 2n ** 63n ? undefined : { float: Number(value) };
      return typeof value === "object" && value !== null ? value : undefined;
    case "timestamp":
      return TIMESTAMP.test(text) ? text : undefined;
    case "binary":
      return decoded(text);
    default:
      return text;
  }
}

const TIMESTAMP =
  /^\d{4}-\d{1,2}-\d{1,2}(?:[Tt]\d{1,2}:\d{1,2}:\d{1,2}(?:[.,]\d+)?(?:Z|[+-]\d\d:\d\d)| \d{1,2}:\d{1,2}:\d{1,2}(?:[.,]\d+)?)?$/;

function decoded(text: string): string | undefined {
  const base64 = text.replaceAll(/[\r\n]/g, "");
  if (base64.length % 4 !== 0 || /[^A-Za-z0-9+/=]/.test(base64)) return undefined;
  try {
    const bytes = atob(base64);
    const octets = new Uint8Array(bytes.length);
    for (let i = 0; i < bytes.length; i++) octets[i] = bytes.charCodeAt(i);
    return new TextDecoder("utf-8", { ignoreBOM: true }).decode(octets);
  } catch {
    return undefined;
  }
}

function untagged(text: string): Resolved | Float {
  if (text.length <= LONGEST_WORD) {
    const word = WORDS.get(text);
    if (word !== undefined) return word;
  }
  const code = text.charCodeAt(0);
  if (code === 46) return DOT_FLOAT.test(text) && !LOOSE.test(text) ? float(text.replaceAll("_", ""), text) : text;
  if ((code < 48 || code > 57) && code !== 43 && code !== 45) return text;
  const digits = text.includes("_") ? text.replaceAll("_", "") : text;
  return integer(digits) ?? (FLOAT.test(digits) ? float(digits, text) : text);
}

/** Here Go lets _ stand between digits only, elsewhere anywhere. In one pattern, a long text would overflow its stack. */
const DOT_FLOAT = /^\.\d[\d_]*(?:[eE][-+]?\d[\d_]*)?$/;
const LOOSE = /_(?!\d)/;
const FLOAT = /^[-+]?(?:\.\d+|\d+(?:\.\d*)?)(?:[eE][-+]?\d+)?$/;

/** What is too large for a float stays a text. */
function float(digits: string, text: string): Float | string {
  const value = Number(digits);
  return Number.isFinite(value) ? { float: value } : text;
}

const INTEGER = /^([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|(0|[1-9]\d*))$/;
/** Go tries these again without the prefix, and so allows a sign within. */
const SIGNED_BINARY = /^0b([-+])([01]+)$/;
const LONGEST_INTEGER = 70;

function integer(digits: string): number | bigint | undefined {
  if (digits.length > LONGEST_INTEGER) return longInteger(digits);
  const [, sign, hex, binary, octal, decimal] =
    INTEGER.exec(digits) ?? SIGNED_BINARY.exec(digits)?.toSpliced(2, 0, "") ?? [];
  if (sign === undefined) return undefined;
  const written = hex ? `0x${hex}` : binary ? `0b${binary}` : octal ? `0o${octal}` : (decimal ?? "");
  const small = Number(written);
  if (Number.isSafeInteger(small)) return sign === "-" ? 0 - small : small;
  const large = sign === "-" ? -BigInt(written) : BigInt(written);
  const fits = large >= -(2n ** 63n) && large < (sign === "" ? 2n ** 64n : 2n ** 63n);
  return fits ? large : undefined;
}

/** Only leading zeros can make an integer that long. */
function longInteger(digits: string): number | bigint | undefined {
  const short = digits.replace(/^([-+]?)(0[xXbBoO]?)0+/, "$1$2");
  return short.length < digits.length && short.length <= LONGEST_INTEGER ? integer(short) : undefined;
}

/** As Go writes a float key: the shortest digits of 32 bits, with an exponent from a million on and below 1e-4. */
function floatText(value: number): string {
  const single = Math.fround(value);
  if (Number.isNaN(single)) return ".nan";
  if (!Number.isFinite(single)) return single > 0 ? ".inf" : "-.inf";
  if (single === 0) return Object.is(single, -0) ? "-0" : "0";
  let shortest = single.toExponential(8);
  for (let precision = 0; precision < 8; precision++) {
    const candidate = single.toExponential(precision);
    if (Math.fround(Number(candidate)) !== single) continue;
    shortest = candidate;
    break;
  }
  const [mantissa = "", exponent = ""] = shortest.split("e");
  const power = Number(exponent);
  if (power >= -4 && power < 6) return decimalText(mantissa, power);
  return `${mantissa}e${power < 0 ? "-" : "+"}${String(Math.abs(power)).padStart(2, "0")}`;
}

function decimalText(mantissa: string, power: number): string {
  const sign = mantissa.startsWith("-") ? "-" : "";
  const digits = mantissa.replaceAll(/[-.]/g, "");
  if (power < 0) return `${sign}0.${"0".repeat(-power - 1)}${digits}`;
  const whole = digits.slice(0, power + 1).padEnd(power + 1, "0");
  return sign + whole + (digits.length > power + 1 ? `.${digits.slice(power + 1)}` : "");
}
