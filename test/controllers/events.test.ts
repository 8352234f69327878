import { expect, test } from "vitest";
import { type Notice, eventRecorder } from "../../src/controllers/events.ts";
import { createLogger } from "../../src/telemetry/log.ts";

const NOTICE: Notice = { type: "Warning", reason: "BaselineHealed", message: "put back" };
const SHOP = { metadata: { name: "shop", uid: "u" } };

function start(create: () => Promise<unknown> = async () => ({})) {
  const created: { readonly path: string; readonly event: object }[] = [];
  const logged: string[] = [];
  let now = Date.parse("2026-11-21T12:00:00.123Z");
  const record = eventRecorder(createLogger("info", { write: (line) => logged.push(line) }), () => now);
  const client = {
    create: async <T>(path: string, event: object): Promise<T> => {
      created.push({ path, event });
      return (await create()) as T;
    },
  };
  return {
    created,
    logged,
    pass: (ms: number) => {
      now += ms;
    },
    record: (notice: Notice = NOTICE) => record(SHOP, notice, client),
  };
}

test("an Event is about the namespace, and in it", () => {
  const { created, record } = start();
  record();
  expect(created).toEqual([
    {
      path: "/api/v1/namespaces/shop/events",
      event: expect.objectContaining({
        ...NOTICE,
        metadata: { generateName: "drawbridge-", namespace: "shop" },
        involvedObject: { apiVersion: "v1", kind: "Namespace", name: "shop", namespace: "shop", uid: "u" },
        firstTimestamp: "2026-11-21T12:00:00Z",
      }),
    },
  ]);
});

test("about what is in no namespace it is in default, where Kubernetes has them", () => {
  const created: object[] = [];
  const client = {
    create: async <T>(path: string, event: object): Promise<T> => {
      created.push({ path, event });
      return event as T;
    },
  };
  const web = { apiVersion: "drawbridge.dev/v1alpha1", kind: "NetworkBaseline", metadata: { name: "web", uid: "u" } };
  eventRecorder(createLogger("fatal"), Date.now)(web, NOTICE, client);
  expect(created).toMatchObject([
    {
      path: "/api/v1/namespaces/default/events",
      event: {
        metadata: { namespace: "default" },
        involvedObject: { apiVersion: "drawbridge.dev/v1alpha1", kind: "NetworkBaseline", name: "web", uid: "u" },
      },
    },
  ]);
  expect(created).not.toHaveProperty("0.event.involvedObject.namespace");
});

test("a message is cut to what the API server takes, and printable", () => {
  const { created, record } = start();
  record({ ...NOTICE, message: `\u001B[31m${"x".repeat(2_000)}` });
  expect(created).toMatchObject([{ event: { message: `?[31m${"x".repeat(1_000 - 5 - 3)}...` } }]);
});

test("a flood of them is cut off, and later there are some again", () => {
  const { created, pass, record } = start();
  for (let i = 0; i < 1_000; i++) record();
  expect(created).toHaveLength(100);
  pass(5_000);
  for (let i = 0; i < 1_000; i++) record();
  expect(created).toHaveLength(110);
  pass(-60_000);
  record();
  expect(created).toHaveLength(110);
});

test("a refusal is logged and goes no further", async () => {
  const { logged, record } = start(() => Promise.reject(new Error("forbidden")));
  expect(record()).toBeUndefined();
  await Promise.resolve();
  await Promise.resolve();
  await Promise.resolve();
  expect(logged).toEqual([expect.stringContaining("an Event could not be written")]);
});

test("what goes as it should leaves room for what does not", () => {
  const { created, record } = start();
  for (let i = 0; i < 2_000; i++) record({ type: "Normal", reason: "BaselineAdopted", message: "it has been given" });
  expect(created).toHaveLength(51);
  record();
  expect(created.at(-1)?.event).toMatchObject({ reason: "BaselineHealed" });
});
