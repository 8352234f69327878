import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  baselineStatus,
  type StandingNamespace,
  type Overlap,
  saysAll,
  type StatusInput,
  toldSince,
} from "../../src/baseline/status.ts";
import { STATES, type State } from "../../src/config/baseline-status.ts";

const DAY_1 = "2026-11-01T00:00:00Z";
const DAY_2 = "2026-11-02T00:00:00Z";
const DAY_3 = "2026-11-03T00:00:00Z";

const status = (input: Partial<StatusInput> = {}) =>
  baselineStatus({ generation: 1, namespaces: [], overlaps: [], before: undefined, now: DAY_3, ...input });
const governed = (name: string, state: State, message?: string): StandingNamespace => ({
  name,
  state,
  ...(message !== undefined && { message }),
  since: DAY_2,
});
const condition = (type: string, input: Partial<StatusInput>) =>
  status(input).conditions.find((one) => one.type === type);
const reasonOf = (type: string, input: Partial<StatusInput>) => {
  const { status: is, reason, message } = condition(type, input) ?? {};
  return [is, reason, message];
};

describe("the namespaces", () => {
  test("are counted, and those that are not finished shown, the worst first", () => {
    const { namespaces, unfinished } = status({
      namespaces: [
        governed("p", "pending"),
        governed("a", "finished"),
        governed("f", "failed", "forbidden"),
        governed("c", "conflict", "drawbridge-x"),
        governed("b", "finished"),
      ],
    });
    expect(namespaces).toEqual({
      governed: 5,
      finished: 2,
      pending: 1,
      failed: 1,
      conflict: 1,
      existing: 0,
      released: 0,
    });
    expect(unfinished).toEqual([
      { name: "c", state: "conflict", message: "drawbridge-x", since: DAY_2 },
      { name: "f", state: "failed", message: "forbidden", since: DAY_2 },
      { name: "p", state: "pending", since: DAY_2 },
    ]);
  });
  test("five of each state are shown, the first by name", () => {
    const many = (state: State) => Array.from({ length: 20 }, (_, i) => governed(`${state}-${19 - i}`, state));
    const { unfinished } = status({ namespaces: [...many("pending"), ...many("failed")] });
    expect(unfinished.map(({ name }) => name)).toEqual(
      ["failed", "pending"].flatMap((state) => ["0", "1", "10", "11", "12"].map((i) => `${state}-${i}`)),
    );
  });
  test("a message is cut and made printable", () => {
    const [shown] = status({ namespaces: [governed("a", "failed", `\u001b[31m${"x".repeat(1000)}`)] }).unfinished;
    expect(shown?.message).toBe(`?[31m${"x".repeat(248)}...`);
  });
});

describe("Ready", () => {
  const shop = governed("shop", "finished");
  test.each<[string, readonly StandingNamespace[], readonly unknown[]]>([
    ["nothing to do", [], ["True", "Finished", "it governs no namespace"]],
    ["all done", [shop], ["True", "Finished", "every namespace that it governs has its policies"]],
    ["one waits", [shop, governed("a", "pending")], ["False", "Pending", "1 of 2 namespaces wait for policies: a"]],
    [
      "a failure is worse",
      [governed("a", "pending"), governed("b", "failed")],
      ["False", "Failed", "in 1 of 2 namespaces policies could not be written: b"],
    ],
    [
      "a conflict is worse, which nobody else will end",
      [governed("b", "failed"), ...["f", "e", "d", "c", "a"].map((name) => governed(name, "conflict"))],
      ["False", "Conflict", "in 5 of 6 namespaces something of somebody else is in the way: a, c, d and 2 more"],
    ],
  ])("%s", (_, namespaces, expected) => {
    expect(reasonOf("Ready", { namespaces })).toEqual(expected);
  });
  test("a generation that is not in force is worst, whatever the one before has done", () => {
    expect(reasonOf("Ready", { namespaces: [shop], problem: "spec.templates is missing" })).toEqual([
      "False",
      "Invalid",
      "spec.templates is missing",
    ]);
    expect(condition("Ready", { problem: "x".repeat(5000) })?.message).toHaveLength(1024);
  });
});

test.each(["DNSUnknown", "APIServerUnknown"] as const)(
  "a baseline whose policies cannot be made is not ready: %s",
  (reason) => {
    expect(reasonOf("Ready", { unarmed: { reason, why: "it is not known" } })).toEqual([
      "False",
      reason,
      "it is given to no namespace: it is not known",
    ]);
  },
);

describe("Overlapping", () => {
  const overlap = (namespace: string, ...baselines: string[]): Overlap => ({ namespace, baselines });
  test.each<[string, readonly Overlap[], readonly unknown[]]>([
    ["no", [], ["False", "Alone", "no namespace that it selects is selected by another NetworkBaseline"]],
    [
      "yes, and which applies",
      [overlap("shop", "a", "b"), overlap("bank", "b", "c")],
      [
        "True",
        "FirstByNameApplies",
        "of several NetworkBaselines that select a namespace the first by name applies: bank (b, c), shop (a, b)",
      ],
    ],
  ])("%s", (_, overlaps, expected) => {
    expect(reasonOf("Overlapping", { overlaps })).toEqual(expected);
  });
});

describe("times", () => {
  test("a condition keeps its time until its status is another", () => {
    const first = status({ now: DAY_1 });
    const timesOf = (input: Partial<StatusInput>) => status(input).conditions.map((one) => one.lastTransitionTime);
    expect(first.conditions.map((one) => one.lastTransitionTime)).toEqual([DAY_1, DAY_1]);
    expect(timesOf({ before: first, namespaces: [governed("a", "finished")], generation: 2 })).toEqual([DAY_1, DAY_1]);
    expect(timesOf({ before: first, namespaces: [governed("a", "pending")] })).toEqual([DAY_3, DAY_1]);
  });
  test.each([null, 1, "x", [], {}, { conditions: 1 }, { conditions: [null, 1, { type: "Ready" }] }])(
    "whatever the status was before: %j",
    (before) => {
      expect(status({ before }).conditions.map((one) => one.lastTransitionTime)).toEqual([DAY_3, DAY_3]);
      expect(saysAll(before, status())).toBe(false);
      expect(toldSince(before, "a", { state: "pending" })).toBeUndefined();
    },
  );
  test("since when is told of a namespace as long as the same is said of it", () => {
    const before = status({ namespaces: [governed("a", "failed", "x".repeat(300)), governed("b", "pending")] });
    expect(toldSince(before, "a", { state: "failed", message: "x".repeat(300) })).toBe(DAY_2);
    expect(toldSince(before, "a", { state: "failed", message: "forbidden" })).toBeUndefined();
    expect(toldSince(before, "a", { state: "conflict", message: "x".repeat(300) })).toBeUndefined();
    expect(toldSince(before, "b", { state: "pending" })).toBe(DAY_2);
    expect(toldSince(before, "c", { state: "pending" })).toBeUndefined();
    expect(toldSince(before, "b", { state: "finished" })).toBeUndefined();
  });
});

describe("saysAll", () => {
  const wanted = status({ namespaces: [governed("a", "pending")] });
  const foreign = { type: "Audited", status: "True" };
  test.each<[string, unknown, boolean]>([
    ["the same", wanted, true],
    [
      "in another order, with another's condition",
      { ...wanted, conditions: [foreign, ...wanted.conditions.toReversed()] },
      true,
    ],
    ["nothing", undefined, false],
    ["another count", { ...wanted, namespaces: { ...wanted.namespaces, pending: 2 } }, false],
    ["a condition fewer", { ...wanted, conditions: wanted.conditions.slice(1) }, false],
    ["another message", { ...wanted, conditions: wanted.conditions.map((one) => ({ ...one, message: "" })) }, false],
  ])("%s", (_, stored, expected) => {
    expect(saysAll(stored, wanted)).toBe(expected);
  });
});

describe("laws", () => {
  const namespaces = fc.uniqueArray(
    fc.record({
      name: fc.stringMatching(/^[a-z][a-z0-9-]{0,6}$/),
      state: fc.constantFrom(...STATES),
      message: fc.option(fc.string(), { nil: undefined }),
      since: fc.constantFrom(DAY_1, DAY_2),
    }),
    { selector: ({ name }) => name, maxLength: 40 },
  );
  const overlaps = fc.uniqueArray(
    fc.record({ namespace: fc.string(), baselines: fc.array(fc.string(), { minLength: 2, maxLength: 6 }) }),
    { selector: ({ namespace }) => namespace, maxLength: 20 },
  );
  const inputs = fc
    .record({ namespaces, overlaps, problem: fc.option(fc.string(), { nil: undefined }) })
    .map(({ namespaces: all, ...rest }) => ({
      ...rest,
      namespaces: all.map(({ message, ...one }) => ({ ...one, ...(message !== undefined && { message }) })),
    }));

  test("the counts are of all, and each namespace is counted once", () => {
    fc.assert(
      fc.property(inputs, (input) => {
        const { namespaces: counts, unfinished } = status(input);
        expect(counts.governed).toBe(input.namespaces.length);
        expect(STATES.reduce((sum, state) => sum + counts[state], 0)).toBe(counts.governed);
        expect(new Set(unfinished.map(({ name }) => name)).size).toBe(unfinished.length);
        for (const { name, state } of unfinished) {
          expect(input.namespaces.find((one) => one.name === name)?.state).toBe(state);
        }
      }),
    );
  });
  test("it is the same in whatever order it is told", () => {
    fc.assert(
      fc.property(inputs, ({ namespaces: all, overlaps: shared, ...rest }) => {
        expect(status({ ...rest, namespaces: all.toReversed(), overlaps: shared.toReversed() })).toEqual(
          status({ ...rest, namespaces: all, overlaps: shared }),
        );
      }),
    );
  });
  test("a second look at the same has nothing to say, and changes no time", () => {
    fc.assert(
      fc.property(inputs, (input) => {
        const first = status({ ...input, now: DAY_1 });
        const second = status({ ...input, before: first, now: DAY_3 });
        expect(second).toEqual(first);
        expect(saysAll(JSON.parse(JSON.stringify(first)), second)).toBe(true);
      }),
    );
  });
  test("its size is bounded", () => {
    const long = (i: number, state: State) => governed(`${"n".repeat(60)}${i}`, state, "é".repeat(5000));
    const many = STATES.flatMap((state) => Array.from({ length: 1000 }, (_, i) => long(i, state)));
    const shared = many.map(({ name }) => ({
      namespace: name,
      baselines: Array.from({ length: 50 }, () => "b".repeat(253)),
    }));
    expect(Buffer.byteLength(JSON.stringify(status({ namespaces: many, overlaps: shared })))).toBeLessThan(16_384);
  });
});
