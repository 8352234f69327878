import { isRecord, items, type JsonObject, pointer } from "../model/json.ts";
import { show } from "../model/printable.ts";
import type { Report } from "./report.ts";
import { dnsLabelProblem, dnsSubdomainProblem, labelKeyProblem, labelValueProblem } from "../model/syntax.ts";

/** What a kind asks of its names. */
export interface Naming {
  readonly syntax: "label" | "subdomain";
  readonly maxLength?: number;
  /** Of a kind without a namespace, metadata.namespace is dropped, whatever it says. */
  readonly namespaced: boolean;
}

/** Keys and values of all annotations together. */
const ANNOTATION_BYTES = 256 * 1024;
/** A generated name is what fits of the prefix into 58 characters, and five more. */
const GENERATED = { prefix: 58, suffix: "xxxxx" };
const STANDARD_FINALIZERS = ["kubernetes", "orphan", "foregroundDeletion"];

/** Values of a wrong type are none of its business: decoding has refused them. */
export function checkMetadata(metadata: JsonObject, naming: Naming, path: string, report: Report): void {
  checkName(metadata, naming, path, report);
  const namespace = string(metadata["namespace"]);
  const problem = naming.namespaced && namespace ? dnsLabelProblem(namespace) : undefined;
  if (problem !== undefined) report(`${path}/namespace`, problem);
  checkLabels(metadata["labels"], `${path}/labels`, report);
  checkAnnotations(metadata["annotations"], `${path}/annotations`, report);
  checkFinalizers(metadata["finalizers"], `${path}/finalizers`, report);
  checkOwners(metadata["ownerReferences"], `${path}/ownerReferences`, report);
}

export function checkLabels(labels: unknown, path: string, report: Report): void {
  if (!isRecord(labels)) return;
  for (const key of Object.keys(labels)) {
    const value = string(labels[key]);
    const problem = labelKeyProblem(key) ?? (value === undefined ? undefined : labelValueProblem(value));
    if (problem !== undefined) report(pointer(path, key), problem);
  }
}

export function checkAnnotations(annotations: unknown, path: string, report: Report): void {
  if (!isRecord(annotations)) return;
  let characters = 0;
  for (const key of Object.keys(annotations)) {
    // Upper case is allowed in the domain too, unlike in that of a label.
    const problem = labelKeyProblem(key.toLowerCase());
    if (problem !== undefined) report(pointer(path, key), problem);
    characters += key.length + (string(annotations[key])?.length ?? 0);
  }
  // A character of UTF-16 is three bytes of UTF-8 at most.
  if (characters * 3 <= ANNOTATION_BYTES) return;
  const bytes = Object.entries(annotations).reduce(
    (sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(string(value) ?? ""),
    0,
  );
  if (bytes > ANNOTATION_BYTES) report(path, `are ${bytes} bytes together; at most ${ANNOTATION_BYTES} are allowed`);
}

/** A finalizer is one of Kubernetes' own, or has a domain. */
export function checkFinalizers(finalizers: unknown, path: string, report: Report): void {
  const names = items(finalizers).map((name) => string(name ?? ""));
  for (const [i, name] of names.entries()) {
    if (name === undefined) continue;
    const isKnown = name.includes("/") || STANDARD_FINALIZERS.includes(name);
    const problem =
      labelKeyProblem(name) ??
      (isKnown ? undefined : `is ${show(name)}; allowed: DOMAIN/NAME, ${STANDARD_FINALIZERS.join(", ")}`);
    if (problem !== undefined) report(`${path}/${i}`, problem);
  }
  if (names.includes("orphan") && names.includes("foregroundDeletion"))
    report(path, "has orphan and foregroundDeletion; only one of the two is allowed");
}

function checkName(metadata: JsonObject, naming: Naming, path: string, report: Report): void {
  const { syntax, maxLength = Number.POSITIVE_INFINITY } = naming;
  const problemOf = syntax === "label" ? dnsLabelProblem : dnsSubdomainProblem;
  const name = string(metadata["name"] ?? "");
  const prefix = string(metadata["generateName"] ?? "");
  if (name === undefined || prefix === undefined) return;
  if (name === "" && prefix === "") return report(`${path}/name`, "is missing; name or generateName is required");

  const prefixProblem = prefix === "" ? undefined : problemOf(withoutDash(prefix));
  if (prefixProblem !== undefined) report(`${path}/generateName`, prefixProblem);
  if (name === "" && prefixProblem !== undefined) return;
  const [field, whole] = name === "" ? ["generateName", generated(prefix)] : ["name", name];
  const problem = problemOf(whole);
  if (problem !== undefined) report(`${path}/${field}`, problem);
  else if (whole.length > maxLength)
    report(`${path}/${field}`, `makes a name of ${whole.length} characters; at most ${maxLength} are allowed`);
}

function generated(prefix: string): string {
  return `${prefix.slice(0, GENERATED.prefix)}${GENERATED.suffix}`;
}

/** A prefix may end with "-"; the API server leaves out the character before that too. */
function withoutDash(prefix: string): string {
  return prefix.length > 1 && prefix.endsWith("-") ? `${prefix.slice(0, -2)}a` : prefix;
}

function checkOwners(owners: unknown, path: string, report: Report): void {
  let controllers = 0;
  for (const [i, raw] of items(owners).entries()) {
    const owner = isRecord(raw) ? raw : {};
    for (const field of ["apiVersion", "kind", "name", "uid"]) {
      if (string(owner[field] ?? "") === "") report(`${path}/${i}/${field}`, "is missing");
    }
    const apiVersion = string(owner["apiVersion"]) ?? "";
    if (apiVersion !== "" && !/^[^/]+$|^[^/]*\/[^/]+$/.test(apiVersion))
      report(`${path}/${i}/apiVersion`, `is ${show(apiVersion)}; allowed: VERSION or GROUP/VERSION`);
    if (apiVersion === "v1" && owner["kind"] === "Event")
      report(`${path}/${i}`, "is an Event; that cannot own anything");
    if (owner["controller"] === true) controllers += 1;
  }
  if (controllers > 1) report(path, `has ${controllers} with controller: true; only one is allowed`);
}

function string(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
