import { afterEach, describe, expect, test } from "vitest";
import { TermEnded } from "../../src/cluster/fence.ts";
import { BaselineLoop, type LoopClient } from "../../src/controllers/baseline-loop.ts";
import { configure } from "../../src/engine/configuration.ts";
import { DocumentSet } from "../../src/engine/document-set.ts";
import { readEmbeddedPolicies } from "../../src/files/policies.ts";
import { PENDING_LABEL } from "../../src/model/names.ts";
import type { Namespace } from "../../src/model/objects.ts";
import { createLogger } from "../../src/telemetry/log.ts";
import { createMetrics } from "../../src/telemetry/metrics.ts";
import { eventually } from "../helpers/eventually.ts";

const embedded = await readEmbeddedPolicies();
const runs: { readonly controller: AbortController; readonly ended: Promise<void> }[] = [];
afterEach(async () => {
  for (const { controller } of runs) controller.abort();
  await Promise.all(runs.splice(0).map(({ ended }) => ended));
});

/** In mode audit nothing is injected: each namespace takes just the removal of its marker. */
function start(patch: (path: string) => Promise<void> = async () => {}) {
  const namespaces = new Map<string, Namespace>();
  const written: string[] = [];
  const logged: string[] = [];
  const loop = new BaselineLoop({
    log: createLogger("warn", { write: (line) => logged.push(line) }),
    metrics: createMetrics(),
    configuration: () => configure("audit", embedded, new DocumentSet()),
    onWrite: () => {},
    cached: { namespace: (name) => namespaces.get(name), policiesIn: () => [] },
    record: () => {},
    wake: async () => {},
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
