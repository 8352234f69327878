/** Names that Drawbridge owns in a cluster, and names that Kubernetes fixes. */

export const GROUP = "drawbridge.dev";
export const API_VERSION = `${GROUP}/v1alpha1`;

/** Governing labels of a Namespace: which ruleset, how strong at most, which baseline. */
export const RULESET_LABEL = `${GROUP}/ruleset`;
export const MODE_LABEL = `${GROUP}/mode`;
export const BASELINE_LABEL = `${GROUP}/baseline`;
export const GOVERNING_LABELS = [RULESET_LABEL, MODE_LABEL, BASELINE_LABEL] as const;

/** On a Namespace only until its baseline exists; only Drawbridge removes it. */
export const PENDING_LABEL = `${GROUP}/baseline-pending`;

/** Of the Lease by which several servers elect a leader, in their namespace. */
export const LEASE_NAME = "drawbridge";

/** Of the Lease: since when namespaces are new, for each baseline. */
export const NEW_SINCE_ANNOTATION = `${GROUP}/new-since`;

/** Of the Lease: where the cluster's DNS and the API server answered last. */
export const FOUND_ANNOTATION = `${GROUP}/found`;

/** Of a policy of a baseline: what we have written in it, as a hash, so that it is seen whether somebody has changed it. */
export const CONTENT_ANNOTATION = `${GROUP}/content`;

/** Of our ValidatingWebhookConfiguration: until that time nothing is refused. */
export const SUSPENDED_ANNOTATION = `${GROUP}/suspended-until`;

/** What `kubectl apply` was given, as a text. */
export const LAST_APPLIED_ANNOTATION = "kubectl.kubernetes.io/last-applied-configuration";

/** Set by the API server on every Namespace; nobody can forge it (unlike `name`, which is whatever its owner writes). */
export const NAMESPACE_NAME_LABEL = "kubernetes.io/metadata.name";

/** Who owns a field in server-side apply, and the value of app.kubernetes.io/managed-by on what we create. */
export const FIELD_MANAGER = "drawbridge";
export const MANAGED_BY_LABEL = "app.kubernetes.io/managed-by";

/** Never judged, never governed: a cluster must be able to repair itself, and Drawbridge must be able to start. */
export const SYSTEM_NAMESPACES: readonly string[] = [
  "kube-system",
  "kube-public",
  "kube-node-lease",
  "drawbridge-system",
];
