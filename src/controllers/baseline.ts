import { governingBaseline } from "../baseline/govern.ts";
import { isAsWanted, plan } from "../baseline/plan.ts";
import { wantedPolicies } from "../baseline/templates.ts";
import { ApiError } from "../cluster/api-error.ts";
import type { FencedClient } from "../cluster/fence.ts";
import { paths } from "../cluster/paths.ts";
import { type Configuration, governanceOf } from "../engine/configuration.ts";
import { pointer } from "../model/json.ts";
import { FIELD_MANAGER, PENDING_LABEL } from "../model/names.ts";
import type { NetworkPolicy } from "../model/network-policy.ts";
import { isTerminating, type Namespace } from "../model/objects.ts";

export interface BaselineDeps {
  readonly client: Pick<FencedClient, "apply" | "replace" | "patch">;
  readonly configuration: () => Configuration;
  /** From the caches: what is known now of a namespace and of the policies in it. */
  readonly namespace: (name: string) => Namespace | undefined;
  readonly policies: (namespace: string) => readonly NetworkPolicy[];
  /** Told of each write, before it is sent. */
  readonly onWrite: (what: "policy" | "marker") => void;
}

/**
 * What became of a namespace. `conflict`: somebody's policies have taken names of ours and say something else, so the
 * marker stays until they are gone.
 */
export type Reconciled =
  | { readonly outcome: "nothing" }
  | { readonly outcome: "finished"; readonly baseline?: string; readonly applied: readonly string[] }
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
  const namespace = deps.namespace(name);
  if (namespace === undefined || !isPending(namespace)) return { outcome: "nothing" };
  const labels = namespace.metadata?.labels ?? {};
  const configuration = deps.configuration();
  const isEnforced = governanceOf(labels, configuration).cap === "enforce";
  const baseline = isEnforced ? governingBaseline(name, labels, configuration.baselines) : undefined;
  if (baseline === undefined) {
    // Somebody set the marker where nothing is to be injected, or changed their mind: it has nothing to wait for.
    const removed = await removeMarker(namespace, deps);
    return removed ? { outcome: "finished", applied: [] } : { outcome: "nothing" };
  }
  const { apply, conflicts } = plan(deps.policies(name), wantedPolicies(baseline, name));
  for (const policy of apply) await applyPolicy(policy, deps);
  if (conflicts.length > 0) return { outcome: "conflict", baseline: baseline.metadata.name, conflicts };
  if (!(await removeMarker(namespace, deps))) return { outcome: "nothing" };
  return {
    outcome: "finished",
    baseline: baseline.metadata.name,
    applied: apply.map(({ metadata }) => metadata?.name ?? ""),
  };
}

async function applyPolicy(policy: NetworkPolicy, { client, onWrite }: BaselineDeps): Promise<void> {
  const path = paths.networkPolicies(policy.metadata?.namespace, policy.metadata?.name);
  onWrite("policy");
  const stored = await client.apply<NetworkPolicy>(path, policy, { fieldManager: FIELD_MANAGER, force: true });
  if (isAsWanted(stored, policy)) return;
  // Server-side apply leaves alone what somebody else has added and we do not name, such as clauses to a deny.
  onWrite("policy");
  await client.replace(path, { ...stored, spec: policy.spec }, { fieldManager: FIELD_MANAGER });
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
