import type { NetworkBaseline } from "../config/baseline.ts";
import { type ClusterDns, namedDns } from "./dns.ts";

/** A NetworkBaseline, and what its templates are filled in with. */
export interface Baseline extends NetworkBaseline {
  readonly dns: ClusterDns;
}

/** @param dns of the cluster, for one that names none itself */
export function resolveBaseline(document: NetworkBaseline, dns: ClusterDns): Baseline {
  return { ...document, dns: document.spec.dns === undefined ? dns : namedDns(document.spec.dns) };
}

/**
 * Why the policies of a baseline cannot be made; undefined: they can. Until they can be, it gives nothing and nothing
 * waits for it: a namespace that cannot ask DNS is as good as cut off.
 */
export function whyUnarmed({ spec, dns }: Baseline): string | undefined {
  if (dns.isKnown || !spec.templates.some(({ name }) => name === "10-allow-dns-egress")) return undefined;
  return `where the cluster's DNS answers is not known: ${dns.why}. Name it in spec.dns of the NetworkBaseline`;
}
