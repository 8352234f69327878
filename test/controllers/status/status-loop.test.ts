import type { Standstill } from "../../../src/baseline/status.ts";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { wantedPolicies } from "../../../src/baseline/templates.ts";
import { ApiError } from "../../../src/cluster/api-error.ts";
import { TermEnded } from "../../../src/cluster/fence.ts";
import type { NetworkBaselineStatus } from "../../../src/config/baseline-status.ts";
import { StatusLoop, type StatusLoopClient } from "../../../src/controllers/status/status-loop.ts";
import { configure } from "../../../src/engine/configuration.ts";
import { DocumentSet } from "../../../src/engine/document-set.ts";
import { readEmbeddedPolicies } from "../../../src/files/policies.ts";
import { PENDING_LABEL } from "../../../src/model/names.ts";
import type { KubernetesObject, Namespace } from "../../../src/model/objects.ts";
import { createLogger } from "../../../src/telemetry/log.ts";
import { createMetrics } from "../../../src/telemetry/metrics.ts";
import { networkBaseline, resolvedBaseline } from "../../helpers/build.ts";
import { eventually } from "../../helpers/eventually.ts";

const embedded = await readEmbeddedPolicies();

/** An API server that keeps NetworkBaselines, whose cache hears of writes only when it is told to. */
class World {
  readonly #documents = new DocumentSet();
  readonly stored = new Map<string, KubernetesObject>();
  readonly cache = new Map<string, KubernetesObject>();
  readonly namespaces = new Map<string, Namespace>();
  readonly writes: { readonly path: string; readonly object: KubernetesObject }[] = [];
  readonly logged: string[] = [];
  readonly metrics = createMetrics();
  #configuration = configure("enforce", embedded, this.#documents);
  isBeginning = false;
  standstill: Standstill | undefined;
  readonly notices: string[] = [];
  refuse: ((name: string) => Error | undefined) | undefined;
  #version = 0;

  baseline(name: string): void {
    const object = networkBaseline(name, { namespaceSelector: { matchLabels: { tier: name } } });
    const stored = { ...object, metadata: { ...object.metadata, uid: `uid-${name}`, generation: 1 } };
    this.stored.set(name, stored);
    this.#documents.set(stored);
    this.#configuration = configure("enforce", embedded, this.#documents);
  }
  namespace(name: string, tier: string, isPending = false): void {
    const labels = { tier, ...(isPending && { [PENDING_LABEL]: "true" }) };
    this.namespaces.set(name, { metadata: { name, labels } });
  }
  hear(): void {
    for (const [name, object] of this.stored) this.cache.set(name, object);
    for (const name of this.cache.keys()) if (!this.stored.has(name)) this.cache.delete(name);
  }
  statusOf(name: string): NetworkBaselineStatus {
    return (this.stored.get(name) as { status: NetworkBaselineStatus }).status;
  }
  loop(): StatusLoop {
    return new StatusLoop({
      log: createLogger("warn", { write: (line) => this.logged.push(line) }),
      metrics: this.metrics,
      configuration: () => this.#configuration,
      inForce: (object) => ({ isInForce: this.#documents.has("NetworkBaseline", object.metadata ?? {}) }),
      cached: {
        namespaces: () => [...this.namespaces.values()],
        baselines: () => [...this.cache.values()],
      },
      failureOf: () => undefined,
      factsOf: ({ metadata }) => ({
        policies: wantedPolicies(resolvedBaseline(metadata?.labels?.["tier"]), metadata?.name ?? ""),
        isNew: false,
        hasLost: false,
      }),
      standstillOf: () => this.standstill,
      record: ({ metadata, kind }, { type, reason, message }) =>
        this.notices.push(`${kind} ${metadata?.name}: ${type} ${reason}: ${message}`),
      isBeginning: () => this.isBeginning,
      now: Date.now,
    });
  }
  readonly client: StatusLoopClient = {
    apply: async <T>(path: string, object: object): Promise<T> => {
      const written = object as KubernetesObject & { status: unknown };
      this.writes.push({ path, object: written });
      const name = written.metadata?.name ?? "";
      const error = this.refuse?.(name);
      if (error !== undefined) throw error;
      const stored = this.stored.get(name);
      this.#version += 1;
      this.stored.set(name, {
        ...stored,
        metadata: { ...stored?.metadata, resourceVersion: String(this.#version) },
        status: written.status,
      } as KubernetesObject);
      return {} as T;
    },
    create: async () => {
      throw new Error("Events are recorded by what it is given");
    },
  };
}

let world: World;
let ends: AbortController[] = [];
const run = (loop = world.loop()) => {
  const end = new AbortController();
  ends.push(end);
  const ended = loop.run(world.client, end.signal);
  return { loop, end, ended };
};
const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

beforeEach(() => {
  vi.useFakeTimers({ now: new Date("2026-11-21T12:00:00.5Z") });
  world = new World();
});
afterEach(() => {
  for (const end of ends) end.abort();
  ends = [];
  vi.useRealTimers();
});

describe("who may not be looking", () => {
  test("hears of what stops a baseline, once, and when it goes on", async () => {
    world.baseline("web");
    world.hear();
    const { loop } = run();
    await pass(0);
    expect(world.notices).toEqual([]);
    world.standstill = { reason: "Halted", waiting: 7, failed: ["shop"] };
    for (const _ of ["at once", "and again"]) {
      loop.changed();
      await pass(2_000);
      world.hear();
    }
    expect(world.notices).toEqual([
      "NetworkBaseline web: Warning Halted: 7 of 0 namespaces wait for a change of it, as it has failed in 1: shop",
    ]);
    world.standstill = undefined;
    loop.changed();
    await pass(2_000);
    expect(world.notices.slice(1)).toEqual([
      "NetworkBaseline web: Normal Finished: no longer Halted: it governs no namespace",
    ]);
  });
});

describe("what is written", () => {
  beforeEach(() => {
    world.baseline("web");
    world.hear();
  });

  test("is the status of the very object, and nothing else", async () => {
    world.namespace("shop", "web");
    run();
    await pass(0);
    expect(world.writes).toMatchObject([
      {
        path: "/apis/drawbridge.dev/v1alpha1/networkbaselines/web/status",
        object: {
          metadata: { name: "web", uid: "uid-web" },
          status: { observedGeneration: 1, namespaces: { governed: 1, finished: 1 } },
        },
      },
    ]);
    expect(Object.keys(world.writes[0]?.object ?? {})).toEqual(["apiVersion", "kind", "metadata", "status"]);
    expect(world.statusOf("web").conditions[0]?.lastTransitionTime).toBe("2026-11-21T12:00:00Z");
  });

  test("whatever happens within a second is one write, and what has come to nothing by then none", async () => {
    const { loop } = run();
    await pass(0);
    world.hear();
    for (let i = 0; i < 40; i++) {
      world.namespace(`n${i}`, "web", true);
      loop.changed();
      await pass(20);
    }
    expect(world.writes).toHaveLength(1);
    await pass(1_000);
    expect(world.writes).toHaveLength(2);
    expect(world.statusOf("web").namespaces).toMatchObject({ governed: 40, pending: 40 });
    world.hear();

    world.namespaces.delete("n0");
    loop.changed();
    await pass(500);
    world.namespace("n0", "web", true);
    await pass(1_000);
    expect(world.writes).toHaveLength(2);
  });

  test("is not written again where nothing is new, whether the cache has heard of it or not", async () => {
    const { loop } = run();
    await pass(0);
    for (let i = 0; i < 5; i++) {
      loop.changed();
      await pass(2_000);
    }
    world.hear();
    loop.changed();
    await pass(2_000);
    await pass(60 * 60_000);
    expect(world.writes).toHaveLength(1);
  });

  test("is not written by the next leader, who tells the same", async () => {
    world.namespace("shop", "web", true);
    const first = run();
    await pass(0);
    first.end.abort();
    await first.ended;
    world.hear();
    await pass(60_000);
    run();
    await pass(10_000);
    expect(world.writes).toHaveLength(1);
  });

  test("is told of another's write into it, and puts that right", async () => {
    const { loop } = run();
    await pass(0);
    world.hear();
    const told = world.statusOf("web");
    world.stored.set("web", {
      ...world.stored.get("web"),
      status: { ...told, observedGeneration: 9 },
    } as KubernetesObject);
    world.hear();
    loop.changed();
    await pass(1_000);
    expect(world.statusOf("web")).toEqual(told);
  });

  test("only of those of the cluster; of all that are in force the metric tells, by whoever leads", async () => {
    const shown = async () => {
      const { values } = await world.metrics.baselineStates.get();
      return Object.fromEntries(values.map(({ labels, value }) => [`${labels.baseline} ${labels.state}`, value]));
    };
    world = new World();
    world.namespace("shop", "default", true);
    const { end, ended } = run();
    await pass(0);
    expect(world.writes).toEqual([]);
    expect(await shown()).toEqual({
      "default finished": 0,
      "default pending": 1,
      "default failed": 0,
      "default conflict": 0,
      "default existing": 0,
      "default released": 0,
    });
    end.abort();
    await ended;
    expect(await shown()).toEqual({});
  });
});

describe("when", () => {
  beforeEach(() => {
    world.baseline("web");
    world.hear();
  });

  test("not before what the last leader knew can be known", async () => {
    world.isBeginning = true;
    const { loop } = run();
    loop.changed();
    await pass(5_000);
    expect(world.writes).toEqual([]);
    world.isBeginning = false;
    loop.changed();
    await pass(1_000);
    expect(world.writes).toHaveLength(1);
  });

  test("not before it runs, nor after; and it may run again", async () => {
    const loop = world.loop();
    loop.changed();
    await pass(5_000);
    expect(world.writes).toEqual([]);
    const { end, ended } = run(loop);
    await pass(0);
    loop.changed();
    end.abort();
    await ended;
    world.namespace("shop", "web");
    await pass(5_000);
    expect(world.writes).toHaveLength(1);
    world.hear();
    run(loop);
    await pass(0);
    expect(world.writes).toHaveLength(2);
  });

  test("with a signal that is over it does nothing", async () => {
    await world.loop().run(world.client, AbortSignal.abort());
    expect(world.writes).toEqual([]);
  });
});

describe("what fails", () => {
  const forbidden = new ApiError({ status: 403, reason: "Forbidden", message: "no" });
  beforeEach(() => {
    for (const name of ["a", "b", "c"]) world.baseline(name);
    world.hear();
  });
  const writtenTo = (name: string) => world.writes.filter(({ object }) => object.metadata?.name === name).length;

  test("does not hinder the others, and is tried again later, not sooner because things happen", async () => {
    world.refuse = (name) => (name === "b" ? forbidden : undefined);
    const { loop } = run();
    await pass(0);
    expect(["a", "b", "c"].map(writtenTo)).toEqual([1, 1, 1]);
    world.hear();
    // The wait after a failure is one of real time, and this takes none of it.
    for (let i = 0; i < 60; i++) {
      loop.changed();
      await pass(1_000);
    }
    expect(["a", "b", "c"].map(writtenTo)).toEqual([1, 1, 1]);
    expect(world.logged).toHaveLength(1);
    expect(world.logged[0]).toContain("the status of a NetworkBaseline could not be written; trying again");
    world.refuse = undefined;
    vi.useRealTimers();
    await eventually(() => expect(world.statusOf("b")).toMatchObject({ observedGeneration: 1 }));
    expect(["a", "b", "c"].map(writtenTo)).toEqual([1, 2, 1]);
  });

  test.each([
    ["it is gone, or the kind has no status here", 404],
    ["it is another", 409],
  ])("because %s is nothing to try again", async (_, status) => {
    world.refuse = () => new ApiError({ status, reason: "x", message: "x" });
    const { loop } = run();
    await pass(0);
    loop.changed();
    await pass(60_000);
    expect(world.writes).toHaveLength(3);
    expect(world.logged).toEqual([]);
  });

  test("because the term has ended is no error to report", async () => {
    world.refuse = () => new TermEnded("it was cut off");
    const { end, ended } = run();
    await pass(0);
    end.abort();
    await ended;
    expect(world.logged).toEqual([]);
  });
});
