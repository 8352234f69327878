import { requireNamespaceLabels } from "../../src/rules/require-namespace-labels.ts";
import { namespace } from "../helpers/build.ts";
import { testRule } from "../helpers/test-rule.ts";

const at = ["environment", "domain", "tenant"].map((key) => `/metadata/labels/${key}`);

testRule(requireNamespaceLabels, {
  passes: [
    { name: "the three of the shipped contract", object: namespace() },
    {
      name: "a contract of the platform's own",
      object: namespace({ team: "web" }),
      options: { labels: ["team"] },
    },
    {
      name: "a value that is allowed",
      object: namespace(),
      options: { values: { environment: ["test", "prod"] } },
    },
    { name: "none are asked for", object: namespace({}), options: { labels: [] } },
  ],
  fails: [
    { name: "none", object: namespace({}), at, says: "is missing: no policy can choose this Namespace by it" },
    { name: "no labels at all", object: { apiVersion: "v1", kind: "Namespace", metadata: { name: "shop" } }, at },
    { name: "no metadata", object: { apiVersion: "v1", kind: "Namespace" }, at },
    { name: "null for labels", object: namespace(null), at },
    {
      name: "the label that the API server gives every Namespace",
      object: namespace({ "kubernetes.io/metadata.name": "shop" }),
      at,
    },
    {
      name: "an empty value",
      object: namespace({ environment: "test", domain: "", tenant: "web-team" }),
      at: "/metadata/labels/domain",
    },
    {
      name: "a value that is not allowed",
      object: namespace(),
      options: { values: { environment: ["dev", "prod"], tenant: ["web-team"] } },
      at: "/metadata/labels/environment",
      says: "environment: test is not allowed",
    },
  ],
});
