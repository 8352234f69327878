import type { BaselineSpec, NetworkBaseline, TemplateName } from "../config/baseline.ts";
import { atStage } from "../config/ways.ts";
import { NAMESPACE_NAME_LABEL } from "../model/names.ts";
import { namedApiServer } from "./api-server.ts";
import { type Backends, NO_BACKENDS } from "./backends.ts";
import { CONVENTIONAL_DNS, namedDns } from "./dns.ts";
import type { Located } from "./peers.ts";

/** What answers in a cluster. */
export interface FoundServers {
  readonly dns: Located;
  readonly apiServer: Located;
}

/** What is found in a cluster. */
export interface Found extends FoundServers {
  /** What the API server calls. */
  readonly backends: Backends;
}

/** A NetworkBaseline, and what its templates are filled in with. */
export interface Baseline extends NetworkBaseline, Found {
  /** It comes with the program, and holds because the cluster has none of its own, or none that is valid. */
  readonly isShipped: boolean;
  /** Its object was deleted a moment ago, and may be about to be replaced: it still governs, and changes nothing. */
  readonly isLeaving: boolean;
}

/** Where there is no cluster to ask. */
export const CONVENTIONAL: Found = {
  dns: CONVENTIONAL_DNS,
  apiServer: { isKnown: false, why: "there is no cluster to ask" },
  backends: NO_BACKENDS,
};

/**
 * As it is in force: at its stage, and without the namespaces that it excludes, which a selector can say too.
 * @param found in the cluster, for what the baseline does not name itself
 */
export function resolveBaseline(
  document: NetworkBaseline,
  found: Found,
  { isShipped = false, isLeaving = false }: Partial<Pick<Baseline, "isShipped" | "isLeaving">> = {},
): Baseline {
  const { dns, platform } = document.spec;
  return {
    ...document,
    spec: { ...atStage(document.spec), namespaceSelector: selectorOf(document.spec) },
    isShipped,
    isLeaving,
    dns: dns === undefined ? found.dns : namedDns(dns),
    apiServer: (platform?.apiServer && namedApiServer(platform.apiServer)) ?? found.apiServer,
    backends: found.backends,
  };
}

function selectorOf({ namespaceSelector, excludedNamespaces = [] }: BaselineSpec): BaselineSpec["namespaceSelector"] {
  if (excludedNamespaces.length === 0) return namespaceSelector;
  const excluded = { key: NAMESPACE_NAME_LABEL, operator: "NotIn" as const, values: excludedNamespaces };
  return { ...namespaceSelector, matchExpressions: [...(namespaceSelector.matchExpressions ?? []), excluded] };
}

export interface Unarmed {
  /** For machines. */
  readonly reason: "DNSUnknown" | "APIServerUnknown";
  /** For people: what is not known, and what to do about it. */
  readonly why: string;
}

interface Needed {
  readonly by: TemplateName;
  readonly from: keyof FoundServers;
  readonly what: string;
  readonly field: string;
  readonly reason: Unarmed["reason"];
}

/** What is looked for in the cluster, and which template cannot do without. */
const NEEDED: readonly Needed[] = [
  {
    by: "10-allow-dns-egress",
    from: "dns",
    what: "where the cluster's DNS answers",
    field: "spec.dns",
    reason: "DNSUnknown",
  },
  {
    by: "allow-apiserver-egress",
    from: "apiServer",
    what: "where the API server answers",
    field: "spec.platform.apiServer",
    reason: "APIServerUnknown",
  },
];

/**
 * Why the policies of a baseline cannot be made; undefined: they can. Until they can be, it gives nothing and nothing
 * waits for it: a namespace that cannot ask DNS is as good as cut off. Nor is anything wider opened instead.
 */
export function whyUnarmed(baseline: Baseline): Unarmed | undefined {
  const unknown = NEEDED.flatMap(({ by, from, what, field, reason }) => {
    const located = baseline[from];
    if (located.isKnown || !baseline.spec.templates.some(({ name }) => name === by)) return [];
    return [{ reason, why: `${what} is not known: ${located.why}. Name it in ${field} of the NetworkBaseline` }];
  });
  const [first] = unknown;
  return first && { reason: first.reason, why: unknown.map(({ why }) => why).join("; ") };
}
