import { noHostNetwork } from "../../src/rules/no-host-network.ts";
import { cronJob, deployment, madeBy, pod } from "../helpers/build.ts";
import { testRule } from "../helpers/test-rule.ts";

testRule(noHostNetwork, {
  passes: [
    { name: "a Pod that does not say", object: pod() },
    { name: "a Pod that says no", object: pod({ hostNetwork: false }) },
    { name: "a Deployment", object: deployment() },
    { name: "null, which is not to say", object: pod({ hostNetwork: null }) },
    { name: "a word, which the API server would refuse", object: pod({ hostNetwork: "true" }) },
    { name: "in a place where it means nothing", object: deployment({}, { hostNetwork: true }) },
    { name: "no spec", object: { apiVersion: "v1", kind: "Pod" } },
  ],
  fails: [
    { name: "a Pod", object: pod({ hostNetwork: true }), at: "/spec/hostNetwork", says: "no NetworkPolicy holds them" },
    { name: "a Deployment", object: deployment({ hostNetwork: true }), at: "/spec/template/spec/hostNetwork" },
    {
      name: "a DaemonSet",
      object: madeBy("apps/v1", "DaemonSet", { hostNetwork: true }),
      at: "/spec/template/spec/hostNetwork",
    },
    {
      name: "a CronJob",
      object: cronJob({ hostNetwork: true }),
      at: "/spec/jobTemplate/spec/template/spec/hostNetwork",
    },
  ],
});
