import { setTimeout as sleep } from "node:timers/promises";
import { ApiError, unlessNotFound } from "../../cluster/api-error.ts";
import type { KubernetesClient } from "../../cluster/client.ts";
import { paths } from "../../cluster/paths.ts";
import type { NetworkException } from "../../config/exception.ts";
import type { Caches } from "../../controllers/caches.ts";
import { coalesce, within } from "../../controllers/loops/coalesce.ts";
import { checkDocument } from "../../engine/check-document.ts";
import { InputError } from "../../model/errors.ts";
import { API_VERSION, GROUP, LEASE_NAME } from "../../model/names.ts";
import { isTerminating, type KubernetesObject, type Labels, type Namespace } from "../../model/objects.ts";
import type { UserInfo } from "../../server/review.ts";
import type { Logger } from "../../telemetry/log.ts";

/** What the API server is asked while a request waits for the answer, or before any can come. */

/** A policy often comes right after its namespace, before the cache has heard of it. */
export async function namespaceLabels(
  name: string,
  waitMs: number,
  caches: Caches,
  client: KubernetesClient,
): Promise<Labels | undefined> {
  const cached = caches.namespace(name);
  const namespace = cached ?? (await liveNamespace(name, waitMs, client));
  return namespace && (namespace.metadata?.labels ?? {});
}

export async function liveNamespace(
  name: string,
  waitMs: number,
  client: KubernetesClient,
): Promise<Namespace | undefined> {
  try {
    return await unlessNotFound(client.get<Namespace>(paths.namespaces(name), { timeoutMs: waitMs }));
  } catch (error) {
    throw new Error(`namespace ${name} cannot be read: ${String(error)}`, { cause: error });
  }
}

/**
 * Reads the exceptions of a namespace as they are now, for a request that would else be refused. Whoever is refused can
 * try again as often as he likes: of that the API server hears little, and who applies many files waits little.
 */
export function exceptionReader(
  client: KubernetesClient,
): (namespace: string, waitMs: number) => Promise<readonly NetworkException[]> {
  const read = coalesce((namespace) => newestExceptionsIn(namespace, client), EXCEPTIONS_EVERY_MS);
  return (namespace, waitMs) =>
    within(read(namespace), waitMs, `the exceptions of ${namespace} were not read within ${waitMs} ms`);
}

const EXCEPTIONS_EVERY_MS = 150;

/** Those that are valid, and not on their way out: of any other it is as if it were not there. */
async function newestExceptionsIn(namespace: string, client: KubernetesClient): Promise<readonly NetworkException[]> {
  const found: NetworkException[] = [];
  for await (const { items } of client.pages(paths.networkExceptions(namespace), { timeoutMs: READ_MS })) {
    for (const item of items) {
      const { document } = checkDocument({ ...item, apiVersion: API_VERSION, kind: "NetworkException" });
      if (document?.kind === "NetworkException" && !isTerminating(item)) found.push(document);
    }
  }
  return found;
}

/** As long as the API server waits for us; who waits less gives up before. */
const READ_MS = 3_000;

export async function canBind(
  { username, uid, groups, extra }: UserInfo,
  ruleset: string,
  waitMs: number,
  client: KubernetesClient,
): Promise<boolean> {
  const resourceAttributes = { group: GROUP, resource: "networkrulesets", name: ruleset, verb: "bind" };
  const review = {
    apiVersion: "authorization.k8s.io/v1",
    kind: "SubjectAccessReview",
    spec: { user: username, uid, groups, extra, resourceAttributes },
  };
  try {
    const { status } = await client.create<{ readonly status?: { readonly allowed?: boolean } }>(
      paths.subjectAccessReviews(),
      review,
      { timeoutMs: waitMs },
    );
    return status?.allowed === true;
  } catch (error) {
    const message = `whether ${username} may bind NetworkRuleset ${ruleset} cannot be told: ${String(error)}`;
    throw new Error(message, { cause: error });
  }
}

export interface Introduction {
  /** The name by which the API server knows us. */
  readonly user: string;
  /** Its version, as it calls it. */
  readonly gitVersion: string;
}

/** @throws InputError cluster-unreachable */
export async function introduce(client: KubernetesClient, log: Logger, signal: AbortSignal): Promise<Introduction> {
  const review = { apiVersion: "authentication.k8s.io/v1", kind: "SelfSubjectReview" };
  const options = { timeoutMs: 5_000, signal };
  const ask = async (): Promise<Introduction> => {
    const answer = await client.create<SelfSubjectReview>(paths.selfSubjectReviews(), review, options);
    const { gitVersion } = await client.get<{ readonly gitVersion: string }>(paths.version(), options);
    return { user: answer.status?.userInfo?.username ?? "", gitVersion };
  };
  try {
    return await patiently(ask, log, signal);
  } catch (error) {
    signal.throwIfAborted();
    throw new InputError(
      "cluster-unreachable",
      `the API server cannot be asked who we are: ${String(error)}. Check its address, the CA and the credentials.`,
      { cause: error },
    );
  }
}

/** What several servers keep on their Lease; nothing where there is none yet. */
export async function leaseAnnotations(
  namespace: string,
  client: KubernetesClient,
  log: Logger,
  signal: AbortSignal,
): Promise<Labels> {
  const path = paths.leases(namespace, LEASE_NAME);
  const ask = () => unlessNotFound(client.get<KubernetesObject>(path, { timeoutMs: 5_000, signal }));
  try {
    return (await patiently(ask, log, signal))?.metadata?.annotations ?? {};
  } catch (error) {
    signal.throwIfAborted();
    log.error(
      { lease: `${namespace}/${LEASE_NAME}`, error: String(error) },
      "what the Lease says of the cluster cannot be read",
    );
    return {};
  }
}

/** Asks again for a while where the API server is still starting, or has too much to do. */
async function patiently<T>(ask: () => Promise<T>, log: Logger, signal: AbortSignal): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await ask();
    } catch (error) {
      signal.throwIfAborted();
      const isPassing =
        error instanceof ApiError && (error.status === 0 || error.status === 429 || error.status >= 500);
      if (!isPassing || tries === START_TRIES) throw error;
      log.warn({ tries, error: String(error) }, "the API server does not answer yet");
      await sleep(1_000, undefined, { signal });
    }
  }
}

const START_TRIES = 10;

interface SelfSubjectReview {
  readonly status?: { readonly userInfo?: { readonly username?: string } };
}
