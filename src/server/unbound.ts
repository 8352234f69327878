import { MODES } from "../config/mode.ts";
import { type Configuration, type Governance, governanceOf } from "../engine/configuration.ts";
import { evaluate, type Finding } from "../engine/evaluate.ts";
import { GOVERNING_LABELS, RULESET_LABEL } from "../model/names.ts";
import type { Labels } from "../model/objects.ts";
import type { NamespaceSubject, Unbound } from "../rules/rule.ts";
import type { AdmissionRequest, UserInfo } from "./review.ts";

export interface UnboundDeps {
  readonly configuration: () => Configuration;
  /** Has the user the verb `bind` on a NetworkRuleset? Rejects where that cannot be told in so many milliseconds. */
  readonly canBind: (user: UserInfo, ruleset: string, waitMs: number) => Promise<boolean>;
}

/**
 * The findings of no-unbound-label on a Namespace, for which the API server is asked only if a governing label has
 * changed. They are as strong as the Namespace was governed before (a new one: as one without such labels) or will be,
 * whichever is stronger: else the very labels in question would decide what becomes of them.
 */
export async function unboundFindings(
  { userInfo }: AdmissionRequest,
  subject: NamespaceSubject,
  labelsBefore: Labels,
  deps: UnboundDeps,
  waitMs: number,
): Promise<readonly Finding[]> {
  const { labels } = subject;
  const changed = GOVERNING_LABELS.filter((label) => labels[label] !== labelsBefore[label]);
  if (changed.length === 0) return [];
  const ruleset = labels[RULESET_LABEL] ?? "default";
  if (await deps.canBind(userInfo, ruleset, waitMs)) return [];

  const unbound = { labels: changed, ruleset };
  const configuration = deps.configuration();
  const [before, after] = [labelsBefore, labels].map((governing) =>
    findingsUnder(governanceOf(governing, configuration), subject, unbound),
  );
  return strengthOf(after) > strengthOf(before) ? (after ?? []) : (before ?? []);
}

function findingsUnder({ ruleset, cap }: Governance, subject: NamespaceSubject, unbound: Unbound): readonly Finding[] {
  return evaluate({ ...subject, unbound }, ruleset, cap).filter(({ rule }) => rule === "no-unbound-label");
}

function strengthOf(findings: readonly Finding[] | undefined): number {
  const [first] = findings ?? [];
  return first === undefined ? -1 : MODES.indexOf(first.mode);
}
