import { inOrder } from "../../baseline/govern.ts";
import { BACKEND_PREFIX, deniesIngress, policyNames } from "../../baseline/policy-names.ts";
import { CLEANERS, FORGED_ADVICE, KEPT_ADVICE } from "../../baseline/protection.ts";
import { whyUnarmed } from "../../baseline/resolve.ts";
import { paths } from "../../cluster/paths.ts";
import type { Configuration } from "../../engine/configuration.ts";
import {
  BASELINE_LABEL,
  FIELD_MANAGER,
  MANAGED_BY_LABEL,
  PENDING_LABEL,
  SYSTEM_NAMESPACES,
} from "../../model/names.ts";
import type { KubernetesObject } from "../../model/objects.ts";
import { toSelector } from "../../model/selector.ts";
import { capOf, isOfBaseline, isOwn, labelsOf, list, quoted, selects } from "./cel.ts";
import { keepLabels } from "./unbound-policy.ts";

export interface AdmissionPolicyOptions {
  readonly configuration: Configuration;
  /** The name by which the API server knows us. */
  readonly user: string;
  /** What is collected takes these with it. */
  readonly ownerReferences?: readonly object[];
}

export interface AdmissionPolicy {
  readonly path: string;
  readonly object: KubernetesObject;
}

/** The names of these objects, all beginning with that of the webhook configurations. */
export const STAMP = "drawbridge-stamp";
export const MARKER = "drawbridge-marker";
export const BASELINE = "drawbridge-baseline";
export const LABELS = "drawbridge-labels";

/**
 * What the API server does by itself, and so also while no server of ours runs: it stamps the marker, keeps others from
 * taking it off, from touching the policies of a baseline, and from labels by which a namespace is governed. It decides
 * as server/mutate.ts, server/protect.ts and server/unbound.ts do, from what the configuration says at the time. None of
 * it is about Pods: the marker still stands when the gate lets one through. With failurePolicy Fail: the expressions
 * cannot fail, and if they did, nothing may pass. In the order in which to write them: what decides before what puts it
 * in force.
 */
export function admissionPolicies(options: AdmissionPolicyOptions): readonly AdmissionPolicy[] {
  const object = (kind: string, name: string, spec: object): KubernetesObject => {
    const { ownerReferences } = options;
    const metadata = {
      name,
      labels: { [MANAGED_BY_LABEL]: FIELD_MANAGER },
      ...(ownerReferences !== undefined && { ownerReferences }),
    };
    return { apiVersion: "admissionregistration.k8s.io/v1", kind, metadata, spec } as KubernetesObject;
  };
  const validating = (name: string, spec: object): AdmissionPolicy[] => [
    { path: paths.validatingAdmissionPolicies(name), object: object("ValidatingAdmissionPolicy", name, spec) },
    {
      path: paths.validatingAdmissionPolicyBindings(name),
      object: object("ValidatingAdmissionPolicyBinding", name, { policyName: name, validationActions: ["Deny"] }),
    },
  ];
  return [
    { path: paths.mutatingAdmissionPolicies(STAMP), object: object("MutatingAdmissionPolicy", STAMP, stamp(options)) },
    {
      path: paths.mutatingAdmissionPolicyBindings(STAMP),
      object: object("MutatingAdmissionPolicyBinding", STAMP, { policyName: STAMP }),
    },
    ...validating(MARKER, keepMarker(options)),
    ...validating(BASELINE, keepPolicies(options)),
    ...validating(LABELS, {
      failurePolicy: "Fail",
      matchConstraints: matchingNamespaces(NAMESPACES, ["CREATE", "UPDATE"]),
      ...keepLabels(options),
    }),
  ];
}

/** As `mutate`: on a new namespace that gets a baseline, and again where an update drops it. */
function stamp({ configuration, user }: AdmissionPolicyOptions): object {
  const armed = configuration.baselines.filter((baseline) => whyUnarmed(baseline) === undefined);
  const marked = `Object{metadata: Object.metadata{labels: {${quoted(PENDING_LABEL)}: "true"}}}`;
  return {
    failurePolicy: "Fail",
    reinvocationPolicy: "IfNeeded",
    matchConstraints: matchingNamespaces(["namespaces"], ["CREATE", "UPDATE"]),
    matchConditions: [
      {
        name: "is-new-or-was-marked",
        expression: `request.operation == "CREATE" || ${isDropped()}`,
      },
      { name: "is-not-marked", expression: `!(${quoted(PENDING_LABEL)} in ${labelsOf("object")})` },
      { name: "is-not-by-drawbridge", expression: `!${isOwn(user)}` },
    ],
    variables: governing(labelsOf("object"), configuration),
    mutations: [
      {
        patchType: "ApplyConfiguration",
        applyConfiguration: {
          expression: `request.operation == "UPDATE" || variables.baseline in ${list(armed.map(({ metadata }) => metadata.name))} ? ${marked} : Object{}`,
        },
      },
    ],
  };
}

/** Where nothing puts it back, as there is no MutatingAdmissionPolicy and no server. */
function keepMarker({ user }: AdmissionPolicyOptions): object {
  return {
    failurePolicy: "Fail",
    matchConstraints: matchingNamespaces(NAMESPACES, ["UPDATE"]),
    matchConditions: [
      { name: "was-marked", expression: isDropped() },
      { name: "is-not-by-drawbridge", expression: `!${isOwn(user)}` },
    ],
    validations: [
      {
        expression: `${quoted(PENDING_LABEL)} in ${labelsOf("object")}`,
        message:
          `only Drawbridge removes the label ${PENDING_LABEL}, when the namespace has its baseline: until then no Pod ` +
          "may start. Keep the label in what you write; if it stays for long, see the log of Drawbridge.",
        reason: "Forbidden",
      },
    ],
  };
}

/** As `protect`. */
function keepPolicies({ configuration, user }: AdmissionPolicyOptions): object {
  const wanted = configuration.baselines.map((baseline) => {
    return `${quoted(baseline.metadata.name)}: ${list(policyNames(baseline))}`;
  });
  const isolating = configuration.baselines.filter(({ spec }) => deniesIngress(spec));
  const [controller = "", ...others] = CLEANERS;
  const said = (object: string, key: string) => `${object}.metadata.?labels[?${quoted(key)}]`;
  const ofBaseline = `${said("oldObject", BASELINE_LABEL)}.orValue("")`;
  const policy = `"NetworkPolicy " + request.namespace + "/" + `;
  return {
    failurePolicy: "Fail",
    matchConstraints: {
      ...matching("networking.k8s.io", ["networkpolicies"], ["CREATE", "UPDATE", "DELETE"]),
      // As isOfBaseline. By a selector, which both objects are held against, as it costs other policies next to nothing.
      objectSelector: {
        matchLabels: { [MANAGED_BY_LABEL]: FIELD_MANAGER },
        matchExpressions: [{ key: BASELINE_LABEL, operator: "Exists" }],
      },
    },
    matchConditions: [
      { name: "is-not-of-the-system", expression: `!(request.namespace in ${list(SYSTEM_NAMESPACES)})` },
      { name: "is-not-by-drawbridge", expression: `!${isOwn(user)}` },
    ],
    variables: [
      ...governing(labelsOf("namespaceObject"), configuration),
      { name: "wanted", expression: `{"": [""]${wanted.map((entry) => `, ${entry}`).join("")}}[variables.baseline]` },
      {
        // As keeperOf: the one that does not let go of it, or nothing.
        name: "keeper",
        expression:
          `variables.mode == "enforce" && ${ofBaseline} in ${list([...configuration.unusable])} ? ${ofBaseline} : ` +
          `oldObject.metadata.name in variables.wanted || ` +
          `(oldObject.metadata.name.startsWith(${quoted(BACKEND_PREFIX)}) && ` +
          `variables.baseline in ${list(isolating.map(({ metadata }) => metadata.name))}) ? variables.baseline : ""`,
      },
      { name: "was", expression: isOfBaseline("oldObject") },
      {
        name: "isEdited",
        expression:
          "object == null || object.spec != oldObject.spec || " +
          [MANAGED_BY_LABEL, BASELINE_LABEL]
            .map((key) => `${said("object", key)} != ${said("oldObject", key)}`)
            .join(" || "),
      },
      {
        // The namespace controller deletes only what is in a namespace that goes away, and hears of that when or before
        // this API server's own cache does.
        name: "isGoing",
        expression:
          `has(oldObject.metadata.deletionTimestamp) || (request.operation == "DELETE" && ` +
          `(request.userInfo.username == ${quoted(controller)} || (request.userInfo.username in ${list(others)} && ` +
          "has(namespaceObject.metadata.deletionTimestamp))))",
      },
    ],
    validations: [
      {
        expression: `variables.was || variables.baseline == ""`,
        messageExpression: `${policy}object.metadata.name + ${quoted(`: ${FORGED_ADVICE}`)}`,
        reason: "Forbidden",
      },
      {
        expression: '!variables.was || variables.keeper == "" || !variables.isEdited || variables.isGoing',
        messageExpression:
          `${policy}oldObject.metadata.name + " is part of NetworkBaseline " + variables.keeper + ` +
          quoted(`: only Drawbridge changes or deletes it. ${KEPT_ADVICE.join(" ")}`),
        reason: "Forbidden",
      },
    ],
  };
}

/**
 * `baseline`: the name of the one whose policies a namespace with these labels gets, or nothing. As governanceOf and
 * governingBaseline have it. A list, not nested conditions, which CEL allows only so deep.
 */
function governing(labels: string, { mode, baselines }: Configuration): object[] {
  const baselineLabel = quoted(BASELINE_LABEL);
  const sorted = inOrder(baselines);
  const choices = sorted.map(({ metadata, spec }) => {
    const selected = selects(toSelector(spec.namespaceSelector, ""), "variables.labels");
    return `${selected} ? ${quoted(metadata.name)} : ""`;
  });
  const named = `variables.labels[${baselineLabel}] in ${list(sorted.map(({ metadata }) => metadata.name))}`;
  return [
    { name: "labels", expression: labels },
    { name: "mode", expression: capOf("variables.labels", mode) },
    {
      name: "baseline",
      expression:
        `variables.mode != "enforce" ? "" : ${baselineLabel} in variables.labels ? ` +
        `(${named} ? variables.labels[${baselineLabel}] : "") : ` +
        `([${choices.join(", ")}].filter(name, name != "") + [""])[0]`,
    },
  ];
}

function isDropped(): string {
  return `(oldObject != null && ${quoted(PENDING_LABEL)} in ${labelsOf("oldObject")} && !has(oldObject.metadata.deletionTimestamp))`;
}

/** By way of a subresource an update changes labels too. */
const NAMESPACES = ["namespaces", "namespaces/status", "namespaces/finalize"];

/**
 * What a policy is about. Not by a namespaceSelector: the API server reads selectors anew for each policy and each write of
 * anything at all, before it looks at what is written.
 */
function matching(group: string, resources: readonly string[], operations: readonly string[]) {
  const rule = { apiGroups: [group], apiVersions: ["v1"], operations, resources, scope: "*" };
  return { matchPolicy: "Equivalent", namespaceSelector: {}, objectSelector: {}, resourceRules: [rule] };
}

/** `matching` of Namespaces, but for those that are left alone. */
function matchingNamespaces(resources: readonly string[], operations: readonly string[]): object {
  const { resourceRules, ...matched } = matching("", resources, operations);
  const system = resourceRules.map((rule) => ({ ...rule, resourceNames: SYSTEM_NAMESPACES }));
  return { ...matched, resourceRules, excludeResourceRules: system };
}
