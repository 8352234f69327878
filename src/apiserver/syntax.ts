import { show } from "./report.ts";

/** What names may look like. Each function says what is wrong with a text, or undefined where nothing is. */

const DNS_LABEL = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?$/;
const DNS_SUBDOMAIN = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*$/;
const LABEL = /^[A-Za-z0-9](?:[-\w.]*[A-Za-z0-9])?$/;

/** A label of RFC 1123: the name of a namespace. */
export function dnsLabelProblem(text: string): string | undefined {
  if (!DNS_LABEL.test(text)) return `is ${show(text)}; allowed: a-z, 0-9 and "-", not "-" at either end`;
  return tooLong(text, 63);
}

/** A subdomain of RFC 1123: the name of nearly everything. */
export function dnsSubdomainProblem(text: string): string | undefined {
  if (!DNS_SUBDOMAIN.test(text))
    return `is ${show(text)}; allowed: a-z, 0-9, "-" and ".", which stand between the others`;
  return tooLong(text, 253);
}

/** The key of a label or annotation: a name, and before it perhaps a domain and a slash. */
export function labelKeyProblem(key: string): string | undefined {
  const [first = "", second, ...more] = key.split("/");
  if (more.length > 0) return `name ${show(key)} has more than one "/"; allowed: NAME or DOMAIN/NAME`;
  const name = second ?? first;
  if (second !== undefined && dnsSubdomainProblem(first) !== undefined)
    return `name ${show(key)} has no valid domain before "/"; allowed: a name like example.com, in lower case`;
  if (!LABEL.test(name))
    return `name ${show(key)} is not valid; allowed: letters, digits, "-", "_", ".", not "-_." at the ends`;
  return name.length > 63
    ? `name ${show(key)} has ${name.length} characters (after a "/"); at most 63 are allowed`
    : undefined;
}

export function labelValueProblem(value: string): string | undefined {
  if (value !== "" && !LABEL.test(value))
    return `is ${show(value)}; allowed: letters, digits, "-", "_", ".", not "-_." at the ends`;
  return tooLong(value, 63);
}

/** The name of a container's port. */
export function portNameProblem(name: string): string | undefined {
  if (/^\d+$/.test(name)) return `is ${show(name)}, a name without a letter; write the number without quotes`;
  if (!DNS_LABEL.test(name) || !/[a-z]/.test(name) || name.includes("--"))
    return `is ${show(name)}; a port's name has a-z, 0-9 and single "-" between them, and at least one letter`;
  return tooLong(name, 15);
}

/** What is longer than this has been found to be of ASCII before. */
function tooLong(text: string, limit: number): string | undefined {
  return text.length > limit ? `is ${show(text)}, ${text.length} characters; at most ${limit} are allowed` : undefined;
}
