import { randomUUID } from "node:crypto";
import { EventEmitter, once } from "node:events";
import { type Leaf, leafOf, signerOf } from "../certs/inspect.ts";
import { issueCa, issueLeaf } from "../certs/issue.ts";
import type { Lives } from "../certs/lives.ts";
import { bundleOf, type Generations, nextStep, signerFor, type Step, whyUntrusted } from "../certs/rotation.ts";
import { generationsIn, type Secret, SECRET_NAME, secretOf } from "../certs/secret.ts";
import { ApiError } from "../cluster/api-error.ts";
import type { KubernetesClient } from "../cluster/client.ts";
import type { FencedClient } from "../cluster/fence.ts";
import { paths } from "../cluster/paths.ts";
import { type Change, Reflector, type Trouble } from "../cluster/reflector.ts";
import { FIELD_MANAGER } from "../model/names.ts";
import type { Logger } from "../telemetry/log.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import { type Loop, startLoop } from "./loops/loop.ts";
import { eventRecorder, type Recorder } from "./events.ts";
import { keepRegistration } from "./registration/keep-registration.ts";
import type { WebhookWatch } from "./registration/webhook-watch.ts";
import type { Registrar } from "./registration/registrar.ts";

export interface CertificatesOptions {
  readonly client: Pick<KubernetesClient, "pages" | "stream">;
  /** Started and stopped by whoever made it. */
  readonly webhooks: WebhookWatch;
  /** Where the Secret is. */
  readonly namespace: string;
  /** DNS names and IP addresses of this server. */
  readonly names: readonly string[];
  readonly lives: Lives;
  /** A certificate for this server, from now on. */
  readonly onLeaf: (leaf: Leaf) => void;
  readonly onTrouble: (resource: string, trouble: Trouble) => void;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Milliseconds since 1970 by the clock of those who verify certificates: the API server's. */
  readonly now: () => number;
  readonly elapsed?: () => number;
}

/** What the leader needs beside: both act in its term only. */
export interface Leading {
  readonly client: Pick<FencedClient, "apply" | "replace" | "create">;
  /** By the bundle in force; absent where the server registers nothing. */
  readonly registrar?: Pick<Registrar, "deviations" | "write">;
  /** How long it takes, from when this server is ready, until calls find the way to it. */
  readonly reachableAfterMs: number;
  readonly signal: AbortSignal;
}

/** Renewals are days ahead of need: this is for tests with short lives, and costs a few comparisons. */
const LOOK_EVERY_MS = 1_000;
const BACKOFF = { minMs: 200, maxMs: 30_000 };

/**
 * The certificate of one of several servers that share a CA by a Secret. Every one reads that by a watch and signs for
 * itself, in memory; the one that leads writes it. While the Secret is missing, broken or out of reach, what was last
 * good stays in use.
 */
export class Certificates {
  readonly #options: CertificatesOptions & { readonly elapsed: () => number };
  readonly #secrets: Reflector<Secret>;
  readonly #webhooks: WebhookWatch;
  readonly #record: Recorder;
  readonly #stopping = new AbortController();
  readonly #signals = new EventEmitter();
  #renewal: Loop | undefined;
  #leading: Loop | undefined;
  /** As the API server has it, as far as we know. */
  #secret: Secret | undefined;
  #stored: Generations | undefined;
  /** The last that were good. */
  #generations: Generations | undefined;
  #leaf: Leaf | undefined;

  constructor(options: CertificatesOptions) {
    this.#options = { elapsed: () => performance.now(), ...options };
    const { client, webhooks, namespace, onTrouble } = this.#options;
    this.#secrets = new Reflector<Secret>({
      client,
      path: paths.secrets(namespace),
      query: { fieldSelector: `metadata.name=${SECRET_NAME}` },
      onChange: (change) => this.#onSecret(change),
      onError: (trouble) => onTrouble("secrets", trouble),
    });
    this.#webhooks = webhooks;
    this.#record = eventRecorder(this.#options.log, this.#options.now);
    webhooks.onChange(() => this.#wake());
  }

  start(): void {
    this.#secrets.start();
    this.#renewal = startLoop({
      look: () => this.#renew(),
      onError: (error, retryInMs) =>
        this.#failed("no certificate could be issued; the last one stays", error, retryInMs),
      everyMs: LOOK_EVERY_MS,
      backoff: BACKOFF,
      signal: this.#stopping.signal,
    });
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all([this.#secrets.stop(), this.#renewal?.ended, this.#leading?.ended]);
  }

  /** Resolves when there is a certificate, or when the signal has come. */
  async ready(signal: AbortSignal): Promise<void> {
    try {
      while (this.#leaf === undefined) await once(this.#signals, "leaf", { signal });
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  /** Keeps the Secret and the webhook configurations, until the signal; to be called when the server can answer. */
  async lead({ client, registrar, reachableAfterMs, signal }: Leading): Promise<void> {
    const { now, elapsed, lives, namespace, log, metrics } = this.#options;
    const reachableAt = elapsed() + reachableAfterMs;
    const ends = AbortSignal.any([signal, this.#stopping.signal]);
    const notify = (message: string): void =>
      this.#record(
        { metadata: { name: namespace } },
        { type: "Warning", reason: "RegistrationRestored", message },
        client,
      );
    const keep =
      registrar &&
      keepRegistration({ registrar, webhooks: this.#webhooks, elapsed, reachableAt, notify, log, metrics });
    const look = async (): Promise<void> => {
      await this.#synced(ends);
      const situation = { stored: this.#stored, remembered: this.#generations, observed: this.#webhooks.observed };
      const step = nextStep(situation, now(), lives);
      if (step !== undefined) await this.#take(step, client, ends);
      else if (this.#stored !== undefined && this.#leaf !== undefined) await keep?.(bundleOf(this.#stored));
    };
    this.#leading = startLoop({
      look,
      onError: (error, retryInMs) =>
        this.#failed("CA and registration are not in order; trying again", error, retryInMs),
      everyMs: LOOK_EVERY_MS,
      backoff: BACKOFF,
      signal: ends,
    });
    await this.#leading.ended;
    this.#leading = undefined;
  }

  /** PEM of whom clients are to trust. */
  get bundle(): string {
    return this.#generations === undefined ? "" : bundleOf(this.#generations);
  }

  /** Why this server is not to be asked because of its certificate; undefined: it may be. */
  get problem(): string | undefined {
    return whyUntrusted(this.#leaf, this.#webhooks.observed, this.#options.now());
  }

  #onSecret({ type, object }: Change<Secret>): void {
    this.#read(type === "deleted" ? undefined : object);
    this.#wake();
  }

  #read(secret: Secret | undefined): void {
    const { log, metrics, namespace } = this.#options;
    this.#secret = secret;
    this.#stored = undefined;
    if (secret === undefined) {
      log.warn({ namespace, secret: SECRET_NAME }, "the Secret of the CA is gone; the leader makes it anew");
      return;
    }
    try {
      this.#generations = this.#stored = generationsIn(secret);
      metrics.certificateExpiry.set({ what: "ca" }, Math.floor(this.#stored.ca.notAfter / 1000));
    } catch (error) {
      log.error(
        { namespace, secret: SECRET_NAME, error: String(error) },
        "the Secret of the CA is not valid: what was last good stays in use, and the leader writes it anew. If it does not, delete the Secret",
      );
    }
  }

  async #renew(): Promise<void> {
    const { names, lives, now, log, metrics, onLeaf } = this.#options;
    await this.#synced(this.#stopping.signal);
    if (this.#generations === undefined) return;
    const ca = signerFor(this.#generations, this.#leaf, this.#webhooks.observed, now(), lives);
    if (ca === undefined) return;
    const leaf = leafOf(await issueLeaf(ca, names, new Date(now()), lives), ca, names);
    onLeaf(leaf);
    this.#leaf = leaf;
    metrics.certificateExpiry.set({ what: "leaf" }, Math.floor(leaf.notAfter / 1000));
    log.info({ ca: ca.name, until: new Date(leaf.notAfter).toISOString() }, "certificate issued");
    this.#signals.emit("leaf");
  }

  async #take(step: Step, client: Leading["client"], signal: AbortSignal): Promise<void> {
    const { namespace, now, lives, log } = this.#options;
    const generations =
      step.what === "issue" || step.what === "prepare"
        ? step.make(signerOf(await issueCa(new Date(now()), lives)))
        : step.make();
    const known = this.#secret;
    const object = secretOf(namespace, generations, known);
    const path = paths.secrets(namespace, SECRET_NAME);
    const written =
      known === undefined
        ? // By a name of its own, without force: where another has made it since, that is a conflict (HTTP 409), and
          // unlike a POST it needs no right to create just any Secret.
          await client.apply<Secret>(path, object, { fieldManager: `${FIELD_MANAGER}-${randomUUID()}`, signal })
        : await client.replace<Secret>(path, object, { fieldManager: FIELD_MANAGER, signal });
    // Unless the watch was quicker: it may even know of what came after.
    if (this.#secret === known) this.#read(written);
    log.info(
      {
        step: step.what,
        ca: generations.ca.name,
        next: generations.next?.name,
        previous: generations.previous.map(({ name }) => name),
      },
      SAID[step.what],
    );
    this.#wake();
  }

  /** Nothing is decided before everything has been read once. */
  async #synced(signal: AbortSignal): Promise<void> {
    await Promise.all([this.#secrets.synced(signal), this.#webhooks.synced(signal)]);
  }

  #wake(): void {
    this.#renewal?.wake();
    this.#leading?.wake();
  }

  #failed(what: string, error: unknown, retryInMs: number): void {
    const details = { error: String(error), retryInMs: Math.round(retryInMs) };
    // Somebody else has written since; the watch tells what.
    const isConflict = error instanceof ApiError && error.status === 409;
    this.#options.log[isConflict ? "info" : "error"](details, what);
  }
}

const SAID: Readonly<Record<Step["what"], string>> = {
  issue: "a CA was issued",
  prepare: "a new CA was issued; it will sign when the webhook configurations have carried it long enough",
  restore: "the Secret of the CA was written again",
  adopt: "the Secret holds a CA that nobody was told of; those in use stay in the bundle",
  switch: "another CA signs from now on; the previous one stays in the bundle while its certificates live",
  drop: "CAs whose certificates have ended left the bundle",
};
