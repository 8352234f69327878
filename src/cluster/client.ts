import type { KubeConfig } from "@kubernetes/client-node";
import { Agent, type Dispatcher, request } from "undici";
import { InputError } from "../model/errors.ts";
import { API_VERSION } from "../model/names.ts";
import type { KubernetesObject } from "../model/objects.ts";

/**
 * Finds the cluster and who we are (a kubeconfig file, or else KUBECONFIG, ~/.kube/config, the Pod's service account)
 * and returns a client. Sends nothing yet, but runs the kubeconfig's exec plugin if it has one.
 * @throws InputError invalid-kubeconfig
 */
export async function connect(options: ConnectOptions = {}): Promise<KubernetesClient> {
  // Loading the library takes half a second: who only wants ApiError or paths of this file shall not pay for it.
  const { HttpMethod, KubeConfig, RequestContext } = await import("@kubernetes/client-node");
  const config = new KubeConfig();
  const source = options.kubeconfig ?? (process.env.KUBECONFIG || "the default kubeconfig");
  try {
    if (options.kubeconfig === undefined) config.loadFromDefault();
    else config.loadFromFile(options.kubeconfig);
  } catch (cause) {
    throw unusable(source, `cannot be read: ${messageOf(cause)}. Name a readable kubeconfig file`, cause);
  }
  const { server, user } = currentServer(config, source);
  const authenticate = async (): Promise<Authentication> => {
    const context = new RequestContext(server.href, HttpMethod.GET);
    await config.applySecurityAuthentication(context);
    // A token and the system's CAs need no TLS options, and then the library sets no dispatcher.
    return { headers: context.getHeaders(), dispatcher: context.getDispatcher() ?? new Agent() };
  };
  const client = new KubernetesClient(server, authenticate, options.userAgent ?? "drawbridge");
  try {
    await client.authenticate();
  } catch (cause) {
    throw unusable(source, `cannot authenticate as user "${user}": ${messageOf(cause)}. Check its credentials`, cause);
  }
  return client;
}

export interface ConnectOptions {
  readonly kubeconfig?: string;
  readonly userAgent?: string;
}

/**
 * What an API server refused, or that it could not be asked. `status` is the HTTP status, `reason` and `causes` come
 * from the Status in the body. Status 0: there was no usable answer; reason is then ConnectionFailed, Timeout,
 * InvalidResponse or Closed. A write with status 0 may or may not have happened.
 */
export class ApiError extends Error {
  readonly status: number;
  readonly reason: string;
  readonly causes: readonly StatusCause[];
  readonly retryAfterMs: number | undefined;

  constructor(fields: ApiErrorFields, options?: ErrorOptions) {
    super(fields.message, options);
    this.name = "ApiError";
    this.status = fields.status;
    this.reason = fields.reason;
    this.causes = fields.causes ?? [];
    this.retryAfterMs = fields.retryAfterMs;
  }
}

export interface ApiErrorFields {
  readonly status: number;
  readonly reason: string;
  readonly message: string;
  readonly causes?: readonly StatusCause[];
  readonly retryAfterMs?: number | undefined;
}

export interface StatusCause {
  readonly reason?: string;
  readonly message?: string;
  readonly field?: string;
}

export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

export interface CallOptions {
  readonly query?: Query;
  readonly signal?: AbortSignal | undefined;
  /** Default 30,000. Holds from the request to the last byte of the answer. */
  readonly timeoutMs?: number;
}

export interface WriteOptions extends Omit<CallOptions, "query"> {
  readonly fieldManager?: string;
  readonly dryRun?: boolean;
}

export interface ApplyOptions extends WriteOptions {
  readonly fieldManager: string;
  /** Take fields over that other managers own, instead of HTTP 409. */
  readonly force?: boolean;
}

export interface DeleteOptions extends Omit<WriteOptions, "fieldManager"> {
  /** Delete only this very object, not one that was created since under its name (HTTP 409). */
  readonly uid?: string;
  readonly resourceVersion?: string;
}

export interface Page<T> {
  readonly items: readonly T[];
  readonly resourceVersion: string;
}

export interface WatchEvent<T> {
  readonly type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK";
  readonly object: T & { readonly metadata: { readonly resourceVersion: string } };
}

export interface JsonPatchOperation {
  readonly op: "add" | "remove" | "replace" | "move" | "copy" | "test";
  readonly path: string;
  readonly from?: string;
  readonly value?: unknown;
}

export interface Authentication {
  readonly headers: Readonly<Record<string, string>>;
  readonly dispatcher: Dispatcher;
}

const DEFAULT_TIMEOUT_MS = 30_000;
/** The library checks the token file once a minute and an exec credential at its expiry; asking it costs file reads. */
const AUTHENTICATION_LIVES_MS = 10_000;
/** etcd holds objects of up to 1.5 MiB; nothing that a watch sends comes near this, so it is not the API server. */
const MAX_EVENT_LENGTH = 16 * 1024 * 1024;

/**
 * Plain JSON to and from an API server. The library's typed classes are not used on purpose: they turn dates into
 * Date, drop fields they don't know and rename others (`_from`), and the rules must judge the very shapes that a
 * webhook sees. The library also opens a new connection pool per call; here all calls share one.
 */
export class KubernetesClient {
  readonly #server: URL;
  readonly #authenticate: () => Promise<Authentication>;
  readonly #userAgent: string;
  readonly #closing = new AbortController();
  #authentication: Promise<Authentication> | undefined;
  #authenticationEndsAt = 0;
  #dispatcher: Dispatcher | undefined;

  constructor(server: URL, authenticate: () => Promise<Authentication>, userAgent: string) {
    this.#server = server;
    this.#authenticate = authenticate;
    this.#userAgent = userAgent;
  }

  get<T>(path: string, options: CallOptions = {}): Promise<T> {
    return this.#call<T>("GET", path, options);
  }

  /**
   * A list, page by page, all of one moment: without a resourceVersion the API server reads the newest state, and its
   * continue tokens hold on to that (with resourceVersion=0 it would ignore `limit` and may answer from a cache that
   * is older than what we have seen already). A token lives about 5 minutes; then ApiError 410: start over.
   */
  async *pages<T extends KubernetesObject>(path: string, options: CallOptions & { readonly limit?: number } = {}) {
    const { limit = 500, ...rest } = options;
    let token: string | undefined;
    do {
      const query = { ...options.query, limit, continue: token };
      const list = await this.#call<RawList<T>>("GET", path, { ...rest, query });
      yield pageOf(list, path);
      token = list.metadata?.continue || undefined;
    } while (token !== undefined);
  }

  /** Answers with the stored object. `path` is the collection's. */
  create<T>(path: string, object: object, options: WriteOptions = {}): Promise<T> {
    return this.#call<T>("POST", path, writing(options), { type: "application/json", value: object });
  }

  /** PUT: with a metadata.resourceVersion in the object HTTP 409 if somebody else wrote since. */
  replace<T>(path: string, object: object, options: WriteOptions = {}): Promise<T> {
    return this.#call<T>("PUT", path, writing(options), { type: "application/json", value: object });
  }

  /** Server-side apply: creates the object or merges into it, and owns exactly the fields that are given. */
  apply<T>(path: string, object: object, options: ApplyOptions): Promise<T> {
    const call = writing(options, { force: options.force });
    return this.#call<T>("PATCH", path, call, { type: "application/apply-patch+yaml", value: object });
  }

  /** JSON Patch (RFC 6902), atomic. */
  patch<T>(path: string, operations: readonly JsonPatchOperation[], options: WriteOptions = {}): Promise<T> {
    return this.#call<T>("PATCH", path, writing(options), { type: "application/json-patch+json", value: operations });
  }

  /** Answers with the object while finalizers hold it, else with a Status. */
  delete(path: string, { uid, resourceVersion, ...options }: DeleteOptions = {}): Promise<unknown> {
    const preconditions = { uid, resourceVersion };
    return this.#call("DELETE", path, writing(options), { type: "application/json", value: { preconditions } });
  }

  /**
   * A watch: its events until the server ends it. An ERROR event is thrown as the ApiError it holds. There is no time
   * limit, since silence may be normal: the caller's signal ends it (whose reason is then thrown).
   */
  async *stream<T extends KubernetesObject>(
    path: string,
    options: Omit<CallOptions, "timeoutMs"> = {},
  ): AsyncGenerator<WatchEvent<T>, void, undefined> {
    const query = { ...options.query, watch: true };
    const signal = AbortSignal.any([this.#closing.signal, ...(options.signal ? [options.signal] : [])]);
    const authentication = this.authenticate();
    try {
      const response = await this.#send(await authentication, { method: "GET", path, query, signal, bodyTimeout: 0 });
      if (response.statusCode !== 200) throw await refusal(response, `GET ${path}`);
      for await (const line of linesOf(response.body)) {
        signal.throwIfAborted();
        yield eventOf<T>(line);
      }
    } catch (error) {
      throw this.#explain(error, { what: `Watching ${path}`, signal, authentication });
    }
  }

  /** Ends every call that is still running (ApiError 0 Closed) and all connections. */
  async close(): Promise<void> {
    this.#closing.abort(new ApiError({ status: 0, reason: "Closed", message: "The client has been closed." }));
    await this.#dispatcher?.destroy();
  }

  /**
   * Who we are, and over which connections: fresh headers every 10 s over the dispatcher of the first call, once for
   * all calls that wait for it. No time limit: an exec plugin may be waiting for a person to log in.
   */
  authenticate(): Promise<Authentication> {
    if (this.#authentication !== undefined && performance.now() < this.#authenticationEndsAt) {
      return this.#authentication;
    }
    this.#authenticationEndsAt = Number.POSITIVE_INFINITY;
    this.#authentication = this.#authenticate().then(({ headers, dispatcher }) => {
      this.#authenticationEndsAt = performance.now() + AUTHENTICATION_LIVES_MS;
      this.#dispatcher ??= dispatcher;
      return { headers, dispatcher: this.#dispatcher };
    });
    return this.#authentication;
  }

  async #call<T>(method: Dispatcher.HttpMethod, path: string, options: CallOptions, body?: Body): Promise<T> {
    const { query, timeoutMs = DEFAULT_TIMEOUT_MS } = options;
    const what = `${method} ${path}`;
    const authentication = this.authenticate();
    const limit = new AbortController();
    const signal = AbortSignal.any([limit.signal, this.#closing.signal, ...(options.signal ? [options.signal] : [])]);
    let timer: NodeJS.Timeout | undefined;
    try {
      const authenticated = await authentication;
      const message = `${what}: no answer within ${timeoutMs} ms`;
      timer = setTimeout(() => limit.abort(new ApiError({ status: 0, reason: "Timeout", message })), timeoutMs);
      const response = await this.#send(authenticated, { method, path, query, signal, body });
      if (response.statusCode >= 300) throw await refusal(response, what);
      const answer: T = JSON.parse(await response.body.text());
      return answer;
    } catch (error) {
      throw this.#explain(error, { what, signal, authentication });
    } finally {
      clearTimeout(timer);
    }
  }

  #send({ headers, dispatcher }: Authentication, call: RawCall): Promise<Dispatcher.ResponseData> {
    const { method, path, query = {}, body, ...rest } = call;
    const url = new URL(this.#server.pathname.replace(/\/$/, "") + path, this.#server);
    for (const [key, value] of Object.entries(query)) {
      if (value !== undefined) url.searchParams.set(key, String(value));
    }
    const ours = { ...headers, accept: "application/json", "user-agent": this.#userAgent };
    return body === undefined
      ? request(url, { ...rest, method, dispatcher, headers: ours })
      : request(url, {
          ...rest,
          method,
          dispatcher,
          headers: { ...ours, "content-type": body.type },
          body: JSON.stringify(body.value),
        });
  }

  /** The error to throw for what went wrong in a call; and if it was the connection or who we are, begins anew there. */
  #explain(cause: unknown, { what, signal, authentication }: FailedCall): unknown {
    let explained: unknown;
    if (signal.aborted) explained = signal.reason;
    else if (cause instanceof ApiError) explained = cause;
    else {
      const reason = cause instanceof SyntaxError ? "InvalidResponse" : "ConnectionFailed";
      explained = new ApiError({ status: 0, reason, message: `${what}: ${messageOf(cause)}` }, { cause });
    }
    // A connection may be dead without either end knowing (every call on it would wait for its time limit), and CA,
    // client certificate or token may have been renewed: the next call reads them again and opens a new connection.
    // Only once for all calls that failed together.
    const suspect = explained instanceof ApiError && (explained.status === 0 || explained.status === 401);
    if (suspect && this.#authentication === authentication) {
      this.#authentication = undefined;
      // Graceful: watches that go on there are not cut, and nothing waits for the end of that.
      void this.#dispatcher?.close().catch(() => {});
      this.#dispatcher = undefined;
    }
    return explained;
  }
}

/** The server of the current context, or what is wrong with the kubeconfig and how to put it right. */
function currentServer(config: KubeConfig, source: string): { server: URL; user: string } {
  const name = config.getCurrentContext();
  // What the library makes up where it finds nothing at all.
  if (name === "loaded-context") {
    throw unusable(source, "does not exist: KUBECONFIG is not set, no ~/.kube/config, not in a Pod. Name a file");
  }
  if (!name) throw unusable(source, "has no current-context. Choose one with `kubectl config use-context NAME`");
  const context = config.getContexts().find((known) => known.name === name);
  if (context === undefined) {
    const known = config.getContexts().map((other) => other.name);
    throw unusable(source, `has no context "${name}". It has: ${known.join(", ") || "none"}`);
  }
  const cluster = config.getCluster(context.cluster);
  if (cluster === null) throw unusable(source, `has no cluster "${context.cluster}", which context "${name}" names`);
  // Without its user the library would also ignore the cluster's CA, which then looks like a broken certificate.
  if (config.getUser(context.user) === null) {
    throw unusable(source, `has no user "${context.user}", which context "${name}" names`);
  }
  const at = `names the server "${cluster.server}" for cluster "${cluster.name}"`;
  if (!URL.canParse(cluster.server)) throw unusable(source, `${at}, which is not an address like https://host:6443`);
  const server = new URL(cluster.server);
  if (server.protocol === "http:" && !cluster.skipTLSVerify) {
    throw unusable(source, `${at}, without TLS. If that is meant, give the cluster insecure-skip-tls-verify: true`);
  }
  return { server, user: context.user };
}

function unusable(source: string, problem: string, cause?: unknown): InputError {
  return new InputError("invalid-kubeconfig", `${source}: ${problem}.`, { cause });
}

/** Node's error for "tried every address" has no message, only a code. */
function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.message || ("code" in error ? String(error.code) : error.name);
}

/** Paths of the resources that Drawbridge reads and writes; without a name, of the collection. */
export const paths = {
  namespaces: (name?: string) => pathOf("/api/v1", ["namespaces", name]),
  networkPolicies: (namespace?: string, name?: string) =>
    namespace === undefined
      ? "/apis/networking.k8s.io/v1/networkpolicies"
      : pathOf("/apis/networking.k8s.io/v1", ["namespaces", namespace], ["networkpolicies", name]),
  networkRulesets: (name?: string) => pathOf(`/apis/${API_VERSION}`, ["networkrulesets", name]),
  networkBaselines: (name?: string) => pathOf(`/apis/${API_VERSION}`, ["networkbaselines", name]),
  validatingWebhookConfigurations: (name?: string) =>
    pathOf("/apis/admissionregistration.k8s.io/v1", ["validatingwebhookconfigurations", name]),
  mutatingWebhookConfigurations: (name?: string) =>
    pathOf("/apis/admissionregistration.k8s.io/v1", ["mutatingwebhookconfigurations", name]),
  selfSubjectReviews: () => "/apis/authentication.k8s.io/v1/selfsubjectreviews",
} as const;

function pathOf(
  base: string,
  ...resources: readonly (readonly [resource: string, name: string | undefined])[]
): string {
  const segments = resources.map(([resource, name]) => {
    if (name === undefined) return `/${resource}`;
    // An empty name would address the whole collection (DELETE!), and dots would climb; neither can name an object.
    if (["", ".", ".."].includes(name)) throw new TypeError(`"${name}" cannot name one of ${resource}`);
    return `/${resource}/${encodeURIComponent(name)}`;
  });
  return base + segments.join("");
}

interface Body {
  readonly type: string;
  readonly value: unknown;
}

interface RawCall {
  readonly method: Dispatcher.HttpMethod;
  readonly path: string;
  readonly query?: Query | undefined;
  readonly signal: AbortSignal;
  readonly body?: Body | undefined;
  readonly bodyTimeout?: number;
}

interface FailedCall {
  readonly what: string;
  readonly signal: AbortSignal;
  readonly authentication: Promise<Authentication>;
}

interface RawList<T> {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata?: { readonly resourceVersion?: string; readonly continue?: string };
  readonly items?: readonly T[] | null;
}

interface Status {
  readonly code?: number;
  readonly reason?: string;
  readonly message?: string;
  readonly details?: { readonly causes?: readonly StatusCause[]; readonly retryAfterSeconds?: number };
}

function writing({ fieldManager, dryRun, ...options }: WriteOptions, query?: Query): CallOptions {
  return { ...options, query: { fieldManager, dryRun: dryRun === true ? "All" : undefined, ...query } };
}

/** Lists of built-in kinds leave apiVersion and kind out of their items; watches and webhooks do not. */
function pageOf<T extends KubernetesObject>(list: RawList<T> | null, path: string): Page<T> {
  const { apiVersion, kind, metadata, items } = list ?? {};
  // Whatever else answers with 200 (a proxy's login page, say) must not pass for an empty list.
  if (apiVersion === undefined || kind?.endsWith("List") !== true || !metadata?.resourceVersion) {
    throw new ApiError({ status: 0, reason: "InvalidResponse", message: `GET ${path}: the answer is not a list` });
  }
  const type = { apiVersion, kind: kind.slice(0, -"List".length) };
  return { items: (items ?? []).map((item) => ({ ...type, ...item })), resourceVersion: metadata.resourceVersion };
}

async function refusal(response: Dispatcher.ResponseData, what: string): Promise<ApiError> {
  const text = await response.body.text();
  const seconds = Number(response.headers["retry-after"]);
  const retryAfterMs = Number.isFinite(seconds) ? seconds * 1000 : undefined;
  return errorOf(statusOf(text), {
    status: response.statusCode,
    reason: "Unknown",
    message: `${what}: HTTP ${response.statusCode}: ${text.replaceAll(/\s+/g, " ").trim().slice(0, 200)}`,
    retryAfterMs,
  });
}

/** Proxies answer with HTML or text, and the API server itself does for a group that it does not know. */
function statusOf(text: string): Status {
  try {
    const body: (Status & { readonly kind?: unknown }) | null = JSON.parse(text);
    return body?.kind === "Status" ? body : {};
  } catch {
    return {};
  }
}

function errorOf({ code, reason, message, details }: Status, otherwise: ApiErrorFields): ApiError {
  const seconds = details?.retryAfterSeconds;
  return new ApiError({
    status: otherwise.status || (code ?? 500),
    reason: reason || otherwise.reason,
    message: message || otherwise.message,
    causes: details?.causes ?? [],
    retryAfterMs: otherwise.retryAfterMs ?? (seconds === undefined ? undefined : seconds * 1000),
  });
}

/** Chunks end anywhere, also within a character. */
async function* linesOf(body: AsyncIterable<Uint8Array>): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of body) {
    const [first = "", ...more] = decoder.decode(chunk, { stream: true }).split("\n");
    rest += first;
    for (const next of more) {
      yield rest;
      rest = next;
    }
    if (rest.length > MAX_EVENT_LENGTH) throw new SyntaxError(`an event is longer than ${MAX_EVENT_LENGTH} characters`);
  }
  if (rest !== "") throw new Error("the connection ended in the middle of an event");
}

function eventOf<T extends KubernetesObject>(line: string): WatchEvent<T> {
  const event: { readonly type?: unknown; readonly object?: Status | null } | null = JSON.parse(line);
  if (event?.type === "ERROR") {
    throw errorOf(event.object ?? {}, { status: 0, reason: "Unknown", message: "The watch ended with an error." });
  }
  if (!isWatchEvent<T>(event)) throw new SyntaxError(`not a watch event: ${line.slice(0, 200)}`);
  return event;
}

function isWatchEvent<T extends KubernetesObject>(event: unknown): event is WatchEvent<T> {
  const { type, object } = (event ?? {}) as Partial<WatchEvent<KubernetesObject>>;
  const isKnown = type === "ADDED" || type === "MODIFIED" || type === "DELETED" || type === "BOOKMARK";
  return isKnown && typeof object?.metadata?.resourceVersion === "string";
}
