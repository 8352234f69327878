import { describe, expect, test } from "vitest";
import type { KubernetesClient } from "../../src/cluster/client.ts";
import { exceptionReader } from "../../src/commands/serve/questions.ts";
import { networkException } from "../helpers/build.ts";

/** An API server with these exceptions, which says how often it was asked for those of a namespace. */
function serverWith(exceptions: readonly object[]) {
  const asked: string[] = [];
  const pages = async function* (path: string) {
    asked.push(path);
    yield { items: exceptions };
  };
  return { asked, client: { pages } as unknown as KubernetesClient };
}

describe("the newest exceptions", () => {
  test("are those that are valid and not on their way out", async () => {
    const [valid, going] = [networkException({}), networkException({})];
    const deletionTimestamp = "2026-11-22T10:00:00Z";
    const { client } = serverWith([
      valid,
      { ...going, metadata: { ...going.metadata, name: "going", deletionTimestamp } },
      { ...valid, metadata: { ...valid.metadata, name: "invalid" }, spec: {} },
    ]);
    expect(await exceptionReader(client)("shop", 1_000)).toEqual([valid]);
  });

  test("are read a few times a second, however often somebody is refused", async () => {
    const { asked, client } = serverWith([]);
    const read = exceptionReader(client);
    const end = performance.now() + 1_000;
    let refusals = 0;
    await Promise.all(
      Array.from({ length: 10 }, async () => {
        while (performance.now() < end) {
          await read("shop", 1_000);
          refusals += 1;
        }
      }),
    );
    expect(refusals).toBeGreaterThan(asked.length);
    expect(asked.length).toBeLessThanOrEqual(9);
    await read("other", 1_000);
    expect(asked.filter((path) => path.includes("other"))).toHaveLength(1);
  });
});
