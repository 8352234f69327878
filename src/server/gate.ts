import { boundLines } from "../engine/decide.ts";
import { PENDING_LABEL } from "../model/names.ts";
import type { AdmissionRequest, Answer } from "./review.ts";

export interface GateDeps {
  /** Puts the baseline of a namespace in place. Rejects where that is not done within so many milliseconds. */
  readonly ensureBaseline: (namespace: string, waitMs: number) => Promise<Ensured>;
}

/** How the namespace stands, read after the question. */
export type Ensured =
  | { readonly outcome: "absent" | "unmarked" | "ungoverned" | "complete" }
  /** This server cannot tell what the policies are to say. Another may: one that has seen more, or leads. */
  | { readonly outcome: "unarmed"; readonly why: string }
  | { readonly outcome: "conflict"; readonly baseline: string; readonly conflicts: readonly string[] };

export interface Passage {
  readonly answer: Answer;
  readonly decision: "admitted" | "refused" | "failed" | "dry_run";
}

/**
 * What /gate says of a Pod that is to be created in a namespace that carries the marker: yes, once the policies are
 * there. Everything else is a refusal, never a failed call: so its reason reaches the author, and controllers try
 * again whatever the reason.
 */
export async function gate(request: AdmissionRequest, deps: GateDeps, waitMs: number): Promise<Passage> {
  const { namespace = "", operation, kind, dryRun } = request;
  if (operation !== "CREATE" || kind.kind !== "Pod") return ADMITTED;
  if (dryRun === true) return { answer: { allowed: true }, decision: "dry_run" };
  let ensured: Ensured;
  try {
    ensured = await deps.ensureBaseline(namespace, waitMs);
  } catch (error) {
    return notNow(namespace, error instanceof Error ? error.message : String(error));
  }
  // Whoever leads gives it the policies or, if that one can't either, takes the marker off; neither is for us to foresee.
  if (ensured.outcome === "unarmed") return notNow(namespace, ensured.why);
  if (ensured.outcome === "absent") {
    return { answer: refusal(403, namespace, ["it is being deleted, or is gone."]), decision: "refused" };
  }
  if (ensured.outcome !== "conflict") return ADMITTED;
  const { baseline, conflicts } = ensured;
  return {
    answer: refusal(403, namespace, [
      `NetworkBaseline ${baseline} is not complete: these NetworkPolicies are in its way, since they have its names, are`,
      "not Drawbridge's, and say something else:",
      ...conflicts.map((name) => `  ${name}`),
      "Rename or delete them (kubectl delete networkpolicy NAME -n " +
        `${namespace}). Then the baseline is completed, the label ${PENDING_LABEL} goes, and Pods start.`,
    ]),
    decision: "refused",
  };
}

function notNow(namespace: string, why: string): Passage {
  return {
    answer: refusal(503, namespace, [
      `the policies of its baseline cannot be applied now: ${why}.`,
      "Nothing is wrong with the Pod: create it again in a moment, as controllers do by themselves.",
    ]),
    decision: "failed",
  };
}

const ADMITTED: Passage = { answer: { allowed: true }, decision: "admitted" };

function refusal(code: 403 | 503, namespace: string, lines: readonly string[]): Answer {
  const [first = "", ...rest] = lines;
  return {
    allowed: false,
    code,
    message: boundLines([`namespace ${namespace} takes no Pods yet: ${first}`, ...rest]),
  };
}
