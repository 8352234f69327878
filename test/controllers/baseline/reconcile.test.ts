import { expect, test } from "vitest";
import { ApiError } from "../../../src/cluster/api-error.ts";
import { type BaselineDeps, reconcileBaseline } from "../../../src/controllers/baseline/reconcile.ts";
import { configure } from "../../../src/engine/configuration.ts";
import { DocumentSet } from "../../../src/engine/document-set.ts";
import { readEmbeddedPolicies } from "../../../src/files/policies.ts";
import { PENDING_LABEL } from "../../../src/model/names.ts";
import type { NetworkPolicy } from "../../../src/model/network-policy.ts";

const embedded = await readEmbeddedPolicies();

/** An API server with a namespace that waits, which refuses to store some policies for now. */
function waiting() {
  const namespace = { metadata: { name: "shop", uid: "1", labels: { [PENDING_LABEL]: "true" } } };
  const stored = new Map<string, NetworkPolicy>();
  const refused = new Set<string>();
  const written: string[] = [];
  const error = (status: number) => new ApiError({ status, reason: "", message: "no" });
  const client = {
    get: async (path: string) => {
      if (path.endsWith("/namespaces/shop")) return namespace;
      if (path.endsWith("/networkpolicies")) return { items: [...stored.values()] };
      const policy = stored.get(path);
      if (policy === undefined) throw error(404);
      return policy;
    },
    apply: async (path: string, policy: NetworkPolicy) => {
      if ([...refused].some((name) => path.endsWith(name))) throw error(500);
      stored.set(path, policy);
      return policy;
    },
    patch: async () => void written.push("no marker"),
  } as unknown as BaselineDeps["client"];
  return { client, stored, refused, written };
}

test("what the shipped one has begun it completes, also where one that is not valid has its name", async () => {
  const { client, stored, refused, written } = waiting();
  const placeholders = { unusable: new Set(["default"]), leaving: new Set<string>() };
  const configuration = configure("enforce", embedded, new DocumentSet(), undefined, placeholders);
  const deps: BaselineDeps = { client, configuration: () => configuration, onWrite: () => {} };
  refused.add("drawbridge-00-default-deny-ingress");
  await expect(reconcileBaseline("shop", deps)).rejects.toThrow();
  expect(stored.size).toBeGreaterThan(0);
  expect(written).toEqual([]);
  refused.clear();
  expect(await reconcileBaseline("shop", deps)).toMatchObject({ outcome: "finished", baseline: "default" });
  expect([...stored.keys()]).toContainEqual(expect.stringContaining("drawbridge-00-default-deny-ingress"));
  expect(written).toEqual(["no marker"]);
});
