import { type Authority, authoritiesIn } from "../certs/inspect.ts";
import { ApiError, unlessNotFound } from "../cluster/api-error.ts";
import type { FencedClient } from "../cluster/fence.ts";
import { paths } from "../cluster/paths.ts";
import type { Cap } from "../config/mode.ts";
import { InputError } from "../model/errors.ts";
import {
  FIELD_MANAGER,
  GROUP,
  MANAGED_BY_LABEL,
  MODE_LABEL,
  NAMESPACE_NAME_LABEL,
  PENDING_LABEL,
  SYSTEM_NAMESPACES,
} from "../model/names.ts";
import type { KubernetesObject } from "../model/objects.ts";
import { WORKLOAD_KINDS } from "../model/workload.ts";
import { isOfBaseline } from "./cel.ts";
import { ownersOf } from "./owner.ts";
import { deviations, restored } from "./registration.ts";
import { WORKLOAD_CONDITIONS } from "./workload-conditions.ts";

/** Where the API server reaches us: `https://HOST:PORT`, or a Service of its cluster. */
export type Address = { readonly url: string } | { readonly service: ServicePort };

export interface ServicePort {
  readonly namespace: string;
  readonly name: string;
  readonly port: number;
}

export interface Registration {
  readonly address: Address;
  /** PEM of the CAs by one of which our certificate is signed. */
  readonly caBundle: string;
  readonly mode: Cap;
}

/** Name of both configurations. */
export const WEBHOOKS_NAME = "drawbridge";

const GATE = `gate.pods.${GROUP}`;

const TIMEOUT_SECONDS = 3;

/** A server that hangs must not hold Pods back for long. */
const WORKLOAD_TIMEOUT_SECONDS = 2;

/** The gate writes a few policies before it answers. */
const GATE_TIMEOUT_SECONDS = 5;

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

/** A Service is there for whoever is behind it; a URL is this process. */
export function outlives(address: Address): boolean {
  return "service" in address;
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

export interface WebhookConfiguration extends KubernetesObject {
  readonly webhooks?: readonly Webhook[];
}

export interface Webhook {
  readonly name?: string;
  readonly clientConfig?: ClientConfig;
  readonly [field: string]: unknown;
}

export interface ClientConfig {
  readonly url?: string;
  readonly service?: Partial<ServicePort>;
  readonly caBundle?: string;
}

function clientConfigOf(address: Address, path: string, caBundle: string): ClientConfig {
  const at = "url" in address ? { url: address.url + path } : { service: { ...address.service, path } };
  return { ...at, caBundle: Buffer.from(caBundle).toString("base64") };
}

/** The CAs that the API server trusts when it calls this webhook. */
export function trustedBy({ caBundle = "" }: ClientConfig): readonly Authority[] {
  return authoritiesIn(Buffer.from(caBundle, "base64").toString());
}

function isAt({ url, service }: ClientConfig, address: Address): boolean {
  if ("url" in address) return url?.startsWith(`${address.url}/`) === true;
  const { namespace, name, port } = address.service;
  return service?.namespace === namespace && service.name === name && service.port === port;
}

/** Both configurations as they are written: pure, so that tests and docs can look at them. */
export function webhookConfigurations({ address, caBundle, mode }: Registration): {
  validating: Required<WebhookConfiguration>;
  mutating: Required<WebhookConfiguration>;
} {
  const common = {
    admissionReviewVersions: ["v1"],
    timeoutSeconds: TIMEOUT_SECONDS,
    matchPolicy: "Equivalent",
    // The API server would fill these in.
    namespaceSelector: {},
    objectSelector: {},
  };
  const client = (path: string) => ({ clientConfig: clientConfigOf(address, path, caBundle) });
  const notSystem = { key: NAMESPACE_NAME_LABEL, operator: "NotIn", values: SYSTEM_NAMESPACES };
  const policies = {
    ...common,
    ...client("/validate"),
    sideEffects: "None",
    rules: [rule("networking.k8s.io", "v1", ["networkpolicies"], "Namespaced")],
  };
  const namespaces = {
    ...common,
    namespaceSelector: { matchExpressions: [notSystem] },
    failurePolicy: "Ignore",
    rules: [rule("", "v1", ["namespaces"], "Cluster")],
  };
  const { enforced, observed } = modeSelectors(mode);
  return {
    validating: {
      apiVersion: "admissionregistration.k8s.io/v1",
      kind: "ValidatingWebhookConfiguration",
      metadata: METADATA,
      webhooks: [
        // Disjoint, so that an outage of ours refuses nothing where nothing would be refused anyway.
        {
          name: `enforced.networkpolicies.${GROUP}`,
          ...policies,
          namespaceSelector: { matchExpressions: [notSystem, enforced] },
          failurePolicy: "Fail",
        },
        {
          name: `observed.networkpolicies.${GROUP}`,
          ...policies,
          namespaceSelector: { matchExpressions: [notSystem, observed] },
          failurePolicy: "Ignore",
        },
        { name: `namespaces.${GROUP}`, ...namespaces, ...client("/validate"), sideEffects: "None" },
        {
          // Validated again when they are loaded, so an outage must not keep anyone from repairing them.
          name: `configuration.${GROUP}`,
          ...common,
          ...client("/validate"),
          sideEffects: "None",
          failurePolicy: "Ignore",
          rules: [rule(GROUP, "v1alpha1", ["networkrulesets", "networkbaselines", "networkexceptions"], "*")],
        },
        {
          name: `workloads.${GROUP}`,
          ...common,
          ...client("/validate"),
          timeoutSeconds: WORKLOAD_TIMEOUT_SECONDS,
          sideEffects: "None",
          namespaceSelector: { matchExpressions: [notSystem] },
          // A label that is missing is no reason to keep a cluster from starting Pods.
          failurePolicy: "Ignore",
          rules: WORKLOAD_RULES,
          matchConditions: WORKLOAD_CONDITIONS,
        },
        {
          name: `deletions.networkpolicies.${GROUP}`,
          ...common,
          ...client("/validate"),
          sideEffects: "None",
          namespaceSelector: { matchExpressions: [notSystem] },
          // With Fail no namespace could be deleted during an outage. That is no gap: admission-policies.ts refuses the
          // same in the API server itself.
          failurePolicy: "Ignore",
          rules: [rule("networking.k8s.io", "v1", ["networkpolicies"], "Namespaced", ["DELETE"])],
          matchConditions: [{ name: "is-of-a-baseline", expression: isOfBaseline("oldObject") }],
        },
        {
          name: GATE,
          ...common,
          ...client("/gate"),
          timeoutSeconds: GATE_TIMEOUT_SECONDS,
          // It writes policies, and in a dry run nothing.
          sideEffects: "NoneOnDryRun",
          // Finished namespaces do not carry the marker, so they never ask: neither their Pods nor their uptime
          // depend on us.
          namespaceSelector: { matchExpressions: [notSystem, { key: PENDING_LABEL, operator: "Exists" }] },
          failurePolicy: "Fail",
          rules: [rule("", "v1", ["pods"], "Namespaced", ["CREATE"])],
        },
      ],
    },
    mutating: {
      apiVersion: "admissionregistration.k8s.io/v1",
      kind: "MutatingWebhookConfiguration",
      metadata: METADATA,
      webhooks: [
        {
          name: `stamp.namespaces.${GROUP}`,
          ...namespaces,
          ...client("/mutate"),
          // The stamp makes a controller write policies, but in a dry run nothing is stored that it could see.
          sideEffects: "NoneOnDryRun",
          // Another mutator may set the labels that decide.
          reinvocationPolicy: "IfNeeded",
        },
      ],
    },
  };
}

/** Without subresources: neither a status nor a scale changes what is judged. */
const WORKLOAD_RULES = ["", "apps", "batch"].map((group) =>
  rule(
    group,
    "v1",
    WORKLOAD_KINDS.filter((kind) => kind.group === group).map(({ resource }) => resource),
    "Namespaced",
  ),
);

const METADATA = { name: WEBHOOKS_NAME, labels: { [MANAGED_BY_LABEL]: FIELD_MANAGER } };

/** Where something may be refused, and the rest. A namespace without a label, or with one that says nothing, is as the installation. */
function modeSelectors(mode: Cap): { enforced: object; observed: object } {
  const selector = (operator: "In" | "NotIn", values: readonly Cap[]) => ({ key: MODE_LABEL, operator, values });
  return mode === "enforce"
    ? { enforced: selector("NotIn", ["audit", "warn"]), observed: selector("In", ["audit", "warn"]) }
    : { enforced: selector("In", ["enforce"]), observed: selector("NotIn", ["enforce"]) };
}

function rule(
  group: string,
  version: string,
  resources: readonly string[],
  scope: "Namespaced" | "Cluster" | "*",
  operations: readonly ("CREATE" | "UPDATE" | "DELETE")[] = ["CREATE", "UPDATE"],
): object {
  return { apiGroups: [group], apiVersions: [version], operations, resources, scope };
}
