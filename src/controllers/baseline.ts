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
  readonly client: Pick<FencedClient, "get" | "pages" | "apply" | "replace" | "patch">;
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
    }
  | { readonly outcome: "conflict"; readonly baseline: string; readonly conflicts: readonly string[] };

/**
 * How a namespace stands. `absent`: it is not there, or going away. `unmarked`: it waits for nothing (any more).
 * `ungoverned`: it is marked, but no baseline is to be injected. `complete`: all that its baseline wants is there.
 */
export type Ensured =
  | { readonly outcome: "absent" }
  | { readonly outcome: "unmarked" }
  | { readonly outcome: "ungoverned"; readonly namespace: Namespace }
  | {
      readonly outcome: "complete";
      readonly namespace: Namespace;
      readonly baseline: string;
      readonly applied: string[];
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
  // Somebody set the marker where nothing is to be injected, or changed their mind: it has nothing to wait for.
  if (ensured.outcome === "ungoverned") return { outcome: "finished", namespace, applied: [] };
  return { outcome: "finished", namespace, baseline: ensured.baseline, applied: ensured.applied };
}

/**
 * Puts the baseline of a namespace in place that carries the marker. Asks the API server itself how things stand: a
 * cache may not have heard of the namespace yet, or still hold the policies of one that was deleted and created again
 * under its name. Several servers may do this at once: a server-side apply of the same fields by the same manager is
 * the same whoever comes first.
 */
export async function ensurePolicies(name: string, deps: BaselineDeps, signal?: AbortSignal): Promise<Ensured> {
  const namespace = await found(deps.client.get<Namespace>(paths.namespaces(name), { signal }));
  if (namespace === undefined || isTerminating(namespace)) return { outcome: "absent" };
  if (!isPending(namespace)) return { outcome: "unmarked" };
  const labels = namespace.metadata?.labels ?? {};
  const configuration = deps.configuration();
  const isEnforced = governanceOf(labels, configuration).cap === "enforce";
  const governing = isEnforced ? governingBaseline(name, labels, configuration.baselines) : undefined;
  if (governing === undefined) return { outcome: "ungoverned", namespace };

  const baseline = governing.metadata.name;
  const wanted = wantedPolicies(governing, name);
  const applied: string[] = [];
  for (let tries = 1; ; tries++) {
    const there = await policiesIn(name, deps, signal);
    const { apply, conflicts } = plan([...there.values()], wanted);
    const raced = await applyAll(apply, there, applied, deps, signal);
    if (raced === undefined) {
      return conflicts.length > 0
        ? { outcome: "conflict", baseline, conflicts }
        : { outcome: "complete", namespace, baseline, applied };
    }
    if (tries === MOST_TRIES) throw raced;
  }
}

/** Somebody who writes policies of our names between our look and our write does so once, not for ever. */
const MOST_TRIES = 3;

async function policiesIn(
  namespace: string,
  { client }: BaselineDeps,
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<string, NetworkPolicy>> {
  const policies = new Map<string, NetworkPolicy>();
  for await (const page of client.pages<NetworkPolicy>(paths.networkPolicies(namespace), { signal })) {
    for (const policy of page.items) policies.set(policy.metadata?.name ?? "", policy);
  }
  return policies;
}

/** In order, until one finds something else than what `there` says. Returns the API server's error then. */
async function applyAll(
  policies: readonly NetworkPolicy[],
  there: ReadonlyMap<string, NetworkPolicy>,
  applied: string[],
  deps: BaselineDeps,
  signal: AbortSignal | undefined,
): Promise<ApiError | undefined> {
  try {
    for (const policy of policies) {
      const name = policy.metadata?.name ?? "";
      await applyPolicy(policy, there.get(name), deps, signal);
      applied.push(name);
    }
    return undefined;
  } catch (error) {
    if (error instanceof ApiError && error.status === 409) return error;
    throw error;
  }
}

/**
 * Takes fields over by force only of the very version that we have looked at, which `plan` found to be ours or to say
 * the same. Where we believe that there is none, one that somebody has created meanwhile is not overwritten but found.
 * @throws ApiError 409 where something else is there than `existing`
 */
async function applyPolicy(
  policy: NetworkPolicy,
  existing: NetworkPolicy | undefined,
  { client, onWrite }: BaselineDeps,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { namespace, name } = policy.metadata ?? {};
  const path = paths.networkPolicies(namespace, name);
  const options = { fieldManager: FIELD_MANAGER, signal };
  const resourceVersion = existing?.metadata?.resourceVersion;
  const metadata = { ...policy.metadata, ...(resourceVersion !== undefined && { resourceVersion }) };
  onWrite("policy");
  const stored = await client.apply<NetworkPolicy>(path, { ...policy, metadata }, { ...options, force: !!existing });
  if (isAsWanted(stored, policy)) return;
  onWrite("policy");
  if (existing === undefined && isOfOthersToo(stored)) {
    // Somebody's, and merged with ours: what we have put into it is taken out again.
    const nothing = { apiVersion: policy.apiVersion, kind: policy.kind, metadata: { namespace, name } };
    await client.apply(path, nothing, options);
    throw new ApiError({
      status: 409,
      reason: "Conflict",
      message: `NetworkPolicy ${namespace}/${name} is somebody's`,
    });
  }
  // Server-side apply leaves alone what somebody else has added and we do not name, such as clauses to a deny.
  await client.replace(path, { ...stored, spec: policy.spec }, options);
}

function isOfOthersToo({ metadata }: NetworkPolicy): boolean {
  return (metadata?.managedFields ?? []).some(({ manager }) => manager !== FIELD_MANAGER);
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

async function found<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return undefined;
    throw error;
  }
}
