import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { connect as connectTls } from "node:tls";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Lives } from "../../src/certs/lives.ts";
import { paths } from "../../src/cluster/paths.ts";
import type { KubernetesObject } from "../../src/model/objects.ts";
import { networkException } from "../helpers/build.ts";
import { eventually } from "../helpers/eventually.ts";
import { describeCluster } from "./harness/context.ts";
import type { Drawbridge } from "./harness/drawbridge.ts";
import { createNamespace, createPod } from "./harness/storm.ts";
import {
  expectBounded,
  expectRest,
  finished,
  type Scene,
  setOpenIngress,
  startScene,
  verdictOn,
} from "./harness/trouble.ts";

const HOUR_MS = 60 * 60 * 1000;
/** By a clock that is a day ahead a certificate has ended and its CA is to be renewed; otherwise for hours neither. */
const LASTING: Lives = { caMs: 30 * HOUR_MS, leafMs: 20 * HOUR_MS, settleMs: 2_000, backdateMs: HOUR_MS };

const ORDINARY = [
  "admission",
  "baseline finished",
  "configuration changed",
  "every namespace has been looked at",
  "following",
  "the clock is set",
];

interface Configuration extends KubernetesObject {
  readonly webhooks: readonly { readonly clientConfig: { readonly caBundle: string } }[];
}

describeCluster("two servers whose clocks are set", (cluster) => {
  let scene: Scene;
  const clocks = [0, 1].map((index) => () => join(cluster().directory, `clock-${index}`));
  const set = (index: number, ms: number): void => writeFileSync(clocks[index]?.() ?? "", String(ms));
  beforeAll(async () => {
    const environment = (index: number): NodeJS.ProcessEnv => {
      set(index, 0);
      const preload = join(import.meta.dirname, "harness/shift-clock.ts");
      return { NODE_OPTIONS: `--import=${preload}`, CLOCK_SHIFT: clocks[index]?.() };
    };
    scene = await startScene(cluster(), LASTING, [environment(0), environment(1)]);
  });
  afterAll(() => scene?.stop());

  const server = (index: number): Drawbridge => {
    const found = scene.replicas.current[index];
    if (found === undefined) throw new RangeError(`there is no server ${index}`);
    return found;
  };
  /** Their clocks jump while they run. */
  const jump = async (shifts: readonly [number, number]): Promise<void> => {
    await Promise.all(
      shifts.map(async (shift, index) => {
        const { log, pid } = server(index);
        const known = log.length;
        set(index, shift);
        process.kill(pid, "SIGUSR2");
        await eventually(() => expect(log.slice(known)).toContainEqual({ msg: "the clock is set", shift }));
      }),
    );
  };
  const leads = async (index: number): Promise<boolean> => /^drawbridge_leader 1$/m.test(await server(index).metrics());
  /** What tells that anything was done because of a clock; not what they say as they start, or at any time. */
  const said = () =>
    scene.replicas
      .log()
      .map(({ msg }) => String(msg))
      .filter((msg) => !ORDINARY.includes(msg));

  /** As an API server does that asks it for the first time. @throws where the certificate is not valid, or not trusted */
  const shakeHands = async (index: number): Promise<void> => {
    const { webhooks } = await scene.client.get<Configuration>(paths.validatingWebhookConfigurations("drawbridge"));
    const ca = Buffer.from(webhooks[0]?.clientConfig.caBundle ?? "", "base64").toString();
    const { hostname, port } = new URL(server(index).url);
    const socket = connectTls({ host: hostname, port: Number(port), ca });
    await once(socket, "secureConnect");
    const { validFromDate, validToDate } = new X509Certificate(socket.getPeerCertificate().raw);
    socket.destroy();
    expect(validFromDate.getTime()).toBeLessThan(Date.now());
    expect(validToDate.getTime()).toBeGreaterThan(Date.now());
  };

  /** One that begins when the clock of its machine is wrong. */
  const restart = async (index: number): Promise<void> => {
    await scene.replicas.restart(index);
    await shakeHands(index);
    expect(server(index).log.filter(({ msg }) => msg === "certificate issued")).toHaveLength(1);
  };

  test.each([
    ["the leader's clock a day ahead", 24 * HOUR_MS, "leader"],
    ["both clocks a day ahead", 24 * HOUR_MS, "both"],
    ["both clocks an hour back", -HOUR_MS, "both"],
  ] as const)(
    "somebody sets %s, and right again: nothing changes",
    async (_name, shift, whose) => {
      const { client, proxies } = scene;
      const name = `clock-${whose}-${Math.abs(shift)}`;
      const excepted = `${name}-excepted`;
      await setOpenIngress(client, "denied");
      await createNamespace(client, excepted);
      await finished(client, excepted);
      await eventually(async () => expect(await verdictOn(client, excepted, "open")).toBe("denied"));
      const { metadata, ...exception } = networkException(
        { rules: ["no-open-ingress"], expires: new Date(Date.now() + HOUR_MS / 2).toISOString().replace(/\.\d+/, "") },
        { namespace: excepted },
      );
      const { creationTimestamp: _, ...rest } = metadata;
      await client.apply(
        paths.networkExceptions(excepted, "legacy"),
        { ...exception, metadata: rest },
        { fieldManager: "test" },
      );
      await eventually(async () => expect(await verdictOn(client, excepted, "open")).toBe("allowed"));
      const before = said();
      const isOfLeader = await leads(0);

      const begun = performance.now();
      await jump(whose === "both" ? [shift, shift] : isOfLeader ? [shift, 0] : [0, shift]);
      for (let turn = 0; turn < 30; turn++) {
        expect(await verdictOn(client, excepted, "good")).toBe("allowed");
        expect(await verdictOn(client, excepted, "open")).toBe("allowed");
        await Promise.all([shakeHands(0), shakeHands(1)]);
        await sleep(100);
      }
      const created = `${name}-created`;
      await createNamespace(client, created);
      const { podVersion = 0 } = await createPod(client, created, 10_000);
      expect(podVersion).toBeGreaterThan((await finished(client, created)).newestPolicy);
      expect(said()).toEqual(before);
      if (whose === "both") await restart(isOfLeader ? 1 : 0);
      await jump([0, 0]);
      await Promise.all([shakeHands(0), shakeHands(1)]);
      expect(await verdictOn(client, excepted, "open")).toBe("allowed");
      expectBounded(proxies, begun, performance.now());
      await expectRest(proxies);
      expect([await leads(0), await leads(1)]).toEqual([isOfLeader, !isOfLeader]);
    },
    60_000,
  );
});
