import { setTimeout as wait } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { backoffMs } from "../../src/cluster/backoff.ts";
import { ApiError } from "../../src/cluster/api-error.ts";
import type { KubernetesClient } from "../../src/cluster/client.ts";
import { connect } from "../../src/cluster/connect.ts";
import { paths } from "../../src/cluster/paths.ts";
import { type Change, Reflector, type ReflectorOptions, type Trouble } from "../../src/cluster/reflector.ts";
import type { KubernetesObject } from "../../src/model/objects.ts";
import {
  answerText,
  errorLine,
  eventLine,
  type FaultyServer,
  hang,
  hangUp,
  refuse,
  type StoredObject,
  startFaultyServer,
  watchOf,
} from "../helpers/faulty-server.ts";

type Options = Partial<ReflectorOptions<StoredObject & KubernetesObject>>;

let server: FaultyServer;
let client: KubernetesClient;
let reflector: Reflector<StoredObject & KubernetesObject>;
let changes: string[];
let troubles: Trouble[];

beforeEach(async () => {
  server = await startFaultyServer();
  client = await connect({ kubeconfig: server.kubeconfig });
  changes = [];
  troubles = [];
});

afterEach(async () => {
  await reflector.stop();
  await client.close();
  await server.close();
});

function build(options: Options = {}): void {
  reflector = new Reflector({
    client,
    path: paths.networkPolicies(),
    backoff: { minMs: 20, maxMs: 100 },
    onChange: (change) => changes.push(short(change)),
    onError: (trouble) => troubles.push(trouble),
    ...options,
  });
}

/** Started, synced, and its watch is open. */
async function following(options: Options = {}): Promise<void> {
  build(options);
  reflector.start();
  await reflector.synced();
  await until(() => expect(server.openWatches()).toBe(1));
  changes.length = 0;
}

/** All in one turn of the event loop: the reflector's next watch is refused with 410, and no watch tells the changes. */
async function relistAfter(changed: () => void): Promise<void> {
  server.cutWatches();
  changed();
  server.forgetHistory();
  server.next("watch", refuse(410));
  await until(() => expect(server.count("watch")).toBe(3));
  expect(server.count("list")).toBe(2);
}

/** Many random waits, sorted. */
function waits(failures: number): number[] {
  const all = Array.from({ length: 200 }, () => backoffMs(failures, { minMs: 100, maxMs: 1000 }));
  return all.toSorted((a, b) => a - b);
}

function short({ type, object }: Change<KubernetesObject>): string {
  return `${type} ${object.metadata?.namespace}/${object.metadata?.name}`;
}

function names(): string[] {
  return reflector.list().map(({ metadata }) => `${metadata.namespace}/${metadata.name}`);
}

function errors(): [string, number | undefined, string | undefined][] {
  return troubles.map(({ during, error }) =>
    error instanceof ApiError ? [during, error.status, error.reason] : [during, undefined, String(error)],
  );
}

function until(assertion: () => void): Promise<void> {
  return vi.waitFor(assertion, { interval: 5, timeout: 3000 });
}

describe("the first list", () => {
  test("comes in pages of one moment and fills the cache before synced", async () => {
    for (const name of ["one", "two", "three"]) server.put("a", name);
    server.put("b", "one");
    build({ pageSize: 3, query: { labelSelector: "x=y" } });
    expect(reflector.hasSynced).toBe(false);
    expect(reflector.lastEventAt).toBeUndefined();
    reflector.start();
    reflector.start();
    await reflector.synced();
    expect(reflector.hasSynced).toBe(true);
    expect(changes).toEqual(["added a/one", "added a/two", "added a/three", "added b/one"]);
    expect(Date.now() - (reflector.lastEventAt ?? 0)).toBeLessThan(2000);
    await until(() => expect(server.openWatches()).toBe(1));
    expect(server.requests.map(({ kind, query }) => [kind, query.limit, query.continue, query.labelSelector])).toEqual([
      ["list", "3", undefined, "x=y"],
      ["list", "3", "104:3", "x=y"],
      ["watch", undefined, undefined, "x=y"],
    ]);
  });

  test("is found by key and by namespace", async () => {
    const one = server.put("a", "one");
    server.put("a", "two");
    server.put("b", "one");
    await following();
    expect(reflector.get("a/one")).toMatchObject(one);
    expect(reflector.get("a/three")).toBeUndefined();
    expect(reflector.get("one")).toBeUndefined();
    expect(reflector.byNamespace("a").map(({ metadata }) => metadata.name)).toEqual(["one", "two"]);
    expect(reflector.byNamespace("c")).toEqual([]);
  });

  test("holds cluster-scoped objects by their name", async () => {
    server.put("", "default");
    await following();
    expect(reflector.get("default")?.metadata.name).toBe("default");
  });

  test("starts over when a page is gone, and shows nothing of the half list", async () => {
    for (const name of ["one", "two", "three"]) server.put("a", name);
    build({ pageSize: 2 });
    server.next(
      "list",
      (_request, response) => {
        const metadata = { resourceVersion: "1", continue: "1:2" };
        const items = [{ metadata: { namespace: "a", name: "stale", uid: "u", resourceVersion: "1" } }];
        response.end(JSON.stringify({ apiVersion: "v1", kind: "NetworkPolicyList", metadata, items }));
      },
      refuse(410, { reason: "Expired" }),
    );
    reflector.start();
    await reflector.synced();
    expect(changes).toEqual(["added a/one", "added a/two", "added a/three"]);
    expect(errors()).toEqual([["list", 410, "Expired"]]);
  });

  test("is tried again after every kind of failure", async () => {
    server.put("a", "one");
    server.next("list", refuse(500), hangUp(), answerText(502, "bad gateway"), answerText(200, "<html>"), refuse(403));
    build();
    reflector.start();
    await reflector.synced();
    expect(names()).toEqual(["a/one"]);
    expect(errors().map(([, status]) => status)).toEqual([500, 0, 502, 0, 403]);
    expect(troubles.map(({ failures }) => failures)).toEqual([1, 2, 3, 4, 5]);
  });
});

describe("the watch", () => {
  test("follows from where the list ended, with bookmarks and an end that differs", async () => {
    server.put("a", "one");
    await following();
    const query = server.requests.find(({ kind }) => kind === "watch")?.query;
    expect(query).toMatchObject({ resourceVersion: "101", allowWatchBookmarks: "true" });
    expect(Number(query?.timeoutSeconds)).toBeGreaterThanOrEqual(300);
    expect(Number(query?.timeoutSeconds)).toBeLessThanOrEqual(600);
    server.put("a", "two");
    server.put("a", "one", { spec: { changed: true } });
    server.remove("a", "two");
    await until(() => expect(changes).toEqual(["added a/two", "modified a/one", "deleted a/two"]));
    expect(names()).toEqual(["a/one"]);
    expect(reflector.get("a/one")).toHaveProperty("spec", { changed: true });
    expect(reflector.byNamespace("a")).toHaveLength(1);
  });

  test("tells what was there before", async () => {
    const before = server.put("a", "one");
    const seen: Change<KubernetesObject>[] = [];
    await following({ onChange: (change) => seen.push(change) });
    const after = server.put("a", "one", { spec: {} });
    server.remove("a", "one");
    await until(() => expect(seen).toHaveLength(3));
    expect(seen[1]).toMatchObject({ type: "modified", object: after, previous: before });
    expect(seen[2]).toMatchObject({
      type: "deleted",
      object: { metadata: { resourceVersion: "103" } },
      previous: after,
    });
  });

  test("goes on at once from the last version when the server ends it, without a list", async () => {
    await following({ backoff: { minMs: 1, maxMs: 60_000 } });
    for (let round = 0; round < 5; round += 1) {
      server.put("a", `p${round}`);
      await until(() => expect(changes).toHaveLength(round + 1));
      server.endWatches();
      await until(() => expect(server.count("watch")).toBe(round + 2));
      await until(() => expect(server.openWatches()).toBe(1));
    }
    expect(server.requests.filter(({ kind }) => kind === "watch").map(({ query }) => query.resourceVersion)).toEqual([
      "100",
      "101",
      "102",
      "103",
      "104",
      "105",
    ]);
    expect(server.count("list")).toBe(1);
    expect(troubles).toEqual([]);
  });

  test("takes its version from bookmarks too", async () => {
    await following();
    const before = reflector.lastEventAt ?? 0;
    await wait(5);
    server.send(eventLine("BOOKMARK", { metadata: { resourceVersion: "777" } }));
    await until(() => expect(reflector.lastEventAt).toBeGreaterThan(before));
    server.endWatches();
    await until(() => expect(server.requests.at(-1)?.query.resourceVersion).toBe("777"));
    expect(changes).toEqual([]);
    expect(reflector.list()).toEqual([]);
  });

  test("that is cut, also in the middle of an event, loses and repeats nothing", async () => {
    server.put("a", "one");
    await following();
    server.put("a", "two");
    server.send('{"type":"ADDED","object":{"metadata":{"name":"ha');
    server.cutWatches();
    server.put("a", "three");
    await until(() => expect(changes).toEqual(["added a/two", "added a/three"]));
    expect(server.count("list")).toBe(1);
    expect(errors()).toEqual([["watch", 0, "ConnectionFailed"]]);
  });

  test("that repeats an object says nothing", async () => {
    const one = server.put("a", "one");
    await following();
    server.send(eventLine("ADDED", one) + eventLine("MODIFIED", one));
    server.put("a", "two");
    await until(() => expect(changes).toEqual(["added a/two"]));
  });

  test.each([
    ["410 as an ERROR event", watchOf([errorLine(410, { reason: "Expired" })], "end"), ["watch", 410, "Expired"]],
    ["410 as HTTP status", refuse(410, { reason: "Expired" }), ["watch", 410, "Expired"]],
    ["another ERROR event", watchOf([errorLine(400, { reason: "BadRequest" })], "end"), ["watch", 400, "BadRequest"]],
    ["garbage", watchOf(["}{\n"], "silent"), ["watch", 0, "InvalidResponse"]],
    ["403", refuse(403, { reason: "Forbidden" }), ["watch", 403, "Forbidden"]],
  ] as const)("is replaced by a new list after %s", async (_what, fault, error) => {
    server.put("a", "one");
    server.put("a", "two");
    await following();
    server.next("watch", fault);
    server.endWatches();
    server.remove("a", "two");
    server.put("a", "three");
    server.forgetHistory();
    await until(() => expect(changes).toEqual(["deleted a/two", "added a/three"]));
    expect(names()).toEqual(["a/one", "a/three"]);
    expect(server.count("list")).toBe(2);
    // The end of the first watch may have come too early to count as one.
    expect(errors()).toContainEqual([...error]);
  });

  test.each([
    ["500", refuse(500)],
    ["503 of a proxy", answerText(503, "no backend")],
    ["429", refuse(429)],
    ["closed connections", hangUp()],
  ])("is tried again from where it was after %s for a while", async (_what, fault) => {
    server.put("a", "one");
    await following();
    server.next("watch", fault, fault, fault);
    server.cutWatches();
    server.put("a", "two");
    await until(() => expect(changes).toEqual(["added a/two"]));
    expect(server.count("list")).toBe(1);
    expect(server.count("watch")).toBe(5);
  });

  test("that never works, while lists do, leaves a cache that is late but not blind", async () => {
    await following();
    server.always("watch", refuse(503));
    server.cutWatches();
    server.put("a", "one");
    await until(() => expect(changes).toEqual(["added a/one"]));
    expect(server.count("list")).toBe(2);
  });

  test("that is silent is given up, and nothing is believed to be known", async () => {
    server.put("a", "one");
    await following({ inactivityMs: 60 });
    server.always("watch", hang());
    server.cutWatches();
    server.put("a", "two");
    await until(() => expect(changes).toEqual(["added a/two"]));
    expect(errors()).toContainEqual(["watch", 0, "Silent"]);
  });

  test("is not given up while bookmarks come", async () => {
    await following({ inactivityMs: 400 });
    for (let round = 0; round < 6; round += 1) {
      await wait(100);
      server.send(eventLine("BOOKMARK", { metadata: { resourceVersion: "100" } }));
    }
    expect(server.count("watch")).toBe(1);
    expect(troubles).toEqual([]);
  });

  test("of an etcd that was restored from a backup is noticed by its bookmark", async () => {
    await following();
    server.send(eventLine("BOOKMARK", { metadata: { resourceVersion: "99" } }));
    await until(() => expect(server.count("list")).toBe(2));
    expect(errors()).toEqual([["watch", 410, "Expired"]]);
  });
});

describe("a new list", () => {
  beforeEach(async () => {
    server.put("a", "one");
    server.put("a", "two");
    await following();
  });

  test("says nothing about what has not changed", async () => {
    await relistAfter(() => {});
    expect(changes).toEqual([]);
  });

  test("reports what vanished, changed and came", async () => {
    await relistAfter(() => {
      server.remove("a", "one");
      server.put("a", "two", { spec: {} });
      server.put("a", "three");
    });
    expect(changes).toEqual(["deleted a/one", "modified a/two", "added a/three"]);
  });

  test("sees that an object is another one of the same name", async () => {
    await relistAfter(() => {
      server.remove("a", "one");
      server.put("a", "one");
    });
    expect(changes).toEqual(["deleted a/one", "added a/one"]);
    expect(reflector.get("a/one")?.metadata.resourceVersion).toBe("104");
  });

  test("does not empty the cache while it fails or is under way", async () => {
    server.next("watch", refuse(410));
    server.next("list", refuse(500), answerText(200, "{}"), hang());
    server.cutWatches();
    await until(() => expect(server.count("list")).toBe(4));
    expect(names()).toEqual(["a/one", "a/two"]);
    expect(reflector.hasSynced).toBe(true);
    expect(changes).toEqual([]);
  });
});

describe("no hot loop", () => {
  // Of each wait at most half is saved by chance, so requests come no earlier than after 0, 10, 30, 70, 150, 310 ms.
  const backoff = { minMs: 20, maxMs: 10_000 };
  const TIME_MS = 400;
  const AT_MOST = 6;

  test.each([
    ["lists fail", () => server.always("list", refuse(500))],
    ["lists answer garbage", () => server.always("list", answerText(200, "{}"))],
    ["nothing listens", () => server.always("list", hangUp())],
    ["continue tokens are always gone", () => server.always("list", refuse(410))],
  ])("when %s", async (_what, fault) => {
    fault();
    build({ backoff });
    reflector.start();
    await wait(TIME_MS);
    expect(server.requests.length).toBeGreaterThan(2);
    expect(server.requests.length).toBeLessThanOrEqual(AT_MOST);
    expect(reflector.hasSynced).toBe(false);
  });

  test.each([
    ["watches fail", refuse(500)],
    ["watches are cut at once", watchOf([], "cut")],
    ["watches end at once", watchOf([], "end")],
    [
      "watches send the same bookmark and end",
      watchOf([eventLine("BOOKMARK", { metadata: { resourceVersion: "100" } })], "end"),
    ],
    ["watches are always gone though lists work (410 as HTTP status)", refuse(410)],
    ["watches are always gone though lists work (410 as ERROR event)", watchOf([errorLine(410)], "end")],
  ])("when %s", async (_what, fault) => {
    server.always("watch", fault);
    build({ backoff });
    reflector.start();
    await wait(TIME_MS);
    expect(server.count("watch")).toBeGreaterThan(2);
    expect(server.count("watch")).toBeLessThanOrEqual(AT_MOST);
    expect(server.count("list")).toBeLessThanOrEqual(AT_MOST);
  });

  test.each([
    ["410 as HTTP status, each second time", [refuse(410)], "end"],
    ["410 as ERROR event", [], "gone"],
    ["their end", [], "end"],
  ] as const)("when something changes in every watch, and what comes next is %s", async (_what, others, then) => {
    let turn = 0;
    server.always("watch", (request, response) => {
      turn += 1;
      const metadata = { name: "one", namespace: "a", uid: "uid", resourceVersion: String(1_000 + turn) };
      const lines = [eventLine("MODIFIED", { metadata }), ...(then === "gone" ? [errorLine(410)] : [])];
      const answers = [watchOf(lines, "end"), ...others];
      answers[turn % answers.length]?.(request, response);
    });
    build({ backoff });
    const began = performance.now();
    reflector.start();
    await wait(TIME_MS);
    const [watches, lists, ms] = [server.count("watch"), server.count("list"), performance.now() - began];
    expect(watches).toBeGreaterThan(2);
    // Nothing is waited for as after a failure, but no two begin within 10 ms, of which a timer may lack one.
    expect(watches).toBeLessThanOrEqual(ms / 9 + 1);
    expect(lists).toBeLessThanOrEqual(watches + 2);
  });

  test("when lists and watches are suddenly always gone", async () => {
    await following({ backoff });
    server.put("a", "one");
    await until(() => expect(changes).toEqual(["added a/one"]));
    server.always("list", refuse(410));
    server.always("watch", refuse(410));
    const before = server.requests.length;
    server.cutWatches();
    await wait(TIME_MS);
    // One more than from the start: the first list after a 410 comes at once.
    expect(server.requests.length - before).toBeLessThanOrEqual(AT_MOST + 1);
  });

  test("a Retry-After is waited for, by lists and watches", async () => {
    server.next("list", refuse(429, {}, { "retry-after": "0.3" }));
    server.next("watch", refuse(429, { details: { retryAfterSeconds: 0.3 } }));
    build();
    const began = performance.now();
    reflector.start();
    await reflector.synced();
    expect(performance.now() - began).toBeGreaterThanOrEqual(295);
    expect(server.count("list")).toBe(2);
    await until(() => expect(server.openWatches()).toBe(1));
    expect(performance.now() - began).toBeGreaterThanOrEqual(595);
    expect(server.requests).toHaveLength(4);
  });

  test("but 410 after a watch that had got somewhere is no reason to wait", async () => {
    await following({ backoff: { minMs: 400, maxMs: 10_000 } });
    server.put("a", "one");
    await until(() => expect(changes).toEqual(["added a/one"]));
    server.next("watch", refuse(410));
    server.cutWatches();
    await until(() => expect(server.openWatches()).toBe(1));
    const [, , refused, listed] = server.requests;
    expect([refused?.kind, listed?.kind]).toEqual(["watch", "list"]);
    // The second failure in a row would otherwise wait for 400 ms at least.
    expect((listed?.at ?? Number.NaN) - (refused?.at ?? Number.NaN)).toBeLessThan(350);
  });

  test("after trouble that passed, the wait is short again", async () => {
    server.next("list", ...Array.from({ length: 6 }, () => refuse(500)));
    await following({ backoff: { minMs: 5, maxMs: 10_000 } });
    server.put("a", "one");
    await until(() => expect(changes).toEqual(["added a/one"]));
    server.cutWatches();
    await until(() => expect(server.count("watch")).toBe(2));
    expect(troubles.map(({ failures }) => failures)).toEqual([1, 2, 3, 4, 5, 6, 1]);
  });

  test("waits double from min to max, half of each at random", () => {
    for (const [failures, full] of [
      [1, 100],
      [2, 200],
      [4, 800],
      [5, 1000],
      [5000, 1000],
    ] as const) {
      const sorted = waits(failures);
      expect(sorted.at(0)).toBeGreaterThanOrEqual(full / 2);
      expect(sorted.at(-1)).toBeLessThanOrEqual(full);
      expect(new Set(sorted).size).toBeGreaterThan(100);
    }
  });
});

describe("a CRD that is not installed", () => {
  const absent = answerText(404, "404 page not found\n");

  test("is empty and synced, is no error, and is asked for again with backoff", async () => {
    server.always("list", absent);
    build({ absentIsEmpty: true, backoff: { minMs: 20, maxMs: 10_000 } });
    reflector.start();
    await reflector.synced();
    expect(reflector.list()).toEqual([]);
    await wait(400);
    expect(server.count("list")).toBeLessThanOrEqual(6);
    expect(troubles).toEqual([]);
  });

  test("may come, go and come again", async () => {
    server.always("list", absent);
    build({ absentIsEmpty: true });
    reflector.start();
    await reflector.synced();
    server.put("a", "one");
    server.always("list", undefined);
    await until(() => expect(changes).toEqual(["added a/one"]));
    await until(() => expect(server.openWatches()).toBe(1));
    server.always("list", absent);
    server.always("watch", absent);
    server.cutWatches();
    await until(() => expect(changes).toEqual(["added a/one", "deleted a/one"]));
    expect(reflector.list()).toEqual([]);
    server.always("list", undefined);
    server.always("watch", undefined);
    await until(() => expect(changes).toEqual(["added a/one", "deleted a/one", "added a/one"]));
  });

  test("is an error where it must be there, and what was known stays", async () => {
    server.put("a", "one");
    await following();
    server.always("list", absent);
    server.always("watch", absent);
    server.cutWatches();
    await until(() => expect(server.count("list")).toBeGreaterThan(2));
    expect(names()).toEqual(["a/one"]);
    expect(errors()).toContainEqual(["list", 404, "Unknown"]);
  });
});

describe("callbacks", () => {
  test("an onChange that throws is reported, and neither object nor loop is lost", async () => {
    server.put("a", "one");
    await following({
      onChange: () => {
        throw new Error("handler");
      },
    });
    server.put("a", "two");
    server.remove("a", "one");
    await until(() => expect(names()).toEqual(["a/two"]));
    expect(errors()).toEqual(Array.from({ length: 3 }, () => ["onChange", undefined, "Error: handler"]));
    expect(server.count("watch")).toBe(1);
  });

  test("an onError that throws does no harm", async () => {
    server.next("list", refuse(500));
    server.put("a", "one");
    await following({
      onError: () => {
        throw new Error("logger");
      },
    });
    expect(names()).toEqual(["a/one"]);
  });

  test("transform trims what is kept; an object that it fails on is kept whole", async () => {
    server.put("a", "one", { large: "x" });
    server.put("a", "odd", { large: "y" });
    const seen: Change<KubernetesObject>[] = [];
    await following({
      onChange: (change) => seen.push(change),
      transform: (object) => {
        if (object.metadata.name === "odd") throw new Error("trimmer");
        return { metadata: object.metadata };
      },
    });
    expect(reflector.get("a/one")).not.toHaveProperty("large");
    expect(reflector.get("a/odd")).toHaveProperty("large", "y");
    expect(errors()).toEqual([["transform", undefined, "Error: trimmer"]]);
    server.put("a", "two", { large: "z" });
    await until(() => expect(reflector.get("a/two")).toBeDefined());
    expect(reflector.get("a/two")).not.toHaveProperty("large");
    server.remove("a", "two");
    await until(() => expect(seen.at(-1)?.type).toBe("deleted"));
    expect(seen.at(-1)?.object).not.toHaveProperty("large");
  });

  test("a resync reports every object again", async () => {
    server.put("a", "one");
    server.put("b", "one");
    const seen: Change<KubernetesObject>[] = [];
    await following({ resyncMs: 50, onChange: (change) => seen.push(change) });
    await until(() => expect(seen.length).toBeGreaterThanOrEqual(6));
    expect(seen.slice(2, 6).map(short)).toEqual([
      "modified a/one",
      "modified b/one",
      "modified a/one",
      "modified b/one",
    ]);
    expect(seen[2]?.previous).toBe(seen[2]?.object);
    expect(server.count("list")).toBe(1);
  });
});

describe("stop", () => {
  test.each([
    ["in the middle of a list", () => server.always("list", hang())],
    ["in the middle of a page", () => server.always("list", (_request, response) => void response.write('{"items":['))],
    ["while a watch is asked for", () => server.always("watch", hang())],
    ["while it watches", () => {}],
    ["while it waits to try again", () => server.always("list", refuse(429, {}, { "retry-after": "50" }))],
  ])("%s is prompt and final", async (_what, prepare) => {
    server.put("a", "zero");
    prepare();
    build({ resyncMs: 10 });
    reflector.start();
    await wait(50);
    const began = performance.now();
    await reflector.stop();
    await reflector.stop();
    expect(performance.now() - began).toBeLessThan(200);
    const before = server.requests.length;
    changes.length = 0;
    server.put("a", "one");
    reflector.start();
    await wait(50);
    expect(server.requests).toHaveLength(before);
    expect(changes).toEqual([]);
    expect(troubles.length).toBeLessThanOrEqual(1);
  });

  test("keeps what is known readable", async () => {
    server.put("a", "one");
    await following();
    await reflector.stop();
    expect(names()).toEqual(["a/one"]);
  });

  test("from within a handler ends it before the next event", async () => {
    const seen: string[] = [];
    await following({
      onChange: (change) => {
        seen.push(short(change));
        void reflector.stop();
      },
    });
    server.put("a", "one");
    server.put("a", "two");
    await until(() => expect(seen).toHaveLength(1));
    await reflector.stop();
    expect(seen).toEqual(["added a/one"]);
  });

  test("or its own signal ends waiting for synced", async () => {
    server.always("list", hang());
    build();
    reflector.start();
    await expect(reflector.synced(AbortSignal.timeout(20))).rejects.toThrow(/aborted/);
    const waiting = expect(reflector.synced()).rejects.toThrow(/aborted/);
    await reflector.stop();
    await waiting;
  });
});
