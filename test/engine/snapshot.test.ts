import { expect, test } from "vitest";
import { byNamespace } from "../../src/baseline/backends.ts";
import { snapshotIn } from "../../src/engine/snapshot.ts";
import { findBackends } from "../../src/model/backends.ts";
import type { NetworkPolicy } from "../../src/model/network-policy.ts";
import { calledService, webhookConfiguration } from "../helpers/backends.ts";
import { networkPolicy } from "../helpers/build.ts";

const OBJECTS = ["web", "api"].flatMap((name) => [
  calledService(name, {}, "shop"),
  webhookConfiguration("Validating", name, { namespace: "shop", name }),
]);
const BACKENDS = byNamespace(findBackends(OBJECTS));
const OURS = { "app.kubernetes.io/managed-by": "drawbridge", "drawbridge.dev/baseline": "default" };

function snapshot(namespace: string, ...policies: readonly NetworkPolicy[]) {
  return snapshotIn(namespace, { backends: BACKENDS }, { isWhole: false, policiesIn: () => policies });
}

const named = (name: string, labels: Record<string, string> = {}) =>
  networkPolicy({ metadata: { name, namespace: "shop", labels } });
const services = (...policies: readonly NetworkPolicy[]) =>
  snapshot("shop", ...policies)?.backends.map(({ service }) => service);

test("of a namespace in which nothing is called nothing is looked at, not even its policies", () => {
  const policiesIn = (): never => {
    throw new Error("asked");
  };
  expect(snapshotIn("bank", { backends: BACKENDS }, { isWhole: true, policiesIn })).toBeUndefined();
});

test("what is called, and every policy, each read once whoever asks", () => {
  const policies = [named("a"), named("b")];
  expect(services(...policies)).toEqual(["api", "web"]);
  const [first] = snapshot("shop", ...policies)?.policies() ?? [];
  expect(first?.ref.name).toBe("a");
  expect(snapshot("shop", ...policies)?.policies()[0]).toBe(first);
});

test("what a baseline keeps open itself is not among it, what is only called so is", () => {
  expect(services(named("drawbridge-backend-web", OURS))).toEqual(["api"]);
  expect(services(named("drawbridge-backend-web"))).toEqual(["api", "web"]);
  expect(services(named("drawbridge-backend-other", OURS))).toEqual(["api", "web"]);
  expect(
    snapshot("shop", named("drawbridge-backend-web", OURS), named("drawbridge-backend-api", OURS)),
  ).toBeUndefined();
});
