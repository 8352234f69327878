import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";

export type Metrics = ReturnType<typeof createMetrics>;

/** Every metric there is, each with its own registry, so that two servers in one process do not mix. */
export function createMetrics() {
  const registers = [new Registry()] as [Registry];
  collectDefaultMetrics({ register: registers[0] });
  return {
    registry: registers[0],
    reviews: new Counter({
      name: "drawbridge_admission_reviews_total",
      help: "Admission requests answered. verdict: allowed, warned, audited, denied, suspended (it would have been denied), patched or failed (HTTP 500).",
      labelNames: ["webhook", "kind", "operation", "verdict"] as const,
      registers,
    }),
    reviewSeconds: new Histogram({
      name: "drawbridge_admission_duration_seconds",
      help: "Time from a parsed request to its answer.",
      labelNames: ["webhook"] as const,
      buckets: [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1, 3],
      registers,
    }),
    findings: new Counter({
      name: "drawbridge_findings_total",
      help: "Findings on admitted or refused objects, by rule and by what was done: enforce, warn, audit, or excepted where an exception covers it. Dry runs count.",
      labelNames: ["rule", "mode"] as const,
      registers,
    }),
    badRequests: new Counter({
      name: "drawbridge_bad_requests_total",
      help: "Requests that were no AdmissionReview, by HTTP status.",
      labelNames: ["status"] as const,
      registers,
    }),
    configurationErrors: new Gauge({
      name: "drawbridge_configuration_errors",
      help: "NetworkRulesets, NetworkBaselines and NetworkExceptions that are not valid, so that an older version, the embedded one or none is in force.",
      registers,
    }),
    configurationRejections: new Counter({
      name: "drawbridge_configuration_rejections_total",
      help: "Changes of NetworkRulesets, NetworkBaselines and NetworkExceptions that were not taken over because they are not valid.",
      labelNames: ["kind"] as const,
      registers,
    }),
    baselineNamespaces: new Counter({
      name: "drawbridge_baseline_namespaces_total",
      help: "Namespaces by what became of their baseline: finished, conflict, failed (and tried again), would_inject (in modes warn and audit).",
      labelNames: ["outcome"] as const,
      registers,
    }),
    dnsKnown: new Gauge({
      name: "drawbridge_dns_known",
      help: "1 when it is known where the cluster's DNS answers, so that baselines that allow it can be given to namespaces.",
      registers,
    }),
    apiServerKnown: new Gauge({
      name: "drawbridge_api_server_known",
      help: "1 when it is known where Pods reach the API server, so that baselines with allow-apiserver-egress can be given to namespaces.",
      registers,
    }),
    baselineWrites: new Counter({
      name: "drawbridge_baseline_writes_total",
      help: "Writes to the API server for baselines: policy or marker.",
      labelNames: ["what"] as const,
      registers,
    }),
    baselineHealed: new Counter({
      name: "drawbridge_baseline_healed_total",
      help: "Policies of baselines that were put back in place in finished namespaces, by what they were: missing, changed, outdated (as we had left them, but the baseline has changed, or new to namespaces that are there), or unwanted (so too, and deleted).",
      labelNames: ["was"] as const,
      registers,
    }),
    gateDecisions: new Counter({
      name: "drawbridge_gate_decisions_total",
      help: "Pods of namespaces without their baseline yet: admitted (it is there now), refused (it can't be, as policies of others are in the way), failed (not in time), dry_run.",
      labelNames: ["decision"] as const,
      registers,
    }),
    gateSeconds: new Histogram({
      name: "drawbridge_gate_duration_seconds",
      help: "How long a Pod of a namespace without its baseline waited for it.",
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
      registers,
    }),
    workloadsWoken: new Counter({
      name: "drawbridge_workloads_woken_total",
      help: "Workloads that lacked Pods when their namespace began to take them, and were touched so that they try again at once.",
      labelNames: ["kind"] as const,
      registers,
    }),
    baselinePending: new Gauge({
      name: "drawbridge_baseline_pending_namespaces",
      help: "Namespaces that wait for their baseline.",
      registers,
    }),
    baselineStates: new Gauge({
      name: "drawbridge_baseline_governed_namespaces",
      help: "Namespaces that a NetworkBaseline governs, by how they stand with it: finished, pending, failed (and tried again), conflict; and those that it does not govern: existing (it would if it adopted them), released (they still have policies of it). Of the leader only.",
      labelNames: ["baseline", "state"] as const,
      registers,
    }),
    unprotectedSeconds: new Histogram({
      name: "drawbridge_namespace_unprotected_seconds",
      help: "From the creation of a namespace that waited for its baseline to that of the last policy of it, by the API server's clock, which counts whole seconds. Pods could not start there meanwhile.",
      buckets: [0, 1, 2, 5, 10, 30, 60, 300, 900, 3600],
      registers,
    }),
    leader: new Gauge({
      name: "drawbridge_leader",
      help: "1 where this server is the one that writes baselines and the registration, else 0; over all of them it is 1, save for the seconds of a change.",
      registers,
    }),
    leaderTransitions: new Counter({
      name: "drawbridge_leader_transitions_total",
      help: "How often this server has begun (to: leader) and ceased (to: follower) to lead.",
      labelNames: ["to"] as const,
      registers,
    }),
    certificateExpiry: new Gauge({
      name: "drawbridge_certificate_expiry_seconds",
      help: "When certificates end, in seconds since 1970: ca (the one that signs) and leaf (this server's own).",
      labelNames: ["what"] as const,
      registers,
    }),
    registrationRestored: new Counter({
      name: "drawbridge_registration_restored_total",
      help: "How often a webhook configuration (validating, mutating) was put right that somebody else had deleted or changed.",
      labelNames: ["configuration"] as const,
      registers,
    }),
    suspended: new Gauge({
      name: "drawbridge_suspended",
      help: "1 while an annotation of the registration keeps this server from refusing anything, else 0.",
      registers,
    }),
    cacheLastEvent: new Gauge({
      name: "drawbridge_cache_last_event_timestamp_seconds",
      help: "When the API server was last heard of for a resource: a list, an event or a bookmark, normally once a minute.",
      labelNames: ["resource"] as const,
      registers,
    }),
    reflectorErrors: new Counter({
      name: "drawbridge_reflector_errors_total",
      help: "Failed lists and broken watches of the API server, each tried again.",
      labelNames: ["resource"] as const,
      registers,
    }),
  };
}
