import { show } from "./printable.ts";

/** What names may look like. Each function says what is wrong with a text, or undefined where nothing is. */

const DNS_LABEL = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?$/;
const DNS_SUBDOMAIN = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*$/;
const LABEL = /^[A-Za-z0-9](?:[-\w.]*[A-Za-z0-9])?$/;

/** A label of RFC 1123: the name of a namespace. */
export function dnsLabelProblem(text: string): string | undefined {
  if (text.length > 63) return tooLong(text, 63);
  return DNS_LABEL.test(text) ? undefined : `is ${show(text)}; allowed: a-z, 0-9 and "-", not "-" at either end`;
}

/** A subdomain of RFC 1123: the name of nearly everything. */
export function dnsSubdomainProblem(text: string): string | undefined {
  if (text.length > 253) return tooLong(text, 253);
  if (DNS_SUBDOMAIN.test(text)) return undefined;
  return `is ${show(text)}; allowed: a-z, 0-9, "-" and ".", which stand between the others`;
}

/** The key of a label or annotation: a name, and before it perhaps a domain and a slash. */
export function labelKeyProblem(key: string): string | undefined {
  const [first = "", second, third] = key.split("/", 3);
  if (third !== undefined) return `name ${show(key)} has more than one "/"; allowed: NAME or DOMAIN/NAME`;
  const name = second ?? first;
  if (second !== undefined && dnsSubdomainProblem(first) !== undefined)
    return `name ${show(key)} has no valid domain before "/"; allowed: one like example.com, in lower case`;
  if (name.length > 63) return `name ${show(key)} has ${name.length} characters (after a "/"); at most 63 are allowed`;
  if (LABEL.test(name)) return undefined;
  return `name ${show(key)} is not valid; allowed: letters, digits, "-", "_", ".", not "-_." at the ends`;
}

export function labelValueProblem(value: string): string | undefined {
  if (value.length > 63) return tooLong(value, 63);
  if (value === "" || LABEL.test(value)) return undefined;
  return `is ${show(value)}; allowed: letters, digits, "-", "_", ".", not "-_." at the ends`;
}

/** The name of a container's port. */
export function portNameProblem(name: string): string | undefined {
  if (name.length > 15) return tooLong(name, 15);
  if (/^\d+$/.test(name)) return `is ${show(name)}, a name without a letter; write the number without quotes`;
  if (DNS_LABEL.test(name) && /[a-z]/.test(name) && !name.includes("--")) return undefined;
  return `is ${show(name)}; a port's name has a-z, 0-9, single "-" between them, and a letter`;
}

/** Asked before any pattern: a pattern runs out of stack on a text of many megabytes. */
function tooLong(text: string, limit: number): string {
  return `is ${show(text)}, ${text.length} characters; at most ${limit} are allowed`;
}
