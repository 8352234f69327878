import { describe, expect, test } from "vitest";
import { CONVENTIONAL, resolveBaseline } from "../../../src/baseline/resolve.ts";
import { wantedPolicies } from "../../../src/baseline/templates.ts";
import type { NetworkBaseline } from "../../../src/config/baseline.ts";
import { createSurvey, type SurveyDeps } from "../../../src/controllers/status/standings.ts";
import { type Configuration, configure } from "../../../src/engine/configuration.ts";
import { DocumentSet } from "../../../src/engine/document-set.ts";
import { readEmbeddedPolicies } from "../../../src/files/policies.ts";
import { BASELINE_LABEL, MODE_LABEL, PENDING_LABEL } from "../../../src/model/names.ts";
import type { NetworkPolicy } from "../../../src/model/network-policy.ts";
import type { Namespace, ObjectMeta } from "../../../src/model/objects.ts";
import { networkBaseline, networkPolicy } from "../../helpers/build.ts";

const embedded = await readEmbeddedPolicies();
const DAY_1 = "2026-11-01T00:00:00Z";
const DAY_2 = "2026-11-02T00:00:00Z";
const DAY_3 = "2026-11-03T00:00:00Z";

const baseline = networkBaseline("web");
const own: NetworkBaseline = { ...baseline, metadata: { ...baseline.metadata, creationTimestamp: DAY_2 } };
const configurationOf = (...baselines: NetworkBaseline[]): Configuration => {
  const documents = new DocumentSet();
  baselines.forEach((one) => documents.set(one));
  return configure("enforce", embedded, documents);
};
const CONFIGURATION = configurationOf(own);
const of = (name: string, metadata: ObjectMeta = {}): Namespace => ({
  metadata: { name, creationTimestamp: DAY_2, ...metadata },
});
const MARKED = { labels: { [PENDING_LABEL]: "true" } };
const whole = (name: string) => wantedPolicies(resolveBaseline(own, CONVENTIONAL), name);
const foreign = (name: string): NetworkPolicy =>
  networkPolicy({ metadata: { namespace: name, name: "drawbridge-00-default-deny-ingress" } });

interface World extends Omit<SurveyDeps, "factsOf"> {
  readonly policiesIn: (name: string) => readonly NetworkPolicy[];
  readonly isNew: boolean;
}
const deps = (changes: Partial<World> = {}): SurveyDeps => {
  const { policiesIn = whole, isNew = false, ...others } = changes;
  return {
    configuration: () => CONFIGURATION,
    failureOf: () => undefined,
    factsOf: ({ metadata }) => ({ policies: policiesIn(metadata?.name ?? ""), isNew, hasLost: false }),
    ...others,
  };
};
const look = async (namespace: Namespace, changes: Partial<World> = {}, status?: unknown) =>
  (await createSurvey(deps(changes))([namespace], () => status, DAY_3)).get("web");
const stateOf = async (namespace: Namespace, changes: Partial<World> = {}) =>
  (await look(namespace, changes))?.namespaces.map(({ state }) => state);

describe("a namespace", () => {
  const nothing = { policiesIn: () => [] };
  const owed = { isNew: true };
  const fails = { failureOf: () => "forbidden" };
  const taken = { policiesIn: (name: string) => [foreign(name), ...whole(name).slice(0, 1)] };
  test.each<[string, Namespace, Partial<World>, readonly string[]]>([
    ["has all: finished", of("shop"), {}, ["finished"]],
    ["has all, whatever failed before", of("shop"), fails, ["finished"]],
    ["is marked, though it has all: the marker is to go", of("shop", MARKED), {}, ["pending"]],
    ["is marked, and that fails", of("shop", MARKED), fails, ["failed"]],
    ["is marked, and has nothing", of("shop", MARKED), nothing, ["pending"]],
    ["is to have all, and has nothing", of("shop"), { ...nothing, ...owed }, ["pending"]],
    ["is to have all, has nothing, and cannot be given it", of("shop"), { ...nothing, ...owed, ...fails }, ["failed"]],
    ["is older, and has nothing: left alone", of("shop"), nothing, ["existing"]],
    ["somebody's policy is in the way", of("shop"), taken, ["conflict"]],
    ["the same of a marked one that fails besides", of("shop", MARKED), { ...taken, ...fails }, ["conflict"]],
    ["goes away", of("shop", { ...MARKED, deletionTimestamp: DAY_3 }), nothing, []],
    ["is not in mode enforce, and has nothing", of("shop", { labels: { [MODE_LABEL]: "warn" } }), nothing, []],
    ["is not in mode enforce any longer", of("shop", { labels: { [MODE_LABEL]: "warn" } }), {}, ["released"]],
    ["is the system's", of("kube-system"), {}, []],
    ["asks for another baseline", of("shop", { labels: { [BASELINE_LABEL]: "none" } }), {}, []],
  ])("%s", async (_, namespace, changes, expected) => {
    expect(await stateOf(namespace, changes)).toEqual(expected);
  });
  test("what hinders it is said", async () => {
    expect((await look(of("shop"), taken))?.namespaces[0]?.message).toBe(
      "not Drawbridge's, and say something else: drawbridge-00-default-deny-ingress",
    );
    expect((await look(of("shop", MARKED), fails))?.namespaces[0]?.message).toBe("forbidden");
  });
});

test("where the installation does not enforce, what it would give is told, but not of who wants to be left out", async () => {
  const inAudit = { ...CONFIGURATION, mode: "audit" as const };
  const told = async (
    namespace: Namespace,
    configuration: Configuration = inAudit,
    policiesIn: World["policiesIn"] = () => [],
  ) => (await look(namespace, { configuration: () => configuration, policiesIn }))?.namespaces;
  expect(await told(of("shop"))).toEqual([
    {
      name: "shop",
      state: "existing",
      message: `would get ${whole("shop")
        .map(({ metadata }) => metadata?.name ?? "")
        .toSorted()
        .join(", ")}`,
      since: DAY_3,
    },
  ]);
  expect(await told(of("shop", { labels: { [MODE_LABEL]: "audit" } }))).toEqual([]);
  expect(await told(of("shop", { labels: { [BASELINE_LABEL]: "none" } }))).toEqual([]);
  expect(await told(of("shop"), inAudit, whole)).toMatchObject([{ state: "released" }]);
  const ignored = {
    ...inAudit,
    baselines: inAudit.baselines.map((one) => ({
      ...one,
      spec: { ...one.spec, existingNamespaces: "ignore" as const },
    })),
  };
  expect(await told(of("shop"), ignored)).toEqual([]);
});

test("what is to be removed of a released one counts until it is gone", async () => {
  const removing: NetworkBaseline = { ...own, spec: { ...own.spec, onRelease: "remove" } };
  const configuration = { ...configurationOf(removing), mode: "audit" as const };
  const [deny, ...others] = whole("shop");
  const changed = others.map((policy) => ({ ...policy, spec: { podSelector: { matchLabels: { a: "b" } } } }));
  const told = async (...policies: readonly (NetworkPolicy | undefined)[]) =>
    (
      await look(of("shop"), {
        configuration: () => configuration,
        policiesIn: () => policies.filter((policy) => policy !== undefined),
      })
    )?.namespaces;
  const names = others
    .map(({ metadata }) => metadata?.name ?? "")
    .toSorted()
    .join(", ");
  expect(await told(deny)).toMatchObject([{ state: "released", message: `still has ${deny?.metadata?.name}` }]);
  expect(await told(deny, ...changed)).toMatchObject([
    { state: "released", message: `keeps ${names}; still has ${deny?.metadata?.name}` },
  ]);
  expect(await told()).toMatchObject([{ state: "existing" }]);
});

test("a namespace that several select is told of to each, and governed by the first", async () => {
  const configuration = configurationOf(
    own,
    networkBaseline("a"),
    networkBaseline("z", { namespaceSelector: { matchLabels: { x: "y" } } }),
  );
  const survey = createSurvey(deps({ configuration: () => configuration }));
  const found = await survey(
    [of("shop"), of("bank", { labels: { x: "y" } }), of("named", { labels: { [BASELINE_LABEL]: "z" } })],
    () => undefined,
    DAY_3,
  );
  expect(
    Object.fromEntries([...found].map(([name, { namespaces }]) => [name, namespaces.map((one) => one.name)])),
  ).toEqual({
    a: ["shop", "bank"],
    web: [],
    z: ["named"],
  });
  const shop = { namespace: "shop", baselines: ["a", "web"] };
  const bank = { namespace: "bank", baselines: ["a", "web", "z"] };
  expect(Object.fromEntries([...found].map(([name, { overlaps }]) => [name, overlaps]))).toEqual({
    a: [shop, bank],
    web: [shop, bank],
    z: [bank],
  });
});

describe("since when", () => {
  const waiting = of("shop", MARKED);
  const told = { unfinished: [{ name: "shop", state: "pending", since: DAY_1 }] };
  const since = async (...args: Parameters<typeof look>) => (await look(...args))?.namespaces.map((one) => one.since);
  test("now, unless the status has told of it", async () => {
    expect(await since(waiting)).toEqual([DAY_3]);
    expect(await since(waiting, {}, told)).toEqual([DAY_1]);
    expect(await since(waiting, { failureOf: () => "forbidden" }, told)).toEqual([DAY_3]);
  });
  test("it stays as long as the same is so, whatever else changes, also where the status has no room for it", async () => {
    let failure: string | undefined;
    const survey = createSurvey(deps({ failureOf: () => failure }));
    const at = async (now: string, namespace: Namespace) =>
      (await survey([namespace], () => ({}), now)).get("web")?.namespaces[0]?.since;
    expect(await at(DAY_1, waiting)).toBe(DAY_1);
    expect(await at(DAY_2, of("shop", { ...MARKED, annotations: { a: "b" } }))).toBe(DAY_1);
    failure = "forbidden";
    expect(await at(DAY_2, waiting)).toBe(DAY_2);
    expect(await at(DAY_3, waiting)).toBe(DAY_2);
  });
});

test("nothing is found out again where nothing has changed, and everything where what it depends on has", async () => {
  let looked = 0;
  /** Its spec is read when it is compared. */
  const counting = (policy: NetworkPolicy): NetworkPolicy =>
    Object.defineProperty({ ...policy }, "spec", {
      enumerable: true,
      get: () => {
        looked += 1;
        return policy.spec;
      },
    });
  const policies = new Map(["a", "b"].map((name) => [name, whole(name).map(counting)]));
  let configuration = CONFIGURATION;
  const namespaces = [of("a"), of("b")];
  const survey = createSurvey(
    deps({ configuration: () => configuration, policiesIn: (name) => [...(policies.get(name) ?? [])] }),
  );
  const cost = async (): Promise<number> => {
    const before = looked;
    await survey(namespaces, () => undefined, DAY_3);
    return looked - before;
  };
  const first = await cost();
  expect(first).toBeGreaterThan(0);
  expect(await cost()).toBe(0);
  namespaces[0] = of("a", { annotations: { a: "b" } });
  expect(await cost()).toBe(first / 2);
  policies.set("b", whole("b").map(counting));
  expect(await cost()).toBe(first / 2);
  configuration = configurationOf(own);
  expect(await cost()).toBe(first);
  expect(await cost()).toBe(0);
});

test("with many namespaces others have their turn in between, also where all is as before, and none is left out", async () => {
  const many = Array.from({ length: 501 }, (_, i) => of(`n${i}`));
  const policies = new Map(many.map(({ metadata }) => [metadata?.name, whole(metadata?.name ?? "")]));
  const survey = createSurvey(deps({ policiesIn: (name) => policies.get(name) ?? [] }));
  for (const _ of ["at first", "again"]) {
    let turns = 0;
    const count = (): void => {
      turns += 1;
      immediate = setImmediate(count);
    };
    let immediate = setImmediate(count);
    const found = await survey(many, () => undefined, DAY_3);
    clearImmediate(immediate);
    expect(found.get("web")?.namespaces).toHaveLength(501);
    expect(turns).toBeGreaterThanOrEqual(9);
  }
});
