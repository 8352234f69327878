import type { CallOptions, KubernetesClient } from "./client.ts";

/** One time of leading: from when a lease was got until it was lost or given back. */
export interface Term {
  /** Aborted when the term ends. Its reason is a TermEnded. */
  readonly signal: AbortSignal;
  /** Returns only while nobody else may lead, by this process's monotonic clock. @throws TermEnded */
  readonly check: () => void;
}

/** Another may lead now, so nothing more is to be written. No error of the API server, and none to report. */
export class TermEnded extends Error {
  constructor(why: string) {
    super(`no longer the leader: ${why}`);
    this.name = "TermEnded";
  }
}

/** The calls of KubernetesClient that change something, and `get` and `pages`, which every careful write begins with. */
export type FencedClient = Pick<
  KubernetesClient,
  "get" | "pages" | "create" | "replace" | "apply" | "patch" | "delete"
>;

/**
 * A client whose writes are made in this term or not at all. Each is checked when a connection is open and takes it, so
 * a process that was frozen while it waited for one sends nothing when it goes on. What was sent in the term is waited
 * for, since it is done or not whoever waits; but each is given up when it has had no answer for `limitMs`, which is to
 * be no more than the time between the end of a term and the begin of another's: then nobody leads while this process
 * still waits for a write of its own.
 *
 * What is left: a write that was sent in time and is still on its way, in the network or in an API server that lets it
 * wait. Nothing on this side can take that back, so whatever is written by such a client must do no harm when it comes
 * late: it is level-triggered, names the uid or resourceVersion that it is about or applies exactly what the
 * configuration says, and the next leader hears of it by its watch.
 */
export function fenced(client: KubernetesClient, { check }: Term, limitMs: number): FencedClient {
  const inTerm = (options: CallOptions = {}) => ({
    timeoutMs: Math.min(options.timeoutMs ?? limitMs, limitMs),
    beforeSend: check,
  });
  return {
    get: (path, options) => client.get(path, options),
    pages: (path, options) => client.pages(path, options),
    create: (path, object, options) => client.create(path, object, { ...options, ...inTerm(options) }),
    replace: (path, object, options) => client.replace(path, object, { ...options, ...inTerm(options) }),
    apply: (path, object, options) => client.apply(path, object, { ...options, ...inTerm(options) }),
    patch: (path, operations, options) => client.patch(path, operations, { ...options, ...inTerm(options) }),
    delete: (path, options) => client.delete(path, { ...options, ...inTerm(options) }),
  };
}
