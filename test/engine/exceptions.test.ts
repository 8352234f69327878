import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { NetworkException } from "../../src/config/exception.ts";
import { MODES } from "../../src/config/mode.ts";
import type { NetworkRuleset, PermanentException } from "../../src/config/ruleset.ts";
import { decide } from "../../src/engine/decide.ts";
import { DocumentSet } from "../../src/engine/document-set.ts";
import { evaluate, type Finding } from "../../src/engine/evaluate.ts";
import { except } from "../../src/engine/exceptions.ts";
import { resolveRuleset, type Ruleset } from "../../src/engine/ruleset.ts";
import { namespaceSubject, policySubject, toSubject } from "../../src/engine/subject.ts";
import { readEmbeddedPolicies } from "../../src/files/policies.ts";
import type { KubernetesObject } from "../../src/model/objects.ts";
import { RULES } from "../../src/rules/index.ts";
import type { AnyRule, Subject } from "../../src/rules/rule.ts";
import { egress, networkException, networkPolicy, networkRuleset } from "../helpers/build.ts";

const { rulesets } = await readEmbeddedPolicies();
const rulesetWith = (exceptions: NetworkRuleset["spec"]["exceptions"] = {}, name = "own"): Ruleset =>
  resolveRuleset(networkRuleset(name, { exceptions }), rulesets);
const RULESET = rulesetWith();

const OPEN = egress({});
const NOW = "2026-11-21T12:00:00Z";

interface Case {
  readonly exceptions?: readonly NetworkException[];
  readonly now?: string;
  readonly ruleset?: Ruleset;
  readonly subject?: Subject;
  readonly namespace?: { readonly name: string; readonly labels: Readonly<Record<string, string>> };
}

function judge({ exceptions = [], now = NOW, ruleset = RULESET, subject = policySubject(OPEN), namespace }: Case) {
  const circumstances = { namespace: namespace ?? { name: "shop", labels: {} }, exceptions, now: Date.parse(now) };
  return except(evaluate(subject, ruleset, "enforce"), subject, ruleset, circumstances);
}

/** What becomes of the finding of no-open-egress. */
function openEgress(how: Case): Pick<Finding, "mode" | "exception" | "lapsed"> {
  const [finding, ...more] = judge(how).filter(({ rule }) => rule === "no-open-egress");
  expect(more).toEqual([]);
  const { mode = "disabled", exception, lapsed } = finding ?? {};
  return { mode, ...(exception !== undefined && { exception }), ...(lapsed !== undefined && { lapsed }) };
}

const REFUSED = { mode: "enforce" };
const EXCEPTED = {
  mode: "audit",
  exception: "NetworkException legacy of team-db@example.com until 2026-11-30",
};

describe("an exception", () => {
  test("makes what is found of its rules a record that names it, and nothing else", () => {
    const without = judge({});
    const found = judge({ exceptions: [networkException()] });
    expect(found).toEqual(
      without.map((finding) => (finding.rule === "no-open-egress" ? { ...finding, ...EXCEPTED } : finding)),
    );
    expect(without.map(({ rule }) => rule)).toEqual(expect.arrayContaining(["no-open-egress", "require-metadata"]));
  });
  test("then nobody is warned of it; it is in the audit log", () => {
    const findings = judge({ exceptions: [networkException()] }).filter(({ rule }) => rule === "no-open-egress");
    expect(decide({ kind: "NetworkPolicy", name: "web" }, "own", findings)).toEqual({
      allowed: true,
      warnings: [],
      auditAnnotations: { findings: `audit no-open-egress spec.egress[0] by ${EXCEPTED.exception}` },
    });
  });
  test("whatever its owner is called, it is one line that no terminal obeys", () => {
    const owner = "team-db,\n  \u001b[31mred\u202e team\n";
    expect(openEgress({ exceptions: [networkException({ owner })] }).exception).toBe(
      "NetworkException legacy of team-db, ?[31mred? team until 2026-11-30",
    );
  });
  test("of another rule changes nothing", () => {
    expect(openEgress({ exceptions: [networkException({ rules: ["no-open-ingress"] })] })).toEqual(REFUSED);
  });
  test("of several rules is one of each", () => {
    const rules = ["no-open-ingress", "no-open-egress"];
    expect(openEgress({ exceptions: [networkException({ rules })] })).toEqual(EXCEPTED);
  });
});

describe("which objects it is for", () => {
  const labelled = { ...OPEN, metadata: { ...OPEN.metadata, labels: { chart: "db", tier: "x" } } };
  const begun = { ...OPEN, metadata: { namespace: "shop", generateName: "web-" } };
  const expressed = (operator: "In" | "NotIn", ...values: string[]) => ({
    matchExpressions: [{ key: "chart", operator, values }],
  });
  test.each<[string, NetworkException["spec"]["policies"], KubernetesObject, boolean]>([
    ["by name", { names: ["other", "web"] }, OPEN, true],
    ["another name", { names: ["web-2", "we", "WEB"] }, OPEN, false],
    ["a name that is only begun", { names: ["web-", "web"] }, begun, false],
    ["no name at all", { names: ["undefined", ""] }, { ...OPEN, metadata: {} }, false],
    ["by label", { selector: { matchLabels: { chart: "db" } } }, labelled, true],
    ["by another label", { selector: { matchLabels: { chart: "db", tier: "y" } } }, labelled, false],
    ["by expression", { selector: expressed("In", "db", "cache") }, labelled, true],
    ["by expression that excludes", { selector: expressed("NotIn", "db") }, labelled, false],
    ["without labels, by one", { selector: { matchLabels: { chart: "db" } } }, OPEN, false],
    ["not selected but named", { names: ["web"], selector: { matchLabels: { chart: "none" } } }, OPEN, true],
    ["not named but selected", { names: ["other"], selector: { matchLabels: { chart: "db" } } }, labelled, true],
    ["neither", { names: ["other"], selector: { matchLabels: { chart: "none" } } }, labelled, false],
    ["all", { selector: {} }, OPEN, true],
    ["a label of its podSelector", { selector: { matchLabels: { "app.kubernetes.io/name": "web" } } }, OPEN, false],
  ])("%s", (_, policies = {}, object, isFor) => {
    const exceptions = [networkException({ policies })];
    expect(openEgress({ exceptions, subject: policySubject(object) })).toEqual(isFor ? EXCEPTED : REFUSED);
  });
  test("one for workloads is not for policies of that name", () => {
    expect(openEgress({ exceptions: [networkException({ workloads: { names: ["web"], selector: {} } })] })).toEqual(
      REFUSED,
    );
  });
  test("one for policies is neither for workloads of that name nor for their namespace", () => {
    const finding = (rule: Finding["rule"]): Finding => ({
      rule,
      severity: "high",
      mode: "enforce",
      message: "m",
      path: "",
      fix: "f",
    });
    const pod = toSubject({ group: "", kind: "Pod" }, { metadata: { name: "web", namespace: "shop" } });
    if (pod === undefined) throw new Error("a Pod is judged");
    const shop = namespaceSubject({ metadata: { name: "shop" } });
    const circumstances = { namespace: { name: "shop", labels: {} }, now: Date.parse(NOW) };
    const modeOf = (subject: Subject, spec: Partial<NetworkException["spec"]>) =>
      except([finding("no-open-egress")], subject, RULESET, {
        ...circumstances,
        exceptions: [networkException(spec)],
      })[0]?.mode;
    expect(modeOf(pod, {})).toBe("enforce");
    expect(modeOf(pod, { workloads: { names: ["web"] } })).toBe("audit");
    expect(modeOf(pod, { workloads: { names: ["api"] } })).toBe("enforce");
    expect(modeOf(shop, { policies: { selector: {} }, workloads: { selector: {}, names: ["shop"] } })).toBe("enforce");
  });
});

describe("when it ends", () => {
  const lapsed = (until: string) => ({
    mode: "enforce",
    lapsed: `NetworkException legacy has expired: it was until ${until}`,
  });
  test.each([
    ["2026-11-30", "2026-11-02T00:00:00Z", true],
    ["2026-11-30", "2026-11-30T00:00:00Z", true],
    ["2026-11-30", "2026-11-30T23:59:59.999Z", true],
    ["2026-11-30", "2026-12-01T00:00:00Z", false],
    ["2026-11-30", "2030-01-01T00:00:00Z", false],
    ["2026-11-30T18:00:00Z", "2026-11-30T17:59:59.999Z", true],
    ["2026-11-30T18:00:00Z", "2026-11-30T18:00:00Z", false],
  ])("until %s, judged at %s", (expires, now, counts) => {
    const result = openEgress({ exceptions: [networkException({ expires })], now });
    expect(result).toEqual(
      counts ? { ...EXCEPTED, exception: EXCEPTED.exception.replace("2026-11-30", expires) } : lapsed(expires),
    );
  });
  test("it is named in the refusal, before the advice", () => {
    const findings = judge({ exceptions: [networkException()], now: "2027-01-01T00:00:00Z" });
    const { message } = decide({ kind: "NetworkPolicy", name: "web" }, "own", findings);
    expect(message).toMatch(
      /no-open-egress: spec\.egress\[0\]: .* \(NetworkException legacy has expired: it was until 2026-11-30\)\. Fix: /,
    );
  });
  test("of several that have, the last one is", () => {
    const exceptions = [
      networkException({ expires: "2026-11-10" }, { name: "first" }),
      networkException({ expires: "2026-11-20" }, { name: "last" }),
      networkException({ expires: "2026-11-15" }, { name: "middle" }),
    ];
    expect(openEgress({ exceptions }).lapsed).toContain("NetworkException last has expired");
  });
  test("beside one that has, one that has not counts", () => {
    const renewed = networkException({ expires: "2026-11-25" }, { name: "renewed" });
    const tooLong = networkException({ expires: "2036-11-25" }, { name: "too-long" });
    const exceptions = [networkException({ expires: "2026-11-20" }), tooLong, renewed];
    expect(openEgress({ exceptions })).toMatchObject({
      mode: "audit",
      exception: expect.stringContaining("NetworkException renewed ") as unknown,
    });
  });
});

describe("what the ruleset allows", () => {
  test("a rule that may not be excepted is not, and the finding says so", () => {
    const ruleset = rulesetWith({ rules: ["no-open-ingress"] });
    expect(openEgress({ exceptions: [networkException()], ruleset })).toEqual({
      mode: "enforce",
      lapsed: "NetworkException legacy does not count: ruleset own allows no exception to no-open-egress",
    });
  });
  test.each([
    [30, "2026-12-01", true],
    [30, "2026-12-01T23:59:59Z", true],
    [30, "2026-12-02T00:00:00Z", true],
    [30, "2026-12-02T00:00:01Z", false],
    [30, "2026-12-02", false],
    [29, "2026-12-01", false],
    [1, "2026-11-02", true],
    [3650, "2036-10-29", true],
  ])("%i days from its creation: until %s", (maxDays, expires, counts) => {
    const now = "2026-11-01T10:00:00Z";
    const result = openEgress({ exceptions: [networkException({ expires })], now, ruleset: rulesetWith({ maxDays }) });
    expect(result.mode).toBe(counts ? "audit" : "enforce");
    if (counts) return;
    expect(result.lapsed).toMatch(/^NetworkException legacy does not count: it is until .* days from its creation/);
  });
  test("the days are counted from its creation, not from now: a later date is no renewal", () => {
    const edited = networkException({ expires: "2026-12-20" });
    expect(
      openEgress({ exceptions: [edited], now: "2026-11-30T12:00:00Z", ruleset: rulesetWith({ maxDays: 30 }) }),
    ).toEqual({
      mode: "enforce",
      lapsed:
        "NetworkException legacy does not count: it is until 2026-12-20, and ruleset own allows 30 days from its creation, so until 2026-12-01",
    });
  });
  test.each([undefined, "yesterday", "+275760-09-13T00:00:00Z"])(
    "one of a file, created %s, begins now",
    (creationTimestamp) => {
      const { creationTimestamp: _, ...metadata } = networkException().metadata;
      const made = (expires: string): NetworkException => ({
        ...networkException({ expires }),
        metadata: { ...metadata, ...(creationTimestamp !== undefined && { creationTimestamp }) },
      });
      const ruleset = rulesetWith({ maxDays: 30 });
      expect(openEgress({ exceptions: [made("2026-12-21")], ruleset }).mode).toBe("audit");
      expect(openEgress({ exceptions: [made("2026-12-22")], ruleset }).mode).toBe("enforce");
    },
  );
  test("where no ruleset says anything, nothing may be excepted", () => {
    const bare = resolveRuleset(
      networkRuleset("bare", { rules: { "no-open-egress": { mode: "enforce" } } }),
      new Map(),
    );
    expect(openEgress({ exceptions: [networkException()], ruleset: bare })).toMatchObject({ mode: "enforce" });
  });
  test("what is shipped allows it for all rules but those that can simply be put right and the metadata endpoint", () => {
    const never = new Set(["require-policy-types", "no-dead-clause", "no-metadata-endpoint"]);
    // A Namespace is in no namespace: what is found of it is only excepted for good.
    const may = RULES.filter((rule: AnyRule) => rule.on !== "Namespace" && !never.has(rule.id)).map(({ id }) => id);
    expect(rulesetWith(undefined, "default").exceptions.rules.toSorted()).toEqual(may.toSorted());
    for (const id of rulesetWith(undefined, "restricted").exceptions.rules) expect(may).toContain(id);
  });
  test.each<[string, NetworkRuleset["spec"], object]>([
    ["nothing: as its base", {}, { maxDays: 90 }],
    ["nothing: as the base it names", { base: "restricted" }, { maxDays: 30 }],
    ["only days", { exceptions: { maxDays: 7 } }, { maxDays: 7, rules: RULESET.exceptions.rules }],
    ["only rules", { exceptions: { rules: ["no-open-dns"] } }, { maxDays: 90, rules: ["no-open-dns"] }],
    ["no rules", { exceptions: { rules: [] } }, { maxDays: 90, rules: [] }],
  ])("a ruleset that says %s", (_, spec, terms) => {
    expect(resolveRuleset(networkRuleset("own", spec), rulesets).exceptions).toMatchObject(terms);
  });
});

describe("permanent ones, in the ruleset", () => {
  const permanent = (tweak: Partial<PermanentException> = {}): Ruleset =>
    rulesetWith({
      permanent: [
        {
          rules: ["no-open-egress"],
          namespaces: { names: ["shop"] },
          owner: "team-platform",
          reason: "Third party.",
          ...tweak,
        },
      ],
    });
  const STANDING = { mode: "audit", exception: "ruleset own, of team-platform: Third party." };

  test.each<[string, Partial<PermanentException>, object]>([
    ["a namespace by name", {}, STANDING],
    ["another namespace", { namespaces: { names: ["shop-2"] } }, REFUSED],
    ["namespaces by label", { namespaces: { selector: { matchLabels: { team: "db" } } } }, STANDING],
    ["namespaces by another label", { namespaces: { selector: { matchLabels: { team: "web" } } } }, REFUSED],
    [
      "namespaces by the label of their name",
      { namespaces: { selector: { matchLabels: { "kubernetes.io/metadata.name": "shop" } } } },
      STANDING,
    ],
    ["by name or by label", { namespaces: { names: ["x"], selector: { matchLabels: { team: "db" } } } }, STANDING],
    ["policies by name", { policies: { names: ["web"] } }, STANDING],
    ["other policies by name", { policies: { names: ["api"] } }, REFUSED],
    ["policies of another namespace", { namespaces: { names: ["x"] }, policies: { names: ["web"] } }, REFUSED],
    ["workloads", { workloads: { selector: {} } }, REFUSED],
    ["another rule", { rules: ["no-open-ingress"] }, REFUSED],
  ])("%s", (_, tweak, expected) => {
    const namespace = { name: "shop", labels: { team: "db" } };
    expect(openEgress({ ruleset: permanent(tweak), namespace })).toEqual(expected);
  });
  test("a namespace that says it is another is not", () => {
    const namespace = { name: "evil", labels: { "kubernetes.io/metadata.name": "shop" } };
    const selector = { matchLabels: { "kubernetes.io/metadata.name": "shop" } };
    expect(openEgress({ ruleset: permanent({ namespaces: { selector } }), namespace })).toEqual(REFUSED);
  });
  test("they are for rules that nobody else may except, and do not end", () => {
    const ruleset = rulesetWith({
      rules: [],
      permanent: [{ rules: ["no-open-egress"], namespaces: { names: ["shop"] }, owner: "o", reason: "r" }],
    });
    expect(openEgress({ ruleset, now: "2126-01-01T00:00:00Z" })).toMatchObject({ mode: "audit" });
  });
  test("they come before what a namespace has of its own, which may have ended", () => {
    const exceptions = [networkException({ expires: "2026-11-02" })];
    expect(openEgress({ ruleset: permanent(), exceptions })).toEqual(STANDING);
  });
  test.each<[string, Partial<PermanentException>, string]>([
    ["narrowed to nothing, they are for the Namespace itself too", {}, "audit"],
    ["narrowed to policies, they are not", { policies: { selector: {} } }, "enforce"],
    ["narrowed to workloads, they are not", { workloads: { selector: {}, names: ["shop"] } }, "enforce"],
  ])("%s", (_, tweak, mode) => {
    const ruleset = permanent(tweak);
    const finding: Finding = {
      rule: "no-open-egress",
      severity: "high",
      mode: "enforce",
      message: "m",
      path: "",
      fix: "f",
    };
    const circumstances = { namespace: { name: "shop", labels: {} }, exceptions: [], now: Date.parse(NOW) };
    const subject = namespaceSubject({ metadata: { name: "shop" } });
    expect(except([finding], subject, ruleset, circumstances).map((one) => one.mode)).toEqual([mode]);
  });
});

describe("laws", () => {
  const id = fc.constantFrom(
    "no-open-egress",
    "no-metadata-endpoint",
    "require-ports",
    "require-metadata",
    "no-open-ingress",
  );
  const target = fc.record(
    {
      names: fc.array(fc.constantFrom("web", "api"), { minLength: 1 }),
      selector: fc.constantFrom({}, { matchLabels: { team: "db" } }, { matchLabels: { team: "web" } }),
    },
    { requiredKeys: [] },
  );
  const day = fc.constantFrom(
    "2026-11-05",
    "2026-11-21",
    "2026-11-21T12:00:00Z",
    "2026-12-24",
    "2027-01-30",
    "2040-01-01",
  );
  const exception = fc
    .record({
      name: fc.constantFrom("a", "b", "c", "d"),
      namespace: fc.constantFrom("shop", "bank"),
      rules: fc.uniqueArray(id, { minLength: 1 }),
      policies: target,
      expires: day,
    })
    .map(({ name, namespace, ...spec }) => networkException(spec, { name, namespace }));
  const exceptions = fc.array(exception, { maxLength: 5 });
  const subject = fc.constantFrom(
    OPEN,
    egress({}, { to: [{ ipBlock: { cidr: "0.0.0.0/0" } }] }),
    networkPolicy({ metadata: { name: "api", namespace: "shop", labels: { team: "db" } }, spec: { ingress: [{}] } }),
  );
  const ruleset = fc
    .record({ rules: fc.uniqueArray(id), maxDays: fc.integer({ min: 1, max: 100 }) })
    .map((terms) => rulesetWith(terms));
  const moment = fc.integer({ min: Date.parse("2026-11-01T09:00:00Z"), max: Date.parse("2027-03-01") });

  const modesOf = (all: readonly NetworkException[], object: KubernetesObject, own: Ruleset, now: number): number[] => {
    const documents = new DocumentSet();
    for (const one of all) documents.set(one);
    const circumstances = { namespace: { name: "shop", labels: {} }, exceptions: documents.exceptionsIn("shop"), now };
    const one = policySubject(object);
    return except(evaluate(one, own, "enforce"), one, own, circumstances).map(({ mode }) => MODES.indexOf(mode));
  };
  const noStricter = (modes: readonly number[], than: readonly number[]): void => {
    expect(modes).toHaveLength(than.length);
    modes.forEach((mode, i) => expect(mode).toBeLessThanOrEqual(than[i] ?? -1));
  };

  test("one exception more never makes anything stricter", () => {
    fc.assert(
      fc.property(exceptions, exception, subject, ruleset, moment, (some, one, object, own, now) => {
        const more = { ...one, metadata: { ...one.metadata, name: "more" } };
        noStricter(modesOf([...some, more], object, own, now), modesOf(some, object, own, now));
      }),
    );
  });
  test("one in another namespace changes nothing", () => {
    fc.assert(
      fc.property(exceptions, subject, ruleset, moment, (some, object, own, now) => {
        const ofShop = some.filter(({ metadata }) => metadata.namespace === "shop");
        expect(modesOf(some, object, own, now)).toEqual(modesOf(ofShop, object, own, now));
      }),
    );
  });
  test("time only ever takes away", () => {
    fc.assert(
      fc.property(exceptions, subject, ruleset, moment, moment, (some, object, own, a, b) => {
        noStricter(modesOf(some, object, own, Math.min(a, b)), modesOf(some, object, own, Math.max(a, b)));
      }),
    );
  });
  test("the order in which they came is nothing", () => {
    fc.assert(
      fc.property(exceptions, subject, ruleset, moment, (some, object, own, now) => {
        const byName = new Map(some.map((one) => [`${one.metadata.namespace}/${one.metadata.name}`, one]));
        const all = [...byName.values()];
        expect(modesOf(all, object, own, now)).toEqual(modesOf(all.toReversed(), object, own, now));
      }),
    );
  });
});
