import { expect, test } from "vitest";
import type { Backends } from "../../src/baseline/backends.ts";
import { followBackends } from "../../src/commands/serve/backends.ts";
import { type Backend, findBackends } from "../../src/model/backends.ts";
import { createLogger } from "../../src/telemetry/log.ts";
import { calledService, webhookConfiguration } from "../helpers/backends.ts";

const hook = (namespace: string, name = "webhook") =>
  webhookConfiguration("Validating", `${namespace}-${name}`, { namespace, name });
const inCerts = calledService("webhook");
const inShop = calledService("webhook", {}, "shop");

test("tells of what has changed, and of the namespaces in which it has", () => {
  let now: readonly Backend[] = [];
  const told: [Backends, readonly string[]][] = [];
  const { look } = followBackends({
    find: () => now,
    onFound: (...found) => told.push(found),
    log: createLogger("silent"),
  });
  const after = (...objects: readonly object[]): readonly (readonly string[])[] => {
    now = findBackends(objects);
    told.length = 0;
    look();
    return told.map(([, namespaces]) => namespaces);
  };
  expect(after()).toEqual([]);
  expect(after(hook("certs"), inCerts)).toEqual([["certs"]]);
  expect(told[0]?.[0].get("certs")).toEqual(now);
  expect(after(hook("certs"), inCerts), "the same again").toEqual([]);
  expect(after(hook("shop"), hook("certs"), inCerts), "one that has no Service").toEqual([["shop"]]);
  expect(after(hook("shop"), hook("certs"), inCerts, inShop)).toEqual([["shop"]]);
  expect(
    after(hook("shop"), hook("certs"), calledService("webhook", { ports: [{ port: 443, targetPort: 1 }] }), inShop),
  ).toEqual([["certs"]]);
  expect(after(hook("shop"), inShop), "gone").toEqual([["certs"]]);
  expect(told[0]?.[0].has("certs")).toBe(false);
});
