import { setTimeout as sleep } from "node:timers/promises";
import { Agent, buildConnector } from "undici";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { KubernetesClient } from "../../src/cluster/client.ts";
import { type FencedClient, fenced, TermEnded } from "../../src/cluster/fence.ts";
import { type FaultyServer, hang, startFaultyServer } from "../helpers/faulty-server.ts";

let server: FaultyServer;
let client: KubernetesClient;
/** How long it takes to connect. */
let connectMs: number;
let controller: AbortController;
/** Whether the lease is too old, though no timer has told yet: as after a freeze. */
let isOld: boolean;

beforeEach(async () => {
  server = await startFaultyServer();
  connectMs = 0;
  isOld = false;
  controller = new AbortController();
  const connectNow = buildConnector({});
  const connect: buildConnector.connector = (options, callback) => {
    setTimeout(() => connectNow(options, callback), connectMs);
  };
  const dispatcher = new Agent({ connect });
  client = new KubernetesClient(new URL(server.url), async () => ({ headers: {}, dispatcher }), "drawbridge-test");
});
afterEach(async () => {
  await client.close();
  await server.close();
});

const inTerm = (limitMs = 5_000): FencedClient => {
  const { signal } = controller;
  const check = () => {
    if (isOld) controller.abort(new TermEnded("too old"));
    signal.throwIfAborted();
  };
  return fenced(client, { signal, check }, limitMs);
};
const PATH = "/api/v1/namespaces/x";
const WRITES: readonly [string, (writer: FencedClient) => Promise<unknown>][] = [
  ["create", (writer) => writer.create("/api/v1/namespaces", { a: "ä" })],
  ["replace", (writer) => writer.replace(PATH, { a: "ä" })],
  ["apply", (writer) => writer.apply(PATH, { a: "ä" }, { fieldManager: "drawbridge" })],
  ["patch", (writer) => writer.patch(PATH, [{ op: "remove", path: "/ä" }])],
  ["delete", (writer) => writer.delete(PATH, { uid: "ä" })],
];

describe.each(WRITES)("%s", (_name, write) => {
  test("in the term it is sent as it would be without", async () => {
    await write(inTerm());
    await write(client);
    const [fencedOne, plain] = server.requests.map(({ method, path, query, body, headers }) => {
      const { connection: _, ...others } = headers;
      return { method, path, query, body, headers: others };
    });
    expect(fencedOne).toEqual(plain);
  });

  test("after the term nothing is sent", async () => {
    controller.abort(new TermEnded("it stops"));
    await expect(write(inTerm())).rejects.toThrow("no longer the leader: it stops");
    expect(server.requests).toEqual([]);
  });

  test("where the lease has become too old while it waited for a connection nothing is sent", async () => {
    connectMs = 200;
    const writing = write(inTerm());
    await sleep(50);
    isOld = true;
    await expect(writing).rejects.toBeInstanceOf(TermEnded);
    await sleep(300);
    expect(server.requests).toEqual([]);
  });

  test("a client goes on working after a write that was not sent", async () => {
    isOld = true;
    await expect(write(inTerm())).rejects.toBeInstanceOf(TermEnded);
    await write(client);
    expect(server.requests).toHaveLength(1);
  });

  test("what was sent in the term is waited for after it, but not for longer than nobody leads", async () => {
    server.next("other", (_request, response) => {
      controller.abort(new TermEnded("it was cut off"));
      setTimeout(() => response.end("{}"), 50);
    });
    await expect(write(inTerm())).resolves.toEqual({});
    controller = new AbortController();
    server.next("other", hang());
    await expect(write(inTerm(50))).rejects.toThrow("no answer within 50 ms");
  });
});

test("who no longer leads may still read", async () => {
  controller.abort(new TermEnded("it stops"));
  await inTerm().get(PATH);
  expect(server.requests).toHaveLength(1);
});
