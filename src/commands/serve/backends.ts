import { type Backends, byNamespace, NO_BACKENDS } from "../../baseline/backends.ts";
import type { Backend } from "../../model/backends.ts";
import { isEqual } from "../../model/json.ts";
import { SYSTEM_NAMESPACES } from "../../model/names.ts";
import type { Logger } from "../../telemetry/log.ts";

export interface BackendsOptions {
  /** What the API server calls now. */
  readonly find: () => readonly Backend[];
  /** Called with each other answer than the one before, and with the namespaces in which it is another. */
  readonly onFound: (found: Backends, namespaces: readonly string[]) => void;
  readonly log: Logger;
}

/**
 * Follows what the API server calls. Not before everything has been read once: half of it would count as all. What is
 * gone is gone at once, other than with what is called itself: where there is no Service the API server calls none.
 */
export function followBackends({ find, onFound, log }: BackendsOptions): { readonly look: () => void } {
  let known = NO_BACKENDS;
  return {
    look: () => {
      const found = byNamespace(find());
      const namespaces = new Set([...known.keys(), ...found.keys()]);
      const changed = [...namespaces].filter((name) => !isEqual(known.get(name), found.get(name)));
      known = found;
      if (changed.length === 0) return;
      for (const namespace of changed) tell(namespace, found.get(namespace) ?? [], log);
      onFound(found, changed);
    },
  };
}

function tell(namespace: string, backends: readonly Backend[], log: Logger): void {
  const services = backends.map(({ service, servicePort, calledBy, target }) => ({
    service: `${service}:${servicePort}`,
    calledBy,
    target,
  }));
  log.info({ namespace, services }, "what the API server calls in a namespace");
  const unknown = services.filter(({ target }) => target.is === "unknown");
  if (unknown.length === 0 || SYSTEM_NAMESPACES.includes(namespace)) return;
  const message =
    "which Pods answer to the API server cannot be told, so where ingress is not denied yet the namespace gets no baseline";
  log.warn({ namespace, services: unknown }, message);
}
