import { describe, expect, test } from "vitest";
import { isReleased, keptBaseline } from "../../../src/controllers/baseline/heal.ts";
import { configure } from "../../../src/engine/configuration.ts";
import { DocumentSet } from "../../../src/engine/document-set.ts";
import { readEmbeddedPolicies } from "../../../src/files/policies.ts";
import { BASELINE_LABEL, MODE_LABEL, PENDING_LABEL } from "../../../src/model/names.ts";
import type { ObjectMeta } from "../../../src/model/objects.ts";
import { networkBaseline } from "../../helpers/build.ts";

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

describe("which namespace no baseline governs", () => {
  const documents = new DocumentSet();
  documents.set(networkBaseline("web", { namespaceSelector: { matchLabels: { tier: "web" } } }));
  const configuration = configure("enforce", embedded, documents);
  const tier = { tier: "web" };
  test.each<[string, ObjectMeta, boolean]>([
    ["one that none selects", {}, true],
    ["one whose mode was lowered", { labels: { ...tier, [MODE_LABEL]: "audit" } }, true],
    ["not one that is governed", { labels: tier }, false],
    ["not one that goes away", { deletionTimestamp: DAY_2 }, false],
    ["not the system's", { name: "kube-system" }, false],
    ["not one that waits", { labels: { [PENDING_LABEL]: "true" } }, false],
    ["not one whose label names what is not there yet", { labels: { ...tier, [BASELINE_LABEL]: "soon" } }, false],
  ])("%s", (_, metadata, expected) => {
    expect(isReleased(of(metadata), configuration)).toBe(expected);
  });
});
