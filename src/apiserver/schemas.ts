import type { Schema } from "./decode.ts";

/** The types of Kubernetes 1.36, as far as they are judged here. */

const STRINGS: Schema = { map: "string" };
const STRING_LIST: Schema = { list: "string" };

const METADATA: Schema = {
  fields: {
    name: "string",
    generateName: "string",
    namespace: "string",
    labels: STRINGS,
    annotations: STRINGS,
    finalizers: STRING_LIST,
    ownerReferences: {
      list: {
        fields: {
          apiVersion: "string",
          kind: "string",
          name: "string",
          uid: "string",
          controller: "boolean",
          blockOwnerDeletion: "boolean",
        },
      },
    },
    uid: "string",
    selfLink: "string",
    resourceVersion: "string",
    generation: "int64",
    creationTimestamp: "time",
    deletionTimestamp: "time",
    deletionGracePeriodSeconds: "int64",
    managedFields: {
      list: {
        fields: {
          manager: "string",
          operation: "string",
          apiVersion: "string",
          time: "time",
          fieldsType: "string",
          fieldsV1: "anything",
          subresource: "string",
        },
      },
    },
  },
};

const SELECTOR: Schema = {
  fields: {
    matchLabels: STRINGS,
    matchExpressions: { list: { fields: { key: "string", operator: "string", values: STRING_LIST } } },
  },
};

const PEERS: Schema = {
  list: {
    fields: {
      podSelector: SELECTOR,
      namespaceSelector: SELECTOR,
      ipBlock: { fields: { cidr: "string", except: STRING_LIST } },
    },
  },
};

const PORTS: Schema = { list: { fields: { protocol: "string", port: "intOrString", endPort: "int32" } } };

export const NETWORK_POLICY: Schema = object({
  fields: {
    podSelector: SELECTOR,
    policyTypes: STRING_LIST,
    ingress: { list: { fields: { from: PEERS, ports: PORTS } } },
    egress: { list: { fields: { to: PEERS, ports: PORTS } } },
  },
});

export const NAMESPACE: Schema = object(
  { fields: { finalizers: STRING_LIST } },
  {
    fields: {
      phase: "string",
      conditions: {
        list: {
          fields: { type: "string", status: "string", lastTransitionTime: "time", reason: "string", message: "string" },
        },
      },
    },
  },
);

const POD_SPEC: Schema = { fields: { hostNetwork: "boolean" }, others: "allowed" };
const TEMPLATE: Schema = { fields: { metadata: METADATA, spec: POD_SPEC } };

export const POD = object(POD_SPEC, "anything");
export const JOB = workload({ template: TEMPLATE });
export const CRON_JOB = workload({
  jobTemplate: { fields: { metadata: METADATA, spec: partly({ template: TEMPLATE }) } },
});
export const REPLICATION_CONTROLLER = workload({ template: TEMPLATE, selector: STRINGS });
export const APPS_WORKLOAD = workload({ template: TEMPLATE, selector: SELECTOR });

/** What the API server checks of every object; the rest is in the kind's own schema. */
export const CUSTOM_RESOURCE: Schema = partly({ metadata: METADATA });

function workload(spec: Readonly<Record<string, Schema>>): Schema {
  return object(partly(spec), "anything");
}

function partly(fields: Readonly<Record<string, Schema>>): Schema {
  return { fields, others: "allowed" };
}

/** A NetworkPolicy has no status (any more); the other kinds do. */
function object(spec: Schema, status?: Schema): Schema {
  return {
    fields: { apiVersion: "string", kind: "string", metadata: METADATA, spec, ...(status !== undefined && { status }) },
  };
}
