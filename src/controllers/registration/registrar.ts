import { authoritiesIn } from "../../certs/inspect.ts";
import { ApiError, unlessNotFound } from "../../cluster/api-error.ts";
import type { FencedClient } from "../../cluster/fence.ts";
import { paths } from "../../cluster/paths.ts";
import { InputError } from "../../model/errors.ts";
import { FIELD_MANAGER } from "../../model/names.ts";
import { ownersOf } from "./owner.ts";
import { deviations, restored } from "./registration.ts";
import {
  GATE,
  isAt,
  METADATA,
  outlives,
  type Registration,
  trustedBy,
  type WebhookConfiguration,
  webhookConfigurations,
  WEBHOOKS_NAME,
} from "./webhook-configurations.ts";

const REGISTER_TRIES = 5;

/** A stop must not wait for an API server that hangs. */
const UNREGISTER_LIMIT_MS = 5_000;

export type RegistrarClient = Pick<FencedClient, "get" | "apply" | "replace" | "delete">;

export interface Registrar {
  /**
   * Tells the API server to ask us from now on; to be called when we can answer, never before. Both or none: where one
   * of the configurations cannot be written the other is taken back, so that none is left that points at nobody.
   * @throws InputError registration-refused
   */
  readonly register: () => Promise<void>;
  /** In what they differ from what is to be, by what is stored. Without a call: not who owns them. */
  readonly deviations: (stored: Stored) => readonly string[];
  /**
   * The same for one of several servers: what is there is left, since others stand behind it, and only what is not as it
   * should be is written. Resolves with what that was. HTTP 409 if somebody has written since: then this was decided on
   * what is no longer so. Rejects with ApiError.
   */
  readonly write: (stored: Stored) => Promise<readonly Written[]>;
  /**
   * Tells it to ask us no more; but the gate stays shut where another server of this installation is to come. What
   * another server has registered since is left alone: then it is false.
   */
  readonly unregister: () => Promise<boolean>;
}

export type Which = "mutating" | "validating";

/** The one that cannot refuse anything first. */
const BOTH: readonly Which[] = ["mutating", "validating"];

/** As the API server has them; undefined where there is none. */
export type Stored = { readonly [which in Which]?: WebhookConfiguration | undefined };

export interface Written {
  readonly which: Which;
  /** What was not as it should be. */
  readonly changes: readonly string[];
}

export interface RegistrarOptions extends Omit<Registration, "caBundle"> {
  /** The bundle in force. */
  readonly caBundle: () => string;
}

export function createRegistrar(client: RegistrarClient, { caBundle, ...where }: RegistrarOptions): Registrar {
  const isToRemain = outlives(where.address);
  const configured = () => webhookConfigurations({ ...where, caBundle: caBundle() });

  const write = async (stored: Stored): Promise<readonly Written[]> => {
    const configurations = configured();
    const owners = isToRemain ? await ownedBy(client) : {};
    const written: Written[] = [];
    for (const which of BOTH) {
      const wanted = { ...configurations[which], metadata: { ...METADATA, ...owners } };
      const changes = deviationsOf(stored[which], wanted);
      if (changes.length === 0) continue;
      await put(client, which, wanted, stored[which]);
      written.push({ which, changes });
    }
    return written;
  };

  const unregister = async (): Promise<boolean> => {
    const { validating } = configured();
    // Namespaces that are created before the next server comes are marked by the API server itself.
    const gateOnly = { ...validating, webhooks: validating.webhooks.filter(({ name }) => name === GATE) };
    const registration = { ...where, caBundle: caBundle() };
    const results = await Promise.allSettled([
      removeOwn(client, "mutating", registration),
      removeOwn(client, "validating", registration, isToRemain ? gateOnly : undefined),
    ]);
    const failed = results.find((result) => result.status === "rejected");
    if (failed !== undefined) throw failed.reason;
    return results.some((result) => result.status === "fulfilled" && result.value);
  };

  /** Somebody may write between our look and our write. */
  const writeOver = async (tries: number): Promise<void> => {
    const [mutating, validating] = await Promise.all(
      BOTH.map((which) => unlessNotFound(client.get<WebhookConfiguration>(pathOf(which)))),
    );
    try {
      await write({ mutating, validating });
    } catch (error) {
      if (tries === 1 || !(error instanceof ApiError && error.status === 409)) throw error;
      await writeOver(tries - 1);
    }
  };

  const register = async (): Promise<void> => {
    try {
      await writeOver(REGISTER_TRIES);
    } catch (cause) {
      const undone = await unregister().then(
        () => "",
        () => " What was written could not be removed either: delete both configurations by kubectl.",
      );
      const needs =
        "get, create, patch, update and delete of the validating and mutating webhook configuration drawbridge";
      const message = `the webhooks cannot be registered: ${String(cause)}. It takes ${needs}.${undone}`;
      throw new InputError("registration-refused", message, { cause });
    }
  };
  const differences = (stored: Stored): readonly string[] => {
    const wanted = configured();
    return BOTH.flatMap((which) => deviationsOf(stored[which], wanted[which]));
  };
  return { register, deviations: differences, write, unregister };
}

function deviationsOf(stored: WebhookConfiguration | undefined, wanted: WebhookConfiguration): readonly string[] {
  return stored === undefined ? ["the configuration: missing"] : deviations(stored, wanted);
}

function pathOf(which: Which): string {
  return which === "mutating"
    ? paths.mutatingWebhookConfigurations(WEBHOOKS_NAME)
    : paths.validatingWebhookConfigurations(WEBHOOKS_NAME);
}

/**
 * What is there is replaced as it was seen, since server-side apply would leave alone what others have added: a webhook's
 * matchCondition that never holds. What is not there is created by apply, for which RBAC knows the name.
 */
async function put(
  client: RegistrarClient,
  which: Which,
  wanted: WebhookConfiguration,
  stored: WebhookConfiguration | undefined,
  timeoutMs?: number,
): Promise<void> {
  assertAnswerable(wanted);
  const options = { fieldManager: FIELD_MANAGER, ...(timeoutMs !== undefined && { timeoutMs }) };
  if (stored === undefined) await client.apply(pathOf(which), wanted, { ...options, force: true });
  else await client.replace(pathOf(which), restored(stored, wanted), options);
}

/** A webhook that nobody could answer must not make anything fail. */
function assertAnswerable({ webhooks = [] }: WebhookConfiguration): void {
  const deaf = webhooks.find(
    ({ failurePolicy, clientConfig = {} }) => failurePolicy !== "Ignore" && trustedBy(clientConfig).length === 0,
  );
  if (deaf !== undefined) throw new Error(`webhook ${deaf.name} is not registered without a CA to trust`);
}

async function ownedBy(
  client: RegistrarClient,
  timeoutMs?: number,
): Promise<{ readonly ownerReferences?: readonly object[] }> {
  const ownerReferences = await ownersOf(client, timeoutMs);
  return ownerReferences.length === 0 ? {} : { ownerReferences };
}

/** True if it was ours. What is to remain of it takes its place. */
async function removeOwn(
  client: RegistrarClient,
  which: Which,
  { address, caBundle }: Registration,
  remainder?: WebhookConfiguration,
): Promise<boolean> {
  const timeoutMs = UNREGISTER_LIMIT_MS;
  try {
    const stored = await client.get<WebhookConfiguration>(pathOf(which), { timeoutMs });
    const { metadata, webhooks = [] } = stored;
    const ours = new Set(authoritiesIn(caBundle).map(({ id }) => id));
    const isOurs = webhooks.some(
      ({ clientConfig = {} }) => isAt(clientConfig, address) && trustedBy(clientConfig).some(({ id }) => ours.has(id)),
    );
    if (!isOurs) return false;
    if (remainder === undefined) {
      const { uid, resourceVersion } = metadata ?? {};
      await client.delete(pathOf(which), {
        timeoutMs,
        ...(uid && { uid }),
        ...(resourceVersion && { resourceVersion }),
      });
    } else {
      const wanted = { ...remainder, metadata: { ...METADATA, ...(await ownedBy(client, timeoutMs)) } };
      await put(client, which, wanted, stored, timeoutMs);
    }
    return true;
  } catch (error) {
    // Gone already, or changed by somebody since we looked: then it is theirs.
    if (!(error instanceof ApiError && (error.status === 404 || error.status === 409))) throw error;
    return false;
  }
}
