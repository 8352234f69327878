import { describe, expect, test } from "vitest";
import { wantedPolicies } from "../../../src/baseline/templates.ts";
import { ApiError } from "../../../src/cluster/api-error.ts";
import { healBaseline, type HealDeps, isReleased, keptBaseline } from "../../../src/controllers/baseline/heal.ts";
import { configure } from "../../../src/engine/configuration.ts";
import { DocumentSet } from "../../../src/engine/document-set.ts";
import { readEmbeddedPolicies } from "../../../src/files/policies.ts";
import { BASELINE_LABEL, MODE_LABEL, PENDING_LABEL } from "../../../src/model/names.ts";
import type { NetworkPolicy } from "../../../src/model/network-policy.ts";
import type { ObjectMeta } from "../../../src/model/objects.ts";
import { networkBaseline, resolvedBaseline } from "../../helpers/build.ts";

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

describe("what healing asks the API server for", () => {
  const documents = new DocumentSet();
  documents.set(networkBaseline());
  const configuration = configure("enforce", embedded, documents);
  const wanted = wantedPolicies(resolvedBaseline(), "shop");
  const [dns, ingress, egress] = wanted;
  if (dns === undefined || ingress === undefined || egress === undefined) throw new Error("three templates");
  const nameOf = ({ metadata }: NetworkPolicy): string => metadata?.name ?? "";
  const changed = (policy: NetworkPolicy): NetworkPolicy => ({ ...policy, spec: { podSelector: { a: "b" } } });
  const [outdated = dns] = wantedPolicies(resolvedBaseline("default", { dns: { addresses: ["192.0.2.1"] } }), "shop");

  /** As the cache and as the API server has it. */
  async function heal(cached: readonly NetworkPolicy[], live: readonly NetworkPolicy[]) {
    const there = new Map<string, unknown>([
      ["shop", of()],
      ...live.map((policy) => [nameOf(policy), policy] as const),
    ]);
    const calls: string[] = [];
    const never = async (): Promise<never> => {
      throw new Error("nothing of the kind is to be done");
    };
    const client: HealDeps["client"] = {
      get: async <T>(path: string): Promise<T> => {
        const name = path.split("/").at(-1) ?? "";
        calls.push(`get ${name}`);
        if (!there.has(name)) throw new ApiError({ status: 404, reason: "NotFound", message: path });
        return there.get(name) as T;
      },
      apply: async <T>(path: string, object: object, { dryRun = false }): Promise<T> => {
        calls.push(`${dryRun ? "try" : "apply"} ${path.split("/").at(-1)}`);
        return object as T;
      },
      delete: never,
      replace: never,
      patch: never,
    };
    const facts = { policies: cached, isNew: false, hasLost: false };
    const deps = { client, configuration: () => configuration, onWrite: () => {} };
    const conflict = await healBaseline("shop", deps, { factsOf: () => facts, onApplied: () => {} });
    return { conflict, calls };
  }

  test("one of those that are there, and what is to be written; not what the others say", async () => {
    expect(await heal([ingress, outdated, egress], [ingress, outdated, egress])).toEqual({
      conflict: undefined,
      calls: ["get shop", `get ${nameOf(ingress)}`, `get ${nameOf(dns)}`, `apply ${nameOf(dns)}`],
    });
  });

  test("all of them, where one was changed: others may just have been, too", async () => {
    expect(await heal([ingress, changed(dns), egress], [ingress, changed(dns)])).toEqual({
      conflict: undefined,
      calls: [
        "get shop",
        `get ${nameOf(ingress)}`,
        ...wanted.map((policy) => `get ${nameOf(policy)}`),
        `apply ${nameOf(dns)}`,
        `apply ${nameOf(egress)}`,
      ],
    });
  });

  test("what a deny would cut off, too; and where that is not there, it comes first", async () => {
    expect(await heal([dns, ingress], [ingress])).toEqual({
      conflict: undefined,
      calls: [
        "get shop",
        `get ${nameOf(dns)}`,
        `get ${nameOf(ingress)}`,
        `get ${nameOf(dns)}`,
        `get ${nameOf(egress)}`,
        `try ${nameOf(dns)}`,
        `try ${nameOf(egress)}`,
        `apply ${nameOf(dns)}`,
        `apply ${nameOf(egress)}`,
      ],
    });
  });

  test("what it already has is not written", async () => {
    expect((await heal([ingress, egress], wanted)).calls).toEqual([
      "get shop",
      `get ${nameOf(ingress)}`,
      `get ${nameOf(dns)}`,
    ]);
  });

  test("where none is left of those that the cache knows, nothing is given", async () => {
    expect(await heal([ingress, egress], [])).toEqual({
      conflict: undefined,
      calls: ["get shop", `get ${nameOf(ingress)}`, `get ${nameOf(egress)}`],
    });
  });
});
