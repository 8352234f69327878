import type { NetworkBaseline } from "../config/baseline.ts";
import type { Cap } from "../config/mode.ts";
import type { NetworkRuleset } from "../config/ruleset.ts";
import { type Configuration, configure, type Documents } from "../engine/configuration.ts";
import { checkDocument } from "../engine/documents.ts";
import { fieldPath } from "../model/json.ts";
import type { KubernetesObject } from "../model/objects.ts";

type Kind = "NetworkRuleset" | "NetworkBaseline";

/**
 * The configuration of a running server: documents come and go, and the last good version of each stays in force until
 * a better one arrives. A document that was never good does not exist, so the embedded ones may hold instead.
 */
export class LiveConfiguration {
  readonly #mode: Cap;
  readonly #embedded: Documents;
  readonly #rulesets = new Map<string, NetworkRuleset>();
  readonly #baselines = new Map<string, NetworkBaseline>();
  readonly #problems = new Map<string, string>();
  #current: Configuration;

  constructor(mode: Cap, embedded: Documents) {
    this.#mode = mode;
    this.#embedded = embedded;
    this.#current = this.#configure();
  }

  get current(): Configuration {
    return this.#current;
  }

  /** One line for each document whose newest version is not in force. */
  get problems(): readonly string[] {
    return [...this.#problems.values()];
  }

  /** Takes over a document as the cluster has it. Returns what is wrong with it, if it is not taken over. */
  set(kind: Kind, object: KubernetesObject): string | undefined {
    const name = object.metadata?.name ?? "";
    const checked = checkDocument(object);
    if (checked.problems !== undefined) {
      const inForce = this.#isKnown(kind, name) ? "its last good version stays in force" : "it is not in force";
      const lines = checked.problems.map(({ path, message }) => `${fieldPath(path)} ${message}`);
      const text = `${kind} ${name} is not valid, so ${inForce}: ${lines.join("; ")}`;
      this.#problems.set(`${kind}/${name}`, text);
      return text;
    }
    if (checked.document.kind === "NetworkRuleset") this.#rulesets.set(name, checked.document);
    else this.#baselines.set(name, checked.document);
    this.#problems.delete(`${kind}/${name}`);
    this.#current = this.#configure();
    return undefined;
  }

  remove(kind: Kind, name: string): void {
    (kind === "NetworkRuleset" ? this.#rulesets : this.#baselines).delete(name);
    this.#problems.delete(`${kind}/${name}`);
    this.#current = this.#configure();
  }

  #isKnown(kind: Kind, name: string): boolean {
    return (kind === "NetworkRuleset" ? this.#rulesets : this.#baselines).has(name);
  }

  #configure(): Configuration {
    return configure(this.#mode, this.#embedded, { rulesets: this.#rulesets, baselines: this.#baselines });
  }
}
