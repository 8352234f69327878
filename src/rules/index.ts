import { noAllNamespacesPeer } from "./no-all-namespaces-peer.ts";
import { noAmbiguousPeers } from "./no-ambiguous-peers.ts";
import { noBroadCidr } from "./no-broad-cidr.ts";
import { noDeadClause } from "./no-dead-clause.ts";
import { noGenericLabel } from "./no-generic-label.ts";
import { noHostNetwork } from "./no-host-network.ts";
import { noInstanceLabel } from "./no-instance-label.ts";
import { noIsolatedBackend } from "./no-isolated-backend.ts";
import { noMetadataEndpoint } from "./no-metadata-endpoint.ts";
import { noMutableNamespaceLabel } from "./no-mutable-namespace-label.ts";
import { noOpenDns } from "./no-open-dns.ts";
import { noOpenEgress } from "./no-open-egress.ts";
import { noOpenIngress } from "./no-open-ingress.ts";
import { noSystemNamespacePeer } from "./no-system-namespace-peer.ts";
import { noUnboundLabel } from "./no-unbound-label.ts";
import { noUnstableLabel } from "./no-unstable-label.ts";
import { noWholeNamespacePeer } from "./no-whole-namespace-peer.ts";
import { noWidePortRange } from "./no-wide-port-range.ts";
import { requireExpiry } from "./require-expiry.ts";
import { requireLabelContract } from "./require-label-contract.ts";
import { requireMetadata } from "./require-metadata.ts";
import { requireNamespaceLabels } from "./require-namespace-labels.ts";
import { requirePolicyTypes } from "./require-policy-types.ts";
import { requirePorts } from "./require-ports.ts";
import { requireWorkloadLabels } from "./require-workload-labels.ts";
import type { AnyRule } from "./rule.ts";

/** Every rule there is, in the order in which findings and documentation list them. */
export const RULES: readonly AnyRule[] = [
  requirePolicyTypes,
  noDeadClause,
  noUnstableLabel,
  noInstanceLabel,
  noGenericLabel,
  requireLabelContract,
  noBroadCidr,
  noMetadataEndpoint,
  noOpenEgress,
  noOpenIngress,
  noWholeNamespacePeer,
  noAllNamespacesPeer,
  noSystemNamespacePeer,
  requirePorts,
  noWidePortRange,
  noMutableNamespaceLabel,
  noAmbiguousPeers,
  noOpenDns,
  requireMetadata,
  requireExpiry,
  noIsolatedBackend,
  requireWorkloadLabels,
  noHostNetwork,
  requireNamespaceLabels,
  noUnboundLabel,
];
