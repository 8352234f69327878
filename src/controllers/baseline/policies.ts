import { isAsWritten } from "../../baseline/content.ts";
import { byEffect, involvedIn, isAsWanted, plan } from "../../baseline/plan.ts";
import { BACKEND_PREFIX } from "../../baseline/policy-names.ts";
import { isOfBaseline } from "../../baseline/protection.ts";
import type { Baseline } from "../../baseline/resolve.ts";
import { wantedPolicies } from "../../baseline/templates.ts";
import { ApiError, unlessNotFound } from "../../cluster/api-error.ts";
import type { FencedClient } from "../../cluster/fence.ts";
import { paths } from "../../cluster/paths.ts";
import { FIELD_MANAGER } from "../../model/names.ts";
import type { NetworkPolicy } from "../../model/network-policy.ts";

export interface PoliciesDeps {
  readonly client: Pick<FencedClient, "get" | "apply" | "replace">;
  /** Told of each write, before it is sent. */
  readonly onWrite: (what: "policy") => void;
}

/** What was done about one policy, and who wrote to it last beside us, where there was one. */
export interface Applied {
  readonly name: string;
  /**
   * `outdated`: as we had left it, but another is wanted now, or one more for what the API server has begun to call.
   * `unwanted`: as we had left it, and none is: it was deleted.
   */
  readonly was: "missing" | "changed" | "outdated" | "unwanted";
  readonly by?: string;
  /** RFC 3339 */
  readonly at?: string;
}

export interface Completed {
  readonly applied: readonly Applied[];
  /** Names that policies of somebody else have taken, with another spec. */
  readonly conflicts: readonly string[];
  /** RFC 3339, by the API server's clock: when the youngest of the policies was created. */
  readonly since: string;
}

export interface CompleteOptions {
  readonly signal?: AbortSignal | undefined;
  /** Told at once, since what comes after it may fail. */
  readonly onApplied?: (applied: Applied) => void;
  /** Nothing is asked for and applied but policies of these names, and those that they would cut off. */
  readonly only?: ReadonlySet<string> | undefined;
  /**
   * Nothing is applied where some of it would be refused. The first policy that allows something denies the rest, be it
   * what the next would allow: for Pods that run it is all or nothing.
   */
  readonly isTriedFirst?: boolean;
}

/**
 * Puts what a baseline wants in place, in place of what is there now: nothing is deleted, and what is there as
 * wanted is not written. Several servers may do this at once: a server-side apply of the same fields by the same manager
 * is the same whoever comes first.
 */
export async function completePolicies(
  namespace: string,
  baseline: Baseline,
  deps: PoliciesDeps,
  { signal, onApplied, only, isTriedFirst = false }: CompleteOptions = {},
): Promise<Completed> {
  const all = wantedPolicies(baseline, namespace);
  const wanted = only === undefined ? all : involvedIn(all, only);
  const applied: Applied[] = [];
  const done = (one: Applied): void => {
    applied.push(one);
    onApplied?.(one);
  };
  for (let tries = 1; ; tries++) {
    const there = await thereOf(wanted, deps, signal);
    const { apply, conflicts } = plan([...there.values()], wanted);
    if (isTriedFirst && apply.length > 1) await tryAll(apply, there, deps);
    const raced = await applyAll(apply, there, done, deps, signal);
    if (raced === undefined) return { applied, conflicts, since: youngest(wanted, there) };
    if (tries === MOST_TRIES) throw raced;
  }
}

/** What somebody has written meanwhile is left for the write itself to find. */
async function tryAll(
  policies: readonly NetworkPolicy[],
  there: ReadonlyMap<string, NetworkPolicy>,
  { client }: PoliciesDeps,
): Promise<void> {
  for (const policy of policies) {
    const { namespace, name = "" } = policy.metadata ?? {};
    const options = { fieldManager: FIELD_MANAGER, force: there.has(name), dryRun: true };
    await client.apply(paths.networkPolicies(namespace, name), policy, options).catch((error: unknown) => {
      if (!(error instanceof ApiError && error.status === 409)) throw error;
    });
  }
}

export interface RemoveDeps extends Pick<PoliciesDeps, "onWrite"> {
  readonly client: Pick<FencedClient, "delete">;
}

/**
 * Deletes them, all at once, where they still are these very versions: of what has changed since, or is gone, an event is
 * on its way, by which it is looked at again. One after another each that is left would deny what those allowed that are
 * gone, for as long as that takes.
 * @returns whether none of them is there any more
 */
export async function removePolicies(
  policies: readonly NetworkPolicy[],
  { client, onWrite }: RemoveDeps,
  onRemoved: (removed: Applied) => void,
): Promise<boolean> {
  const remove = async ({ metadata }: NetworkPolicy): Promise<boolean> => {
    const { namespace, name = "", uid, resourceVersion } = metadata ?? {};
    onWrite("policy");
    try {
      await client.delete(paths.networkPolicies(namespace, name), {
        ...(uid !== undefined && { uid }),
        ...(resourceVersion !== undefined && { resourceVersion }),
      });
      onRemoved({ name, was: "unwanted" });
      return true;
    } catch (error) {
      if (!(error instanceof ApiError && (error.status === 404 || error.status === 409))) throw error;
      return error.status === 404;
    }
  };
  const results = await Promise.allSettled(policies.map(remove));
  const failed = results.find((result) => result.status === "rejected");
  if (failed !== undefined) throw failed.reason;
  return results.every((result) => result.status === "fulfilled" && result.value);
}

/** Somebody who writes policies of our names between our look and our write does so once, not for ever. */
const MOST_TRIES = 3;

/**
 * Those of the wanted names, as they are there. One by one and not by a list: that the API server answers from its watch
 * cache, and right after a write of another kind (the namespace's) it would wait up to 100 ms for the cache to catch up.
 */
async function thereOf(
  wanted: readonly NetworkPolicy[],
  { client }: PoliciesDeps,
  signal: AbortSignal | undefined,
): Promise<Map<string, NetworkPolicy>> {
  const found = await Promise.all(
    wanted.map(async ({ metadata }) => {
      const { namespace, name = "" } = metadata ?? {};
      const path = paths.networkPolicies(namespace, name);
      return [name, await unlessNotFound(client.get<NetworkPolicy>(path, { signal }))] as const;
    }),
  );
  return new Map(found.flatMap(([name, policy]) => (policy === undefined ? [] : [[name, policy]])));
}

function youngest(wanted: readonly NetworkPolicy[], there: ReadonlyMap<string, NetworkPolicy>): string {
  const created = wanted.map(({ metadata }) => there.get(metadata?.name ?? "")?.metadata?.creationTimestamp ?? "");
  return created.toSorted().at(-1) ?? "";
}

/**
 * Those that allow together, then those that deny: one after another the first that allows something would deny what the
 * next is for, until that is there. Where one finds something else than what `there` says, returns the API server's
 * error. What is applied is `there` afterwards.
 */
async function applyAll(
  policies: readonly NetworkPolicy[],
  there: Map<string, NetworkPolicy>,
  done: (applied: Applied) => void,
  deps: PoliciesDeps,
  signal: AbortSignal | undefined,
): Promise<ApiError | undefined> {
  const applyOne = async (policy: NetworkPolicy): Promise<void> => {
    const name = policy.metadata?.name ?? "";
    const existing = there.get(name);
    there.set(name, await applyPolicy(policy, existing, deps, signal));
    done({ name, ...wasBefore(name, existing) });
  };
  const { allows, denies } = byEffect(policies);
  for (const lot of [allows, denies]) {
    const results = await Promise.allSettled(lot.map(applyOne));
    const errors: unknown[] = results.flatMap((result) => (result.status === "rejected" ? [result.reason] : []));
    const raced = errors.filter((error) => error instanceof ApiError && error.status === 409);
    const [other] = errors.filter((error) => !raced.includes(error));
    if (other !== undefined) throw other;
    if (raced[0] instanceof ApiError) return raced[0];
  }
  return undefined;
}

function wasBefore(name: string, existing: NetworkPolicy | undefined): Omit<Applied, "name"> {
  // Nobody took it away: what it is for has come.
  if (existing === undefined) return { was: name.startsWith(BACKEND_PREFIX) ? "outdated" : "missing" };
  if (isOfBaseline(existing) && isAsWritten(existing)) return { was: "outdated" };
  return { was: "changed", ...lastWrite(existing) };
}

/** By somebody else. The API server keeps one entry a writer and operation, with the time of the last write of each. */
function lastWrite({ metadata }: NetworkPolicy): Pick<Applied, "by" | "at"> {
  const others = (metadata?.managedFields ?? []).filter(({ manager }) => manager !== FIELD_MANAGER);
  const last = others.toSorted((a, b) => ((a.time ?? "") < (b.time ?? "") ? -1 : 1)).at(-1);
  return {
    ...(last?.manager !== undefined && { by: last.manager }),
    ...(last?.time !== undefined && { at: last.time }),
  };
}

/**
 * Returns what is stored then. Takes fields over by force only of the very version that we have looked at, which `plan` found to be ours or to say
 * the same. Where we believe that there is none, one that somebody has created meanwhile is not overwritten but found.
 * @throws ApiError 409 where something else is there than `existing`
 */
async function applyPolicy(
  policy: NetworkPolicy,
  existing: NetworkPolicy | undefined,
  { client, onWrite }: PoliciesDeps,
  signal: AbortSignal | undefined,
): Promise<NetworkPolicy> {
  const { namespace, name } = policy.metadata ?? {};
  const path = paths.networkPolicies(namespace, name);
  const options = { fieldManager: FIELD_MANAGER, signal };
  const resourceVersion = existing?.metadata?.resourceVersion;
  const metadata = { ...policy.metadata, ...(resourceVersion !== undefined && { resourceVersion }) };
  onWrite("policy");
  const stored = await client.apply<NetworkPolicy>(path, { ...policy, metadata }, { ...options, force: !!existing });
  if (isAsWanted(stored, policy)) return stored;
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
  return client.replace<NetworkPolicy>(path, { ...stored, spec: policy.spec }, options);
}

function isOfOthersToo({ metadata }: NetworkPolicy): boolean {
  return (metadata?.managedFields ?? []).some(({ manager }) => manager !== FIELD_MANAGER);
}
