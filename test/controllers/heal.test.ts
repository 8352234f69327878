import { describe, expect, test } from "vitest";
import { wantedPolicies } from "../../src/baseline/templates.ts";
import { keptBaseline, lackedBy } from "../../src/controllers/heal.ts";
import { configure } from "../../src/engine/configuration.ts";
import { DocumentSet } from "../../src/engine/document-set.ts";
import { readEmbeddedPolicies } from "../../src/files/policies.ts";
import { MODE_LABEL, PENDING_LABEL } from "../../src/model/names.ts";
import type { ObjectMeta } from "../../src/model/objects.ts";
import { networkBaseline, networkPolicy } from "../helpers/build.ts";

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
  const baseline = networkBaseline();
  const ours = wantedPolicies(baseline, "shop");
  const names = ours.map(({ metadata }) => metadata?.name);
  const since = (creationTimestamp: string) => ({ ...baseline, metadata: { ...baseline.metadata, creationTimestamp } });
  const ALL = { apply: names, conflicts: [] };
  const NOTHING = { apply: [], conflicts: [] };
  test.each([
    ["nothing where all is there", ours, baseline, false, NOTHING],
    ["what is missing, where one is there", ours.slice(0, 1), baseline, false, { ...ALL, apply: names.slice(1) }],
    ["nothing where none is there: it existed before", [], baseline, false, NOTHING],
    ["nothing where only others' are there", [networkPolicy()], baseline, false, NOTHING],
    ["all where it is known to have had them", [], baseline, true, ALL],
    ["all where the baseline was there before it", [], since("2026-11-01T00:00:00Z"), false, ALL],
    ["all where both came in the same second", [], since(DAY_2), false, ALL],
    ["nothing where the baseline came later", [], since("2026-11-02T00:00:01Z"), false, NOTHING],
  ])("%s", (_, policies, governing, isOwed, expected) => {
    const { apply, conflicts } = lackedBy(of(), policies, governing, isOwed);
    expect({ apply: apply.map(({ metadata }) => metadata?.name), conflicts }).toEqual(expected);
  });
});
