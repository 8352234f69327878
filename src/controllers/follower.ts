import { egressTo, type Located, NOT_LOOKED_FOR, type Server } from "../baseline/peers.ts";
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
 * meanwhile, and nobody may be cut off in between. And where nothing can be found any more, the last answer stays: that
 * is more likely an accident than a cluster without DNS.
 */
export class Follower {
  readonly #options: FollowerOptions;
  #current: Located = NOT_LOOKED_FOR;
  #narrowing: NodeJS.Timeout | undefined;
  #narrowingTo = "";

  constructor(options: FollowerOptions) {
    this.#options = options;
  }

  /** Looks again. */
  look(): void {
    const found = this.#options.find();
    const held = this.#current;
    if (!found.isKnown) {
      this.stop();
      if (!held.isKnown) this.#take(found);
      return;
    }
    const both = held.isKnown ? union(found.servers, held.servers) : found.servers;
    const [narrow, wide] = [said(found.servers), said(both)];
    this.#take(narrow === wide ? found : { isKnown: true, servers: both });
    if (narrow === this.#narrowingTo) return;
    this.stop();
    if (narrow === wide) return;
    this.#narrowingTo = narrow;
    this.#narrowing = setTimeout(() => {
      this.stop();
      this.#take(found);
    }, this.#options.narrowAfterMs);
  }

  /** Closes nothing any more by itself. */
  stop(): void {
    clearTimeout(this.#narrowing);
    this.#narrowingTo = "";
  }

  #take(located: Located): void {
    const isSame = outcome(located) === outcome(this.#current);
    this.#current = located;
    if (!isSame) this.#options.onChange(located);
  }
}

function union(a: readonly Server[], b: readonly Server[]): Server[] {
  return [...new Map([...a, ...b].map((server) => [canonical(server), server])).values()];
}

function outcome(located: Located): string {
  return located.isKnown ? said(located.servers) : located.why;
}

function said(servers: readonly Server[]): string {
  return canonical(egressTo(servers));
}
