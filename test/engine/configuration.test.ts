import { describe, expect, test } from "vitest";
import { CAPS, MODES } from "../../src/config/mode.ts";
import { configure, type Documents, governanceOf } from "../../src/engine/configuration.ts";
import type { Ruleset } from "../../src/engine/ruleset.ts";
import { readEmbeddedPolicies } from "../../src/files/policies.ts";
import { MODE_LABEL, RULESET_LABEL } from "../../src/model/names.ts";
import { networkBaseline, networkRuleset } from "../helpers/build.ts";

const embedded = await readEmbeddedPolicies();

function documents(
  ...all: readonly (ReturnType<typeof networkRuleset> | ReturnType<typeof networkBaseline>)[]
): Documents {
  return {
    rulesets: new Map(all.flatMap((one) => (one.kind === "NetworkRuleset" ? [[one.metadata.name, one]] : []))),
    baselines: new Map(all.flatMap((one) => (one.kind === "NetworkBaseline" ? [[one.metadata.name, one]] : []))),
  };
}

const NOTHING = documents();

function modeOf(ruleset: Ruleset | undefined, id: string) {
  return ruleset?.settings.find(({ rule }) => rule.id === id)?.mode ?? "disabled";
}

describe("configure", () => {
  test("with nothing of one's own, what is shipped holds", () => {
    const configuration = configure("warn", embedded, NOTHING);
    expect(configuration.mode).toBe("warn");
    expect([...configuration.rulesets.keys()].toSorted()).toEqual(["default", "restricted"]);
    expect(configuration.defaultRuleset).toBe(configuration.rulesets.get("default"));
    expect(configuration.baselines.map(({ metadata }) => metadata.name)).toEqual(["default"]);
  });

  test("an own ruleset joins", () => {
    const own = networkRuleset("payments", { base: "restricted", rules: { "require-metadata": { mode: "audit" } } });
    const { rulesets } = configure("enforce", embedded, documents(own));
    expect([...rulesets.keys()].toSorted()).toEqual(["default", "payments", "restricted"]);
    expect(modeOf(rulesets.get("payments"), "require-metadata")).toBe("audit");
    expect(modeOf(rulesets.get("payments"), "no-open-egress")).toBe("enforce");
    expect(modeOf(rulesets.get("restricted"), "require-metadata")).toBe("enforce");
  });

  test("an own ruleset default is the shipped one with its changes, and holds everywhere", () => {
    const own = networkRuleset("default", { rules: { "no-open-egress": { mode: "warn" } } });
    const { defaultRuleset, rulesets } = configure("enforce", embedded, documents(own));
    expect(modeOf(defaultRuleset, "no-open-egress")).toBe("warn");
    expect(modeOf(defaultRuleset, "no-broad-cidr")).toBe("enforce");
    expect(rulesets.get("default")).toBe(defaultRuleset);
  });

  test("an own ruleset default does not change what others build upon", () => {
    const own = networkRuleset("default", { rules: { "no-open-egress": { mode: "disabled" } } });
    const { rulesets } = configure("enforce", embedded, documents(own, networkRuleset("payments")));
    expect(modeOf(rulesets.get("payments"), "no-open-egress")).toBe("enforce");
    expect(modeOf(rulesets.get("restricted"), "no-open-egress")).toBe("enforce");
  });

  test("an own ruleset may build upon the shipped one of its name", () => {
    const own = networkRuleset("restricted", { base: "restricted", rules: { "no-open-egress": { mode: "warn" } } });
    const { rulesets } = configure("enforce", embedded, documents(own));
    expect(modeOf(rulesets.get("restricted"), "no-open-egress")).toBe("warn");
    expect(modeOf(rulesets.get("restricted"), "require-metadata")).toBe("enforce");
  });

  test("own baselines replace the shipped one, whatever their names", () => {
    const own = documents(networkBaseline("a"), networkBaseline("b"));
    expect(configure("enforce", embedded, own).baselines.map(({ metadata }) => metadata.name)).toEqual(["a", "b"]);
  });

  test("own rulesets leave the shipped baseline as it is", () => {
    const { baselines } = configure("enforce", embedded, documents(networkRuleset("payments")));
    expect(baselines.map(({ metadata }) => metadata.name)).toEqual(["default"]);
  });

  test("without a ruleset default there is no configuration", () => {
    expect(() => configure("enforce", NOTHING, NOTHING)).toThrow(/default/);
  });
});

describe("governanceOf", () => {
  const configuration = configure("warn", embedded, NOTHING);
  const governed = (labels: Record<string, string>) => {
    const { cap, ruleset, problems } = governanceOf(labels, configuration);
    return { cap, ruleset: ruleset.name, problems };
  };

  test("without labels: the installation's mode and ruleset default", () => {
    expect(governed({})).toEqual({ cap: "warn", ruleset: "default", problems: [] });
    expect(governed({ app: "x" })).toEqual({ cap: "warn", ruleset: "default", problems: [] });
  });
  test.each(CAPS)("mode %s, stronger or weaker than the installation's", (mode) => {
    expect(governed({ [MODE_LABEL]: mode })).toEqual({ cap: mode, ruleset: "default", problems: [] });
  });
  test("a ruleset", () => {
    expect(governed({ [RULESET_LABEL]: "restricted" })).toEqual({ cap: "warn", ruleset: "restricted", problems: [] });
  });

  const badModes = ["enforced", "Enforce", "", "off", MODES[0]];
  test.each(badModes)("mode %j is a typing error: the installation's holds, and it is said", (mode) => {
    expect(governed({ [MODE_LABEL]: mode })).toEqual({
      cap: "warn",
      ruleset: "default",
      problems: [`label drawbridge.dev/mode: ${mode} is not one of audit, warn, enforce; mode warn holds`],
    });
  });
  test.each(["restrictd", "", "constructor", "__proto__"])(
    "ruleset %j is not there: default holds, and it is said",
    (name) => {
      const { ruleset, problems } = governed({ [RULESET_LABEL]: name });
      expect(ruleset).toBe("default");
      expect(problems).toEqual([
        `label drawbridge.dev/ruleset: there is no NetworkRuleset ${name} (there are default, restricted); default holds`,
      ]);
    },
  );
  test("both are wrong", () => {
    expect(governed({ [MODE_LABEL]: "x", [RULESET_LABEL]: "y" }).problems).toHaveLength(2);
  });
  test("a wrong mode does not take the ruleset with it", () => {
    expect(governed({ [MODE_LABEL]: "x", [RULESET_LABEL]: "restricted" }).ruleset).toBe("restricted");
  });
});
