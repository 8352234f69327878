import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import type { KubernetesClient } from "../../cluster/client.ts";
import { type FencedClient, fenced, type Term } from "../../cluster/fence.ts";
import { Elector, LEASE_TIMES } from "../../cluster/lease.ts";
import type { Registrar } from "../../controllers/registration/registrar.ts";
import { LEASE_NAME } from "../../model/names.ts";
import type { Labels } from "../../model/objects.ts";
import type { Logger } from "../../telemetry/log.ts";
import type { Metrics } from "../../telemetry/metrics.ts";

/** What one server does at a time, however many there are. */
export interface Duties {
  /** Until the signal; resolves when nothing of it runs any more. One of several servers registers in it, too. */
  readonly work: (client: FencedClient, signal: AbortSignal) => Promise<void>;
  /** Of a server that is alone, or of the last one. Not there where the API server is not to ask us. */
  readonly registrar?: (client: FencedClient) => Registrar;
  /** Of one of several servers. */
  readonly record: LeaseRecord;
}

/** What several servers keep on the Lease, beside who leads. */
export interface LeaseRecord {
  /** What it is to carry, of what it carries. */
  readonly annotate: (annotations: Labels) => Labels;
  /** Finds out what is to be kept, while one leads. */
  readonly run: (client: FencedClient, signal: AbortSignal) => Promise<void>;
}

export interface Leadership {
  readonly leads: () => boolean;
  /** To be called when the caches are full and admission requests can be answered. */
  readonly start: () => Promise<void>;
  /** Takes the registration back unless another server goes on in our place. Never rejects. */
  readonly stop: () => Promise<void>;
}

export interface LeadershipDeps {
  readonly client: KubernetesClient;
  readonly duties: Duties;
  readonly log: Logger;
  readonly metrics: Metrics;
}

/**
 * There is no other server: it leads as long as it lives. Where there is no Lease nothing is kept on one, so it takes no
 * namespace for new. Its start rejects with InputError registration-refused.
 */
export function loneLeader({ client, duties, log }: LeadershipDeps): Leadership {
  const registrar = duties.registrar?.(client);
  const stopping = new AbortController();
  let working: Promise<void> | undefined;
  return {
    leads: () => working !== undefined,
    start: async () => {
      working = duties.work(client, stopping.signal);
      await registrar?.register();
    },
    stop: async () => {
      stopping.abort();
      await working;
      if (registrar !== undefined) await unregister(registrar, log);
    },
  };
}

/** One of several servers, any of which may be killed, frozen or cut off at any time: the holder of a Lease leads. */
export function electedLeader(deps: LeadershipDeps, namespace: string): Leadership {
  const { client, duties, log, metrics } = deps;
  const name = LEASE_NAME;
  const lease = `${namespace}/${name}`;
  // In a Pod HOSTNAME is its name, and a restarted container is another candidate.
  const identity = `${process.env["HOSTNAME"] || hostname()}_${randomBytes(4).toString("hex")}`;
  const inTerm = (term: Term) => fenced(client, term, LEASE_TIMES.leaseMs - LEASE_TIMES.renewMs);
  const elector = new Elector({
    client,
    namespace,
    name,
    identity,
    annotate: duties.record.annotate,
    work: async (term) => {
      const writer = inTerm(term);
      await Promise.all([duties.work(writer, term.signal), duties.record.run(writer, term.signal)]);
    },
    onLead: ({ leaseTransitions }) => {
      metrics.leaderTransitions.inc({ to: "leader" });
      log.info({ lease, identity, leaseTransitions }, "leading");
    },
    onLose: (why) => {
      metrics.leaderTransitions.inc({ to: "follower" });
      log.info({ lease, identity, why }, "no longer leading");
    },
    onFollow: (leader) => log.info({ lease, identity, leader }, "following"),
    onTrouble: (error) => log.warn({ lease, error: String(error) }, "the leader election is disturbed; trying again"),
  });
  const { registrar: registrarFor } = duties;
  return {
    leads: () => elector.leads(),
    start: async () => elector.start(),
    stop: () => elector.stop(registrarFor && ((term) => unregister(registrarFor(inTerm(term)), log))),
  };
}

async function unregister(registrar: Registrar, log: Logger): Promise<void> {
  try {
    await registrar.unregister();
  } catch (error) {
    log.error(
      { error: String(error) },
      "what was registered could not be removed: remove it by kubectl (docs/serve.md)",
    );
  }
}
