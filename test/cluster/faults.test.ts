import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { LIVES } from "../../src/certs/lives.ts";
import { type Answer, errorLine, hangUp, type RecordedRequest, refuse, watchOf } from "../helpers/faulty-server.ts";
import { isOfWebhook, startAdmissionLoad } from "./harness/admission-load.ts";
import { describeCluster } from "./harness/context.ts";
import { createNamespace } from "./harness/storm.ts";
import { expectBounded, expectRest, type Fault, finished, type Scene, startScene, survive } from "./harness/trouble.ts";

const LIMIT_MS = 240_000;

const GONE = { reason: "Expired" };
const BUSY = { reason: "TooManyRequests" };

/** What is open is cut, and from now on there are these answers, in turn. */
function answering(answers: readonly Answer[], isMeant: (request: RecordedRequest) => boolean): Fault["begin"] {
  return (proxies) => {
    let turn = 0;
    for (const proxy of proxies) {
      proxy.answer((request) => (isMeant(request) ? answers[turn++ % answers.length] : undefined));
      proxy.cutWatches();
    }
    return () => proxies.forEach((proxy) => proxy.answer());
  };
}

const FAULTS: readonly (readonly [string, Fault])[] = [
  [
    "cuts every watch again and again",
    {
      name: "cut",
      ms: 4_000,
      begin: (proxies) => {
        const cutting = setInterval(() => proxies.forEach((proxy) => proxy.cutWatches()), 200);
        return () => clearInterval(cutting);
      },
    },
  ],
  [
    "answers watches by 410, at once or as an event",
    {
      name: "gone",
      ms: 4_000,
      begin: answering([refuse(410, GONE), watchOf([errorLine(410, GONE)], "end")], ({ kind }) => kind === "watch"),
    },
  ],
  [
    "answers everything by 429, with and without a time to wait",
    {
      name: "busy",
      ms: 4_000,
      isDeaf: true,
      begin: answering([refuse(429, BUSY, { "retry-after": "1" }), refuse(429, BUSY)], () => true),
    },
  ],
  [
    "answers everything by 500 for a minute",
    {
      name: "broken",
      ms: 60_000,
      isDeaf: true,
      begin: answering([refuse(500, { reason: "InternalError" })], () => true),
    },
  ],
  [
    "takes no connections, then takes and cuts them",
    {
      name: "away",
      ms: 5_000,
      isDeaf: true,
      begin: (proxies) => {
        const back = async (): Promise<void> => {
          await Promise.all(proxies.map((proxy) => proxy.close()));
          await sleep(2_000);
          for (const proxy of proxies) proxy.answer(() => hangUp());
          await Promise.all(proxies.map((proxy) => proxy.open()));
        };
        const coming = back();
        return async () => {
          await coming;
          for (const proxy of proxies) proxy.answer();
        };
      },
    },
  ],
  [
    "takes connections and answers nothing",
    {
      name: "frozen",
      ms: 7_000,
      isDeaf: true,
      begin: (proxies) => {
        for (const proxy of proxies) proxy.freeze();
        return () => proxies.forEach((proxy) => proxy.thaw());
      },
    },
  ],
];

describeCluster("two servers whose API server", (cluster) => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await startScene(cluster(), LIVES);
  });
  afterAll(() => scene?.stop());

  test.each(FAULTS)(
    "%s",
    async (_name, fault) => {
      await survive(scene, fault);
    },
    LIMIT_MS,
  );

  test(
    "has no etcd for 5 s: what waited for it is answered",
    async () => {
      const { client, proxies } = scene;
      await createNamespace(client, "stalled");
      await finished(client, "stalled");
      const load = startAdmissionLoad({ client, namespace: "stalled", perSecond: 50 });
      await sleep(500);
      const begun = performance.now();
      cluster().signal("etcd", "SIGSTOP");
      await sleep(5_000);
      cluster().signal("etcd", "SIGCONT");
      const lasted = performance.now();
      await createNamespace(client, "stalled-new");
      await finished(client, "stalled-new");
      const { failures } = await load.stop();
      expect(failures.filter(isOfWebhook)).toEqual([]);
      expectBounded(proxies, begun, lasted);
      await expectRest(proxies);
    },
    LIMIT_MS,
  );
});
