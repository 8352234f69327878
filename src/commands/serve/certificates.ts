import { inFolder, inMemory, type OwnCertificate, renew } from "../../certs/files.ts";
import { type Lives, renewAt } from "../../certs/lives.ts";
import type { KubernetesClient } from "../../cluster/client.ts";
import { Certificates } from "../../controllers/certificates.ts";
import { startLoop } from "../../controllers/loops/loop.ts";
import type { WebhookWatch } from "../../controllers/registration/webhook-watch.ts";
import type { Pair } from "../../server/tls.ts";
import type { Logger } from "../../telemetry/log.ts";
import type { Metrics } from "../../telemetry/metrics.ts";
import { troubleLog } from "./cluster.ts";

/** A server's certificate, wherever it comes from. */
export interface ServerCertificates extends Pick<Certificates, "ready" | "bundle" | "problem" | "stop"> {
  /** To listen with. Of several servers' a makeshift that nobody trusts, until they have a CA. */
  readonly initial: Pair;
  readonly start: () => void;
  /** Where several servers share a CA, what the leader does for it. */
  readonly lead?: Certificates["lead"];
}

export interface CertificatesDeps {
  readonly names: readonly string[];
  readonly lives: Lives;
  /** Every certificate after the initial one. */
  readonly use: (pair: Pair) => void;
  /** Milliseconds since 1970, as those count them who look at the certificates. */
  readonly now: () => number;
  readonly log: Logger;
  readonly metrics: Metrics;
}

/** Those of one of several servers, which share a CA by a Secret in this namespace. */
export async function sharedCertificates(
  deps: CertificatesDeps,
  client: KubernetesClient,
  namespace: string,
  webhooks: WebhookWatch,
): Promise<ServerCertificates> {
  const { use, ...others } = deps;
  const { names, lives, now, log, metrics } = others;
  const { leaf } = await inMemory(names, new Date(now()), lives);
  const onTrouble = troubleLog(log, metrics);
  const shared = new Certificates({ ...others, client, webhooks, namespace, onLeaf: use, onTrouble });
  return {
    initial: leaf,
    start: () => shared.start(),
    ready: (signal) => shared.ready(signal),
    lead: (leading) => shared.lead(leading),
    get bundle() {
      return shared.bundle;
    },
    get problem() {
      return shared.problem;
    },
    stop: () => shared.stop(),
  };
}

const LOOK_EVERY_MS = 1_000;
const BACKOFF = { minMs: 1_000, maxMs: 60_000 };

/**
 * Those of a server that shares nothing: a CA of its own for as long as it runs, by which its certificate is renewed;
 * kept in the folder, if there is one.
 * @throws InputError invalid-certificate
 */
export async function ownCertificates(deps: CertificatesDeps, folder: string | undefined): Promise<ServerCertificates> {
  const { names, lives, use, now, log, metrics } = deps;
  const start = new Date(now());
  let own: OwnCertificate =
    folder === undefined ? await inMemory(names, start, lives) : await inFolder(folder, names, start, lives);
  const measure = (): void => {
    metrics.certificateExpiry.set({ what: "ca" }, Math.floor(own.ca.notAfter / 1000));
    metrics.certificateExpiry.set({ what: "leaf" }, Math.floor(own.leaf.notAfter / 1000));
  };
  const look = async (): Promise<void> => {
    const at = now();
    if (at < renewAt(own.leaf, lives) || at >= own.ca.notAfter) return;
    own = await renew(own, names, new Date(at), lives, folder);
    use(own.leaf);
    measure();
    const until = { ca: new Date(own.ca.notAfter).toISOString(), leaf: new Date(own.leaf.notAfter).toISOString() };
    if (at < renewAt(own.ca, lives)) log.info({ ca: own.ca.name, until }, "certificate issued");
    else log.warn({ ca: own.ca.name, until }, "certificate issued, but its CA ends soon: start the server anew before");
  };
  const stopping = new AbortController();
  measure();
  const { ended } = startLoop({
    look,
    onError: (error, retryInMs) =>
      log.error({ error: String(error), retryInMs: Math.round(retryInMs) }, "no certificate could be issued"),
    everyMs: LOOK_EVERY_MS,
    backoff: BACKOFF,
    signal: stopping.signal,
  });
  return {
    initial: own.leaf,
    start: () => {},
    ready: async () => {},
    get bundle() {
      return own.ca.cert;
    },
    get problem() {
      return own.leaf.notAfter <= now() ? "it has ended, and so has its CA: start the server anew" : undefined;
    },
    stop: async () => {
      stopping.abort();
      await ended;
    },
  };
}
