import type { Labels } from "../model/objects.ts";
import { ApiError, unlessNotFound } from "./api-error.ts";
import { pause } from "./backoff.ts";
import type { KubernetesClient } from "./client.ts";
import { type Term, TermEnded } from "./fence.ts";
import { givenBack, heldBy, isFree, type Lease, type LeaseSpec, type Seen, see } from "./lease-record.ts";
import { paths } from "./paths.ts";

export interface LeaseTimes {
  /** How long a record has to stand unchanged before another takes it. */
  readonly leaseMs: number;
  /** How long the leader leads on without a renewal. The rest of the lease is for what it has sent already. */
  readonly renewMs: number;
  /** Between two tries of the leader to renew, or of the others to take over; up to a fifth more, by chance. */
  readonly retryMs: number;
}

/** Those of the Kubernetes components. */
export const LEASE_TIMES: LeaseTimes = { leaseMs: 15_000, renewMs: 10_000, retryMs: 2_000 };

export interface ElectorOptions {
  readonly client: Pick<KubernetesClient, "get" | "create" | "replace">;
  readonly namespace: string;
  readonly name: string;
  /** Of this process and no other, ever. */
  readonly identity: string;
  readonly times?: LeaseTimes;
  /**
   * The annotations that the record is to carry while it is ours, of those that it carries; asked before each write of
   * ours. Default: those that it carries.
   */
  readonly annotate?: (annotations: Labels) => Labels;
  /** A monotonic clock in milliseconds that goes on while the process is frozen. Default performance.now. */
  readonly now?: () => number;
  /**
   * The leader's work: goes on until the term's signal, and resolves when nothing of it runs any more. No new term
   * begins before. Where it ends too early the term ends with it, and there is another try.
   */
  readonly work: (term: Term) => Promise<void>;
  readonly onLead: (lease: LeaseSpec) => void;
  readonly onLose: (why: string) => void;
  /** Somebody else leads. Told once for each. */
  readonly onFollow: (leader: string) => void;
  /** A call failed (it is tried again), or the work did. */
  readonly onTrouble: (error: unknown) => void;
}

/**
 * One of several processes leads: the one that holds a Lease. Time is only measured by the own monotonic clock: the
 * leader's counts from before it sent its last renewal, the others' from when they saw that renewal, which is later. So
 * the leader has stopped by itself, whatever it can still reach, when the first of them may take over; and a record is
 * only written over the very version that was seen. What no clock of a process shows is that its machine was suspended.
 */
export class Elector {
  readonly #options: ElectorOptions & { readonly times: LeaseTimes; readonly now: () => number };
  readonly #stopping = new AbortController();
  #running: Promise<void> | undefined;
  #seen: Seen | undefined;
  /** The record as we last stored it, as long as nothing speaks against it. */
  #own: Lease | undefined;
  #term: OpenTerm | undefined;
  #work: Promise<void> = Promise.resolve();
  #following: string | undefined;

  constructor(options: ElectorOptions) {
    this.#options = { times: LEASE_TIMES, now: () => performance.now(), ...options };
  }

  /** Takes part from now on. */
  start(): void {
    this.#running ??= this.#run();
  }

  /** Whether the last renewal is recent enough that nobody else may lead. */
  leads(): boolean {
    const { times, now } = this.#options;
    return this.#term !== undefined && now() - this.#term.renewedAt < times.renewMs;
  }

  /**
   * Ends the work, then gives the lease back, so that another may take it at once. With `ifLast`: where nobody does for
   * long enough, takes it once more and calls that under it. Never rejects.
   */
  async stop(ifLast?: (term: Term) => Promise<void>): Promise<void> {
    this.#stopping.abort();
    if (this.#running === undefined) return;
    await this.#running;
    this.#end("it stops");
    await this.#work;
    try {
      const free = await this.#giveBack();
      if (free === undefined || ifLast === undefined || (await this.#isTaken(free))) return;
      await this.#take(free, ifLast);
      await this.#work;
      this.#end("it stops");
      await this.#giveBack();
    } catch (error) {
      // In a conflict somebody has taken it at the last moment.
      if (!isConflict(error)) this.#options.onTrouble(error);
    }
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    const { retryMs } = this.#options.times;
    while (!signal.aborted) {
      let waitMs = retryMs;
      try {
        await this.#try();
      } catch (error) {
        this.#own = undefined;
        // A leader may have one more chance; on a connection that was dead the first half of the time is gone.
        if (this.leads()) waitMs = retryMs / 4;
        // Somebody was quicker, or touched the record: the next try begins with a look at it.
        if (!signal.aborted && !isConflict(error)) this.#options.onTrouble(error);
      }
      await pause(waitMs * (1 + Math.random() / 5), signal);
    }
  }

  async #try(): Promise<void> {
    const { identity, times, now, work } = this.#options;
    const lease = this.#own ?? (await this.#read());
    this.#seen = see(lease, this.#seen, now());
    // Its own that somebody has deleted a leader makes anew: the others wait as if it had been renewed.
    const isLost = lease === undefined && this.leads();
    if (!isLost && !isFree(lease, this.#seen, { identity, leaseMs: times.leaseMs, now: now() })) {
      this.#follow(lease);
      return;
    }
    if (this.#term === undefined) await this.#work;
    if (!this.#stopping.signal.aborted) await this.#take(lease, work);
  }

  async #take(lease: Lease | undefined, work: ElectorOptions["work"]): Promise<void> {
    const { identity, times, now } = this.#options;
    const sentAt = now();
    this.#own = await this.#write(lease, heldBy(identity, lease?.spec, times.leaseMs, new Date()));
    const left = sentAt + times.renewMs - now();
    // An answer that came so late proves nothing: others may have counted from when the record was written.
    if (left <= 0) return;
    const term = this.#term ?? this.#begin(sentAt, work);
    term.renewedAt = sentAt;
    clearTimeout(term.deadline);
    term.deadline = setTimeout(() => this.#end(this.#tooOld()), left);
  }

  #begin(renewedAt: number, work: ElectorOptions["work"]): OpenTerm {
    const { onLead, onTrouble } = this.#options;
    const controller = new AbortController();
    const { signal } = controller;
    const term: OpenTerm = { controller, renewedAt, deadline: undefined };
    const check = (): void => {
      if (this.#term === term && !this.leads()) this.#end(this.#tooOld());
      signal.throwIfAborted();
    };
    this.#term = term;
    this.#following = undefined;
    onLead(this.#own?.spec ?? {});
    this.#work = Promise.resolve({ signal, check })
      .then(work)
      .catch((error: unknown) => {
        if (!(error instanceof TermEnded)) onTrouble(error);
      })
      .then(() => {
        if (this.#term === term) this.#end("its work has ended");
      });
    return term;
  }

  #end(why: string): void {
    const term = this.#term;
    if (term === undefined) return;
    this.#term = undefined;
    clearTimeout(term.deadline);
    term.controller.abort(new TermEnded(why));
    this.#options.onLose(why);
  }

  #tooOld(): string {
    return `the lease was not renewed within ${this.#options.times.renewMs} ms`;
  }

  #follow(lease: Lease | undefined): void {
    const leader = lease?.spec?.holderIdentity;
    if (!leader) return;
    this.#end(`${leader} has taken the lease`);
    if (leader === this.#following) return;
    this.#following = leader;
    this.#options.onFollow(leader);
  }

  async #read(): Promise<Lease | undefined> {
    const { client, namespace, name } = this.#options;
    // A write is waited for: given up, it might be done all the same, and the record be a dead process's.
    const { signal } = this.#stopping;
    const options = { ...this.#limits(), ...(!signal.aborted && { signal }) };
    return unlessNotFound(client.get<Lease>(paths.leases(namespace, name), options));
  }

  /** Only over the version that was read: HTTP 409 where there is another one, or where there is one at all. */
  #write(lease: Lease | undefined, spec: LeaseSpec): Promise<Lease> {
    const { client, namespace, name, annotate = (annotations) => annotations } = this.#options;
    const annotations = annotate(lease?.metadata?.annotations ?? {});
    if (lease !== undefined) {
      const changed = { ...lease, metadata: { ...lease.metadata, annotations }, spec };
      return client.replace<Lease>(paths.leases(namespace, name), changed, this.#limits());
    }
    const metadata = { namespace, name, annotations };
    const object = { apiVersion: "coordination.k8s.io/v1", kind: "Lease", metadata, spec };
    return client.create<Lease>(paths.leases(namespace), object, this.#limits());
  }

  /** Where one call gets no answer at all there is time for a second one, over another connection. A stop waits less. */
  #limits(): { readonly timeoutMs: number } {
    const { renewMs, retryMs } = this.#options.times;
    return { timeoutMs: this.#stopping.signal.aborted ? retryMs : renewMs / 2 };
  }

  /** The record as nobody's; undefined where it was somebody else's already. */
  async #giveBack(): Promise<Lease | undefined> {
    const { identity } = this.#options;
    for (;;) {
      const lease = await this.#read();
      if (lease === undefined || lease.spec?.holderIdentity !== identity) return undefined;
      try {
        return await this.#write(lease, givenBack(lease.spec, new Date()));
      } catch (error) {
        if (!isConflict(error)) throw error;
      }
    }
  }

  /** Whether another has taken what was given back, in a time in which each of them looks at it twice. */
  async #isTaken({ metadata }: Lease): Promise<boolean> {
    const { times, now, onTrouble } = this.#options;
    const end = now() + 3 * times.retryMs;
    while (now() < end) {
      await new Promise((resolve) => setTimeout(resolve, times.retryMs / 4));
      try {
        const lease = await this.#read();
        if (lease?.metadata?.resourceVersion !== metadata?.resourceVersion) return true;
      } catch (error) {
        onTrouble(error);
      }
    }
    return false;
  }
}

interface OpenTerm {
  readonly controller: AbortController;
  renewedAt: number;
  deadline: NodeJS.Timeout | undefined;
}

function isConflict(error: unknown): boolean {
  return error instanceof ApiError && error.status === 409;
}
