import { cpSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { eventually } from "../../helpers/eventually.ts";
import type { Cluster } from "../harness/cluster.ts";

/** Exceptions of tests end then: the rulesets allow 90 days, and their time is the API server's. */
export const TOMORROW = new Date(Date.now() + 864e5).toISOString().slice(0, 10);

/** The folder `shop`, to be edited or under another name, with an exception that counts today. */
export function copyShop(to: string, name = "shop"): void {
  cpSync(join(import.meta.dirname, "shop"), to, { recursive: true });
  for (const file of readdirSync(to)) {
    const path = join(to, file);
    const text = readFileSync(path, "utf8").replaceAll(/(name|namespace): shop$/gm, `$1: ${name}`);
    writeFileSync(path, text.replace(/expires: .*/, `expires: "${TOMORROW}"`));
  }
}

/** Of the baseline that is embedded. */
export const NAMES = [
  "drawbridge-00-default-deny-ingress",
  "drawbridge-01-default-deny-egress",
  "drawbridge-10-allow-dns-egress",
];

/**
 * `["NetworkPolicy/web", "uid version"]` of the namespace and what people have put into it, and we: a write that changes
 * nothing leaves them. Of a Deployment it is the generation, as its status comes and goes by itself.
 */
export async function versionsIn(cluster: Cluster, namespace: string): Promise<readonly (readonly [string, string])[]> {
  const kinds = "deployments,services,networkpolicies,networkexceptions";
  const list = await cluster.ok(["get", kinds, "-n", namespace, "-o", "json"]);
  const own = await cluster.ok(["get", "namespace", namespace, "-o", "json"]);
  const found = [JSON.parse(own) as Found, ...(JSON.parse(list) as { readonly items: readonly Found[] }).items];
  return found.map(({ kind, metadata: { name, uid, resourceVersion, generation } }) => [
    `${kind}/${name}`,
    `${uid} ${kind === "Deployment" ? generation : resourceVersion}`,
  ]);
}

interface Found {
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly resourceVersion: string;
    readonly generation?: number;
  };
}

/** The policies of a namespace's baseline, once it has them and waits for nothing. */
export function finished(
  cluster: Cluster,
  namespace: string,
  names: readonly string[] = NAMES,
): Promise<readonly Injected[]> {
  return eventually(async () => {
    const own = JSON.parse(await cluster.ok(["get", "namespace", namespace, "-o", "json"])) as Injected;
    expect(own.metadata.labels).not.toHaveProperty(["drawbridge.dev/baseline-pending"]);
    const ours = ["get", "networkpolicies", "-n", namespace, "-l", "drawbridge.dev/baseline=default", "-o", "json"];
    const { items } = JSON.parse(await cluster.ok(ours)) as { readonly items: readonly Injected[] };
    expect(items.map(({ metadata }) => metadata.name)).toEqual(names);
    return items;
  }, 30_000);
}

interface Injected {
  readonly metadata: { readonly name: string; readonly labels: object; readonly annotations: object };
  readonly spec: object;
}
