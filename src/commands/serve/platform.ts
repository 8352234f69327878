import { findApiServer } from "../../baseline/api-server.ts";
import { findDns } from "../../baseline/dns.ts";
import { egressTo, type Located } from "../../baseline/peers.ts";
import type { FoundServers } from "../../baseline/resolve.ts";
import type { Caches } from "../../controllers/caches.ts";
import { Follower } from "../../controllers/follower.ts";
import { foundIn, textOfFound } from "../../controllers/found-record.ts";
import { FOUND_ANNOTATION } from "../../model/names.ts";
import type { Labels } from "../../model/objects.ts";
import type { Logger } from "../../telemetry/log.ts";
import type { Metrics } from "../../telemetry/metrics.ts";

export interface PlatformOptions {
  /** Of the API server. */
  readonly gitVersion: string;
  readonly objects: () => Pick<Caches, "dnsObjects" | "apiServerObjects">;
  readonly onFound: (found: Partial<FoundServers>) => void;
  readonly log: Logger;
  readonly metrics: Metrics;
}

/** Longer than it takes to replace what serves DNS, or an API server, and to see that this was a mistake. */
const GONE_MS = 10 * 60_000;

/** Follows what templates are filled in with. Not before everything has been read once: half of it would count as all. */
export function followPlatform({ gitVersion, objects, onFound, log, metrics }: PlatformOptions) {
  const gauges = { dns: metrics.dnsKnown, apiServer: metrics.apiServerKnown };
  const follow = (name: keyof FoundServers, title: string, template: string, find: () => Located) =>
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
  const followers = {
    dns: follow("dns", "the cluster's DNS", "10-allow-dns-egress", () =>
      findDns({ gitVersion, ...objects().dnsObjects() }),
    ),
    apiServer: follow("apiServer", "the API server's address", "allow-apiserver-egress", () =>
      findApiServer(objects().apiServerObjects()),
    ),
  };
  const all = Object.values(followers);
  return {
    look: () => all.forEach((follower) => follower.look()),
    /** What the Lease is to carry, of what it carries: the last answers, which outlive every server there. */
    annotate: (annotations: Labels): Labels => {
      const { dns, apiServer } = followers;
      const now = {
        ...(dns.servers.length > 0 && { dns: dns.servers }),
        ...(apiServer.servers.length > 0 && { apiServer: apiServer.servers }),
      };
      const record = { ...foundIn(annotations[FOUND_ANNOTATION]), ...now };
      if (Object.keys(record).length === 0) return annotations;
      return { ...annotations, [FOUND_ANNOTATION]: textOfFound(record) };
    },
    /** To be called before the first look, with what the Lease carries. */
    recall: (annotations: Labels): void => {
      const { dns = [], apiServer = [] } = foundIn(annotations[FOUND_ANNOTATION]);
      followers.dns.recall(dns);
      followers.apiServer.recall(apiServer);
    },
    /** Closes nothing any more by itself. */
    stop: () => all.forEach((follower) => follower.stop()),
  };
}
