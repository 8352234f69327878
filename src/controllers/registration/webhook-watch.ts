import type { Authority } from "../../certs/inspect.ts";
import type { Observed } from "../../certs/rotation.ts";
import type { KubernetesClient } from "../../cluster/client.ts";
import { paths } from "../../cluster/paths.ts";
import { Reflector, type Trouble } from "../../cluster/reflector.ts";
import type { Stored } from "./registrar.ts";
import { trustedBy, type WebhookConfiguration, WEBHOOKS_NAME } from "./webhook-configurations.ts";

export interface WebhookWatchOptions {
  readonly client: Pick<KubernetesClient, "pages" | "stream">;
  readonly onTrouble: (resource: string, trouble: Trouble) => void;
  /** A monotonic clock, in milliseconds. */
  readonly elapsed: () => number;
}

/** Our two webhook configurations as the API server has them, and no others. */
export class WebhookWatch {
  readonly #elapsed: () => number;
  readonly #reflectors: {
    readonly validating: Reflector<WebhookConfiguration>;
    readonly mutating: Reflector<WebhookConfiguration>;
  };
  /** Since when each CA has been carried by every webhook, without a break. */
  #carriedSince: ReadonlyMap<string, number> = new Map();

  readonly #listeners: (() => void)[] = [];

  constructor({ client, onTrouble, elapsed }: WebhookWatchOptions) {
    this.#elapsed = elapsed;
    const reflector = (resource: string, path: string) =>
      new Reflector<WebhookConfiguration>({
        client,
        path,
        query: { fieldSelector: `metadata.name=${WEBHOOKS_NAME}` },
        onChange: () => {
          this.#look();
          for (const listener of this.#listeners) listener();
        },
        onError: (trouble) => onTrouble(resource, trouble),
      });
    this.#reflectors = {
      validating: reflector("validatingwebhookconfigurations", paths.validatingWebhookConfigurations()),
      mutating: reflector("mutatingwebhookconfigurations", paths.mutatingWebhookConfigurations()),
    };
  }

  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  start(): void {
    for (const reflector of this.#all()) reflector.start();
  }

  async stop(): Promise<void> {
    await Promise.all(this.#all().map((reflector) => reflector.stop()));
  }

  async synced(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#all().map((reflector) => reflector.synced(signal)));
  }

  get observed(): Observed {
    const now = this.#elapsed();
    return {
      registered: this.#webhooks().length > 0,
      carried: new Map([...this.#carriedSince].map(([id, since]) => [id, now - since])),
      trusted: [...new Map(this.#webhooks().flatMap((bundle) => bundle.map((ca) => [ca.id, ca] as const))).values()],
    };
  }

  get stored(): Stored {
    const { validating, mutating } = this.#reflectors;
    return { validating: validating.get(WEBHOOKS_NAME), mutating: mutating.get(WEBHOOKS_NAME) };
  }

  /** Whether both are there: servers that have stopped behind a Service may have left the gate alone. */
  get isComplete(): boolean {
    return this.#all().every((reflector) => (reflector.get(WEBHOOKS_NAME)?.webhooks ?? []).length > 0);
  }

  #look(): void {
    const [first = [], ...others] = this.#webhooks();
    const everywhere = first.filter(({ id }) => others.every((bundle) => bundle.some((ca) => ca.id === id)));
    const now = this.#elapsed();
    this.#carriedSince = new Map(everywhere.map(({ id }) => [id, this.#carriedSince.get(id) ?? now]));
  }

  /** The bundle of every webhook of both. */
  #webhooks(): readonly (readonly Authority[])[] {
    return this.#all().flatMap((reflector) =>
      (reflector.get(WEBHOOKS_NAME)?.webhooks ?? []).map(({ clientConfig = {} }) => trustedBy(clientConfig)),
    );
  }

  #all(): readonly Reflector<WebhookConfiguration>[] {
    return Object.values(this.#reflectors);
  }
}
