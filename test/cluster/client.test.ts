import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createSecureServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { Agent } from "undici";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { issueCa, issueLeaf } from "../../src/certs/issue.ts";
import { ApiError } from "../../src/cluster/api-error.ts";
import { KubernetesClient } from "../../src/cluster/client.ts";
import { connect } from "../../src/cluster/connect.ts";
import { paths } from "../../src/cluster/paths.ts";
import { InputError } from "../../src/model/errors.ts";
import {
  answerText,
  errorLine,
  eventLine,
  type FaultyServer,
  hang,
  hangUp,
  kubeconfigFor,
  refuse,
  startFaultyServer,
  watchOf,
} from "../helpers/faulty-server.ts";

let server: FaultyServer;
let client: KubernetesClient;
const path = paths.networkPolicies("shop");

beforeEach(async () => {
  server = await startFaultyServer();
  client = await connect({ kubeconfig: server.kubeconfig, userAgent: "drawbridge-test" });
});

afterEach(async () => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  await client.close();
  await server.close();
});

describe("connect", () => {
  const secure = "https://127.0.0.1:6443";
  const valid: object = JSON.parse(kubeconfigFor(secure));
  test.each([
    ["is not YAML", "a: [", /cannot be read/],
    ["is empty", "", /cannot be read/],
    ["has no current context", { ...valid, "current-context": "" }, /no current-context.*kubectl config use-context/],
    ["names an unknown context", { ...valid, "current-context": "x" }, /no context "x". It has: test/],
    ["lacks the cluster", { ...valid, clusters: [] }, /no cluster "faulty"/],
    ["lacks the user", { ...valid, users: [] }, /no user "tester"/],
    ["has no address", kubeconfigFor("nowhere"), /"nowhere".*not an address/],
    [
      "has no TLS and does not say so",
      kubeconfigFor("http://127.0.0.1:1", { cluster: { "insecure-skip-tls-verify": false } }),
      /without TLS.*insecure-skip-tls-verify/,
    ],
    [
      "names a CA file that is not there",
      kubeconfigFor(secure, { cluster: { "certificate-authority": "missing.crt" } }),
      /cannot authenticate as user "tester".*missing.crt/,
    ],
    [
      "has an exec plugin that fails",
      kubeconfigFor(secure, {
        user: {
          token: null,
          exec: { command: process.execPath, args: ["-e", "console.error('log in first');process.exit(1)"] },
        },
      }),
      /cannot authenticate as user "tester".*log in first/s,
    ],
  ])("a kubeconfig that %s is bad input, and the message names file and problem", async (_what, content, message) => {
    const kubeconfig = join(server.folder, "bad");
    await writeFile(kubeconfig, typeof content === "string" ? content : JSON.stringify(content));
    const connecting = connect({ kubeconfig });
    await expect(connecting).rejects.toThrow(InputError);
    await expect(connecting).rejects.toThrow(message);
    await expect(connecting).rejects.toThrow(kubeconfig);
    await expect(connecting).rejects.toMatchObject({ code: "invalid-kubeconfig" });
  });

  test("a file that is not there", async () => {
    const connecting = connect({ kubeconfig: join(server.folder, "none") });
    await expect(connecting).rejects.toThrow(/none: cannot be read: ENOENT/);
    await expect(connecting).rejects.toMatchObject({ code: "invalid-kubeconfig" });
  });

  test("KUBECONFIG is the default, and with nothing at all localhost:8080 is not tried", async () => {
    vi.stubEnv("KUBECONFIG", server.kubeconfig);
    const byDefault = await connect();
    await byDefault.get("/version");
    await byDefault.close();
    expect(server.count("other")).toBe(1);
    vi.stubEnv("KUBECONFIG", "");
    vi.stubEnv("HOME", server.folder);
    await expect(connect()).rejects.toMatchObject({ code: "invalid-kubeconfig" });
  });

  test("HTTP/1.1 is spoken, also where the server has HTTP/2", async () => {
    const ca = await issueCa(new Date());
    const versions: string[] = [];
    const both = createSecureServer(
      { ...(await issueLeaf(ca, ["127.0.0.1"], new Date())), allowHTTP1: true },
      ({ httpVersion }, response) => {
        versions.push(httpVersion);
        response.end("{}");
      },
    ).listen(0, "127.0.0.1");
    await once(both, "listening");
    const kubeconfig = join(server.folder, "both");
    await writeFile(kubeconfig, kubeconfigFor(`https://127.0.0.1:${(both.address() as AddressInfo).port}`));
    const polite = await connect({ kubeconfig });
    await polite.get("/version");
    await polite.create(path, {});
    await polite.close();
    both.close();
    expect(versions).toEqual(["1.1", "1.1"]);
  });

  test("an exec plugin is run once, for many calls at the same time too", async () => {
    const runs = join(server.folder, "runs");
    const plugin = `require("fs").appendFileSync(${JSON.stringify(runs)}, "x");
      console.log(JSON.stringify({ status: { token: "from-" + require("fs").readFileSync(${JSON.stringify(runs)}) } }))`;
    const kubeconfig = join(server.folder, "exec");
    const user = { token: null, exec: { command: process.execPath, args: ["-e", plugin] } };
    await writeFile(kubeconfig, kubeconfigFor(server.url, { user }));
    const executed = await connect({ kubeconfig });
    await Promise.all(Array.from({ length: 10 }, () => executed.get("/version")));
    await executed.close();
    expect(new Set(server.requests.map(({ headers }) => headers.authorization))).toEqual(new Set(["Bearer from-x"]));
  });

  test("a server address with a path, as Rancher's, keeps it", async () => {
    const kubeconfig = join(server.folder, "rancher");
    await writeFile(kubeconfig, kubeconfigFor(`${server.url}/k8s/clusters/c-1/`));
    const rancher = await connect({ kubeconfig });
    await rancher.get(path);
    await rancher.close();
    expect(server.requests[0]?.path).toBe(`/k8s/clusters/c-1${path}`);
  });
});

describe("calls", () => {
  const policy = { apiVersion: "networking.k8s.io/v1", kind: "NetworkPolicy", metadata: { name: "web" } };
  const one = paths.networkPolicies("shop", "web");

  test("say who they are, what they want and what they send", async () => {
    await client.create(path, policy, { dryRun: true });
    await client.replace(one, policy);
    await client.apply(one, policy, { fieldManager: "drawbridge", force: true });
    await client.patch(one, [{ op: "remove", path: "/spec" }], { fieldManager: "drawbridge" });
    await client.delete(one, { uid: "u1", dryRun: true });
    expect(server.requests).toMatchObject([
      { method: "POST", path, query: { dryRun: "All" }, headers: { "content-type": "application/json" } },
      { method: "PUT", path: one, query: {} },
      {
        method: "PATCH",
        query: { fieldManager: "drawbridge", force: "true" },
        headers: { "content-type": "application/apply-patch+yaml" },
        body: JSON.stringify(policy),
      },
      {
        method: "PATCH",
        query: { fieldManager: "drawbridge" },
        headers: { "content-type": "application/json-patch+json" },
        body: '[{"op":"remove","path":"/spec"}]',
      },
      { method: "DELETE", query: { dryRun: "All" }, body: '{"preconditions":{"uid":"u1"}}' },
    ]);
    for (const { headers } of server.requests) {
      expect(headers).toMatchObject({ authorization: "Bearer secret", "user-agent": "drawbridge-test" });
    }
  });

  test("share connections", async () => {
    for (let call = 0; call < 20; call += 1) await client.get(path);
    // Two, when the second call begins before the first one's connection is back in the pool.
    expect(server.connections).toBeLessThanOrEqual(2);
  });

  test("leave no timers behind", async () => {
    for (let call = 0; call < 50; call += 1) await client.get(path);
    expect(process.getActiveResourcesInfo().filter((resource) => resource === "Timeout").length).toBeLessThan(25);
  });

  test("a list comes in pages, its items with apiVersion and kind as webhooks see them", async () => {
    for (const name of ["a", "b", "c", "d", "e"]) server.put("shop", name);
    const sizes: number[] = [];
    for await (const { items, resourceVersion } of client.pages(path, { limit: 2, query: { labelSelector: "x=y" } })) {
      sizes.push(items.length);
      expect(items[0]).toMatchObject({ apiVersion: "networking.k8s.io/v1", kind: "NetworkPolicy" });
      expect(resourceVersion).toBe("105");
    }
    expect(sizes).toEqual([2, 2, 1]);
    expect(server.requests.map(({ query }) => query.labelSelector)).toEqual(["x=y", "x=y", "x=y"]);
    expect(server.requests.some(({ query }) => "resourceVersion" in query)).toBe(false);
  });

  test("what is no list does not pass for an empty one", async () => {
    const map = '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"resourceVersion":"1"}}';
    const bodies = ["{}", "null", "<html>log in</html>", map];
    server.next("list", ...bodies.map((body) => answerText(200, body)));
    for (let call = 0; call < bodies.length; call += 1) {
      await expect(client.pages(path).next()).rejects.toMatchObject({ status: 0, reason: "InvalidResponse" });
    }
  });
});

describe("errors", () => {
  test("carry what the Status says", async () => {
    const causes = [{ reason: "FieldManagerConflict", field: ".spec", message: 'conflict with "kubectl"' }];
    server.next(
      "other",
      refuse(409, { reason: "Conflict", message: "Apply failed with 1 conflict", details: { causes } }),
    );
    const error = await client.get(path).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject({ status: 409, reason: "Conflict", message: "Apply failed with 1 conflict", causes });
  });

  test("of proxies are text, and the message holds a bit of it", async () => {
    server.next("other", answerText(502, `<html>\n  Bad\n gateway ${"x".repeat(5000)}`));
    const call = client.get(path);
    await expect(call).rejects.toMatchObject({ status: 502, reason: "Unknown", causes: [], retryAfterMs: undefined });
    await expect(call).rejects.toThrow(/^GET .*\/networkpolicies: HTTP 502: <html> Bad gateway x{100,200}$/);
  });

  test("say when to come back, by header or by Status", async () => {
    server.next("other", refuse(429, {}, { "retry-after": "7" }), refuse(503, { details: { retryAfterSeconds: 3 } }));
    await expect(client.get(path)).rejects.toMatchObject({ status: 429, retryAfterMs: 7000 });
    await expect(client.get(path)).rejects.toMatchObject({ status: 503, retryAfterMs: 3000 });
  });

  test("of the connection have status 0", async () => {
    server.next("other", hangUp());
    await expect(client.get(path)).rejects.toMatchObject({ status: 0, reason: "ConnectionFailed" });
    const nowhere = join(server.folder, "nowhere");
    await writeFile(nowhere, kubeconfigFor("http://127.0.0.1:1"));
    const other = await connect({ kubeconfig: nowhere });
    await expect(other.get("/version")).rejects.toMatchObject({
      status: 0,
      reason: "ConnectionFailed",
      message: "GET /version: connect ECONNREFUSED 127.0.0.1:1",
    });
    await other.close();
  });

  test("a call that takes too long ends, before its answer and in the middle of it", async () => {
    server.next("other", hang(), (_request, response) => void response.writeHead(200).write('{"half":'));
    for (let call = 0; call < 2; call += 1) {
      const began = performance.now();
      await expect(client.get(path, { timeoutMs: 50 })).rejects.toMatchObject({ status: 0, reason: "Timeout" });
      expect(performance.now() - began).toBeLessThan(1000);
    }
  });

  test("the caller's signal ends a call with the caller's reason", async () => {
    server.next("other", hang());
    const reason = new Error("no longer needed");
    const controller = new AbortController();
    setTimeout(() => controller.abort(reason), 20);
    await expect(client.get(path, { signal: controller.signal })).rejects.toBe(reason);
  });

  test("close() ends what is running", async () => {
    server.next("other", hang());
    const running = client.get(path);
    const expected = expect(running).rejects.toMatchObject({ status: 0, reason: "Closed" });
    await vi.waitFor(() => expect(server.count("other")).toBe(1), { interval: 5 });
    await client.close();
    await expected;
    await expect(client.get(path)).rejects.toMatchObject({ status: 0, reason: "Closed" });
  });
});

describe("authentication", () => {
  test("is asked for once, not per call", async () => {
    const { own, asked } = counting();
    await Promise.all(Array.from({ length: 50 }, () => own.get(path)));
    expect(asked()).toBe(1);
    await own.close();
  });

  test("is asked for again in time, and the connection is kept", async () => {
    const { own, asked } = counting();
    await own.get(path);
    await wait(20);
    const now = performance.now.bind(performance);
    vi.spyOn(performance, "now").mockImplementation(() => now() + 11_000);
    await own.get(path);
    expect(asked()).toBe(2);
    expect(server.requests.at(-1)?.headers.authorization).toBe("Bearer 2");
    expect(server.connections).toBe(1);
    await own.close();
  });

  test("is renewed after a 401 and after a dead connection, once for all calls that failed", async () => {
    const { own, asked } = counting();
    server.next("other", refuse(401), refuse(401), refuse(401));
    await Promise.allSettled([own.get(path), own.get(path), own.get(path)]);
    await own.get(path);
    expect(server.requests.at(-1)?.headers.authorization).toBe("Bearer 2");
    server.next("other", hang());
    await expect(own.get(path, { timeoutMs: 30 })).rejects.toMatchObject({ reason: "Timeout" });
    const before = server.connections;
    await own.get(path);
    expect(asked()).toBe(3);
    expect(server.connections).toBe(before + 1);
    server.next("other", refuse(403), refuse(500));
    await Promise.allSettled([own.get(path), own.get(path)]);
    await own.get(path);
    expect(asked()).toBe(3);
    await own.close();
  });

  test("that is new is not given up for a call that failed with the old one", async () => {
    const { own, asked } = counting();
    server.next("other", hang(), refuse(401));
    const late = expect(own.get(path, { timeoutMs: 100 })).rejects.toMatchObject({ reason: "Timeout" });
    await vi.waitFor(() => expect(server.count("other")).toBe(1), { interval: 5 });
    await expect(own.get(path)).rejects.toMatchObject({ status: 401 });
    await own.get(path);
    await late;
    await own.get(path);
    expect(asked()).toBe(2);
    await own.close();
  });

  test("that fails later is an ApiError, and is tried again", async () => {
    let works = false;
    const own = new KubernetesClient(
      new URL(server.url),
      () => (works ? Promise.resolve({ headers: {}, dispatcher: new Agent() }) : Promise.reject(new Error("no token"))),
      "test",
    );
    await expect(own.get(path)).rejects.toMatchObject({ status: 0, message: `GET ${path}: no token` });
    works = true;
    await own.get(path);
    await own.close();
  });
});

describe("stream", () => {
  const object = { metadata: { name: "ä😀", resourceVersion: "5" } };
  const line = eventLine("ADDED", object);

  test("events may be split anywhere, also within a character", async () => {
    server.next("watch", (_request, response) => {
      response.writeHead(200);
      const bytes = Buffer.from(line + line);
      let at = 0;
      const next = () => {
        if (at === bytes.length) response.end();
        else response.write(bytes.subarray(at, (at += 1)), () => setImmediate(next));
      };
      next();
    });
    expect(await collect()).toEqual({ names: ["ä😀", "ä😀"], error: undefined });
  });

  test.each([
    ["garbage", ["not json\n"], "end", { status: 0, reason: "InvalidResponse" }],
    ["an event without an object", ['{"type":"ADDED"}\n'], "end", { status: 0, reason: "InvalidResponse" }],
    ["an event of an unknown type", [eventLine("RENAMED", object)], "end", { status: 0, reason: "InvalidResponse" }],
    ["null", ["null\n"], "end", { status: 0, reason: "InvalidResponse" }],
    ["a line without end", ["x".repeat(17 * 1024 * 1024)], "silent", { status: 0, reason: "InvalidResponse" }],
    ["a cut in the middle of a line", [line.slice(0, 20)], "cut", { status: 0, reason: "ConnectionFailed" }],
    ["an end in the middle of a line", [line.slice(0, 20)], "end", { status: 0, reason: "ConnectionFailed" }],
    ["an ERROR event", [errorLine(410, { reason: "Expired" })], "end", { status: 410, reason: "Expired" }],
  ] as const)("after good events, %s is an error", async (_what, lines, then, expected) => {
    server.next("watch", watchOf([line, ...lines], then));
    const { names, error } = await collect();
    expect(names).toEqual(["ä😀"]);
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject(expected);
  });

  test("a refusal is an error, and the signal's reason is thrown", async () => {
    server.next("watch", refuse(403, { reason: "Forbidden", message: "no" }));
    expect((await collect()).error).toMatchObject({ status: 403, reason: "Forbidden", message: "no" });
    const reason = new Error("enough");
    const controller = new AbortController();
    setTimeout(() => controller.abort(reason), 30);
    await expect(client.stream(path, { signal: controller.signal }).next()).rejects.toBe(reason);
  });

  test("that does not begin in time is given up", async () => {
    server.always("watch", hang());
    const failed = expect(client.stream(path, { timeoutMs: 50 }).next()).rejects;
    await failed.toMatchObject({ status: 0, reason: "ConnectionFailed" });
  });

  test("may be silent for as long as the caller likes", async () => {
    const authenticate = () => Promise.resolve({ headers: {}, dispatcher: new Agent({ bodyTimeout: 100 }) });
    const own = new KubernetesClient(new URL(server.url), authenticate, "test");
    const next = own.stream(path, { query: { resourceVersion: "100" } }).next();
    // undici looks at its body timeouts once a second.
    await wait(1200);
    server.put("shop", "a");
    expect(await next).toMatchObject({ value: { type: "ADDED" } });
    await own.close();
  });

  test("who stops reading ends the watch", async () => {
    server.put("shop", "a");
    for await (const event of client.stream(path, { query: { resourceVersion: "0" } })) {
      expect(event.type).toBe("ADDED");
      break;
    }
    await vi.waitFor(() => expect(server.openWatches()).toBe(0), { interval: 5 });
  });
});

test("paths address one object or the collection, and nothing else", () => {
  expect(paths.namespaces("shop")).toBe("/api/v1/namespaces/shop");
  expect(paths.networkPolicies()).toBe("/apis/networking.k8s.io/v1/networkpolicies");
  expect(paths.networkPolicies("a", "b")).toBe("/apis/networking.k8s.io/v1/namespaces/a/networkpolicies/b");
  expect(paths.networkRulesets("default")).toBe("/apis/drawbridge.dev/v1alpha1/networkrulesets/default");
  expect(paths.networkBaselines()).toBe("/apis/drawbridge.dev/v1alpha1/networkbaselines");
  expect(paths.namespaces("a/../b?x")).toBe("/api/v1/namespaces/a%2F..%2Fb%3Fx");
  for (const name of ["", ".", ".."]) expect(() => paths.namespaces(name)).toThrow(TypeError);
});

function counting(): { own: KubernetesClient; asked: () => number } {
  let asked = 0;
  const authenticate = () => {
    asked += 1;
    return Promise.resolve({ headers: { authorization: `Bearer ${asked}` }, dispatcher: new Agent() });
  };
  return { own: new KubernetesClient(new URL(server.url), authenticate, "test"), asked: () => asked };
}

async function collect(): Promise<{ names: (string | undefined)[]; error: unknown }> {
  const names: (string | undefined)[] = [];
  try {
    for await (const event of client.stream(path)) names.push(event.object.metadata.name);
    return { names, error: undefined };
  } catch (error) {
    return { names, error };
  }
}
