import { styleText } from "node:util";
import type { Cap } from "../../config/mode.ts";
import type { ConfigDocument } from "../../config/validate.ts";
import { configure } from "../../engine/configuration.ts";
import { DocumentSet } from "../../engine/document-set.ts";
import { findManifests, type ManifestFile } from "../../files/manifests.ts";
import { type CheckDocument, readEmbeddedPolicies, readPolicies } from "../../files/policies.ts";
import type { LintSummary } from "../../linter/finding.ts";
import { type LintContext, lintChunk } from "../../linter/lint.ts";
import { collect, type SetContents } from "../../linter/set.ts";
import { manifestChunks } from "../../manifest/chunks.ts";
import { JSON_START, jsonEnd, jsonOf } from "../../report/json.ts";
import { PLAIN, type Style, summaryText, textOf } from "../../report/text.ts";
import { createOutput } from "../output.ts";

export interface LintOptions {
  readonly namespace: string;
  readonly policies?: string;
  readonly mode: Cap;
  readonly format: "text" | "json";
}

const EXIT_FINDINGS = 1;

const COLOURED: Style = (mode, text) =>
  styleText(mode === "enforce" ? "red" : mode === "warn" ? "yellow" : "blue", text, { validateStream: false });

/**
 * Goes over the files twice, so that none of them need be kept: what counts for the others first (Namespaces, rulesets,
 * exceptions), then the verdicts, printed as they come.
 * @throws InputError
 */
export async function runLint(paths: readonly string[], options: LintOptions): Promise<void> {
  const files = await findManifests(paths, process.stdin);
  const context = await contextOf(files, options);
  const output = createOutput(process.stdout);
  const isJson = options.format === "json";
  const style = process.stdout.isTTY && !process.env.NO_COLOR ? COLOURED : PLAIN;
  const counts = { judged: 0, exempt: 0, enforce: 0, warn: 0, audit: 0, disabled: 0 };
  if (isJson) await output.print(JSON_START);
  let isFirst = true;
  for (const { file, isNamed, read } of files) {
    for (const chunk of manifestChunks(await read())) {
      const { findings, judged, exempt } = lintChunk(chunk, { file, isNamed }, context);
      counts.judged += judged;
      counts.exempt += exempt;
      for (const finding of findings) {
        counts[finding.mode]++;
        await output.print(isJson ? jsonOf(finding, isFirst) : textOf(finding, style));
        isFirst = false;
      }
    }
  }
  const { disabled: _, ...rest } = counts;
  const summary: LintSummary = { files: files.length, ...rest };
  await output.print(isJson ? jsonEnd(summary) : summaryText(summary));
  await output.flush();
  if (summary.enforce > 0) process.exitCode = EXIT_FINDINGS;
}

async function contextOf(
  files: readonly ManifestFile[],
  { mode, namespace, policies }: LintOptions,
): Promise<LintContext> {
  const contents: SetContents = { namespaces: new Map(), configuration: [] };
  for (const { read } of files) collect(await read(), contents);
  // The validators take longer to load than most runs take: only where there is something to validate.
  const hasOwn = policies !== undefined || contents.configuration.length > 0;
  const check = hasOwn ? (await import("../../engine/check-document.ts")).checkDocument : NEVER_ASKED;
  const own = policies === undefined ? new DocumentSet() : await readPolicies(policies, check);
  for (const raw of contents.configuration) {
    const { document } = check(raw);
    if (document !== undefined) own.set(withNamespace(document, namespace));
  }
  return {
    configuration: configure(mode, await readEmbeddedPolicies(), own),
    namespaces: contents.namespaces,
    exceptionsIn: (name) => own.exceptionsIn(name),
    problemsOf: (raw) => check(raw).problems ?? [],
    defaultNamespace: namespace,
    now: Date.now(),
  };
}

/** Only of a file that changed meanwhile, or that hides its kind by escapes. */
const NEVER_ASKED: CheckDocument = () => ({
  problems: [
    { path: "/kind", message: "was not seen when the files were first read; write it plainly, and try again" },
  ],
});

function withNamespace(document: ConfigDocument, namespace: string): ConfigDocument {
  return document.kind === "NetworkException"
    ? { ...document, metadata: { namespace, ...document.metadata } }
    : document;
}
