import type { Problem } from "../model/errors.ts";
import { isRecord, type JsonObject } from "../model/json.ts";
import { API_VERSION } from "../model/names.ts";
import { nearest } from "../model/nearest.ts";
import { checkTypes, type Schema } from "./decode.ts";
import { checkFinalizers, checkMetadata, type Naming } from "./metadata.ts";
import { checkPolicySpec } from "./network-policy.ts";
import { show } from "../model/printable.ts";
import type { Report } from "./report.ts";
import {
  APPS_WORKLOAD,
  CRON_JOB,
  CUSTOM_RESOURCE,
  JOB,
  NAMESPACE,
  NETWORK_POLICY,
  POD,
  REPLICATION_CONTROLLER,
} from "./schemas.ts";
import { checkControlledPods, checkOwnPods, checkTemplate } from "./workloads.ts";

interface Kind {
  readonly apiVersion: string;
  readonly schema: Schema;
  readonly naming: Naming;
  readonly check: (object: JsonObject, report: Report) => void;
}

const NAMESPACED: Naming = { syntax: "subdomain", namespaced: true };

const APPS: Omit<Kind, "naming"> = {
  apiVersion: "apps/v1",
  schema: APPS_WORKLOAD,
  check(object, report) {
    checkTemplate(object, "/spec/template", report);
    checkOwnPods(object, report);
  },
};

const CLUSTER: Naming = { syntax: "subdomain", namespaced: false };
const OWN = { apiVersion: API_VERSION, schema: CUSTOM_RESOURCE, check() {} };

const KINDS: Readonly<Record<string, Kind>> = {
  NetworkPolicy: {
    apiVersion: "networking.k8s.io/v1",
    schema: NETWORK_POLICY,
    naming: NAMESPACED,
    check(object, report) {
      if (isRecord(object["spec"])) checkPolicySpec(object["spec"], "/spec", report);
    },
  },
  Namespace: {
    apiVersion: "v1",
    schema: NAMESPACE,
    naming: { syntax: "label", namespaced: false },
    check({ metadata, spec }, report) {
      // Of the other kinds the API server sets it, whatever it says.
      const generation = isRecord(metadata) ? metadata["generation"] : undefined;
      if (typeof generation === "number" && generation < 0)
        report("/metadata/generation", `is ${generation}; must not be less than 0`);
      if (isRecord(spec)) checkFinalizers(spec["finalizers"], "/spec/finalizers", report);
    },
  },
  Pod: { apiVersion: "v1", schema: POD, naming: NAMESPACED, check() {} },
  ReplicationController: {
    apiVersion: "v1",
    schema: REPLICATION_CONTROLLER,
    naming: NAMESPACED,
    check(object, report) {
      checkTemplate(object, "/spec/template", report);
      checkControlledPods(object, report);
    },
  },
  Deployment: { ...APPS, naming: NAMESPACED },
  ReplicaSet: { ...APPS, naming: NAMESPACED },
  DaemonSet: { ...APPS, naming: NAMESPACED },
  StatefulSet: { ...APPS, naming: { syntax: "label", namespaced: true } },
  Job: {
    apiVersion: "batch/v1",
    schema: JOB,
    naming: NAMESPACED,
    check: (object, report) => checkTemplate(object, "/spec/template", report),
  },
  CronJob: {
    apiVersion: "batch/v1",
    schema: CRON_JOB,
    // The Jobs that it makes have eleven characters more.
    naming: { ...NAMESPACED, maxLength: 52 },
    check: (object, report) => checkTemplate(object, "/spec/jobTemplate/spec/template", report),
  },
  NetworkException: { ...OWN, naming: NAMESPACED },
  NetworkRuleset: { ...OWN, naming: CLUSTER },
  NetworkBaseline: { ...OWN, naming: CLUSTER },
};

/** Versions of these kinds that were served once, and the release of Kubernetes that served them no more. */
const GONE: ReadonlyMap<string, string> = new Map([
  ["extensions/v1beta1", "1.16"],
  ["apps/v1beta1", "1.16"],
  ["apps/v1beta2", "1.16"],
  ["batch/v2alpha1", "1.21"],
  ["batch/v1beta1", "1.25"],
]);

/**
 * Everything for which the API server of Kubernetes 1.36 refuses to create this object, under the strict field
 * validation that kubectl asks for. It stops at the first stage that fails (decoding, then values); this reports a thousand.
 *
 * Complete for NetworkPolicy and Namespace. Of Pods and workloads only metadata is judged, and what Drawbridge reads:
 * the metadata of templates, hostNetwork, and whether templates match selectors (not of Jobs, whose selectors are
 * generated). Of our own kinds it is metadata; config/ knows the rest. Objects of other kinds have no refusals; nor has
 * what depends on the cluster, such as names that are taken, or on what is stored already: an UPDATE may keep CIDRs
 * that a CREATE may not bring.
 *
 * Never throws, whatever it is given.
 */
export function refusalsOf(object: unknown): readonly Problem[] {
  if (!isRecord(object)) return [{ path: "", message: `is ${show(object)}; must be an object` }];
  const problems = new Map<string, Problem>();
  const report: Report = (path, message) => {
    // One mistake is told once: what is no port at all is not also a port that is too large.
    if (problems.has(path)) return;
    if (problems.size < MOST_PROBLEMS) problems.set(path, { path, message });
    else problems.set("", { path: "", message: TOO_MANY });
  };
  const kind = kindOf(object, report);
  if (kind === undefined) return [...problems.values()];

  checkTypes(object, kind.schema, "", report);
  const metadata = object["metadata"] ?? {};
  if (isRecord(metadata)) checkMetadata(metadata, kind.naming, "/metadata", report);
  kind.check(object, report);
  return [...problems.values()];
}

/** A megabyte of empty ownerReferences is wrong in a million places. */
const MOST_PROBLEMS = 1_000;
const TOO_MANY = `has more than ${MOST_PROBLEMS.toLocaleString("en")} faults, of which these are the first`;

/** What to judge it as; undefined for what is not ours to judge, and for what is served under no such name. */
function kindOf({ apiVersion, kind }: JsonObject, report: Report): Kind | undefined {
  for (const [field, value] of Object.entries({ apiVersion, kind })) {
    if (value === undefined || value === null || value === "") report(`/${field}`, "is missing");
    else if (typeof value !== "string") report(`/${field}`, `is ${show(value)}; must be a string, in quotes`);
  }
  if (typeof apiVersion !== "string" || typeof kind !== "string" || apiVersion === "" || kind === "") return undefined;
  const known = Object.hasOwn(KINDS, kind) ? KINDS[kind] : undefined;
  if (known?.apiVersion === apiVersion) return known;
  if (known === undefined) {
    const siblings = Object.keys(KINDS).filter((name) => KINDS[name]?.apiVersion === apiVersion);
    const meant = nearest(kind, siblings);
    if (meant !== undefined) report("/kind", `is ${show(kind)}; did you mean ${meant}?`);
  } else if (isKubernetes(apiVersion, known.apiVersion)) {
    const since = GONE.has(apiVersion) ? `, not served since Kubernetes ${GONE.get(apiVersion)}` : "";
    report("/apiVersion", `is ${show(apiVersion)}${since}; ${kind} is served as ${known.apiVersion}`);
  }
  return undefined;
}

/** Others may have kinds of the same name, but their groups have a dot, and not Kubernetes' own domain. */
function isKubernetes(apiVersion: string, right: string): boolean {
  const [group, rightGroup] = [apiVersion, right].map((text) => text.split("/").slice(0, -1).join("/"));
  if (group === undefined || rightGroup === undefined) return false;
  return !group.includes(".") || group.endsWith(".k8s.io") || nearest(group, [rightGroup]) !== undefined;
}
