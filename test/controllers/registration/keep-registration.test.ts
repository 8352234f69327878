import { beforeEach, describe, expect, test } from "vitest";
import { issueCa } from "../../../src/certs/issue.ts";
import { keepRegistration } from "../../../src/controllers/registration/keep-registration.ts";
import type { Stored } from "../../../src/controllers/registration/registrar.ts";
import { createLogger } from "../../../src/telemetry/log.ts";
import { createMetrics } from "../../../src/telemetry/metrics.ts";

const { cert: BUNDLE } = await issueCa(new Date());
const { cert: OTHER_BUNDLE } = await issueCa(new Date());

/** What the API server has, a clock, and what was written when; a write is seen at once unless the watch is late. */
interface World {
  now: number;
  version: number;
  isComplete: boolean;
  isWrong: boolean;
  isWatchLate: boolean;
  writes: number[];
  notices: string[];
}

let world: World;
beforeEach(() => {
  world = { now: 0, version: 1, isComplete: true, isWrong: false, isWatchLate: false, writes: [], notices: [] };
});

function keeper(reachableAt = 0) {
  const metrics = createMetrics();
  const keep = keepRegistration({
    registrar: {
      deviations: () => (world.isWrong ? ["x: failurePolicy"] : []),
      write: async () => {
        world.writes.push(world.now);
        if (!world.isWatchLate) {
          world.isWrong = false;
          world.version += 1;
        }
        return [{ which: "validating", changes: ["x: failurePolicy"] }];
      },
    },
    webhooks: {
      get stored(): Stored {
        return { validating: { metadata: { resourceVersion: `${world.version}` } } };
      },
      get isComplete() {
        return world.isComplete;
      },
    },
    elapsed: () => world.now,
    reachableAt,
    notify: (message) => void world.notices.push(message),
    log: createLogger("silent"),
    metrics,
  });
  const restored = async (): Promise<number> => {
    const { values } = await metrics.registrationRestored.get();
    return values[0]?.value ?? 0;
  };
  /** It is called at least every second. */
  const run = async (seconds: number, meanwhile: () => void = () => {}): Promise<void> => {
    for (let i = 0; i < seconds * 4; i++) {
      world.now += 250;
      meanwhile();
      await keep(BUNDLE);
    }
  };
  return { keep, run, restored };
}

describe("the keeper of the registration", () => {
  test("looks at it once in any case, then only when something is wrong, and every 5 minutes", async () => {
    const { run, restored } = keeper();
    await run(10);
    expect(world.writes).toEqual([250]);
    world.isWrong = true;
    await run(10);
    expect(world.writes).toEqual([250, 10_250]);
    await run(400);
    expect(world.writes).toHaveLength(3);
    expect(await restored()).toBeGreaterThan(0);
    expect(world.notices[0]).toMatch(/validating webhook configuration .* restored: x: failurePolicy$/);
  });

  test("writes a first registration only when calls find the way, but takes over an old one at once", async () => {
    world.isComplete = false;
    const first = keeper(12_000);
    await first.run(11);
    expect(world.writes).toEqual([]);
    await first.run(2);
    expect(world.writes).toEqual([12_000]);
    world.isComplete = true;
    const { run } = keeper(1_000_000);
    await run(1);
    expect(world.writes).toHaveLength(2);
  });

  test("does not write again what the watch has not told of yet, but does not wait for it for ever", async () => {
    const { run } = keeper();
    await run(5);
    world.isWatchLate = true;
    world.isWrong = true;
    world.writes = [];
    await run(12);
    expect(world.writes).toHaveLength(3);
  });

  test("in a fight it gets slower, to once in some seconds, and forgets after a while of calm", async () => {
    const { run, restored } = keeper();
    await run(1);
    const wrong = (): void => {
      world.isWrong = true;
    };
    await run(200, wrong);
    const gaps = world.writes.map((at, i) => at - (world.writes[i - 1] ?? 0)).slice(1);
    expect(world.writes.length).toBeLessThan(100);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(5_250);
    expect(await restored()).toBe(world.writes.length - 1);
    world.isWrong = false;
    await run(130);
    world.writes = [];
    await run(2, wrong);
    expect(world.writes.length).toBeGreaterThan(1);
  });

  test("a new bundle is written at once, and is no restoration", async () => {
    const { keep, run, restored } = keeper();
    await run(1);
    world.isWrong = true;
    await keep(OTHER_BUNDLE);
    expect(world.writes).toHaveLength(2);
    expect(await restored()).toBe(0);
  });
});
