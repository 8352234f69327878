import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";

/**
 * A small API server for one resource on 127.0.0.1: lists in pages, watches with history. It is correct until a test
 * says otherwise: `next` queues answers for the next requests of a kind, `always` replaces the correct answer.
 */
export async function startFaultyServer(): Promise<FaultyServer> {
  const folder = await mkdtemp(join(tmpdir(), "faulty-server-"));
  const state = new State();
  let connections = 0;
  const http = createServer((request, response) => {
    void respond(state, request, response);
  });
  http.on("connection", () => {
    connections += 1;
  });
  await new Promise<void>((resolve) => {
    http.listen(0, "127.0.0.1", resolve);
  });
  const address = http.address();
  if (address === null || typeof address === "string") throw new Error("not listening on a port");
  const url = `http://127.0.0.1:${address.port}`;
  const kubeconfig = join(folder, "kubeconfig");
  await writeFile(kubeconfig, kubeconfigFor(url));
  return {
    url,
    folder,
    kubeconfig,
    get connections() {
      return connections;
    },
    requests: state.requests,
    count: (kind) => state.requests.filter((request) => request.kind === kind).length,
    next: (kind, ...answers) => void state.queues[kind].push(...answers),
    always: (kind, answer) => {
      state.fixed[kind] = answer;
    },
    put: (namespace, name, more) => state.put(namespace, name, more),
    remove: (namespace, name) => state.remove(namespace, name),
    forgetHistory: () => void state.history.splice(0),
    openWatches: () => state.watches.size,
    send: (bytes) => state.each((response) => response.write(bytes)),
    endWatches: () => state.release((response) => response.end()),
    cutWatches: () => state.release((response) => response.destroy()),
    close: async () => {
      http.closeAllConnections();
      await new Promise((resolve) => {
        http.close(resolve);
      });
      await rm(folder, { recursive: true });
    },
  };
}

export type RequestKind = "list" | "watch" | "other";
export type Answer = (request: RecordedRequest, response: ServerResponse) => void;

export interface RecordedRequest {
  readonly kind: RequestKind;
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
  /** performance.now() when it had arrived. */
  readonly at: number;
}

export interface StoredObject {
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly uid: string;
    readonly resourceVersion: string;
  };
  readonly [field: string]: unknown;
}

export interface FaultyServer {
  readonly url: string;
  readonly folder: string;
  readonly kubeconfig: string;
  readonly connections: number;
  readonly requests: readonly RecordedRequest[];
  count(kind: RequestKind): number;
  next(kind: RequestKind, ...answers: Answer[]): void;
  always(kind: RequestKind, answer: Answer | undefined): void;
  put(namespace: string, name: string, more?: object): StoredObject;
  remove(namespace: string, name: string): void;
  /** What changed so far will not be told to new watches: they miss it unless they list again. */
  forgetHistory(): void;
  openWatches(): number;
  send(bytes: string | Uint8Array): void;
  endWatches(): void;
  cutWatches(): void;
  close(): Promise<void>;
}

export interface StatusFields {
  readonly reason?: string;
  readonly message?: string;
  readonly details?: object;
}

/** A Status, as the API server refuses. */
export function refuse(code: number, fields: StatusFields = {}, headers: Record<string, string> = {}): Answer {
  return (_request, response) => sendJson(response, code, statusBody(code, fields), headers);
}

export function answerText(code: number, body: string, headers: Record<string, string> = {}): Answer {
  return (_request, response) => {
    response.writeHead(code, { "content-type": "text/plain", ...headers }).end(body);
  };
}

/** Accepts the request and never answers. */
export function hang(): Answer {
  return () => {};
}

/** Closes the connection instead of answering. */
export function hangUp(): Answer {
  return (_request, response) => void response.destroy();
}

/** Begins a watch with these lines, and then ends it, cuts it or stays silent. */
export function watchOf(lines: readonly string[], then: "end" | "cut" | "silent"): Answer {
  return (_request, response) => {
    response.writeHead(200).flushHeaders();
    // Node sends nothing at all of a response that is destroyed in the same turn.
    response.write(lines.join(""), () => {
      if (then === "end") response.end();
      if (then === "cut") response.destroy();
    });
  };
}

export function eventLine(type: string, object: object): string {
  return `${JSON.stringify({ type, object })}\n`;
}

export function errorLine(code: number, fields: StatusFields = {}): string {
  return eventLine("ERROR", statusBody(code, fields));
}

export function kubeconfigFor(server: string, more: { cluster?: object; user?: object } = {}): string {
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    "current-context": "test",
    contexts: [{ name: "test", context: { cluster: "faulty", user: "tester" } }],
    clusters: [{ name: "faulty", cluster: { server, "insecure-skip-tls-verify": true, ...more.cluster } }],
    users: [{ name: "tester", user: { token: "secret", ...more.user } }],
  });
}

class State {
  readonly requests: RecordedRequest[] = [];
  readonly queues: Record<RequestKind, Answer[]> = { list: [], watch: [], other: [] };
  readonly fixed: Partial<Record<RequestKind, Answer | undefined>> = {};
  readonly objects = new Map<string, StoredObject>();
  readonly history: { readonly version: number; readonly line: string }[] = [];
  readonly watches = new Set<ServerResponse>();
  /** What a continue token holds on to, by resourceVersion. */
  readonly snapshots = new Map<string, readonly StoredObject[]>();
  version = 100;

  put(namespace: string, name: string, more: object = {}): StoredObject {
    const key = `${namespace}/${name}`;
    const known = this.objects.get(key);
    this.version += 1;
    const uid = known?.metadata.uid ?? `uid-${this.version}`;
    const object = { ...more, metadata: { name, namespace, uid, resourceVersion: String(this.version) } };
    this.objects.set(key, object);
    this.tell(known === undefined ? "ADDED" : "MODIFIED", object);
    return object;
  }

  remove(namespace: string, name: string): void {
    const key = `${namespace}/${name}`;
    const known = this.objects.get(key);
    if (known === undefined) throw new Error(`the test removes ${key}, which is not there`);
    this.version += 1;
    this.objects.delete(key);
    this.tell("DELETED", { ...known, metadata: { ...known.metadata, resourceVersion: String(this.version) } });
  }

  tell(type: string, object: StoredObject): void {
    const line = eventLine(type, { apiVersion: "networking.k8s.io/v1", kind: "NetworkPolicy", ...object });
    this.history.push({ version: this.version, line });
    this.each((response) => response.write(line));
  }

  each(action: (response: ServerResponse) => void): void {
    for (const response of this.watches) action(response);
  }

  release(action: (response: ServerResponse) => void): void {
    this.each(action);
    this.watches.clear();
  }
}

/** A request as it came, with the body read. */
export async function recorded(incoming: IncomingMessage): Promise<RecordedRequest> {
  const url = new URL(incoming.url ?? "/", "http://127.0.0.1");
  const query = Object.fromEntries(url.searchParams);
  const method = incoming.method ?? "";
  const kind = method !== "GET" ? "other" : query.watch === "true" ? "watch" : query.limit ? "list" : "other";
  const body = await text(incoming);
  return { kind, method, path: url.pathname, query, headers: incoming.headers, body, at: performance.now() };
}

async function respond(state: State, incoming: IncomingMessage, response: ServerResponse): Promise<void> {
  const request = await recorded(incoming);
  const { kind } = request;
  state.requests.push(request);
  const scripted = state.queues[kind].shift() ?? state.fixed[kind];
  if (scripted !== undefined) scripted(request, response);
  else if (kind === "list") list(state, request, response);
  else if (kind === "watch") watch(state, request, response);
  else response.end(request.body || "{}");
}

function list(state: State, { query }: RecordedRequest, response: ServerResponse): void {
  const [version = "", offset = "0"] = query.continue?.split(":") ?? [String(state.version)];
  if (!state.snapshots.has(version)) state.snapshots.set(version, [...state.objects.values()]);
  const all = state.snapshots.get(version) ?? [];
  const end = Number(offset) + Number(query.limit);
  sendJson(response, 200, {
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicyList",
    metadata: { resourceVersion: version, ...(end < all.length ? { continue: `${version}:${end}` } : {}) },
    items: all.slice(Number(offset), end),
  });
}

function watch(state: State, { query }: RecordedRequest, response: ServerResponse): void {
  response.writeHead(200, { "content-type": "application/json" }).flushHeaders();
  for (const { version, line } of state.history) if (version > Number(query.resourceVersion)) response.write(line);
  state.watches.add(response);
  response.on("close", () => state.watches.delete(response));
}

function sendJson(response: ServerResponse, code: number, body: object, headers: Record<string, string> = {}): void {
  response.writeHead(code, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
}

function statusBody(code: number, fields: StatusFields): object {
  return { apiVersion: "v1", kind: "Status", status: "Failure", code, ...fields };
}
