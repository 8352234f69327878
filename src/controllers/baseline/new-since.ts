import { inOrder } from "../../baseline/govern.ts";
import { whyUnarmed } from "../../baseline/resolve.ts";
import type { FencedClient } from "../../cluster/fence.ts";
import { paths } from "../../cluster/paths.ts";
import type { NetworkBaseline } from "../../config/baseline.ts";
import type { Configuration } from "../../engine/configuration.ts";
import { digest } from "../../model/digest.ts";
import { isRecord, recordIn } from "../../model/json.ts";
import { NEW_SINCE_ANNOTATION } from "../../model/names.ts";
import type { KubernetesObject, Labels, Namespace } from "../../model/objects.ts";
import type { Logger } from "../../telemetry/log.ts";
import { startLoop } from "../loops/loop.ts";

/**
 * Since when namespaces are new to a baseline. `after`: the time of creation of the newest one that was there when this
 * installation began to enforce the baseline with this selector; all that are newer were to have it from the beginning.
 * It needs no clock, and none can be wrong: what is compared are times of creation, all of them the API server's.
 */
export interface NewSince {
  readonly after: string;
  readonly selector: string;
}

/** By the name of the baseline. */
export type NewSinceRecord = ReadonlyMap<string, NewSince>;

export interface NewSinceOptions {
  readonly configuration: () => Configuration;
  /** Namespaces may be new that were not a moment ago. */
  readonly onChange: () => void;
  readonly log: Logger;
}

/** A few comparisons, nothing is asked. */
const LOOK_EVERY_MS = 1_000;
const BACKOFF = { minMs: 500, maxMs: 60_000 };

/**
 * The record of it, which is kept where it outlives every server: on the Lease, written together with it, so that only
 * the holder of the Lease writes it. What is on the Lease counts, also if somebody has changed it. A leader that does
 * not enforce takes it off in the very write by which it begins to lead.
 */
export class NewSinceKeeper {
  readonly #options: NewSinceOptions;
  /** As on the Lease, by what we know. */
  #record: NewSinceRecord = new Map();
  /** To be added to it by the next write. */
  readonly #fresh = new Map<string, NewSince>();

  constructor(options: NewSinceOptions) {
    this.#options = options;
  }

  /** Where there is no record nothing is new: in doubt nobody is cut off. */
  isNew({ metadata }: Namespace, baseline: NetworkBaseline): boolean {
    const created = Date.parse(metadata?.creationTimestamp ?? "");
    const { newSince } = baseline.spec;
    if (newSince !== undefined) return created >= Date.parse(newSince);
    const entry = heldFor(baseline, this.#record);
    return entry !== undefined && created > Date.parse(entry.after);
  }

  /** What the Lease is to carry, of what it carries. */
  annotate(annotations: Labels): Labels {
    const { [NEW_SINCE_ANNOTATION]: text, ...others } = annotations;
    const stored = newSinceIn(text);
    const record = new Map(this.#awaited(stored));
    for (const baseline of this.#enforced()) {
      const { name } = baseline.metadata;
      const entry = heldFor(baseline, stored);
      if (entry !== undefined) this.#fresh.delete(name);
      const kept = entry ?? heldFor(baseline, this.#fresh);
      if (kept !== undefined && !record.has(name) && record.size < MOST_BASELINES) record.set(name, kept);
    }
    this.#take(record);
    if (record.size === 0) return others;
    return { ...others, [NEW_SINCE_ANNOTATION]: JSON.stringify(Object.fromEntries(record)) };
  }

  /** Makes entries for baselines that have none, while we lead. Resolves when the signal has ended it. */
  async run(client: Pick<FencedClient, "pages">, signal: AbortSignal): Promise<void> {
    await startLoop({
      look: () => this.#look(client, signal),
      onError: (error, retryInMs) => this.#failed(error, retryInMs),
      everyMs: LOOK_EVERY_MS,
      backoff: BACKOFF,
      signal,
    }).ended;
    this.#fresh.clear();
    this.#record = new Map();
  }

  async #look(client: Pick<FencedClient, "pages">, signal: AbortSignal): Promise<void> {
    const lacking = this.#enforced().filter(
      (baseline) => (heldFor(baseline, this.#record) ?? heldFor(baseline, this.#fresh)) === undefined,
    );
    if (lacking.length === 0) return;
    // Asked, not looked up in a cache: that may not have heard of the newest yet.
    const after = await newestCreation(client, signal);
    for (const baseline of lacking) {
      const { name } = baseline.metadata;
      this.#fresh.set(name, { after, selector: digestOf(baseline) });
      this.#options.log.info({ baseline: name, after }, "namespaces that are created from now on count as new");
    }
  }

  #take(record: NewSinceRecord): void {
    const { log, onChange } = this.#options;
    const before = this.#record;
    this.#record = record;
    const lost = this.#enforced().filter(
      (baseline) => heldFor(baseline, before) !== undefined && !record.has(baseline.metadata.name),
    );
    if (lost.length > 0) {
      const baselines = lost.map(({ metadata }) => metadata.name);
      const annotation = NEW_SINCE_ANNOTATION;
      log.warn({ baselines, annotation }, "the record on the Lease is gone: namespaces that exist now count as old");
    }
    if ([...record].some(([name, { after }]) => before.get(name)?.after !== after)) onChange();
  }

  #failed(error: unknown, retryInMs: number): void {
    const details = { error: String(error), retryInMs: Math.round(retryInMs) };
    this.#options.log.warn(details, "since when namespaces are new is not known yet; trying again");
  }

  /**
   * What there is of baselines that give nothing now, and did: one that is not valid, whose selector is not known, and one
   * of which it is not known what it is to give. Namespaces that come meanwhile were to have them all the same.
   */
  #awaited(stored: NewSinceRecord): readonly (readonly [string, NewSince])[] {
    const { mode, baselines, unusable } = this.#options.configuration();
    if (mode !== "enforce") return [];
    const unarmed = baselines.filter((one) => whyUnarmed(one) !== undefined && heldFor(one, stored) !== undefined);
    const names = new Set([...unusable, ...unarmed.map(({ metadata }) => metadata.name)]);
    return [...stored].filter(([name]) => names.has(name)).slice(0, MOST_BASELINES);
  }

  /**
   * What gives nothing, as what it is to give is not known, is not begun to be enforced: nobody is to be cut off once it
   * is known.
   */
  #enforced(): readonly NetworkBaseline[] {
    const { mode, baselines } = this.#options.configuration();
    if (mode !== "enforce") return [];
    const armed = baselines.filter((baseline) => whyUnarmed(baseline) === undefined);
    return inOrder(armed).slice(0, MOST_BASELINES);
  }
}

/** An object takes 256 KiB of annotations, and a Lease that is refused would leave us without a leader. */
const MOST_BASELINES = 500;

/** Not of another selector: a namespace that it did not select was not to have its policies. */
function heldFor(baseline: NetworkBaseline, record: NewSinceRecord): NewSince | undefined {
  const entry = record.get(baseline.metadata.name);
  return entry?.selector === digestOf(baseline) ? entry : undefined;
}

function digestOf({ spec }: NetworkBaseline): string {
  return digest(spec.namespaceSelector);
}

/** What cannot be read is not there. */
function newSinceIn(text: string | undefined): NewSinceRecord {
  const entries = Object.entries(recordIn(text));
  return new Map(entries.flatMap(([name, entry]) => (isEntry(entry) ? [[name, entry] as const] : [])));
}

function isEntry(value: unknown): value is NewSince {
  if (!isRecord(value)) return false;
  const { after, selector } = value;
  return typeof after === "string" && !Number.isNaN(Date.parse(after)) && typeof selector === "string";
}

const NO_NAMESPACES = "1970-01-01T00:00:00Z";

async function newestCreation(client: Pick<FencedClient, "pages">, signal: AbortSignal): Promise<string> {
  let newest = NO_NAMESPACES;
  for await (const { items } of client.pages<KubernetesObject>(paths.namespaces(), { signal })) {
    for (const { metadata } of items) {
      const created = metadata?.creationTimestamp ?? "";
      // In the one form in which the API server writes them, texts are in the order of times.
      if (created > newest) newest = created;
    }
  }
  return newest;
}
