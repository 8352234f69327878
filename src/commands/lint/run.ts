import { styleText } from "node:util";
import type { Cap } from "../../config/mode.ts";
import { type ManifestFiles, readManifests } from "../../files/manifests.ts";
import { type CheckDocument, readEmbeddedPolicies, readPolicies } from "../../files/policies.ts";
import { contextOf, type LintContext } from "../../linter/context.ts";
import type { LintFinding, LintSummary } from "../../linter/finding.ts";
import type { Verdict } from "../../linter/judge.ts";
import { lintChunk } from "../../linter/lint.ts";
import { setOf } from "../../linter/set.ts";
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

/**
 * Reads everything before it prints anything: what counts for the other files (Namespaces, rulesets, exceptions) may
 * come last, and what cannot be read leaves no half of a report.
 * @throws InputError
 */
export async function runLint(paths: readonly string[], options: LintOptions): Promise<void> {
  const manifests = await readManifests(paths, process.stdin);
  const context = await readContext(manifests, options);
  const output = createOutput(process.stdout);
  const report = reportIn(options.format);
  await output.print(report.start);
  const summary = await lintAll(manifests, context, (finding) => output.print(report.finding(finding)));
  await output.print(report.end(summary));
  await output.flush();
  if (summary.enforce > 0) process.exitCode = EXIT_FINDINGS;
}

interface Report {
  readonly start: string;
  readonly finding: (finding: LintFinding) => string;
  readonly end: (summary: LintSummary) => string;
}

function reportIn(format: LintOptions["format"]): Report {
  if (format === "text") {
    // hasColors knows NO_COLOR and terminals without any.
    const style = process.stdout.isTTY && process.stdout.hasColors() ? COLOURED : PLAIN;
    return { start: "", finding: (finding) => textOf(finding, style), end: summaryText };
  }
  let isFirst = true;
  const finding = (one: LintFinding): string => {
    const text = jsonOf(one, isFirst);
    isFirst = false;
    return text;
  };
  return { start: JSON_START, finding, end: jsonEnd };
}

const COLOURED: Style = (mode, text) =>
  styleText(mode === "enforce" ? "red" : mode === "warn" ? "yellow" : "blue", text, { validateStream: false });

async function lintAll(
  { files, notRead }: ManifestFiles,
  context: LintContext,
  onFinding: (finding: LintFinding) => Promise<void>,
): Promise<LintSummary> {
  const modes = { enforce: 0, warn: 0, audit: 0, disabled: 0 };
  const objects: Record<Verdict["is"], number> = { judged: 0, exempt: 0, other: 0, "not-object": 0 };
  for (const file of files) {
    for (const chunk of manifestChunks(file.text)) {
      const linted = lintChunk(chunk, file, context);
      for (const is of linted.objects) objects[is]++;
      for (const finding of linted.findings) {
        modes[finding.mode]++;
        await onFinding(finding);
      }
    }
  }
  const { judged, exempt, other: others, "not-object": notObjects } = objects;
  const { enforce, warn, audit } = modes;
  const { governing } = context;
  return { files: files.length, judged, exempt, others, notObjects, enforce, warn, audit, notRead, governing };
}

async function readContext({ files }: ManifestFiles, options: LintOptions): Promise<LintContext> {
  const { mode, namespace: defaultNamespace, policies } = options;
  const set = setOf(files, defaultNamespace);
  // The validators take longer to load than most runs take: only where there is something to validate.
  const hasOwn = policies !== undefined || set.documents.size > 0;
  const check = hasOwn ? (await import("../../engine/check-document.ts")).checkDocument : neverAsked;
  return contextOf(set, {
    mode,
    defaultNamespace,
    check,
    embedded: await readEmbeddedPolicies(),
    ...(policies !== undefined && { named: await readPolicies(policies, check) }),
    now: Date.now(),
  });
}

const neverAsked: CheckDocument = () => {
  throw new Error("a document of Drawbridge's own kinds was overlooked when the files were first gone through");
};
