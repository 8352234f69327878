import { describe } from "vitest";
import { requireWorkloadLabels } from "../../src/rules/require-workload-labels.ts";
import { cronJob, deployment, madeBy, pod } from "../helpers/build.ts";
import { testRule } from "../helpers/test-rule.ts";

const name = { "app.kubernetes.io/name": "web" };
const both = { ...name, "app.kubernetes.io/part-of": "shop" };
const paths = (metadata: string) =>
  ["app.kubernetes.io~1name", "app.kubernetes.io~1part-of"].map((key) => `${metadata}/labels/${key}`);
const TEMPLATE = "/spec/template/metadata";

describe("the labels of the contract, where Pods get them", () => {
  testRule(requireWorkloadLabels, {
    passes: [
      { name: "a Pod", object: pod() },
      { name: "a Deployment that has none itself", object: deployment() },
      { name: "a CronJob", object: cronJob() },
      { name: "more than are asked for", object: pod({ labels: { ...both, tier: "web" } }) },
      { name: "none are asked for", object: pod({ labels: {} }), options: { labels: [] } },
    ],
    fails: [
      { name: "a Pod with none", object: pod({ labels: {} }), at: paths("/metadata"), says: "is missing" },
      { name: "no labels at all", object: pod({ labels: undefined }), at: paths("/metadata") },
      { name: "null for labels", object: deployment({ labels: null }), at: paths(TEMPLATE) },
      { name: "a list for labels", object: pod({ labels: ["app.kubernetes.io/name"] }), at: paths("/metadata") },
      {
        name: "a Deployment's own labels do not count",
        object: deployment({ labels: {}, metadata: { labels: both } }),
        at: paths(TEMPLATE),
      },
      ...[
        ["v1", "ReplicationController"],
        ["apps/v1", "StatefulSet"],
        ["apps/v1", "DaemonSet"],
        ["apps/v1", "ReplicaSet"],
        ["batch/v1", "Job"],
      ].map(([apiVersion = "", kind = ""]) => ({
        name: kind,
        object: madeBy(apiVersion, kind, { labels: {} }),
        at: paths(TEMPLATE),
      })),
      {
        name: "CronJob, whose template is deeper",
        object: cronJob({ labels: {} }),
        at: paths("/spec/jobTemplate/spec/template/metadata"),
      },
      { name: "no template", object: { apiVersion: "apps/v1", kind: "Deployment" }, at: paths(TEMPLATE) },
      { name: "one of them", object: pod({ labels: name }), at: "/metadata/labels/app.kubernetes.io~1part-of" },
      {
        name: "an empty value, which is none",
        object: pod({ labels: { ...both, "app.kubernetes.io/part-of": "" } }),
        at: "/metadata/labels/app.kubernetes.io~1part-of",
        says: "is missing",
      },
      {
        name: "a number, which the API server would refuse",
        object: pod({ labels: { ...both, "app.kubernetes.io/part-of": 1 } }),
        at: "/metadata/labels/app.kubernetes.io~1part-of",
      },
    ],
  });
});

describe("a contract of the platform's own", () => {
  const options = { labels: ["app", "environment"], values: { environment: ["dev", "prod"] } };
  const labels = (environment: string) => ({ app: "web", environment });
  testRule(requireWorkloadLabels, {
    passes: [
      { name: "in place of the shipped one", object: pod({ labels: labels("dev") }), options },
      {
        name: "values of a label that need not be there",
        object: pod({ labels: { app: "web" } }),
        options: { ...options, labels: ["app"] },
      },
      {
        name: "`constructor` and `__proto__` are keys like any other",
        object: pod({ labels: JSON.parse('{"constructor": "x", "__proto__": "y"}') }),
        options: { labels: ["constructor", "__proto__"] },
      },
    ],
    fails: [
      {
        name: "one of the shipped contract",
        object: pod({ labels: both }),
        options,
        at: ["/metadata/labels/app", "/metadata/labels/environment"],
        says: "is missing",
      },
      {
        name: "a value that is not allowed",
        object: deployment({ labels: labels("production") }),
        options,
        at: `${TEMPLATE}/labels/environment`,
        says: "environment: production is not allowed",
      },
      {
        name: "a value that is not allowed, of a label that need not be there",
        object: pod({ labels: labels("Prod") }),
        options: { ...options, labels: ["app"] },
        at: "/metadata/labels/environment",
      },
      {
        name: "an empty value says that it is missing, and not that it is not allowed",
        object: pod({ labels: labels("") }),
        options,
        at: "/metadata/labels/environment",
        says: "is missing",
      },
      {
        name: "`constructor` and `__proto__`, which every JavaScript object has and no Pod",
        object: pod({ labels: {} }),
        options: { labels: ["constructor", "__proto__", "toString"] },
        at: ["/metadata/labels/constructor", "/metadata/labels/__proto__", "/metadata/labels/toString"],
      },
      {
        name: "long keys and long values in a line that is not",
        object: pod({ labels: { [`example.com/${"k".repeat(63)}`]: "v".repeat(63) } }),
        options: { labels: ["x".repeat(300)], values: { [`example.com/${"k".repeat(63)}`]: ["w".repeat(63)] } },
        at: [`/metadata/labels/${"x".repeat(300)}`, `/metadata/labels/example.com~1${"k".repeat(63)}`],
      },
    ],
  });
});
