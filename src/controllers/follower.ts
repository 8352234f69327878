import { egressTo, type Located, type Server } from "../baseline/peers.ts";
import { canonical } from "../model/json.ts";

export interface FollowerOptions {
  /** By what the cluster has now. */
  readonly find: () => Located;
  /** Called with each other answer than the one before. */
  readonly onChange: (located: Located) => void;
  /** How long something must have been gone before the way to it is closed. */
  readonly narrowAfterMs: number;
}

/**
 * Follows where something of the cluster answers. What is new is open at once. What is gone stays open for a while: to
 * replace a Service or a DaemonSet is to delete and create it, an API server that restarts takes its address back
 * meanwhile, and nobody may be cut off in between. Where something is there, but not where it answers, nothing goes. And
 * where nothing can be found any more, the last answer stays: that is more likely an accident than a cluster without DNS.
 */
export class Follower {
  readonly #options: FollowerOptions;
  /** What is there, and what was. Each that is gone has a time of its own, whatever else comes and goes. */
  readonly #held = new Map<string, Held>();
  #told: string | undefined;

  constructor(options: FollowerOptions) {
    this.#options = options;
  }

  /** What was known before this process: as if it had been found, and was gone since. */
  recall(servers: readonly Server[]): void {
    for (const server of servers) this.#held.set(canonical(server), { server, leaving: undefined });
  }

  /** What is open now, for another process to recall. */
  get servers(): readonly Server[] {
    return [...this.#held.values()].map(({ server }) => server);
  }

  /** Looks again. */
  look(): void {
    const found = this.#options.find();
    if (!found.isKnown) {
      this.stop();
      if (this.#held.size === 0) this.#tell(found);
      else this.#tellHeld();
      return;
    }
    const there = new Map(found.servers.map((server) => [canonical(server), server]));
    for (const [key, server] of there) {
      clearTimeout(this.#held.get(key)?.leaving);
      this.#held.set(key, { server, leaving: undefined });
    }
    for (const [key, one] of this.#held) {
      if (!there.has(key) && found.isPart !== true)
        one.leaving ??= setTimeout(() => this.#close(key), this.#options.narrowAfterMs);
    }
    this.#tellHeld();
  }

  /** Closes nothing any more by itself. */
  stop(): void {
    for (const one of this.#held.values()) {
      clearTimeout(one.leaving);
      one.leaving = undefined;
    }
  }

  #close(key: string): void {
    this.#held.delete(key);
    this.#tellHeld();
  }

  #tellHeld(): void {
    this.#tell({ isKnown: true, servers: this.servers });
  }

  #tell(located: Located): void {
    const said = located.isKnown ? canonical(egressTo(located.servers)) : located.why;
    if (said === this.#told) return;
    this.#told = said;
    this.#options.onChange(located);
  }
}

interface Held {
  readonly server: Server;
  /** Once it is gone: closes it. */
  leaving: NodeJS.Timeout | undefined;
}
