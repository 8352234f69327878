import { findApiServer } from "../../baseline/api-server.ts";
import { findDns } from "../../baseline/dns.ts";
import { egressTo, type Located } from "../../baseline/peers.ts";
import type { Found } from "../../baseline/resolve.ts";
import type { Caches } from "../../controllers/caches.ts";
import { Follower } from "../../controllers/follower.ts";
import type { Logger } from "../../telemetry/log.ts";
import type { Metrics } from "../../telemetry/metrics.ts";

export interface PlatformOptions {
  /** Of the API server. */
  readonly gitVersion: string;
  readonly objects: () => Pick<Caches, "dnsObjects" | "apiServerObjects">;
  readonly onFound: (found: Partial<Found>) => void;
  readonly log: Logger;
  readonly metrics: Metrics;
}

/** Longer than it takes to replace what serves DNS, or an API server, and to see that this was a mistake. */
const GONE_MS = 10 * 60_000;

/** Follows what templates are filled in with. Not before everything has been read once: half of it would count as all. */
export function followPlatform({ gitVersion, objects, onFound, log, metrics }: PlatformOptions) {
  const gauges = { dns: metrics.dnsKnown, apiServer: metrics.apiServerKnown };
  const follow = (name: keyof Found, title: string, template: string, find: () => Located) =>
    new Follower({
      find,
      onChange: (located) => {
        gauges[name].set(located.isKnown ? 1 : 0);
        if (located.isKnown) {
          log.info({ [name]: egressTo(located.servers), by: located.servers.map(({ source }) => source) }, title);
        } else {
          log.error(
            { why: located.why },
            `${title} is not known: baselines with ${template} are given to no namespace`,
          );
        }
        onFound({ [name]: located });
      },
      narrowAfterMs: GONE_MS,
    });
  const followers = [
    follow("dns", "the cluster's DNS", "10-allow-dns-egress", () => findDns({ gitVersion, ...objects().dnsObjects() })),
    follow("apiServer", "the API server's address", "allow-apiserver-egress", () =>
      findApiServer(objects().apiServerObjects()),
    ),
  ];
  return {
    look: () => followers.forEach((follower) => follower.look()),
    /** Closes nothing any more by itself. */
    stop: () => followers.forEach((follower) => follower.stop()),
  };
}
