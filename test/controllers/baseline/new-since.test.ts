import { afterEach, describe, expect, test } from "vitest";
import { CONVENTIONAL } from "../../../src/baseline/resolve.ts";
import type { NetworkBaseline } from "../../../src/config/baseline.ts";
import type { Cap } from "../../../src/config/mode.ts";
import { NewSinceKeeper } from "../../../src/controllers/baseline/new-since.ts";
import { configure } from "../../../src/engine/configuration.ts";
import { DocumentSet } from "../../../src/engine/document-set.ts";
import { readEmbeddedPolicies } from "../../../src/files/policies.ts";
import { NEW_SINCE_ANNOTATION } from "../../../src/model/names.ts";
import type { Labels, Namespace } from "../../../src/model/objects.ts";
import { createLogger } from "../../../src/telemetry/log.ts";
import { networkBaseline } from "../../helpers/build.ts";
import { eventually } from "../../helpers/eventually.ts";

const embedded = await readEmbeddedPolicies();
const [shipped] = embedded.baselines.values();
const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(stops.splice(0).map((stop) => stop()));
});

const DAY_1 = "2026-11-01T00:00:00Z";
const DAY_2 = "2026-11-02T00:00:00Z";
const DAY_3 = "2026-11-03T00:00:00Z";
const created = (creationTimestamp: string, name = "shop"): Namespace => ({ metadata: { name, creationTimestamp } });
const WEB = networkBaseline("web", { namespaceSelector: { matchLabels: { tier: "web" } } });
const ALL = networkBaseline("all", { namespaceSelector: {} });

/** What a cluster has: namespaces, a configuration, and the annotations of a Lease, which the keeper writes. */
function cluster(mode: Cap = "enforce", own: readonly NetworkBaseline[] = []) {
  const world = {
    mode,
    own,
    /** Names of those that are there and not valid. */
    invalid: [] as readonly string[],
    found: CONVENTIONAL,
    namespaces: [created(DAY_1, "kube-system")],
    annotations: {} as Labels,
  };
  let lists = 0;
  let isDown = false;
  const client = {
    pages: async function* () {
      lists += 1;
      if (isDown) throw new Error("no answer");
      // Two pages, the newest in the first: the API server sorts by name.
      yield { items: world.namespaces.toReversed().slice(0, 1), resourceVersion: "1" } as never;
      yield { items: world.namespaces.toReversed().slice(1), resourceVersion: "1" } as never;
    },
  };
  const configuration = () => {
    const documents = new DocumentSet();
    for (const baseline of world.own) documents.set(baseline);
    const placeholders = { unusable: new Set(world.invalid), leaving: new Set<string>() };
    return configure(world.mode, embedded, documents, world.found, placeholders);
  };
  const server = () => {
    const logged: string[] = [];
    const changes: number[] = [];
    const keeper = new NewSinceKeeper({
      configuration,
      onChange: () => changes.push(changes.length),
      log: createLogger("info", { write: (line) => logged.push(line) }),
    });
    const write = (): void => {
      world.annotations = keeper.annotate(world.annotations);
    };
    const run = () => {
      const controller = new AbortController();
      const ended = keeper.run(client, controller.signal);
      const stop = async (): Promise<void> => {
        controller.abort();
        await ended;
      };
      stops.push(stop);
      return stop;
    };
    /** From its take of the Lease until it has nothing more to add to it. */
    const lead = async () => {
      write();
      const stop = run();
      await eventually(() => {
        write();
        expect(record()).not.toBeUndefined();
      });
      return stop;
    };
    return { keeper, logged, changes, write, run, lead };
  };
  const record = (): Readonly<Record<string, { readonly after: string; readonly selector: string }>> | undefined => {
    const text = world.annotations[NEW_SINCE_ANNOTATION];
    return text === undefined ? undefined : JSON.parse(text);
  };
  return { world, server, record, lists: () => lists, goDown: (is: boolean) => (isDown = is) };
}
const isNew = (keeper: NewSinceKeeper, at: string, baseline = shipped) =>
  baseline !== undefined && keeper.isNew(created(at), baseline);

describe("since when a namespace is new to a baseline", () => {
  test("since it is enforced: all that were there are old, also those of the same second, all later ones are new", async () => {
    const { world, server, record } = cluster();
    world.namespaces.push(created(DAY_2));
    world.annotations = { theirs: "x" };
    const { keeper, lead, changes } = server();
    expect(isNew(keeper, DAY_3)).toBe(false);
    await lead();
    expect(record()).toEqual({ default: { after: DAY_2, selector: expect.stringMatching(/^[0-9a-f]{16}$/) } });
    expect(world.annotations).toMatchObject({ theirs: "x" });
    expect([DAY_1, DAY_2, "2026-11-02T00:00:01Z", DAY_3].map((at) => isNew(keeper, at))).toEqual([
      false,
      false,
      true,
      true,
    ]);
    expect(changes).toHaveLength(1);
    expect(keeper.isNew({ metadata: { name: "unborn" } }, ALL)).toBe(false);
  });

  test("that outlives the server: another finds it, and asks for nothing", async () => {
    const { world, server, record, lists } = cluster();
    const stop = await server().lead();
    await stop();
    const before = record();
    world.namespaces.push(created(DAY_2, "unseen"));
    const next = server();
    await next.lead();
    expect(isNew(next.keeper, DAY_2)).toBe(true);
    expect(record()).toEqual(before);
    expect(lists()).toBe(1);
    expect(next.logged).toEqual([]);
  });

  test.each(["audit", "warn"] as const)("a leader in mode %s takes it off as it takes the Lease", async (mode) => {
    const { world, server, record, lists } = cluster();
    await (await server().lead())();
    world.mode = mode;
    const observing = server();
    observing.write();
    expect(record()).toBeUndefined();
    expect(isNew(observing.keeper, DAY_3)).toBe(false);
    const stop = observing.run();
    world.namespaces.push(created(DAY_2, "audited"));
    await stop();
    expect(lists()).toBe(1);

    world.mode = "enforce";
    const enforcing = server();
    await enforcing.lead();
    expect(record()).toMatchObject({ default: { after: DAY_2 } });
    expect([DAY_2, DAY_3].map((at) => isNew(enforcing.keeper, at))).toEqual([false, true]);
  });

  test("one that only follows knows of none", async () => {
    const { server } = cluster();
    const { keeper, lead } = server();
    const stop = await lead();
    await stop();
    expect(isNew(keeper, DAY_3)).toBe(false);
  });

  const named = (name: string, { spec: { namespaceSelector } }: NetworkBaseline) =>
    networkBaseline(name, { namespaceSelector });
  const DENY = networkBaseline("all", { templates: ["00-default-deny-ingress"] });
  test.each<[string, readonly NetworkBaseline[], readonly NetworkBaseline[], string, string]>([
    ["with another selector", [WEB], [named("web", ALL)], "web", DAY_2],
    ["that is added", [WEB], [WEB, ALL], "all", DAY_2],
    ["that takes the place of the embedded one", [], [WEB], "web", DAY_2],
    ["that takes that place and its name, and selects the same", [], [named("default", ALL)], "default", DAY_1],
    ["with other templates", [ALL], [DENY], "all", DAY_1],
    ["beside one that is edited", [WEB, ALL], [named("web", ALL), ALL], "all", DAY_1],
    ["beside one that is removed", [WEB, ALL], [ALL], "all", DAY_1],
  ])("a baseline %s, while a server runs or none does", async (_name, before, after, name, expected) => {
    for (const isRunning of [true, false]) {
      const { world, server, record } = cluster("enforce", before);
      const first = server();
      const stop = await first.lead();
      if (!isRunning) await stop();
      world.own = after;
      world.namespaces.push(created(DAY_2));
      const baseline = after.find(({ metadata }) => metadata.name === name);
      const { keeper, run, write } = isRunning ? first : server();
      if (!isRunning) {
        write();
        run();
      }
      // At once, before anything is asked or written.
      expect(isNew(keeper, DAY_2, baseline)).toBe(expected === DAY_1);
      await eventually(() => {
        write();
        expect(record()?.[name]?.after).toBe(expected);
        expect(Object.keys(record() ?? {}).toSorted()).toEqual(after.map(({ metadata }) => metadata.name).toSorted());
      });
      expect([DAY_2, DAY_3].map((at) => isNew(keeper, at, baseline))).toEqual([expected === DAY_1, true]);
    }
  });

  describe("a baseline that gives nothing when a leader starts", () => {
    const dns = { isKnown: false, why: "it is gone" } as const;
    const asking = networkBaseline("all", { namespaceSelector: {} });
    type World = ReturnType<typeof cluster>["world"];
    const bad = (name: string) => (world: World) => {
      world.own = world.own.filter(({ metadata }) => metadata.name !== name);
      world.invalid = [name];
    };
    const unarmed = (world: World) => (world.found = { ...CONVENTIONAL, dns });
    test.each<[string, readonly NetworkBaseline[], (world: World) => unknown]>([
      ["it is not valid", [asking, WEB], bad("all")],
      ["it is not valid, and there is no other", [asking], bad("all")],
      ["it is not known what it is to give", [asking, WEB], unarmed],
    ])("as %s, keeps its record: what was created meanwhile is new once it gives again", async (_, own, away) => {
      const { world, server, record } = cluster("enforce", own);
      const stop = await server().lead();
      await stop();
      const before = record()?.["all"];
      expect(before).toMatchObject({ after: DAY_1 });
      away(world);
      world.namespaces.push(created(DAY_2, "unseen"));
      const leading = server();
      leading.write();
      leading.run();
      expect(record()?.["all"]).toEqual(before);
      Object.assign(world, { own, invalid: [], found: CONVENTIONAL });
      leading.write();
      expect(record()?.["all"]).toEqual(before);
      expect(isNew(leading.keeper, DAY_2, asking)).toBe(true);
    });

    test("keeps none where it selects something else than before, or the mode is another", async () => {
      const { world, server, record } = cluster("enforce", [asking]);
      await (await server().lead())();
      unarmed(world);
      const { annotations } = world;
      world.own = [networkBaseline("all", { namespaceSelector: { matchLabels: { tier: "web" } } })];
      server().write();
      expect(record()).toBeUndefined();
      Object.assign(world, { own: [asking], invalid: ["all"], mode: "audit", annotations });
      server().write();
      expect(record()).toBeUndefined();
    });

    test("has none where it never gave anything", async () => {
      const { world, server, record } = cluster("enforce", [asking]);
      unarmed(world);
      const { write, run } = server();
      write();
      await run()();
      write();
      expect(record()).toBeUndefined();
    });

    test("has its own, also where the shipped one holds meanwhile under its name", async () => {
      const own = networkBaseline("default", { namespaceSelector: { matchLabels: { tier: "web" } } });
      const { world, server, record } = cluster("enforce", [own]);
      await (await server().lead())();
      const before = record();
      bad("default")(world);
      await server().lead();
      expect(record()).toEqual(before);
    });
  });

  test.each<[string, Labels]>([
    ["the Lease or its annotation", {}],
    ["what can be read of it", { [NEW_SINCE_ANNOTATION]: '{"default":' }],
    ["all sense", { [NEW_SINCE_ANNOTATION]: '{"default":{"after":"always","selector":7},"x":null}' }],
    ["any form", { [NEW_SINCE_ANNOTATION]: "[1]" }],
  ])("somebody deletes %s: what is there now is old, and the log says so", async (_name, annotations) => {
    const { world, server, record } = cluster();
    const { keeper, lead, logged, write } = server();
    await lead();
    write();
    world.namespaces.push(created(DAY_2));
    expect(isNew(keeper, DAY_2)).toBe(true);
    world.annotations = annotations;
    write();
    expect(isNew(keeper, DAY_3)).toBe(false);
    expect(logged.filter((line) => line.includes("the record on the Lease is gone"))).toHaveLength(1);
    await eventually(() => {
      write();
      expect(record()).toMatchObject({ default: { after: DAY_2 } });
    });
    expect(isNew(keeper, DAY_2)).toBe(false);
  });

  test("while the API server does not say what there is, nothing is new", async () => {
    const { server, record, goDown } = cluster();
    const { keeper, lead, logged } = server();
    goDown(true);
    const leading = lead();
    await eventually(() => expect(logged.some((line) => line.includes("is not known yet"))).toBe(true));
    expect(record()).toBeUndefined();
    expect(isNew(keeper, DAY_3)).toBe(false);
    goDown(false);
    await leading;
    expect(isNew(keeper, DAY_3)).toBe(true);
  });

  test("thousands of baselines do not make the Lease larger than an object may be", async () => {
    const many = Array.from({ length: 2_000 }, (_, i) => networkBaseline(`${"b".repeat(240)}-${10_000 + i}`));
    const { world, server } = cluster("enforce", many);
    await server().lead();
    expect(Buffer.byteLength(JSON.stringify(world.annotations))).toBeLessThan(256 * 1024);
  });
});
