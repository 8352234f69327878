import { noUnboundLabel } from "../../src/rules/no-unbound-label.ts";
import { namespace } from "../helpers/build.ts";
import { testRule } from "../helpers/test-rule.ts";

const MODE = "drawbridge.dev/mode";

testRule(noUnboundLabel, {
  passes: [
    { name: "no governing label", object: namespace() },
    { name: "a governing label that nobody has asked about, as in a file", object: namespace({ [MODE]: "audit" }) },
    {
      name: "the marker, which is no governing label",
      object: namespace({ "drawbridge.dev/baseline-pending": "true" }),
    },
  ],
  fails: [
    {
      name: "a label that was set",
      object: namespace({ [MODE]: "audit" }),
      unbound: { labels: [MODE], ruleset: "default" },
      at: "/metadata/labels/drawbridge.dev~1mode",
      says: "drawbridge.dev/mode is for those to set, change or remove who may bind the ruleset",
    },
    {
      name: "labels that were removed",
      object: namespace({}),
      unbound: { labels: ["drawbridge.dev/ruleset", MODE], ruleset: "default" },
      at: ["/metadata/labels/drawbridge.dev~1ruleset", "/metadata/labels/drawbridge.dev~1mode"],
    },
  ],
});
