import { type Dispatcher, request } from "undici";
import type { JsonPatchOperation } from "../model/json.ts";
import type { KubernetesObject } from "../model/objects.ts";
import { eventOf, linesOf, pageOf, type RawList, type WatchEvent } from "./answers.ts";
import { ApiError, messageOf, refusal } from "./api-error.ts";
import { serverClock } from "./server-clock.ts";

export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

export interface CallOptions {
  readonly query?: Query;
  readonly signal?: AbortSignal | undefined;
  /** Default 30,000. Holds from the request to the last byte of the answer; of a stream to the first. */
  readonly timeoutMs?: number;
}

export interface WriteOptions extends Omit<CallOptions, "query"> {
  /**
   * Called at the last moment that this process has, when a connection is open and takes the request: what it throws is
   * thrown, and nothing is sent.
   */
  readonly beforeSend?: () => void;
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

export interface Authentication {
  readonly headers: Readonly<Record<string, string>>;
  readonly dispatcher: Dispatcher;
}

const DEFAULT_TIMEOUT_MS = 30_000;
/** The library checks the token file once a minute and an exec credential at its expiry; asking it costs file reads. */
const AUTHENTICATION_LIVES_MS = 10_000;

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
  readonly #clock = serverClock();
  #authentication: Promise<Authentication> | undefined;
  #authenticationEndsAt = 0;
  #dispatcher: Dispatcher | undefined;

  constructor(server: URL, authenticate: () => Promise<Authentication>, userAgent: string) {
    this.#server = server;
    this.#authenticate = authenticate;
    this.#userAgent = userAgent;
  }

  /** Milliseconds since 1970 by the API server's clock, wherever that of this machine is. */
  now(): number {
    return this.#clock.now();
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
   * limit once it has begun, since silence may be normal: the caller's signal ends it (whose reason is then thrown).
   */
  async *stream<T extends KubernetesObject>(
    path: string,
    options: CallOptions = {},
  ): AsyncGenerator<WatchEvent<T>, void, undefined> {
    const { timeoutMs = DEFAULT_TIMEOUT_MS } = options;
    const query = { ...options.query, watch: true };
    const signal = AbortSignal.any([this.#closing.signal, ...(options.signal ? [options.signal] : [])]);
    const authentication = this.authenticate();
    try {
      const limits = { headersTimeout: timeoutMs, bodyTimeout: 0 };
      const response = await this.#send(await authentication, { method: "GET", path, query, signal, ...limits });
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

  async #call<T>(method: Dispatcher.HttpMethod, path: string, options: RawOptions, body?: Body): Promise<T> {
    const { query, timeoutMs = DEFAULT_TIMEOUT_MS, beforeSend } = options;
    const what = `${method} ${path}`;
    const authentication = this.authenticate();
    const limit = new AbortController();
    const signal = AbortSignal.any([limit.signal, this.#closing.signal, ...(options.signal ? [options.signal] : [])]);
    let timer: NodeJS.Timeout | undefined;
    try {
      const { headers, dispatcher: connections } = await authentication;
      const dispatcher = beforeSend === undefined ? connections : connections.compose(checkedBy(beforeSend, limit));
      const message = `${what}: no answer within ${timeoutMs} ms`;
      timer = setTimeout(() => limit.abort(new ApiError({ status: 0, reason: "Timeout", message })), timeoutMs);
      const response = await this.#send({ headers, dispatcher }, { method, path, query, signal, body });
      if (response.statusCode >= 300) throw await refusal(response, what);
      const answer: T = JSON.parse(await response.body.text());
      return answer;
    } catch (error) {
      throw this.#explain(error, { what, signal, authentication });
    } finally {
      clearTimeout(timer);
    }
  }

  async #send({ headers, dispatcher }: Authentication, call: RawCall): Promise<Dispatcher.ResponseData> {
    const { method, path, query = {}, body, ...rest } = call;
    const url = new URL(this.#server.pathname.replace(/\/$/, "") + path, this.#server);
    for (const [key, value] of Object.entries(query)) {
      if (value !== undefined) url.searchParams.set(key, String(value));
    }
    const ours = { ...headers, accept: "application/json", "user-agent": this.#userAgent };
    const how = { ...rest, ...HTTP_1, method, dispatcher };
    const response = await (body === undefined
      ? request(url, { ...how, headers: ours })
      : request(url, {
          ...how,
          headers: { ...ours, "content-type": body.type },
          body: JSON.stringify(body.value),
        }));
    this.#clock.hear(response.headers["date"]);
    return response;
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

/**
 * An option that undici's types do not have. By HTTP/2 a request is only queued when it is given to a connection, and
 * sent later: a process that is frozen in between sends it when it goes on, whoever leads then. And undici 8.12 has ended
 * the process now and then, by a stream that was given up and then lost its connection. A few connections more cost
 * nothing.
 */
const HTTP_1 = { allowH2: false };

/** undici asks a handler to begin when it is about to write the request to a connection, again for each retry. */
function checkedBy(beforeSend: () => void, call: AbortController): Dispatcher.DispatcherComposeInterceptor {
  return (dispatch) => (options, handler) =>
    dispatch(options, {
      onRequestStart: (controller, context) => {
        try {
          beforeSend();
        } catch (error) {
          call.abort(error);
          throw error;
        }
        handler.onRequestStart?.(controller, context);
      },
      onResponseStart: (...args) => handler.onResponseStart?.(...args),
      onResponseData: (...args) => handler.onResponseData?.(...args),
      onResponseEnd: (...args) => handler.onResponseEnd?.(...args),
      onResponseError: (...args) => handler.onResponseError?.(...args),
    });
}

interface RawOptions extends CallOptions {
  readonly beforeSend?: (() => void) | undefined;
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
  readonly headersTimeout?: number;
  readonly bodyTimeout?: number;
}

interface FailedCall {
  readonly what: string;
  readonly signal: AbortSignal;
  readonly authentication: Promise<Authentication>;
}

function writing({ fieldManager, dryRun, ...options }: WriteOptions, query?: Query): RawOptions {
  return { ...options, query: { fieldManager, dryRun: dryRun === true ? "All" : undefined, ...query } };
}
