import { readdir, readFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { checkDocument } from "../engine/documents.ts";
import { DocumentSet } from "../engine/document-set.ts";
import { parseManifest } from "../manifest/read.ts";
import { InputError } from "../model/errors.ts";
import { fieldPath } from "../model/json.ts";

/** The folder that comes with the program: beside src/ in a checkout, beside dist/ in the package. */
export const EMBEDDED_POLICIES = fileURLToPath(new URL("../../policies", import.meta.url));

/**
 * Reads every NetworkRuleset, NetworkBaseline and NetworkException under a folder (`*.yaml`, `*.yml`, `*.json`). All of them must be
 * valid: half a configuration is not one.
 * @throws InputError unreadable-file, invalid-yaml, invalid-policy-document
 */
export async function readPolicies(folder: string): Promise<DocumentSet> {
  const documents = new DocumentSet();
  const problems: string[] = [];
  for (const file of await manifestsUnder(folder)) {
    for (const { value, line } of parseManifest(await readText(file), file)) {
      const where = `${relative(process.cwd(), file)}:${line}`;
      const checked = checkDocument(value);
      if (checked.problems !== undefined) {
        problems.push(...checked.problems.map(({ path, message }) => `${where}: ${fieldPath(path)} ${message}`));
        continue;
      }
      const { kind, metadata } = checked.document;
      if (documents.has(kind, metadata)) problems.push(`${where}: ${kind} ${metadata.name} is there twice; keep one`);
      documents.set(checked.document);
    }
  }
  if (documents.isEmpty && problems.length === 0) {
    const advice = "Name a folder that has some (*.yaml, *.yml, *.json)";
    throw new InputError(
      "invalid-policy-document",
      `${folder} holds no NetworkRuleset and no NetworkBaseline. ${advice}.`,
    );
  }
  if (problems.length > 0) throw new InputError("invalid-policy-document", problems.join("\n"));
  return documents;
}

async function manifestsUnder(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile() && /\.(ya?ml|json)$/.test(entry.name));
    return files.map((entry) => join(entry.parentPath, entry.name)).toSorted();
  } catch (cause) {
    throw unreadable(folder, "Name a folder with NetworkRulesets and NetworkBaselines", cause);
  }
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    throw unreadable(file, "Make it readable, or remove it", cause);
  }
}

function unreadable(path: string, advice: string, cause: unknown): InputError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new InputError("unreadable-file", `${path} cannot be read: ${why}. ${advice}.`, { cause });
}
