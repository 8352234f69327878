import { setTimeout as sleep } from "node:timers/promises";
import { Agent } from "undici";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { KubernetesClient } from "../../src/cluster/client.ts";
import { fenced, type Term } from "../../src/cluster/fence.ts";
import { Elector, type ElectorOptions, LEASE_TIMES, type LeaseTimes } from "../../src/cluster/lease.ts";
import { eventually } from "../helpers/eventually.ts";
import { type Answer, type FaultyServer, hang, hangUp, refuse, startFaultyServer } from "../helpers/faulty-server.ts";
import { type LeaseStore, leaseStore } from "../helpers/lease-store.ts";

/** A fiftieth of the real ones, so that a busy machine does not make a leader miss them all the time. */
const TIMES: LeaseTimes = { leaseMs: 1_000, renewMs: 600, retryMs: 60 };
const WRITTEN = "/api/v1/namespaces/written";

let server: FaultyServer;
let store: LeaseStore;
/** Instead of the store's answers, for one candidate or for all. */
let faults: Map<string, Answer>;
const candidates: Candidate[] = [];

beforeEach(async () => {
  server = await startFaultyServer();
  store = leaseStore();
  faults = new Map();
  server.always("other", (request, response) => {
    const fault = faults.get(request.headers["user-agent"] ?? "") ?? faults.get("all");
    if (fault !== undefined) fault(request, response);
    else if (request.path === WRITTEN) response.end("{}");
    else store.answer(request, response);
  });
});
afterEach(async () => {
  vi.useRealTimers();
  faults.clear();
  await Promise.all(candidates.splice(0).map((one) => one.end()));
  await server.close();
});

interface Candidate {
  readonly elector: Elector;
  /** What it has told of itself. */
  readonly told: readonly string[];
  readonly troubles: readonly string[];
  readonly terms: readonly Term[];
  /** Its monotonic clock jumps, as it does for a process that was frozen. */
  wakeUpAfter(ms: number): void;
  end(): Promise<void>;
}

/** Starts it; it writes all the time that it leads. */
function candidate(identity: string, more: Partial<ElectorOptions> = {}): Candidate {
  const told: string[] = [];
  const troubles: string[] = [];
  const terms: Term[] = [];
  let jumped = 0;
  const client = clientOf(identity);
  const elector = new Elector({
    client,
    namespace: "drawbridge-system",
    name: "drawbridge",
    identity,
    times: TIMES,
    now: () => performance.now() + jumped,
    work: async (term) => {
      terms.push(term);
      const writer = fenced(client, term, TIMES.leaseMs - TIMES.renewMs);
      while (!term.signal.aborted) {
        await writer.replace(WRITTEN, { term: terms.length }).catch(() => {});
        await sleep(10);
      }
    },
    onLead: () => told.push("leads"),
    onLose: (why) => told.push(`ends: ${why}`),
    onFollow: (leader) => told.push(`follows ${leader}`),
    onTrouble: (error) => troubles.push(String(error)),
    ...more,
  });
  elector.start();
  const one: Candidate = {
    elector,
    told,
    troubles,
    terms,
    wakeUpAfter: (ms) => {
      jumped += ms;
    },
    end: async () => {
      await elector.stop();
      await client.close();
    },
  };
  candidates.push(one);
  return one;
}

/** The faulty server knows it by its user agent. */
function clientOf(identity: string): KubernetesClient {
  const authenticate = async () => ({ headers: {}, dispatcher: new Agent() });
  return new KubernetesClient(new URL(server.url), authenticate, identity);
}

const holder = () => store.lease?.spec?.holderIdentity;
const leads = ({ elector }: Candidate) => eventually(() => expect(elector.leads()).toBe(true));

/** Who wrote, in the order in which the server got it, without repetitions: `["a", "b"]`. */
function writers(): string[] {
  const all = server.requests
    .filter(({ path, method }) => path === WRITTEN && method === "PUT")
    .map(({ headers, body }) => `${headers["user-agent"]} ${body}`);
  return all.filter((writer, i) => writer !== all[i - 1]);
}

/** Each term wrote in one piece. */
function expectNoTwoWriters(): void {
  expect(writers()).toEqual([...new Set(writers())]);
}

test("the times are those of the Kubernetes components", () => {
  expect(LEASE_TIMES).toEqual({ leaseMs: 15_000, renewMs: 10_000, retryMs: 2_000 });
});

describe("one candidate", () => {
  test("makes the Lease, leads, and renews it over the version that it knows", async () => {
    const a = candidate("a");
    await leads(a);
    expect(store.lease).toMatchObject({
      apiVersion: "coordination.k8s.io/v1",
      kind: "Lease",
      metadata: { namespace: "drawbridge-system", name: "drawbridge" },
      spec: { holderIdentity: "a", leaseDurationSeconds: 1, leaseTransitions: 0 },
    });
    const { renewTime } = store.lease?.spec ?? {};
    await eventually(() => expect(store.lease?.spec?.renewTime).not.toBe(renewTime));
    expect(a.told).toEqual(["leads"]);
    expect(server.requests.filter(({ method }) => method === "GET")).toHaveLength(1);
    expect(a.troubles).toEqual([]);
  });

  test("stops: its work ends, then the Lease is nobody's", async () => {
    let ended = false;
    const a = candidate("a", {
      work: async ({ signal }) => {
        await eventually(() => expect(signal.aborted).toBe(true));
        expect(holder()).toBe("a");
        ended = true;
      },
    });
    await leads(a);
    await a.elector.stop();
    expect(ended).toBe(true);
    expect(holder()).toBe("");
    expect(a.elector.leads()).toBe(false);
    expect(a.terms.every(({ signal }) => signal.aborted)).toBe(true);
    expect(a.told).toEqual(["leads", "ends: it stops"]);
  });

  test("whose work fails says so, and begins a new term", async () => {
    let begun = 0;
    const a = candidate("a", {
      work: async ({ signal }) => {
        begun += 1;
        if (begun === 1) throw new Error("a bug");
        await eventually(() => expect(signal.aborted).toBe(true));
      },
    });
    await eventually(() => expect(begun).toBe(2));
    expect(a.told).toEqual(["leads", "ends: its work has ended", "leads"]);
    expect(a.troubles).toEqual(["Error: a bug"]);
  });

  test("takes its own Lease again after an answer that was lost", async () => {
    faults.set("all", (request, response) => {
      if (request.method === "GET") store.answer(request, response);
      else {
        faults.clear();
        const lost = { end: () => response.destroy() };
        store.answer(request, lost as unknown as typeof response);
      }
    });
    const a = candidate("a");
    await leads(a);
    expect(store.lease?.spec?.leaseTransitions).toBe(0);
  });

  test.each<[string, () => void]>([
    [
      "touched the record",
      () => store.set({ ...store.lease, metadata: { ...store.lease?.metadata, labels: { a: "b" } } }),
    ],
    ["deleted it", () => store.set(undefined)],
  ])("leads on after somebody has %s", async (_name, disturb) => {
    const a = candidate("a");
    await leads(a);
    disturb();
    const before = server.requests.length;
    await eventually(() =>
      expect(server.requests.slice(before).filter(({ path }) => path !== WRITTEN).length).toBeGreaterThan(4),
    );
    expect(holder()).toBe("a");
    expect(a.told).toEqual(["leads"]);
  });
});

describe("annotations of the record", () => {
  const annotations = () => store.lease?.metadata?.annotations;
  const seal = (value: string | undefined): Partial<ElectorOptions> => ({
    annotate: (found) => {
      const others = Object.fromEntries(Object.entries(found).filter(([key]) => key !== "seal"));
      return value === undefined ? others : { ...others, seal: value };
    },
  });
  const annotated = (more: object) =>
    store.set({ ...store.lease, metadata: { ...store.lease?.metadata, annotations: { ...annotations(), ...more } } });

  test("nobody's are touched, whoever takes it, renews it and gives it back", async () => {
    const a = candidate("a");
    await leads(a);
    annotated({ theirs: "x" });
    const { renewTime } = store.lease?.spec ?? {};
    await eventually(() => expect(store.lease?.spec?.renewTime).not.toBe(renewTime));
    await a.elector.stop();
    await leads(candidate("b"));
    expect(annotations()).toEqual({ theirs: "x" });
  });

  test("are put there in the write by which it is made, and again where somebody has taken them away", async () => {
    const told: unknown[] = [];
    const a = candidate("a", { ...seal("a"), onLead: () => told.push(annotations()) });
    await leads(a);
    expect(told).toEqual([{ seal: "a" }]);
    store.set({ ...store.lease, metadata: { resourceVersion: "0", annotations: { theirs: "x" } } });
    await eventually(() => expect(annotations()).toEqual({ theirs: "x", seal: "a" }));
    store.set(undefined);
    await eventually(() => expect(annotations()).toEqual({ seal: "a" }));
  });

  test("stay when it is given back, and go in the very write by which another takes it that does not want them", async () => {
    const a = candidate("a", seal("a"));
    await leads(a);
    await a.elector.stop();
    expect(annotations()).toEqual({ seal: "a" });
    const told: unknown[] = [];
    await leads(candidate("b", { ...seal(undefined), onLead: () => told.push(annotations()) }));
    expect(told).toEqual([{}]);
  });

  test("one that only believes that it leads does not write them", async () => {
    const a = candidate("a", seal("a"));
    await leads(a);
    store.set({ ...store.lease, metadata: {}, spec: { ...store.lease?.spec, holderIdentity: "b" } });
    await eventually(() => expect(a.told.at(-1)).toBe("follows b"));
    expect(annotations()).toBeUndefined();
  });
});

describe("an API server that", () => {
  test.each<[string, Answer]>([
    ["answers 500", refuse(500)],
    ["answers 429", refuse(429, {}, { "retry-after": "1" })],
    ["forbids it", refuse(403)],
    ["finds a conflict each time", refuse(409)],
    ["cuts connections", hangUp()],
    ["hangs", hang()],
  ])("%s for long ends the term in time, and the next begins when it is over", async (_name, fault) => {
    const a = candidate("a");
    await leads(a);
    const before = server.requests.length;
    faults.set("all", fault);
    await eventually(() => expect(a.elector.leads()).toBe(false));
    await eventually(() => expect(a.terms[0]?.signal.aborted).toBe(true));
    expect(() => a.terms[0]?.check()).toThrow("no longer the leader: the lease was not renewed within 600 ms");
    await sleep(600);
    // No hot loop: a retry four times as often at most, of the writer here one each 10 ms.
    const tries = server.requests.slice(before).filter(({ path }) => path !== WRITTEN);
    expect(tries.length).toBeLessThan(80);
    faults.clear();
    await leads(a);
    expect(a.told.filter((line) => line === "leads").length).toBeGreaterThanOrEqual(2);
    expect(() => a.terms[0]?.check()).toThrow("no longer the leader");
    expect(() => a.terms.at(-1)?.check()).not.toThrow();
  });

  test("hangs does not hold up a stop for long", async () => {
    const a = candidate("a");
    await leads(a);
    faults.set("all", hang());
    await a.elector.stop();
    expect(a.troubles.at(-1)).toContain("no answer within 60 ms");
  });
});

describe("two candidates", () => {
  test("one leads, the other follows, and takes over at once when it stops", async () => {
    const a = candidate("a");
    await leads(a);
    const b = candidate("b");
    await eventually(() => expect(b.told).toEqual(["follows a"]));
    await a.elector.stop();
    await leads(b);
    expect(b.told).toEqual(["follows a", "leads"]);
    expect(store.lease?.spec).toMatchObject({ holderIdentity: "b", leaseTransitions: 1 });
    expectNoTwoWriters();
  });

  test("that see nobody's at the same time: one of them gets it", async () => {
    const both = [candidate("a"), candidate("b"), candidate("c")];
    await eventually(() => expect(both.filter(({ elector }) => elector.leads())).toHaveLength(1));
    await eventually(() => expect(both.filter(({ told }) => told.includes(`follows ${holder()}`))).toHaveLength(2));
    expectNoTwoWriters();
  });

  test.each<[string, Answer]>([
    ["is cut off", hang()],
    ["finds only errors", refuse(503)],
  ])("the leader %s: it has ended before the other begins", async (_name, fault) => {
    const a = candidate("a");
    await leads(a);
    const b = candidate("b", { onLead: () => expect(a.elector.leads()).toBe(false) });
    await eventually(() => expect(b.told).toEqual(["follows a"]));
    // Its writes still arrive: only the fence holds them back.
    faults.set("a", (request, response) => {
      if (request.path === WRITTEN) response.end("{}");
      else fault(request, response);
    });
    await leads(b);
    expect(a.terms[0]?.signal.aborted).toBe(true);
    await eventually(() => expect(writers().at(-1)).toContain("b "));
    faults.clear();
    await eventually(() => expect(a.told.at(-1)).toBe("follows b"));
    expect(b.troubles).toEqual([]);
    expectNoTwoWriters();
  });

  test("a leader that was frozen: it is fenced before any timer of its has run, and not followed by its own past", async () => {
    const a = candidate("a");
    await leads(a);
    const [term] = a.terms;
    a.wakeUpAfter(TIMES.renewMs);
    expect(a.elector.leads()).toBe(false);
    expect(() => term?.check()).toThrow("no longer the leader");
    expect(term?.signal.aborted).toBe(true);
    // Nobody has taken it meanwhile, so it may lead again, in a new term.
    await leads(a);
    expect(a.terms.at(-1)).not.toBe(term);
    expect(() => term?.check()).toThrow("no longer the leader");
    expect(store.lease?.spec?.leaseTransitions).toBe(0);
  });

  test("a renewal counts from when it was sent", async () => {
    const leading: boolean[] = [];
    let slow: Candidate | undefined;
    faults.set("all", (request, response) => {
      if (request.method === "POST") slow?.wakeUpAfter(TIMES.renewMs / 2);
      store.answer(request, response);
    });
    slow = candidate("slow", {
      onLead: () => {
        leading.push(slow?.elector.leads() === true);
        slow?.wakeUpAfter(TIMES.renewMs / 2);
        leading.push(slow?.elector.leads() === true);
      },
    });
    await eventually(() => expect(leading.slice(0, 2)).toEqual([true, false]));
  });

  test("an answer that comes after the time for which it would have been good begins no term", async () => {
    const leading: boolean[] = [];
    let late: Candidate | undefined;
    faults.set("all", (request, response) => {
      if (request.method === "POST") late?.wakeUpAfter(TIMES.renewMs);
      store.answer(request, response);
    });
    late = candidate("late", { onLead: () => leading.push(late?.elector.leads() === true) });
    await leads(late);
    expect(leading).toEqual([true]);
    expect(server.requests.filter(({ method, path }) => method === "PUT" && path !== WRITTEN)).not.toEqual([]);
  });

  test("a term that nobody asks about ends by itself, and none begins before the work of the last has ended", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const a = candidate("a", { work: async () => promise });
    await leads(a);
    faults.set("all", refuse(500));
    await eventually(() => expect(a.told).toEqual(["leads", "ends: the lease was not renewed within 600 ms"]));
    faults.clear();
    await sleep(5 * TIMES.retryMs);
    expect(a.told).toHaveLength(2);
    resolve();
    await eventually(() => expect(a.told.slice(0, 3)).toEqual([...a.told.slice(0, 2), "leads"]));
  });

  test("a record that vanishes while its holder is cut off is not taken before that has ended", async () => {
    const a = candidate("a");
    await leads(a);
    const b = candidate("b", { onLead: () => expect(a.elector.leads()).toBe(false) });
    await eventually(() => expect(b.told).toEqual(["follows a"]));
    faults.set("a", hang());
    store.set(undefined);
    await leads(b);
    expect(a.terms[0]?.signal.aborted).toBe(true);
    expect(b.troubles).toEqual([]);
  });

  test("that both believe: the record says another name, so the first ends at its next look", async () => {
    const a = candidate("a");
    await leads(a);
    store.set({ ...store.lease, spec: { ...store.lease?.spec, holderIdentity: "b" } });
    await eventually(() => expect(a.told).toEqual(["leads", "ends: b has taken the lease", "follows b"]));
    expect(() => a.terms[0]?.check()).toThrow("no longer the leader: b has taken the lease");
  });

  test.each([
    ["forward", "2101-01-01"],
    ["back", "2001-01-01"],
  ])("a wall clock that jumps %s changes nothing", async (_name, date) => {
    const a = candidate("a");
    const b = candidate("b");
    await eventually(() => expect([a, b].filter(({ elector }) => elector.leads())).toHaveLength(1));
    const before = holder();
    vi.useFakeTimers({ toFake: ["Date"], now: new Date(date) });
    await eventually(() => expect(store.lease?.spec?.renewTime?.startsWith(date.slice(0, 4))).toBe(true));
    await sleep(2 * TIMES.retryMs);
    expect(holder()).toBe(before);
    expect(store.lease?.spec?.leaseTransitions).toBe(0);
    expectNoTwoWriters();
  });

  test("in a storm of faults no two of them write in turns", async () => {
    const all = ["a", "b", "c"].map((identity) => candidate(identity));
    const answers: readonly Answer[] = [
      refuse(500),
      refuse(409),
      hang(),
      hangUp(),
      // Done, and nobody hears of it.
      (request, response) => store.answer(request, { end: () => response.destroy() } as unknown as typeof response),
      (request, response) => void setTimeout(() => store.answer(request, response), 300),
    ];
    const end = performance.now() + 8_000;
    for (let round = 0; performance.now() < end; round++) {
      const leader = all.find(({ elector }) => elector.leads());
      const victim = leader === undefined || round % 3 === 0 ? "all" : String(holder());
      const fault = answers[round % answers.length] ?? hang();
      faults.set(victim, (request, response) => {
        if (request.path === WRITTEN) response.end("{}");
        else fault(request, response);
      });
      await sleep(100 + ((round * 337) % 1_300));
      faults.clear();
      await sleep(100);
    }
    expect(new Set(writers()).size).toBeGreaterThan(2);
    expectNoTwoWriters();
  });
});

describe("the last one to stop", () => {
  test("finds out that it is, does what there is to do under the Lease, and gives it back", async () => {
    const a = candidate("a");
    await leads(a);
    const done: unknown[] = [];
    await a.elector.stop(async (term) => {
      term.check();
      done.push(holder());
    });
    expect(done).toEqual(["a"]);
    expect(holder()).toBe("");
    expect(a.elector.leads()).toBe(false);
  });

  test("nothing is done where another takes over", async () => {
    const a = candidate("a");
    await leads(a);
    const b = candidate("b");
    await eventually(() => expect(b.told).toEqual(["follows a"]));
    const ifLast = vi.fn(async () => {});
    await a.elector.stop(ifLast);
    await leads(b);
    expect(ifLast).not.toHaveBeenCalled();
  });

  test("nor by one that did not lead", async () => {
    const a = candidate("a");
    await leads(a);
    const b = candidate("b");
    await eventually(() => expect(b.told).toEqual(["follows a"]));
    const ifLast = vi.fn(async () => {});
    await b.elector.stop(ifLast);
    expect(ifLast).not.toHaveBeenCalled();
    expect(holder()).toBe("a");
  });

  test("two that stop together: one of them does it", async () => {
    const both = [candidate("a"), candidate("b")];
    await eventually(() => expect(both.filter(({ elector }) => elector.leads())).toHaveLength(1));
    const ifLast = vi.fn(async () => {});
    await Promise.all(both.map(({ elector }) => elector.stop(ifLast)));
    expect(ifLast).toHaveBeenCalledTimes(1);
  });

  test("one that was never started has nothing to give back", async () => {
    const client = clientOf("x");
    const none = () => {};
    const elector = new Elector({
      client,
      namespace: "x",
      name: "x",
      identity: "x",
      work: async () => {},
      onLead: none,
      onLose: none,
      onFollow: none,
      onTrouble: none,
    });
    await elector.stop(async () => {});
    expect(server.requests).toEqual([]);
    await client.close();
  });
});
