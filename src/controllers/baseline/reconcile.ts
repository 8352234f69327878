import { whyUnarmed } from "../../baseline/resolve.ts";
import { ApiError, unlessNotFound } from "../../cluster/api-error.ts";
import type { FencedClient } from "../../cluster/fence.ts";
import { paths } from "../../cluster/paths.ts";
import { type Configuration, enforcedBaseline } from "../../engine/configuration.ts";
import { pointer } from "../../model/json.ts";
import { FIELD_MANAGER, PENDING_LABEL } from "../../model/names.ts";
import { isTerminating, type Namespace } from "../../model/objects.ts";
import { whyLeftAlone } from "./left-alone.ts";
import { whyLeftOpen } from "./left-open.ts";
import { completePolicies } from "./policies.ts";

export interface BaselineDeps {
  readonly client: Pick<FencedClient, "get" | "apply" | "replace" | "patch">;
  readonly configuration: () => Configuration;
  /** Told of each write, before it is sent. */
  readonly onWrite: (what: "policy" | "marker") => void;
}

/**
 * What became of a namespace. `conflict`: somebody's policies have taken names of ours and say something else, so the
 * marker stays until they are gone.
 */
export type Reconciled =
  | { readonly outcome: "nothing" }
  | {
      readonly outcome: "finished";
      readonly namespace: Namespace;
      readonly baseline?: string;
      readonly applied: readonly string[];
      /** RFC 3339, by the API server's clock: when the youngest policy of the baseline was created. */
      readonly since?: string;
    }
  | { readonly outcome: "conflict"; readonly baseline: string; readonly conflicts: readonly string[] };

/**
 * How a namespace stands. `absent`: it is not there, or going away. `unmarked`: it waits for nothing (any more).
 * `ungoverned`: it is marked, but no baseline is to be injected. `unarmed`: this server cannot tell what its baseline is
 * to give, or what that would cut off, or what the one wanted that has given it something. `complete`: all that its
 * baseline wants is there.
 */
export type Ensured =
  | { readonly outcome: "absent" }
  | { readonly outcome: "unmarked" }
  | { readonly outcome: "ungoverned"; readonly namespace: Namespace }
  | { readonly outcome: "unarmed"; readonly namespace: Namespace; readonly why: string }
  | {
      readonly outcome: "complete";
      readonly namespace: Namespace;
      readonly baseline: string;
      readonly applied: string[];
      /** As in Reconciled. */
      readonly since: string;
    }
  | { readonly outcome: "conflict"; readonly baseline: string; readonly conflicts: readonly string[] };

export function isPending(namespace: Namespace): boolean {
  return Object.hasOwn(namespace.metadata?.labels ?? {}, PENDING_LABEL) && !isTerminating(namespace);
}

/**
 * Brings one namespace to where its marker says that it is not yet: its baseline in place, then the marker gone. Looks
 * only at what is there now, so it may be called at any time, after any event or none; when nothing is to be done it
 * writes nothing. Rejects with ApiError where the API server refuses; then nothing is half done that a second call
 * would not complete.
 */
export async function reconcileBaseline(name: string, deps: BaselineDeps): Promise<Reconciled> {
  const ensured = await ensurePolicies(name, deps);
  if (ensured.outcome === "absent" || ensured.outcome === "unmarked") return { outcome: "nothing" };
  if (ensured.outcome === "conflict") return ensured;
  const { namespace } = ensured;
  if (!(await removeMarker(namespace, deps))) return { outcome: "nothing" };
  // Somebody set the marker where nothing is to be injected, or changed their mind: it has nothing to wait for. Nor has
  // it for what cannot be given.
  if (ensured.outcome !== "complete") return { outcome: "finished", namespace, applied: [] };
  const { baseline, applied, since } = ensured;
  return { outcome: "finished", namespace, baseline, applied, since };
}

/**
 * Puts the baseline of a namespace in place that carries the marker. Asks the API server itself how things stand: a
 * cache may not have heard of the namespace yet, or still hold the policies of one that was deleted and created again
 * under its name.
 */
export async function ensurePolicies(name: string, deps: BaselineDeps, signal?: AbortSignal): Promise<Ensured> {
  const namespace = await unlessNotFound(deps.client.get<Namespace>(paths.namespaces(name), { signal }));
  if (namespace === undefined || isTerminating(namespace)) return { outcome: "absent" };
  if (!isPending(namespace)) return { outcome: "unmarked" };
  const configuration = deps.configuration();
  const governing = enforcedBaseline(name, namespace.metadata?.labels ?? {}, configuration);
  if (governing === undefined) return { outcome: "ungoverned", namespace };
  const unarmed = whyUnarmed(governing);
  if (unarmed !== undefined) return { outcome: "unarmed", namespace, why: unarmed.why };
  const why =
    (await whyLeftAlone(name, governing, configuration, deps, signal)) ??
    (await whyLeftOpen(name, governing, deps, signal));
  if (why !== undefined) return { outcome: "unarmed", namespace, why };
  const baseline = governing.metadata.name;
  const { applied, conflicts, since } = await completePolicies(name, governing, deps, { signal });
  if (conflicts.length > 0) return { outcome: "conflict", baseline, conflicts };
  return { outcome: "complete", namespace, baseline, applied: applied.map((policy) => policy.name), since };
}

/**
 * Only from this very namespace (not from one that was created since under its name), and only if it is still there.
 * False if it is not: whatever the namespace is now, an event of it is on its way.
 */
async function removeMarker({ metadata }: Namespace, { client, onWrite }: BaselineDeps): Promise<boolean> {
  const label = pointer("/metadata/labels", PENDING_LABEL);
  onWrite("marker");
  try {
    await client.patch(
      paths.namespaces(metadata?.name),
      [
        { op: "test", path: "/metadata/uid", value: metadata?.uid },
        { op: "remove", path: label },
      ],
      { fieldManager: FIELD_MANAGER },
    );
    return true;
  } catch (error) {
    if (!(error instanceof ApiError && (error.status === 404 || error.status === 422))) throw error;
    return false;
  }
}
