import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { connect as connectTls } from "node:tls";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { authoritiesIn } from "../../src/certs/inspect.ts";
import type { Lives } from "../../src/certs/lives.ts";
import type { KubernetesClient } from "../../src/cluster/client.ts";
import { connect } from "../../src/cluster/connect.ts";
import { paths } from "../../src/cluster/paths.ts";
import type { Trouble } from "../../src/cluster/reflector.ts";
import { Certificates } from "../../src/controllers/certificates.ts";
import { WebhookWatch } from "../../src/controllers/registration/webhook-watch.ts";
import { createLogger } from "../../src/telemetry/log.ts";
import { createMetrics } from "../../src/telemetry/metrics.ts";
import type { KubernetesObject } from "../../src/model/objects.ts";
import { eventually } from "../helpers/eventually.ts";
import { describeCluster } from "./harness/context.ts";
import { type Drawbridge, startDrawbridge } from "./harness/drawbridge.ts";
import { freePort } from "./harness/net.ts";
import { type Proxy, startProxy } from "./harness/proxy.ts";

const NAMESPACE = "drawbridge-system";
const SECRET = "drawbridge-ca";
/** A CA is renewed after 12 s, certificates after 4 s. */
const BRIEF: Lives = { caMs: 18_000, leafMs: 6_000, settleMs: 2_000, backdateMs: 3_600_000 };
/** Only by being told to: these last longer than a test. */
const LASTING: Lives = { ...BRIEF, caMs: 3_600_000, leafMs: 3_600_000 };

function stepsIn(line: string): readonly string[] {
  const { step } = JSON.parse(line) as { readonly step?: string };
  return step === undefined ? [] : [step];
}

interface Configuration extends KubernetesObject {
  readonly webhooks: readonly { readonly clientConfig: { readonly caBundle: string } }[];
}
interface Secret extends KubernetesObject {
  readonly data: Readonly<Record<string, string>>;
}

describeCluster("servers that share a CA", (cluster) => {
  let client: KubernetesClient;
  let proxy: Proxy;
  let servers: Drawbridge[] = [];
  let loads = 0;
  let stop: ReturnType<typeof load> | undefined;
  beforeAll(async () => {
    client = await connect({ kubeconfig: cluster().kubeconfigs.admin });
    await cluster().ok(["create", "namespace", NAMESPACE]);
    await cluster().ok(["create", "namespace", "busy"]);
  });
  afterAll(() => client?.close());

  // A test that failed has left it running.
  afterEach(() => stop?.());

  /** As two Pods behind a Service: one address, to which the API server comes by whichever of them. */
  const startTwo = async (lives: Lives): Promise<void> => {
    proxy = await startProxy();
    const ports = [await freePort(), await freePort()];
    const behind = ["--namespace", NAMESPACE, "--webhook-url", `https://127.0.0.1:${proxy.port}`];
    const start = async (webhook: number) =>
      startDrawbridge({
        cluster: cluster(),
        lives,
        ports: { webhook, health: await freePort() },
        args: [...behind, "--port", String(webhook), "--drain-seconds", "0"],
      });
    proxy.use(ports.map((port) => ({ port })));
    servers = await Promise.all(ports.map(start));
    await eventually(async () => {
      for (const { healthUrl } of servers) expect((await fetch(`${healthUrl}/readyz`)).status).toBe(200);
      expect(await bundle()).not.toEqual([]);
    });
  };
  const rests = () =>
    eventually(async () => {
      const { data } = await secret();
      expect(data).not.toHaveProperty(["next.crt"]);
      const cas = ["ca.crt", "previous.crt"].flatMap((key) => authoritiesIn(pem({ data }, key)));
      expect((await bundle()).toSorted()).toEqual(cas.map(({ name }) => name).toSorted());
    }, 20_000);
  const stopTwo = async (): Promise<void> => {
    await Promise.all(servers.map((server) => server.stop()));
    await proxy?.stop();
    await cluster().kubectl(["delete", "secret", SECRET, "-n", NAMESPACE]);
  };

  const secret = () => client.get<Secret>(paths.secrets(NAMESPACE, SECRET));
  const pem = ({ data }: Secret, key: string) => Buffer.from(data[key] ?? "", "base64").toString();
  const bundlePem = async (): Promise<string> => {
    const { webhooks } = await client.get<Configuration>(paths.validatingWebhookConfigurations("drawbridge"));
    return Buffer.from(webhooks[0]?.clientConfig.caBundle ?? "", "base64").toString();
  };
  const bundle = async () => authoritiesIn(await bundlePem().catch(() => "")).map(({ name }) => name);
  const nameOf = (cert: string) => new X509Certificate(cert).subject.replace("CN=", "");
  const said = (msg: string) => servers.flatMap(({ log }) => log.filter((line) => line["msg"] === msg));
  const steps = () => servers.flatMap(({ log }) => log.flatMap(({ step }) => (typeof step === "string" ? [step] : [])));
  /** The certificate that a server shows to a client that trusts this bundle. Rejects if it does not trust it. */
  const shown = async ({ url }: Drawbridge, ca: string): Promise<X509Certificate> => {
    const { hostname, port } = new URL(url);
    const socket = connectTls({ host: hostname, port: Number(port), ca });
    await once(socket, "secureConnect");
    const { raw } = socket.getPeerCertificate();
    socket.destroy();
    return new X509Certificate(raw);
  };

  /** NetworkPolicy writes, in a namespace where a webhook that fails makes them fail, and handshakes, until told to stop. */
  const load = () => {
    loads += 1;
    const prefix = `policy-${loads}`;
    const failures: string[] = [];
    let writes = 0;
    let handshakes = 0;
    const end = new AbortController();
    const policy = (name: string) => ({
      apiVersion: "networking.k8s.io/v1",
      kind: "NetworkPolicy",
      metadata: { name, namespace: "busy", annotations: { description: "x", owner: "x", reviewed: "2026-11-21" } },
      spec: { podSelector: {}, policyTypes: ["Ingress"] },
    });
    const writer = async (index: number): Promise<void> => {
      for (let turn = 0; !end.signal.aborted; turn++) {
        const name = `${prefix}-${index}-${turn}`;
        await client
          .create(paths.networkPolicies("busy"), policy(name), { dryRun: turn % 2 === 0 })
          .catch((error: unknown) => failures.push(String(error)));
        writes += 1;
        await sleep(20);
      }
    };
    const verifier = async (): Promise<void> => {
      while (!end.signal.aborted) {
        // What an API server trusts that hears of everything a moment late.
        const ca = await bundlePem();
        await sleep(200);
        for (const server of servers) {
          await shown(server, ca).catch((error: unknown) => failures.push(`handshake: ${String(error)}`));
          handshakes += 1;
        }
      }
    };
    const running = Promise.all([...[0, 1, 2, 3].map(writer), verifier()]);
    return async () => {
      end.abort();
      await running;
      return { failures, writes, handshakes };
    };
  };

  const onTrouble = (_resource: string, { error }: Trouble): never => expect.fail(String(error));
  const watched = (): WebhookWatch => {
    const webhooks = new WebhookWatch({ client, onTrouble, elapsed: () => performance.now() });
    webhooks.start();
    return webhooks;
  };

  test("of those who all believe that they lead one writes the Secret, and the others take that over", async () => {
    const end = new AbortController();
    const leaves = new Map<number, string>();
    const taken: string[] = [];
    const log = createLogger("info", { write: (line) => void taken.push(...stepsIn(line)) });
    const webhooks = watched();
    const believers = [0, 1, 2, 3].map(
      (index) =>
        new Certificates({
          client,
          namespace: NAMESPACE,
          names: ["localhost"],
          lives: LASTING,
          now: Date.now,
          onLeaf: ({ cert }) => leaves.set(index, cert),
          onTrouble,
          webhooks,
          log,
          metrics: createMetrics(),
        }),
    );
    try {
      for (const believer of believers) believer.start();
      const leading = believers.map((believer) => believer.lead({ client, signal: end.signal, reachableAfterMs: 0 }));
      await eventually(() => expect(leaves.size).toBe(believers.length));
      const { metadata, data } = await secret();
      const issuer = new X509Certificate(pem({ data }, "ca.crt"));
      for (const cert of leaves.values()) expect(new X509Certificate(cert).verify(issuer.publicKey)).toBe(true);
      expect(taken).toEqual(["issue"]);
      expect((await secret()).metadata?.uid).toBe(metadata?.uid);
      end.abort();
      await Promise.all(leading);
    } finally {
      await Promise.all(believers.map((believer) => believer.stop()));
      await webhooks.stop();
      await cluster().ok(["delete", "secret", SECRET, "-n", NAMESPACE]);
    }
  });

  test("where there is no registration yet it waits until calls find the way to a server", async () => {
    const end = new AbortController();
    const REACHABLE_AFTER_MS = 1_500;
    const webhooks = watched();
    const certificates = new Certificates({
      client,
      namespace: NAMESPACE,
      names: ["localhost"],
      lives: LASTING,
      now: Date.now,
      onLeaf: () => {},
      onTrouble,
      webhooks,
      log: createLogger("silent"),
      metrics: createMetrics(),
    });
    try {
      certificates.start();
      const began = performance.now();
      const writes: number[] = [];
      const write = async () => {
        writes.push(performance.now() - began);
        return [];
      };
      const registrar = { write, deviations: () => ["missing"] };
      const leading = certificates.lead({
        client,
        registrar,
        reachableAfterMs: REACHABLE_AFTER_MS,
        signal: end.signal,
      });
      await eventually(() => expect(writes).not.toEqual([]));
      expect(Math.min(...writes)).toBeGreaterThanOrEqual(REACHABLE_AFTER_MS);
      end.abort();
      await leading;
    } finally {
      await certificates.stop();
      await webhooks.stop();
      await cluster().ok(["delete", "secret", SECRET, "-n", NAMESPACE]);
    }
  });

  describe("by themselves", () => {
    beforeAll(() => startTwo(BRIEF));
    afterAll(stopTwo);

    test("each signs for itself, by the CA of the Secret, which only the leader writes", async () => {
      const [first, second] = await Promise.all(servers.map(async (server) => shown(server, await bundlePem())));
      expect(first?.fingerprint256).not.toBe(second?.fingerprint256);
      const { metadata, data } = await secret();
      expect(metadata?.labels).toEqual({ "app.kubernetes.io/managed-by": "drawbridge" });
      expect(Object.keys(data)).toEqual(expect.arrayContaining(["ca.crt", "ca.key"]));
      expect(said("leading")).toHaveLength(1);
      expect(steps()[0]).toBe("issue");
      for (const server of servers) {
        const metrics = await server.metrics();
        for (const what of ["ca", "leaf"]) {
          const value = Number(new RegExp(`expiry_seconds\\{what="${what}"\\} (\\d+)`).exec(metrics)?.[1]);
          expect(value * 1000).toBeGreaterThan(Date.now());
        }
      }
    });

    test("CAs and certificates come and go, and no write fails", async () => {
      const before = nameOf(pem(await secret(), "ca.crt"));
      stop = load();
      // Two in overlap, then the new one alone.
      await eventually(
        () => expect(steps()).toEqual(expect.arrayContaining(["issue", "prepare", "switch", "drop"])),
        60_000,
      );
      await eventually(() => expect(steps().filter((step) => step === "switch").length).toBeGreaterThan(1), 60_000);
      const { failures, writes, handshakes } = await stop();
      expect(failures).toEqual([]);
      expect(writes).toBeGreaterThan(100);
      expect(handshakes).toBeGreaterThan(20);
      expect(nameOf(pem(await secret(), "ca.crt"))).not.toBe(before);
      expect(said("certificate issued").length).toBeGreaterThan(10);
      // The API server was made to verify again, and nobody was turned away.
      expect([...proxy.connections.values()].reduce((sum, count) => sum + count, 0)).toBeGreaterThan(2);
      expect(proxy.refused).toBe(0);
    }, 130_000);
  });

  describe("when somebody else acts", () => {
    beforeAll(() => startTwo(LASTING));
    afterAll(stopTwo);

    /** What happens makes another CA sign in the end, and nothing fails on the way. */
    const rotates = async (act: () => Promise<unknown>): Promise<{ before: string; after: string }> => {
      const before = nameOf(pem(await secret(), "ca.crt"));
      stop = load();
      await act();
      const after = await eventually(async () => {
        const stored = await secret();
        const name = nameOf(pem(stored, "ca.crt"));
        expect(name).not.toBe(before);
        expect(stored.data).not.toHaveProperty(["next.crt"]);
        for (const server of servers) expect((await shown(server, await bundlePem())).issuer).toBe(`CN=${name}`);
        return name;
      }, 20_000);
      expect((await stop()).failures).toEqual([]);
      return { before, after };
    };

    test("who deletes the Secret gets another CA, and the old one stays trusted for a while", async () => {
      const { before, after } = await rotates(() => cluster().ok(["delete", "secret", SECRET, "-n", NAMESPACE]));
      await eventually(async () => expect((await bundle()).toSorted()).toEqual([after, before].toSorted()));
      expect(authoritiesIn(pem(await secret(), "previous.crt")).map(({ name }) => name)).toEqual([before]);
    });

    test("a Secret that is damaged is said to be, and written anew", async () => {
      const damage = JSON.stringify({ data: { "ca.key": Buffer.from("damaged").toString("base64") } });
      await rotates(() => cluster().ok(["patch", "secret", SECRET, "-n", NAMESPACE, "-p", damage]));
      const [line] = said(
        "the Secret of the CA is not valid: what was last good stays in use, and the leader writes it anew. If it does not, delete the Secret",
      );
      expect(line).toMatchObject({
        level: 50,
        error: expect.stringContaining("ca.crt and ca.key: the private key is"),
      });
    });

    test("in an emergency an old CA can be taken out at once", async () => {
      await rests();
      const ca = nameOf(pem(await secret(), "ca.crt"));
      const remove = JSON.stringify([{ op: "remove", path: "/data/previous.crt" }]);
      stop = load();
      await cluster().ok(["patch", "secret", SECRET, "-n", NAMESPACE, "--type=json", "-p", remove]);
      await eventually(async () => expect(await bundle()).toEqual([ca]));
      expect((await stop()).failures).toEqual([]);
    });

    test("a registration that was deleted comes back", async () => {
      await cluster().ok(["delete", "validatingwebhookconfiguration", "drawbridge"]);
      await rests();
    });

    test("the Secret's owner of its other metadata is left alone", async () => {
      await cluster().ok(["annotate", "secret", SECRET, "-n", NAMESPACE, "example.com/note=kept"]);
      await cluster().ok([
        "patch",
        "secret",
        SECRET,
        "-n",
        NAMESPACE,
        "-p",
        '{"data":{"ca.crt":"","next.crt":"eA=="}}',
      ]);
      await eventually(async () => {
        const { metadata, data } = await secret();
        expect(data["ca.crt"]).not.toBe("");
        expect(metadata?.annotations).toMatchObject({ "example.com/note": "kept" });
      });
    });

    test("a second look writes nothing", async () => {
      await rests();
      const versions = async () => [
        (await secret()).metadata?.resourceVersion,
        (await client.get<Configuration>(paths.validatingWebhookConfigurations("drawbridge"))).metadata
          ?.resourceVersion,
      ];
      const before = await versions();
      await sleep(3_000);
      expect(await versions()).toEqual(before);
    });
  });
});
