import { type ClusterDns, type DnsServer, dnsEgress } from "../baseline/dns.ts";
import { canonical } from "../model/json.ts";

export interface DnsFollowerOptions {
  /** By what the cluster has now. */
  readonly find: () => ClusterDns;
  /** Called with each other answer than the one before. */
  readonly onChange: (dns: ClusterDns) => void;
  /** How long something must have been gone before the way to it is closed. */
  readonly narrowAfterMs: number;
}

/**
 * Follows where the cluster's DNS answers. What is new is open at once. What is gone stays open for a while: to replace
 * a Service or a DaemonSet is to delete and create it, and in between no Pod may be cut off. And where nothing can be
 * found any more, the last answer stays: that is more likely an accident than a cluster without DNS.
 */
export class DnsFollower {
  readonly #options: DnsFollowerOptions;
  #current: ClusterDns = { isKnown: false, why: "it has not been looked for yet" };
  #narrowing: NodeJS.Timeout | undefined;
  #narrowingTo = "";

  constructor(options: DnsFollowerOptions) {
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
    this.#take({ isKnown: true, servers: both });
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

  #take(dns: ClusterDns): void {
    const isSame = outcome(dns) === outcome(this.#current);
    this.#current = dns;
    if (!isSame) this.#options.onChange(dns);
  }
}

function union(a: readonly DnsServer[], b: readonly DnsServer[]): DnsServer[] {
  return [...new Map([...a, ...b].map((server) => [canonical(server), server])).values()];
}

function outcome(dns: ClusterDns): string {
  return dns.isKnown ? said(dns.servers) : dns.why;
}

function said(servers: readonly DnsServer[]): string {
  return canonical(dnsEgress(servers));
}
