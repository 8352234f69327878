import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import { CONVENTIONAL } from "../../../src/baseline/resolve.ts";
import { wantedPolicies } from "../../../src/baseline/templates.ts";
import type { NetworkBaseline, TemplateName } from "../../../src/config/baseline.ts";
import { ApiError } from "../../../src/cluster/api-error.ts";
import { TermEnded } from "../../../src/cluster/fence.ts";
import { BaselineLoop, type LoopClient } from "../../../src/controllers/baseline/baseline-loop.ts";
import type { Notice } from "../../../src/controllers/events.ts";
import { configure } from "../../../src/engine/configuration.ts";
import { DocumentSet } from "../../../src/engine/document-set.ts";
import { readEmbeddedPolicies } from "../../../src/files/policies.ts";
import { MODE_LABEL, PENDING_LABEL } from "../../../src/model/names.ts";
import type { NetworkPolicy } from "../../../src/model/network-policy.ts";
import type { KubernetesObject, Namespace } from "../../../src/model/objects.ts";
import { createLogger } from "../../../src/telemetry/log.ts";
import { createMetrics } from "../../../src/telemetry/metrics.ts";
import { networkBaseline } from "../../helpers/build.ts";
import { eventually } from "../../helpers/eventually.ts";

const embedded = await readEmbeddedPolicies();
const runs: { readonly controller: AbortController; readonly ended: Promise<void> }[] = [];
afterEach(async () => {
  for (const { controller } of runs) controller.abort();
  await Promise.all(runs.splice(0).map(({ ended }) => ended));
});

/** Nothing is new, and nobody hears of anything. */
const QUIET = { onWrite: () => {}, isNew: () => false, record: () => {}, onTried: () => {}, wake: async () => {} };

/** In mode audit nothing is injected: each namespace takes just the removal of its marker. */
function start(patch: (path: string) => Promise<void> = async () => {}) {
  const namespaces = new Map<string, Namespace>();
  const written: string[] = [];
  const logged: string[] = [];
  const loop = new BaselineLoop({
    log: createLogger("warn", { write: (line) => logged.push(line) }),
    metrics: createMetrics(),
    configuration: () => configure("audit", embedded, new DocumentSet()),
    cached: { namespace: (name) => namespaces.get(name), policiesIn: () => [] },
    ...QUIET,
  });
  const refuse = async (): Promise<never> => {
    throw new Error("no policy is to be written here");
  };
  const client: LoopClient = {
    get: async <T>(path: string): Promise<T> => namespaces.get(path.split("/").at(-1) ?? "") as T,
    pages: async function* () {},
    apply: refuse,
    replace: refuse,
    create: refuse,
    delete: refuse,
    patch: async <T>(path: string): Promise<T> => {
      written.push(path.split("/").at(-1) ?? "");
      await patch(path);
      return {} as T;
    },
  };
  return {
    loop,
    written,
    logged,
    add: (name: string) => {
      const object = { metadata: { name, uid: name, labels: { [PENDING_LABEL]: "true" } } };
      namespaces.set(name, object);
      loop.onNamespace({ type: "added", object });
    },
    finish: (name: string) => namespaces.set(name, { metadata: { name } }),
    run: () => {
      const controller = new AbortController();
      const ended = loop.run(client, namespaces.values(), controller.signal);
      runs.push({ controller, ended });
      return { ended, stop: () => controller.abort(new TermEnded("it stops")) };
    },
  };
}

describe("BaselineLoop", () => {
  test("does nothing before it runs, then everything that there is, then what events bring", async () => {
    const { add, run, written } = start();
    add("early");
    expect(written).toEqual([]);
    run();
    await eventually(() => expect(written).toEqual(["early"]));
    add("late");
    await eventually(() => expect(written).toEqual(["early", "late"]));
  });

  test("stopped, it does nothing; run again, it does what has come up meanwhile, and nothing twice", async () => {
    const { add, finish, run, written } = start();
    add("a");
    const first = run();
    await eventually(() => expect(written).toEqual(["a"]));
    finish("a");
    first.stop();
    await first.ended;
    add("b");
    expect(written).toEqual(["a"]);
    run();
    await eventually(() => expect(written).toEqual(["a", "b"]));
    add("c");
    await eventually(() => expect(written).toEqual(["a", "b", "c"]));
  });

  test("a run ends when what it is writing has ended, and begins nothing more", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const { add, run, written } = start(() => promise);
    const names = Array.from({ length: 20 }, (_, i) => `n${i}`);
    names.forEach(add);
    const { ended, stop } = run();
    await eventually(() => expect(written).toHaveLength(8));
    let isOver = false;
    const over = ended.then(() => {
      isOver = true;
    });
    stop();
    await Promise.resolve();
    expect(isOver).toBe(false);
    resolve();
    await over;
    expect(written).toHaveLength(8);
  });

  test("what failed before is tried at once by the next run", async () => {
    let fails = true;
    const { add, run, written, logged } = start(async () => {
      if (fails) throw new Error("away");
    });
    add("a");
    const first = run();
    await eventually(() => expect(written.length).toBeGreaterThanOrEqual(4));
    first.stop();
    await first.ended;
    fails = false;
    const before = written.length;
    run();
    await eventually(() => expect(written).toHaveLength(before + 1));
    expect(logged.some((line) => line.includes("baseline not applied"))).toBe(true);
  });

  test("a write that the end of the term has stopped is no error to report", async () => {
    const { add, run, written, logged } = start(async () => {
      throw new TermEnded("it was cut off");
    });
    add("a");
    const { ended, stop } = run();
    await eventually(() => expect(written.length).toBeGreaterThan(0));
    stop();
    await ended;
    expect(logged).toEqual([]);
  });

  test("with a signal that is over it does nothing", async () => {
    const { add, loop, written } = start();
    add("a");
    await loop.run({} as LoopClient, [], AbortSignal.abort());
    expect(written).toEqual([]);
  });
});

describe("BaselineLoop, of namespaces that wait for nothing", () => {
  const configuration = configure("enforce", embedded, new DocumentSet());
  const wanted = configuration.baselines.flatMap((baseline) => wantedPolicies(baseline, "shop"));
  const nameOf = ({ metadata }: KubernetesObject) => metadata?.name ?? "";
  const shop: Namespace = { metadata: { name: "shop", uid: "1", creationTimestamp: "2026-11-01T00:00:00Z" } };

  /** The cache and the API server are the same here, and every change is an event. */
  function startShop(policies: readonly NetworkPolicy[] = wanted, isNew = false, current = () => configuration) {
    const there = new Map(policies.map((policy) => [nameOf(policy), policy]));
    const calls: string[] = [];
    const notices: Notice[] = [];
    const metrics = createMetrics();
    const loop = new BaselineLoop({
      log: createLogger("fatal"),
      metrics,
      configuration: current,
      onWrite: () => {},
      cached: { namespace: () => shop, policiesIn: () => [...there.values()] },
      isNew: () => isNew,
      record: (_namespace, notice) => notices.push(notice),
      onTried: () => {},
      wake: async () => {},
    });
    const put = (policy: NetworkPolicy): void => {
      const previous = there.get(nameOf(policy));
      there.set(nameOf(policy), policy);
      loop.onPolicy(previous ? { type: "modified", object: policy, previous } : { type: "added", object: policy });
    };
    const never = async (): Promise<never> => {
      throw new Error("nothing of the kind is to be done");
    };
    const client: LoopClient = {
      get: async <T>(path: string): Promise<T> => {
        calls.push("get");
        const object = path.endsWith("/namespaces/shop") ? shop : there.get(path.split("/").at(-1) ?? "");
        if (object === undefined) throw new ApiError({ status: 404, reason: "NotFound", message: path });
        return object as T;
      },
      pages: async function* () {
        yield { items: [...there.values()], resourceVersion: "1" } as never;
      },
      apply: async <T>(_path: string, object: object): Promise<T> => {
        calls.push(`apply ${nameOf(object)}`);
        put(object);
        return object as T;
      },
      delete: async (path) => {
        const name = path.split("/").at(-1) ?? "";
        calls.push(`delete ${name}`);
        const object = there.get(name);
        there.delete(name);
        if (object !== undefined) loop.onPolicy({ type: "deleted", object, previous: object });
      },
      replace: never,
      patch: never,
      create: never,
    };
    return {
      calls,
      notices,
      metrics,
      put,
      remove: (name: string) => {
        const object = there.get(name);
        there.delete(name);
        if (object !== undefined) loop.onPolicy({ type: "deleted", object, previous: object });
      },
      onNamespace: (object: Namespace, previous: Namespace) => loop.onNamespace({ type: "modified", object, previous }),
      run: () => {
        const controller = new AbortController();
        runs.push({ controller, ended: loop.run(client, [shop], controller.signal) });
      },
    };
  }
  const names = wanted.map(nameOf);
  const [first = ""] = names;

  test("where all is there, the API server is not even asked", async () => {
    const { calls, onNamespace, put, run } = startShop();
    run();
    onNamespace(shop, shop);
    for (const policy of wanted) put(policy);
    await sleep(20);
    expect(calls).toEqual([]);
  });

  test("one that was deleted before it ran, or while it runs, is applied and told of", async () => {
    const { calls, metrics, notices, remove, run } = startShop();
    remove(first);
    await sleep(20);
    expect(calls).toEqual([]);
    run();
    await eventually(() => expect(calls).toContain(`apply ${first}`));
    await eventually(() =>
      expect(notices).toEqual([
        {
          type: "Warning",
          reason: "BaselineHealed",
          message: `put back in place of its baseline: ${first} (was missing)`,
        },
      ]),
    );
    expect(await metrics.registry.metrics()).toContain('drawbridge_baseline_healed_total{was="missing"} 1');
    await sleep(20);
    expect(calls.filter((call) => call !== "get")).toEqual([`apply ${first}`]);
  });

  test("one that followed while another led knows that there were policies, though none is left", async () => {
    const { calls, remove, run } = startShop();
    names.forEach(remove);
    run();
    await eventually(() =>
      expect(calls.filter((call) => call !== "get")).toEqual(names.map((name) => `apply ${name}`)),
    );
  });

  test("one that starts when none is left knows nothing of them", async () => {
    const { calls, run } = startShop([]);
    run();
    await sleep(20);
    expect(calls).toEqual([]);
  });

  test("unless the namespace is known to be new", async () => {
    const { calls, run } = startShop([], true);
    run();
    await eventually(() =>
      expect(calls.filter((call) => call !== "get")).toEqual(names.map((name) => `apply ${name}`)),
    );
  });

  describe("one that has lost its marker while another led", () => {
    const marked = { metadata: { ...shop.metadata, labels: { [PENDING_LABEL]: "true" } } };
    const noDns = configure("enforce", embedded, new DocumentSet(), {
      ...CONVENTIONAL,
      dns: { isKnown: false, why: "it is gone" },
    });

    test("was to have policies, and gets what is not there", async () => {
      const { calls, onNamespace, run } = startShop([]);
      onNamespace(shop, marked);
      run();
      await eventually(() =>
        expect(calls.filter((call) => call !== "get")).toEqual(names.map((name) => `apply ${name}`)),
      );
    });

    test.each([
      ["nothing was to be had", configure("audit", embedded, new DocumentSet())],
      ["it was not known what", noDns],
    ])("as %s, is left alone when that is another", async (_, before) => {
      let current = before;
      const { calls, onNamespace, run } = startShop([], false, () => current);
      onNamespace(shop, marked);
      current = configuration;
      run();
      await sleep(20);
      expect(calls).toEqual([]);
    });
  });

  test("an adopted one rests after its turn, though what was written was heard of before it was answered", async () => {
    const withTemplates = (...templates: readonly TemplateName[]) => {
      const rollout = { pauseSeconds: 60 };
      const own = new DocumentSet();
      own.set(networkBaseline("default", { existingNamespaces: "adopt", rollout, templates }));
      return configure("enforce", embedded, own);
    };
    let current = withTemplates("00-default-deny-ingress");
    const { calls, onNamespace, run } = startShop([], false, () => current);
    const applied = () => calls.filter((call) => call !== "get");
    run();
    await eventually(() => expect(applied()).toEqual(["apply drawbridge-00-default-deny-ingress"]));
    current = withTemplates("00-default-deny-ingress", "01-default-deny-egress");
    await sleep(20);
    onNamespace(shop, shop);
    await sleep(50);
    expect(applied()).toEqual(["apply drawbridge-00-default-deny-ingress"]);
  });

  test("one that is governed again by the time that it is looked at is not told that it is not", async () => {
    const { calls, notices, onNamespace, run } = startShop();
    run();
    onNamespace({ metadata: { ...shop.metadata, labels: { [MODE_LABEL]: "audit" } } }, shop);
    await sleep(20);
    expect([calls, notices]).toEqual([[], []]);
  });

  test("what is released has its turn in the rollout of what gave it, and is told of then", async () => {
    const withPause = (paused: boolean, tier: string) => {
      const own = new DocumentSet();
      const namespaceSelector = { matchLabels: { tier } };
      own.set(networkBaseline("web", { onRelease: "remove", rollout: { paused }, namespaceSelector }));
      return configure("enforce", embedded, own);
    };
    let current = withPause(true, "none");
    const given = current.baselines.flatMap((baseline) => wantedPolicies(baseline, "shop"));
    const { calls, notices, onNamespace, run } = startShop(given, false, () => current);
    run();
    await sleep(50);
    expect(calls).toEqual([]);
    current = withPause(false, "none");
    onNamespace(shop, shop);
    await eventually(() => expect(notices).toMatchObject([{ type: "Normal", reason: "BaselineReleased" }]));
    expect(calls.filter((call) => call !== "get")).toHaveLength(given.length);
  });

  describe("one whose baseline was deleted a moment ago", () => {
    const web = networkBaseline("web", { existingNamespaces: "adopt" });
    const smaller = networkBaseline("web", { templates: ["00-default-deny-ingress"] });
    const other = networkBaseline("x-other", { templates: ["allow-same-namespace"] });
    const configured = (baselines: readonly NetworkBaseline[], leaving: readonly string[] = []) => {
      const own = new DocumentSet();
      for (const baseline of baselines) own.set(baseline);
      return configure("enforce", embedded, own, CONVENTIONAL, { unusable: new Set(), leaving: new Set(leaving) });
    };
    const held = configured([web, other], ["web"]);
    const [of = expect.fail()] = configured([web]).baselines;
    const given = wantedPolicies(of, "shop");

    test.each<[string, readonly NetworkPolicy[]]>([
      ["all of it", given],
      ["some of it", given.slice(1)],
      ["nothing", []],
    ])("has %s, and is left alone", async (_, has) => {
      const { calls, run } = startShop(has, true, () => held);
      run();
      await sleep(50);
      expect(calls).toEqual([]);
    });

    test("is looked at when it is back, and what was lost meanwhile is not forgotten", async () => {
      let current = held;
      const { calls, notices, onNamespace, remove, run } = startShop(given, false, () => current);
      run();
      for (const { metadata } of given) remove(metadata?.name ?? "");
      await sleep(50);
      expect(calls).toEqual([]);
      current = configured([smaller, other]);
      onNamespace(shop, shop);
      await eventually(() => expect(notices).toMatchObject([{ reason: "BaselineHealed" }]));
      expect(calls.filter((call) => call !== "get")).toEqual(["apply drawbridge-00-default-deny-ingress"]);
    });

    test("a rollout of it that has halted does not go on", async () => {
      let current = configured([networkBaseline("web", { existingNamespaces: "adopt", rollout: { maxFailures: 1 } })]);
      const shops = Array.from({ length: 20 }, (_, i) => `n${i}`);
      const objects = new Map(shops.map((name) => [name, { metadata: { name } }]));
      const messages: string[] = [];
      const refuse = async (): Promise<never> => {
        throw new ApiError({ status: 403, reason: "Forbidden", message: "no" });
      };
      const loop = new BaselineLoop({
        log: createLogger("info", { write: (line) => messages.push(JSON.parse(line).msg) }),
        metrics: createMetrics(),
        configuration: () => current,
        cached: { namespace: (name) => objects.get(name), policiesIn: () => [] },
        ...QUIET,
      });
      const client: LoopClient = {
        get: async <T>(path: string): Promise<T> => {
          const object = objects.get(path.split("/").at(-1) ?? "");
          if (object === undefined) throw new ApiError({ status: 404, reason: "NotFound", message: path });
          return object as T;
        },
        pages: async function* () {},
        apply: refuse,
        replace: refuse,
        create: refuse,
        delete: refuse,
        patch: refuse,
      };
      const controller = new AbortController();
      runs.push({ controller, ended: loop.run(client, objects.values(), controller.signal) });
      const halted = "the rollout has halted: too many namespaces fail";
      await eventually(() => expect(messages).toContain(halted));
      const looks = () => messages.filter((message) => message === "every namespace has been looked at").length;
      const before = looks();
      current = configured([web], ["web"]);
      loop.reconsider(objects.values());
      await eventually(() => expect(looks()).toBeGreaterThan(before));
      expect(messages).not.toContain("the rollout goes on");
      expect(loop.standstillOf("web")).toBeUndefined();
    });

    test("is another's when it does not come back", async () => {
      let current = held;
      const { calls, onNamespace, run } = startShop(given, false, () => current);
      run();
      await sleep(50);
      current = configured([other]);
      onNamespace(shop, shop);
      await eventually(() => expect(calls).toContain("apply drawbridge-allow-same-namespace"));
    });
  });

  test("who undoes it at once is not answered at once a second time", async () => {
    const { calls, remove, run } = startShop();
    run();
    for (let i = 0; i < 20; i++) {
      remove(first);
      await sleep(5);
    }
    expect(calls.filter((call) => call === `apply ${first}`)).toHaveLength(1);
  });
});
