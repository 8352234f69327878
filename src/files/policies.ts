import { relative } from "node:path";
import type { ConfigDocument, Validated } from "../config/validate.ts";
import { DocumentSet, documentTitle } from "../engine/document-set.ts";
import { parseManifest } from "../manifest/read.ts";
import { InputError } from "../model/errors.ts";
import { fieldPath } from "../model/json.ts";
import { manifestsUnder, readText } from "./manifests.ts";
import { packaged } from "./package.ts";

export const EMBEDDED_POLICIES = packaged("policies");

/** Says what is wrong with a document of ours: engine/check-document.ts has the one that knows the rules. */
export type CheckDocument = (raw: unknown) => Validated<ConfigDocument>;

/**
 * Reads every NetworkRuleset, NetworkBaseline and NetworkException under a folder (`*.yaml`, `*.yml`, `*.json`). All of
 * them must be valid: half a configuration is not one.
 * @throws InputError unreadable-file, invalid-yaml, invalid-policy-document
 */
export async function readPolicies(folder: string, checkDocument: CheckDocument): Promise<DocumentSet> {
  const documents = new DocumentSet();
  const problems: string[] = [];
  for (const file of (await manifestsUnder(folder)).files) {
    for (const { value, line } of parseManifest(await readText(file), file)) {
      const where = `${relative(process.cwd(), file)}:${line}`;
      const checked = checkDocument(value);
      if (checked.problems !== undefined) {
        problems.push(...checked.problems.map(({ path, message }) => `${where}: ${fieldPath(path)} ${message}`));
        continue;
      }
      const { kind, metadata } = checked.document;
      if (documents.has(kind, metadata))
        problems.push(`${where}: ${documentTitle(kind, metadata)} is there twice; keep one`);
      documents.set(checked.document);
    }
  }
  if (documents.isEmpty && problems.length === 0) {
    const advice = "Name a folder that has some (*.yaml, *.yml, *.json)";
    throw new InputError(
      "invalid-policy-document",
      `${folder} holds no NetworkRuleset, NetworkBaseline or NetworkException. ${advice}.`,
    );
  }
  if (problems.length > 0) throw new InputError("invalid-policy-document", problems.join("\n"));
  return documents;
}

/** Those that come with the program. Its tests check them; to do it at each start would take longer than to lint a file. */
export async function readEmbeddedPolicies(): Promise<DocumentSet> {
  return readPolicies(EMBEDDED_POLICIES, (raw) => ({ document: raw as ConfigDocument }));
}
