import { describe, expect, test } from "vitest";
import { wantedPolicies } from "../../../src/baseline/templates.ts";
import { ApiError } from "../../../src/cluster/api-error.ts";
import { type HealDeps, healBaseline, releaseIn, releasePolicies } from "../../../src/controllers/baseline/heal.ts";
import { type Applied, completePolicies, removePolicies } from "../../../src/controllers/baseline/policies.ts";
import { configure } from "../../../src/engine/configuration.ts";
import { DocumentSet } from "../../../src/engine/document-set.ts";
import { readEmbeddedPolicies } from "../../../src/files/policies.ts";
import { MODE_LABEL } from "../../../src/model/names.ts";
import type { NetworkPolicy } from "../../../src/model/network-policy.ts";
import type { KubernetesObject, Labels, ObjectMeta } from "../../../src/model/objects.ts";
import { networkBaseline, networkPolicy } from "../../helpers/build.ts";
import { eventually } from "../../helpers/eventually.ts";

const embedded = await readEmbeddedPolicies();
const DAY_2 = "2026-11-02T00:00:00Z";
const of = (tweak: ObjectMeta = {}) => ({ metadata: { name: "shop", creationTimestamp: DAY_2, ...tweak } });

describe("nothing is denied, or left denied, for longer than it must be", () => {
  const documents = new DocumentSet();
  documents.set(networkBaseline("web", { existingNamespaces: "adopt", onRelease: "remove" }));
  const configuration = configure("enforce", embedded, documents);
  const whole = configuration.baselines.flatMap((baseline) => wantedPolicies(baseline, "shop"));
  const nameOf = ({ metadata }: KubernetesObject) => metadata?.name ?? "";

  const released = { [MODE_LABEL]: "audit" };

  /** @param cached as the cache has them, if that is late */
  async function heal(live: readonly NetworkPolicy[], cached = live, labels = {}, refuses = "") {
    const there = new Map(live.map((policy) => [nameOf(policy), policy]));
    const calls: string[] = [];
    const refused = (status: number, reason: string) => new ApiError({ status, reason, message: reason });
    const never = async (): Promise<never> => {
      throw new Error("nothing of the kind is to be done");
    };
    const client: HealDeps["client"] = {
      get: async <T>(path: string): Promise<T> => {
        const found = path.endsWith("/namespaces/shop") ? of({ labels }) : there.get(path.split("/").at(-1) ?? "");
        if (found === undefined) throw refused(404, "NotFound");
        return found as T;
      },
      apply: async <T>(_path: string, object: object, { dryRun = false }): Promise<T> => {
        calls.push(`${dryRun ? "try" : "apply"} ${nameOf(object)}`);
        if (nameOf(object) === refuses) throw refused(403, "Forbidden");
        return object as T;
      },
      delete: async (path, preconditions) => {
        const name = path.split("/").at(-1) ?? "";
        const found = there.get(name);
        if (found === undefined) throw refused(404, "NotFound");
        if (found.metadata?.resourceVersion !== preconditions?.resourceVersion) throw refused(409, "Conflict");
        calls.push(`delete ${name}`);
      },
      replace: never,
      patch: never,
    };
    const deps: HealDeps = { client, configuration: () => configuration, onWrite: () => {} };
    const factsOf = () => ({ policies: cached, isNew: false, hasLost: false });
    const options = { factsOf, onApplied: () => {} };
    const done =
      labels === released ? releasePolicies("shop", deps, () => cached) : healBaseline("shop", deps, options);
    await done.catch((error: Error) => calls.push(error.message));
    return calls;
  }
  const at = (policy: NetworkPolicy, resourceVersion: string) => ({
    ...policy,
    metadata: { ...policy.metadata, resourceVersion },
  });
  const [dns = {}, ingress = {}, egress = {}] = whole;

  test("what is released goes, those that deny first", async () => {
    expect(await heal(whole, whole, released)).toEqual([ingress, egress, dns].map((one) => `delete ${nameOf(one)}`));
  });
  test("what keeps something open stays as long as a deny is there that has changed meanwhile", async () => {
    const cached = [dns, ingress, at(egress, "1")];
    expect(await heal([dns, ingress, at(egress, "2")], cached, released)).toEqual([`delete ${nameOf(ingress)}`]);
    expect(await heal([dns, ingress], cached, released)).toEqual([ingress, dns].map((one) => `delete ${nameOf(one)}`));
  });
  test("what allows is written together, what denies when all of that is there", async () => {
    const documents2 = new DocumentSet();
    documents2.set(
      networkBaseline("web", { templates: ["01-default-deny-egress", "10-allow-dns-egress", "allow-same-namespace"] }),
    );
    const current = configure("enforce", embedded, documents2);
    const begun: string[] = [];
    const ends: (() => void)[] = [];
    const client = {
      get: async (): Promise<never> => {
        throw new ApiError({ status: 404, reason: "NotFound", message: "" });
      },
      apply: <T>(_path: string, object: object): Promise<T> => {
        begun.push(nameOf(object));
        return new Promise((resolve) => ends.push(() => resolve(object as T)));
      },
      replace: async (): Promise<never> => {
        throw new Error("nothing of the kind is to be done");
      },
    };
    const [baseline = expect.fail()] = current.baselines;
    const done = completePolicies("shop", baseline, { client, onWrite: () => {} });
    const allows = ["drawbridge-10-allow-dns-egress", "drawbridge-allow-same-namespace"];
    await eventually(() => expect(begun).toEqual(allows));
    for (const end of ends.splice(0)) end();
    await eventually(() => expect(begun).toEqual([...allows, "drawbridge-01-default-deny-egress"]));
    for (const end of ends) end();
    expect((await done).applied.map(({ name }) => name)).toEqual(begun);
  });
  describe("where Pods may run that nothing was denied", () => {
    const names = [dns, ingress, egress].map(nameOf);
    test("all is tried first", async () => {
      expect(await heal([], [])).toEqual([
        ...names.map((name) => `try ${name}`),
        ...names.map((name) => `apply ${name}`),
      ]);
    });
    test("nothing is written where some of it would be refused: what allows something denies the rest", async () => {
      expect(await heal([], [], {}, nameOf(ingress))).toEqual([
        ...[dns, ingress].map((one) => `try ${nameOf(one)}`),
        "Forbidden",
      ]);
    });
    test("one policy alone is all there is", async () => {
      expect(await heal([dns, ingress], [dns, ingress])).toEqual([`apply ${nameOf(egress)}`]);
    });
  });
});

describe("policies that go", () => {
  const named = ["a", "b"].map((name) => networkPolicy({ metadata: { name, namespace: "shop" } }));
  test("go all at once, as what is left of them would deny what the others allowed", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    let asked = 0;
    const remove = async (): Promise<void> => {
      asked += 1;
      if (asked === named.length) resolve();
      await promise;
    };
    const gone: string[] = [];
    const onRemoved = ({ name }: Applied): void => void gone.push(name);
    expect(await removePolicies(named, { client: { delete: remove }, onWrite: () => {} }, onRemoved)).toBe(true);
    expect(gone).toEqual(["a", "b"]);
  });
  test("where one cannot go the others do, and it is said", async () => {
    const gone: string[] = [];
    const remove = async (path: string): Promise<void> => {
      if (path.endsWith("/a")) throw new Error("no answer");
    };
    const removing = removePolicies(named, { client: { delete: remove }, onWrite: () => {} }, ({ name }) =>
      gone.push(name),
    );
    await expect(removing).rejects.toThrow("no answer");
    expect(gone).toEqual(["b"]);
  });
});

describe("what goes where no baseline governs any longer", () => {
  const documents = new DocumentSet();
  documents.set(networkBaseline("web", { onRelease: "remove", namespaceSelector: { matchLabels: { tier: "web" } } }));
  const unusable = new Set(["db"]);
  const policies = configure("enforce", embedded, documents).baselines.flatMap((one) => wantedPolicies(one, "shop"));
  test.each<[string, "enforce" | "audit", Labels, ReadonlySet<string>, "all" | "nothing" | undefined]>([
    ["all, as its baseline says", "enforce", {}, new Set(), "all"],
    ["all where the mode was lowered", "enforce", { tier: "web", [MODE_LABEL]: "warn" }, unusable, "all"],
    ["all where the mode of all was lowered", "audit", { tier: "web" }, unusable, "all"],
    ["nothing where the mode is mistyped", "audit", { tier: "web", [MODE_LABEL]: "enforec" }, new Set(), "nothing"],
    ["nothing where one that is not valid may select it", "enforce", { tier: "db" }, unusable, "nothing"],
    ["one governs", "enforce", { tier: "web" }, unusable, undefined],
  ])("%s", (_, mode, labels, invalid, expected) => {
    const placeholders = { unusable: invalid, leaving: new Set<string>() };
    const configuration = configure(mode, embedded, documents, undefined, placeholders);
    const { remove, keep } = releaseIn(of({ labels }), policies, configuration) ?? {};
    expect([remove?.length, keep?.length]).toEqual(
      expected === undefined ? [undefined, undefined] : expected === "all" ? [3, 0] : [0, 3],
    );
  });
});
