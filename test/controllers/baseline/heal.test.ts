import { describe, expect, test } from "vitest";
import { wantedPolicies } from "../../../src/baseline/templates.ts";
import { keptBaseline, lackedBy } from "../../../src/controllers/baseline/heal.ts";
import { configure } from "../../../src/engine/configuration.ts";
import { DocumentSet } from "../../../src/engine/document-set.ts";
import { readEmbeddedPolicies } from "../../../src/files/policies.ts";
import { MODE_LABEL, PENDING_LABEL } from "../../../src/model/names.ts";
import type { ObjectMeta } from "../../../src/model/objects.ts";
import { resolvedBaseline, networkPolicy } from "../../helpers/build.ts";

const embedded = await readEmbeddedPolicies();
const DAY_2 = "2026-11-02T00:00:00Z";
const of = (tweak: ObjectMeta = {}) => ({ metadata: { name: "shop", creationTimestamp: DAY_2, ...tweak } });

describe("whose baseline is kept", () => {
  test.each<[string, "enforce" | "audit", ObjectMeta, string | undefined]>([
    ["in mode enforce", "enforce", {}, "default"],
    ["in mode audit nobody's", "audit", {}, undefined],
    ["in mode audit, enforced by a label", "audit", { labels: { [MODE_LABEL]: "enforce" } }, "default"],
    ["by a label not enforced", "enforce", { labels: { [MODE_LABEL]: "warn" } }, undefined],
    ["one that waits for its own is another's work", "enforce", { labels: { [PENDING_LABEL]: "true" } }, undefined],
    ["one that goes away is left alone", "enforce", { deletionTimestamp: DAY_2 }, undefined],
    ["the system's never", "enforce", { name: "kube-system" }, undefined],
  ])("%s", (_, mode, metadata, expected) => {
    const configuration = configure(mode, embedded, new DocumentSet());
    expect(keptBaseline(of(metadata), configuration)?.metadata.name).toBe(expected);
  });
});

describe("what a namespace lacks", () => {
  const baseline = resolvedBaseline();
  const ours = wantedPolicies(baseline, "shop");
  const names = ours.map(({ metadata }) => metadata?.name);
  const others = wantedPolicies(resolvedBaseline("other", { templates: ["00-default-deny-ingress"] }), "shop");
  const ALL = { apply: names, conflicts: [] };
  const NOTHING = { apply: [], conflicts: [] };
  test.each([
    ["nothing where all is there", ours, false, NOTHING],
    ["what is missing, where one is there", ours.slice(0, 1), false, { ...ALL, apply: names.slice(1) }],
    ["nothing where none is there: it existed before", [], false, NOTHING],
    ["nothing where only others' are there", [networkPolicy()], false, NOTHING],
    ["all where it is owed them", [], true, ALL],
    ["all where one of another baseline is there, in whose place it came", others, false, { ...ALL, apply: names }],
  ])("%s", (_, policies, isOwed, expected) => {
    const { apply, conflicts } = lackedBy(of(), policies, baseline, isOwed);
    expect({ apply: apply.map(({ metadata }) => metadata?.name), conflicts }).toEqual(expected);
  });

  test("the shipped baseline, which comes by itself when others are gone, does not complete what these gave", () => {
    const { baselines } = configure("enforce", embedded, new DocumentSet());
    const [shipped] = baselines;
    if (shipped === undefined) throw new Error("the shipped baseline is missing");
    expect(lackedBy(of(), others, shipped, false)).toEqual(NOTHING);
    expect(lackedBy(of(), others, shipped, true)).not.toEqual(NOTHING);
    const ofShipped = wantedPolicies(shipped, "shop").slice(0, 1);
    expect(lackedBy(of(), ofShipped, shipped, false).apply).toHaveLength(2);
  });
});
