import { expect, test } from "vitest";
import { ApiError } from "../../src/cluster/api-error.ts";
import type { KubernetesClient } from "../../src/cluster/client.ts";
import { watchCluster } from "../../src/commands/serve/cluster.ts";
import { readEmbeddedPolicies } from "../../src/files/policies.ts";
import { createLogger } from "../../src/telemetry/log.ts";
import { createMetrics } from "../../src/telemetry/metrics.ts";

const away = () => new ApiError({ status: 503, reason: "ServiceUnavailable", message: "it is starting" });
const refused = () => new ApiError({ status: 403, reason: "Forbidden", message: "it is not for you" });

/** An API server that says who we are, but nothing else but its version at first. */
async function start(failures: readonly ApiError[]) {
  const left = [...failures];
  const asked: string[] = [];
  const ask = async (path: string): Promise<unknown> => {
    asked.push(path);
    const failure = path === "/version" ? left.shift() : undefined;
    if (failure !== undefined) throw failure;
    return path === "/version" ? { gitVersion: "v1.36.3" } : { status: { userInfo: { username: "us" } } };
  };
  const client = {
    create: ask,
    get: ask,
    now: Date.now,
    pages: async function* () {
      yield { items: [], resourceVersion: "1" };
    },
    stream: (_path: string, { signal }: { readonly signal: AbortSignal }) =>
      (async function* () {
        await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
        yield* [];
      })(),
  } as unknown as KubernetesClient;
  const cluster = await watchCluster({
    client,
    mode: "enforce",
    address: undefined,
    shared: undefined,
    embedded: await readEmbeddedPolicies(),
    log: createLogger("fatal"),
    metrics: createMetrics(),
    signal: new AbortController().signal,
  });
  await cluster.stop();
  return asked.filter((path) => path === "/version").length;
}

test("an API server that says who we are, but does not say its version yet, is waited for", async () => {
  expect(await start([away()])).toBe(2);
});

test("one that will not say it is not asked again, and why is told", async () => {
  await expect(start([refused()])).rejects.toMatchObject({
    code: "cluster-unreachable",
    message: expect.stringMatching(/cannot be asked who we are: .*it is not for you/),
  });
});
