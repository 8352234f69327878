import type { Authority, Leaf } from "../../src/certs/inspect.ts";
import type { Lives } from "../../src/certs/lives.ts";
import { type Generations, nextStep, type Observed, signerFor, whyUntrusted } from "../../src/certs/rotation.ts";
import { DAY_MS, HOUR_MS, leafBy, signer } from "./build.ts";

/** The order of the real ones; nearer to each other, so that less time has to pass until something happens. */
const MODEL_LIVES: Lives = { caMs: 6 * DAY_MS, leafMs: DAY_MS, settleMs: 4 * HOUR_MS, backdateMs: HOUR_MS };

/** How late anybody hears of a change of the Secret or of the webhook configurations, unless told before. */
const LAG_MS = 3 * HOUR_MS;
const CHUNK_MS = HOUR_MS / 2;
/** Until everybody has heard of a step, waited, and heard of the one after it. */
const SETTLED_MS = MODEL_LIVES.settleMs + 3 * LAG_MS;

export type Op =
  | { readonly op: "advance"; readonly ms: number }
  | { readonly op: "look" | "lead" | "hear" | "restart" | "elect" | "leaderless"; readonly process: number }
  | { readonly op: "delete" | "replace" | "back up" | "restore" }
  | { readonly op: "tell"; readonly apiServer: number };

interface Version<T> {
  readonly value: T;
  readonly number: number;
  readonly at: number;
}

interface Process {
  secret: Version<Generations | undefined>;
  bundle: Version<readonly Authority[] | undefined>;
  carriedSince: ReadonlyMap<string, number>;
  remembered: Generations | undefined;
  leaf: Leaf | undefined;
  /** Nobody could ask it, as after a surprise it had no key of a CA that API servers were told of. */
  excused: boolean;
}

/** Servers, API servers and what they share, each of which hears of the others late, and all of which may fail. */
export class System {
  #now = Date.UTC(2026, 0, 1);
  #secret: Version<Generations | undefined> = { value: undefined, number: 0, at: this.#now };
  #bundle: Version<readonly Authority[] | undefined> = { value: undefined, number: 0, at: this.#now };
  #backup: Generations | undefined;
  #made = 0;
  #wasSurprised = false;
  #hadItsSurprise = false;
  #leader: number | undefined = 0;
  readonly #processes: Process[];
  readonly #apiServers: Version<readonly Authority[] | undefined>[];
  readonly #refused = new Set<string>();
  #switches = 0;

  constructor(processes: number) {
    this.#processes = Array.from({ length: processes }, () => this.#started());
    this.#apiServers = [this.#bundle, this.#bundle];
  }

  get secret(): Generations | undefined {
    return this.#secret.value;
  }

  published(): readonly string[] {
    return (this.#bundle.value ?? []).map(({ id }) => id);
  }

  run(op: Op): void {
    switch (op.op) {
      case "advance":
        for (let left = op.ms; left > 0; left -= CHUNK_MS) this.#advance(Math.min(left, CHUNK_MS));
        break;
      case "look":
        this.#look(this.#processes[op.process]);
        break;
      case "lead":
        if (op.process === this.#leader) this.#lead(this.#processes[op.process]);
        break;
      case "hear":
        this.#hear(this.#processes[op.process]);
        break;
      case "restart":
        this.#processes[op.process] = this.#started();
        break;
      case "elect":
        this.#leader = op.process;
        break;
      case "leaderless":
        this.#leader = undefined;
        break;
      case "tell":
        this.#apiServers[op.apiServer] = this.#bundle;
        break;
      case "delete":
        this.#surprise(undefined);
        break;
      case "replace":
        this.#surprise({ ca: this.#issue(), previous: [], since: this.#now });
        break;
      case "back up":
        this.#backup = this.#secret.value;
        break;
      case "restore":
        if (this.#backup !== undefined) this.#surprise(this.#backup);
    }
    this.#call();
  }

  /** Calls that failed at any moment: to a server that may be asked, by an API server that does not trust it. */
  get refused(): readonly string[] {
    return [...this.#refused];
  }

  /** How often another CA began to sign. */
  get switches(): number {
    return this.#switches;
  }

  #call(): void {
    this.#processes.forEach(({ leaf, excused, ...process }, index) => {
      const hasEnded = leaf !== undefined && leaf.notAfter <= this.#now;
      if (hasEnded && !this.#wasSurprised) this.#refused.add(`server ${index} let its certificate end`);
      if (leaf === undefined || excused || whyUntrusted(leaf, this.#observed(process), this.#now) !== undefined) return;
      this.#apiServers.forEach(({ value }, apiServer) => {
        if (value === undefined || value.some(({ id }) => id === leaf.issuer)) return;
        const trusted = value.map(({ id }) => id).join();
        this.#refused.add(`API server ${apiServer} trusts ${trusted}, server ${index} has ${leaf.issuer}`);
      });
    });
  }

  problems(): readonly string[] {
    return this.#processes.flatMap(
      ({ leaf, ...process }) => whyUntrusted(leaf, this.#observed(process), this.#now) ?? [],
    );
  }

  /** Everybody hears in time, and looks often. */
  #advance(ms: number): void {
    this.#now += ms;
    // Nobody led for a third of its life: what is left of it is too short for an overlap of which everybody hears.
    const { ca } = this.#secret.value ?? {};
    if (ca !== undefined && ca.notAfter - this.#now <= SETTLED_MS) this.#wasSurprised = true;
    const isLate = (seen: Version<unknown>, current: Version<unknown>) =>
      seen.number !== current.number && this.#now - current.at > LAG_MS - CHUNK_MS;
    this.#apiServers.forEach((seen, index) => {
      if (isLate(seen, this.#bundle)) this.#apiServers[index] = this.#bundle;
    });
    this.#processes.forEach((process, index) => {
      if (isLate(process.secret, this.#secret) || isLate(process.bundle, this.#bundle)) this.#hear(process);
      this.#call();
      this.#look(process);
      this.#call();
      if (index === this.#leader) this.#lead(process);
      this.#call();
    });
  }

  #started(): Process {
    const process: Process = {
      secret: this.#secret,
      bundle: this.#bundle,
      carriedSince: new Map(),
      remembered: this.#secret.value,
      leaf: undefined,
      excused: false,
    };
    this.#hear(process);
    return process;
  }

  #hear(process: Process | undefined): void {
    if (process === undefined) return;
    process.secret = this.#secret;
    process.bundle = this.#bundle;
    process.remembered = this.#secret.value ?? process.remembered;
    const since = process.carriedSince;
    process.carriedSince = new Map((this.#bundle.value ?? []).map(({ id }) => [id, since.get(id) ?? this.#now]));
  }

  #observed({ bundle, carriedSince }: Pick<Process, "bundle" | "carriedSince">): Observed {
    return {
      registered: bundle.value !== undefined,
      carried: new Map([...carriedSince].map(([id, since]) => [id, this.#now - since])),
      trusted: bundle.value ?? [],
    };
  }

  #look(process: Process | undefined): void {
    if (process?.remembered === undefined) return;
    const ca = signerFor(process.remembered, process.leaf, this.#observed(process), this.#now, MODEL_LIVES);
    if (ca !== undefined) {
      const couldNotBeAsked = whyUntrusted(process.leaf, this.#observed(process), this.#now) !== undefined;
      process.leaf = leafBy(ca, this.#now, MODEL_LIVES);
      process.excused ||= couldNotBeAsked && this.#wasSurprised;
    }
    const issuer = process.leaf?.issuer;
    if (this.#apiServers.every(({ value }) => value?.some(({ id }) => id === issuer))) process.excused = false;
  }

  /** One look of the leader: one write at most, and none over what it has not seen. */
  #lead(process: Process | undefined): void {
    if (process === undefined) return;
    const { secret, bundle, remembered } = process;
    const step = nextStep(
      { stored: secret.value, remembered, observed: this.#observed(process) },
      this.#now,
      MODEL_LIVES,
    );
    if (step !== undefined) {
      if (secret.number !== this.#secret.number) return;
      if (step.what === "switch") this.#switches += 1;
      this.#secret = this.#version(this.#secret, step.make(this.#issue()));
      process.secret = this.#secret;
      process.remembered = this.#secret.value;
    } else if (secret.value !== undefined && bundle.number === this.#bundle.number) {
      const wanted = authoritiesOf(secret.value);
      if (wanted.map(({ id }) => id).join() === this.published().join()) return;
      this.#bundle = this.#version(this.#bundle, wanted);
    }
  }

  /**
   * One in a history. Of two there are known orders in which servers are refused for some hours of this model: an old
   * backup that is restored twice, a CA that is replaced and restored before everybody has heard of it.
   */
  #surprise(value: Generations | undefined): void {
    if (this.#hadItsSurprise) return;
    this.#hadItsSurprise = true;
    this.#wasSurprised = true;
    this.#secret = this.#version(this.#secret, value);
  }

  #version<T>({ number }: Version<T>, value: T): Version<T> {
    return { value, number: number + 1, at: this.#now };
  }

  #issue() {
    this.#made += 1;
    return signer(`CA ${this.#made}`, this.#now, MODEL_LIVES);
  }
}

function authoritiesOf({ ca, next, previous }: Generations): readonly Authority[] {
  return [ca, ...(next === undefined ? [] : [next]), ...previous];
}

export function authorityIdsOf(generations: Generations | undefined): readonly string[] {
  return generations === undefined ? [] : authoritiesOf(generations).map(({ id }) => id);
}
