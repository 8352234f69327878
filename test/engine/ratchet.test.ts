import { describe, expect, test } from "vitest";
import { evaluate, type Finding } from "../../src/engine/evaluate.ts";
import { relax } from "../../src/engine/ratchet.ts";
import { resolveRuleset } from "../../src/engine/ruleset.ts";
import { policySubject, toSubject } from "../../src/engine/subject.ts";
import { readEmbeddedPolicies } from "../../src/files/policies.ts";
import type { NetworkPolicy } from "../../src/model/network-policy.ts";
import type { KubernetesObject } from "../../src/model/objects.ts";
import { groupOf } from "../../src/model/workload.ts";
import {
  cronJob,
  deployment,
  egress,
  egressTo,
  expression,
  ipBlock,
  namespace,
  networkPolicy,
  networkRuleset,
  pod,
  type PodTweak,
  selector,
} from "../helpers/build.ts";

const { rulesets } = await readEmbeddedPolicies();
const ruleset = resolveRuleset(networkRuleset("own"), rulesets);

/** What becomes of an update, as `mode rule` for each finding. */
function update(old: NetworkPolicy, object: NetworkPolicy): string[] {
  const judged = (policy: NetworkPolicy) => evaluate(policySubject(policy), ruleset, "enforce");
  const findings = relax(judged(object), policySubject(object), judged(old), policySubject(old));
  expect(findings).toHaveLength(judged(object).length);
  return findings.filter(({ rule }) => !rule.startsWith("require-")).map(({ mode, rule }) => `${mode} ${rule}`);
}

const OPEN = {};
const HTTPS = { to: [{ podSelector: selector({ app: "x" }) }], ports: [{ port: 443 }] };
const EVERYWHERE = { to: [{ namespaceSelector: {} }], ports: [{ port: 443 }] };

describe("nothing that counts has changed: what is wrong is only warned of", () => {
  test("the same object", () => {
    expect(update(egress(OPEN), egress(OPEN))).toEqual(["warn no-open-egress"]);
  });
  test("an annotation", () => {
    const touched = { ...egress(OPEN), metadata: { name: "web", annotations: { "example.com/touched": "now" } } };
    expect(update(egress(OPEN), touched)).toEqual(["warn no-open-egress"]);
  });
  test("finalizers, managed fields, resourceVersion", () => {
    const touched = { ...egress(OPEN), metadata: { ...egress().metadata, resourceVersion: "2", managedFields: [{}] } };
    expect(update(egress(OPEN), touched)).toEqual(["warn no-open-egress"]);
  });
  test("the order of keys", () => {
    const { spec } = egress(OPEN);
    const turned = { ...egress(OPEN), spec: Object.fromEntries(Object.entries(spec as object).toReversed()) };
    expect(update(egress(OPEN), turned)).toEqual(["warn no-open-egress"]);
  });
  test("even what the old object was not found to have: a rule that has been switched on since", () => {
    const object = egress(OPEN);
    const findings = evaluate(policySubject(object), ruleset, "enforce");
    expect(relax(findings, policySubject(object), [], policySubject(object)).map(({ mode }) => mode)).not.toContain(
      "enforce",
    );
  });
});

describe("the spec has changed", () => {
  test("a new fault is refused", () => {
    expect(update(egress(HTTPS), egress(HTTPS, OPEN))).toEqual(["enforce no-open-egress"]);
  });
  test("an old fault is warned of while another is repaired", () => {
    expect(update(egress(OPEN, EVERYWHERE), egress(OPEN, HTTPS))).toEqual(["warn no-open-egress"]);
  });
  test("an old fault is warned of while another comes, which is refused", () => {
    expect(update(egress(EVERYWHERE), egress(EVERYWHERE, { ports: [{ port: 443 }] }))).toEqual([
      "enforce no-open-egress",
      "warn no-all-namespaces-peer",
    ]);
  });
  test("a fault that opens nothing beside one that opens everything is warned of", () => {
    expect(update(egress(OPEN), egress(OPEN, EVERYWHERE))).toEqual([
      "warn no-open-egress",
      "warn no-all-namespaces-peer",
    ]);
  });
  test("the same fault at another index is the same fault", () => {
    expect(update(egress(OPEN, HTTPS), egress(HTTPS, HTTPS, OPEN))).toEqual(["warn no-open-egress"]);
  });
  test("a second copy of an old fault opens nothing more", () => {
    expect(update(egress(OPEN), egress(OPEN, OPEN))).toEqual(["warn no-open-egress", "warn no-open-egress"]);
  });
  test.each([
    [
      "one of two copies of the internet goes",
      egressTo("0.0.0.0/0", "0.0.0.0/0"),
      egressTo("0.0.0.0/0"),
      "no-broad-cidr",
    ],
    ["a CIDR becomes narrower", egressTo("0.0.0.0/0"), egressTo("11.0.0.0/8"), "no-broad-cidr"],
    [
      "a CIDR is written as its halves",
      egressTo("11.0.0.0/8"),
      egressTo("11.0.0.0/9", "11.128.0.0/9"),
      "no-broad-cidr",
    ],
    ["an open clause gets ports", egress(OPEN), egress({ ports: [{ port: 443 }] }), "no-open-egress"],
    [
      "a range of ports becomes narrower",
      egress({ ports: [{ port: 1, endPort: 99 }] }),
      egress({ ports: [{ port: 80, protocol: "TCP" }] }),
      "no-open-egress",
    ],
    [
      "two clauses become one",
      egress({ to: [ipBlock("11.0.0.0/8")] }, { to: [ipBlock("12.0.0.0/8")] }),
      egressTo("11.0.0.0/8", "12.0.0.0/8"),
      "no-broad-cidr",
    ],
    [
      "one of two values goes",
      egress({ to: [{ podSelector: selector({}, expression("version", "In", ["1", "2"])) }] }),
      egress({ to: [{ podSelector: selector({}, expression("version", "In", ["1"])) }] }),
      "no-unstable-label",
    ],
  ])("a repair that does not go all the way is warned of: %s", (_name, old, now, rule) => {
    expect(update(old, now)).toEqual([`warn ${rule}`]);
  });
  test("a fault that is the sum of several clauses is old only if none of them opens more", () => {
    const to = (cidr: string, ...ports: number[]) => ({
      to: [ipBlock(cidr)],
      ...(ports.length > 0 && { ports: ports.map((port) => ({ port })) }),
    });
    const old = egress(to("0.0.0.0/0", 443), to("203.0.113.1/32", 22));
    expect(update(old, egress(to("0.0.0.0/0", 443), to("0.0.0.0/0", 22)))).toEqual(["enforce no-broad-cidr"]);
    expect(update(old, egress(to("0.0.0.0/0", 443), HTTPS))).toEqual(["warn no-broad-cidr"]);
  });
  // Compared one by one they would take longer than a test may.
  test("thousands of peers against thousands of others are judged in time", () => {
    const many = (prefix: string) =>
      egress({
        to: Array.from({ length: 6_000 }, (_, i) => ({ podSelector: selector({ version: `${prefix}${i}` }) })),
      });
    expect(new Set(update(many("a"), many("b")))).toEqual(new Set(["enforce no-unstable-label"]));
  });
  test("of two copies one may go", () => {
    expect(update(egress(OPEN, OPEN), egress(OPEN, HTTPS))).toEqual(["warn no-open-egress"]);
  });
  test("an expiry date that cannot be read is an old fault only as long as no other clause is broad", () => {
    const strict = resolveRuleset(
      networkRuleset("own", { rules: { "require-expiry": { mode: "enforce" } } }),
      rulesets,
    );
    const undated = (policy: NetworkPolicy) =>
      policySubject({ ...policy, metadata: { ...policy.metadata, annotations: { expires: "soon" } } });
    const modeOf = (old: NetworkPolicy, object: NetworkPolicy) => {
      const [before, now] = [undated(old), undated(object)];
      const findings = relax(evaluate(now, strict, "enforce"), now, evaluate(before, strict, "enforce"), before);
      return findings.find(({ rule }) => rule === "require-expiry")?.mode;
    };
    expect(modeOf(egress(OPEN), egress(OPEN, HTTPS))).toBe("warn");
    expect(modeOf(egress(HTTPS), egress(HTTPS, EVERYWHERE))).toBe("enforce");
    expect(modeOf(egress(EVERYWHERE), egress(EVERYWHERE, { ports: [{ port: 443 }] }))).toBe("enforce");
  });
  test("half of the ports was there, the other half comes in a clause of its own", () => {
    const to = (port: number, endPort: number) => ({ ...HTTPS, ports: [{ port, endPort }] });
    const only = resolveRuleset(networkRuleset("own", { rules: { "require-ports": { mode: "enforce" } } }), new Map());
    const judged = (policy: NetworkPolicy) => evaluate(policySubject(policy), only, "enforce");
    const [old, now] = [egress(to(1, 32_767)), egress(to(1, 32_767), to(32_768, 65_535))];
    expect(relax(judged(now), policySubject(now), judged(old), policySubject(old))).toMatchObject([
      { rule: "require-ports", mode: "enforce" },
    ]);
    expect(relax(judged(now), policySubject(now), judged(now), policySubject(egress(to(1, 65_535))))).toMatchObject([
      { rule: "require-ports", mode: "warn" },
    ]);
  });
  test("another CIDR, as broad, is refused", () => {
    expect(update(egressTo("11.0.0.0/8"), egressTo("12.0.0.0/8"))).toEqual(["enforce no-broad-cidr"]);
  });
  test("a broader CIDR is refused", () => {
    expect(update(egressTo("11.0.0.0/8"), egressTo("0.0.0.0/0"))).toEqual(["enforce no-broad-cidr"]);
  });
  test("one hole less in the same CIDR is refused", () => {
    const holes = ["11.0.0.0/10", "11.64.0.0/10"];
    const old = egressTo({ cidr: "11.0.0.0/8", except: holes });
    expect(update(old, egressTo({ cidr: "11.0.0.0/8", except: holes.slice(1) }))).toEqual(["enforce no-broad-cidr"]);
  });
  test("the broad CIDR that was there, beside new Pods, is warned of", () => {
    const now = egress({ to: [ipBlock("11.0.0.0/8")], ports: [{ port: 443 }] }, HTTPS);
    expect(update(egressTo("11.0.0.0/8"), now)).toEqual(["warn no-broad-cidr"]);
  });
  test("another port of an open clause is refused", () => {
    const on = (port: number) => egress({ ports: [{ port }] });
    expect(update(on(443), on(80))).toEqual(["enforce no-open-egress"]);
  });
  test("another unstable label is refused, the same one beside a new label is warned of", () => {
    const by = (labels: Record<string, string>) => networkPolicy({ spec: { podSelector: selector(labels) } });
    expect(update(by({ version: "1" }), by({ version: "2" }))).toEqual(["enforce no-unstable-label"]);
    expect(update(by({ version: "1" }), by({ version: "1", app: "x" }))).toEqual(["warn no-unstable-label"]);
    expect(update(by({ version: "1" }), by({ "pod-template-hash": "1" }))).toEqual(["enforce no-unstable-label"]);
  });
});

describe("an old fault in a clause is a new one as soon as it opens more", () => {
  const spec = (object: object): NetworkPolicy =>
    networkPolicy({ spec: { podSelector: selector({ app: "web" }), policyTypes: ["Egress"], ...object } });

  test("for other Pods", () => {
    const to = (podSelector: object) => spec({ podSelector, egress: [OPEN] });
    expect(update(to(selector({ app: "web" })), to({}))).toEqual(["enforce no-open-egress"]);
  });
  test("because it comes into effect", () => {
    const dead = spec({ policyTypes: ["Ingress"], egress: [OPEN] });
    const alive = spec({ policyTypes: ["Ingress", "Egress"], egress: [OPEN] });
    expect(update(dead, alive)).toEqual(["enforce no-open-egress"]);
    expect(update(alive, spec({ policyTypes: ["Egress"], egress: [OPEN] }))).toEqual(["warn no-open-egress"]);
  });
  test("because its ports are gone", () => {
    const without = { to: EVERYWHERE.to };
    expect(update(spec({ egress: [EVERYWHERE] }), spec({ egress: [without] }))).toEqual([
      "enforce no-all-namespaces-peer",
    ]);
  });
  test("because its podSelector is gone", () => {
    const narrow = { to: [{ namespaceSelector: {}, podSelector: selector({ app: "x" }) }], ports: [{ port: 443 }] };
    const wide = { to: [{ namespaceSelector: {}, podSelector: selector({ app: "y" }) }], ports: [{ port: 443 }] };
    expect(update(spec({ egress: [narrow] }), spec({ egress: [wide] }))).toEqual(["enforce no-all-namespaces-peer"]);
  });
});

describe("annotations that rules ask for", () => {
  const strict = resolveRuleset(
    networkRuleset("own", {
      rules: { "require-metadata": { mode: "enforce" }, "require-expiry": { mode: "enforce" } },
    }),
    rulesets,
  );
  const ALL = { description: "d", owner: "o", reviewed: "2026-11-01", expires: "2027-01-31" };
  const without = (...keys: string[]) => Object.fromEntries(Object.entries(ALL).filter(([key]) => !keys.includes(key)));
  const outcome = (old: Record<string, string>, now: Record<string, string>, clause: object = EVERYWHERE) => {
    const annotated = (policy: NetworkPolicy, annotations: Record<string, string>) =>
      policySubject({ ...policy, metadata: { ...policy.metadata, annotations } });
    const [before, after] = [annotated(egress(EVERYWHERE), old), annotated(egress(clause), now)];
    return relax(evaluate(after, strict, "enforce"), after, evaluate(before, strict, "enforce"), before)
      .filter(({ rule }) => rule.startsWith("require-"))
      .map(({ mode, rule }) => `${mode} ${rule}`);
  };
  const NARROWER = { ...EVERYWHERE, to: [{ namespaceSelector: {}, podSelector: selector({ app: "x" }) }] };

  test.each([
    ["the owner goes", ALL, without("owner"), ["enforce require-metadata"]],
    ["the date goes", ALL, without("expires"), ["enforce require-expiry"]],
    ["a date becomes none", ALL, { ...ALL, expires: "some day" }, ["enforce require-expiry"]],
    [
      "what lacked may lack",
      without("owner", "expires"),
      without("owner", "expires"),
      ["warn require-metadata", "warn require-expiry"],
    ],
    ["one of two comes", without("owner", "expires"), without("expires"), ["warn require-expiry"]],
    [
      "another goes",
      without("owner"),
      without("owner", "expires"),
      ["warn require-metadata", "enforce require-expiry"],
    ],
    ["what said nothing goes", { ...ALL, expires: "some day" }, without("expires"), ["warn require-expiry"]],
    [
      "any other comes",
      without("expires"),
      { ...without("expires"), "example.com/touched": "now" },
      ["warn require-expiry"],
    ],
  ])("%s", (_name, old, now, expected) => {
    expect(outcome(old, now)).toEqual(expected);
    expect(outcome(old, now, NARROWER)).toEqual(expected);
  });
});

describe("labels of the policy have changed", () => {
  test("old faults are still old", () => {
    const labelled = { ...egress(OPEN), metadata: { name: "web", labels: { app: "x" } } };
    expect(update(egress(OPEN), labelled)).toEqual(["warn no-open-egress"]);
  });
  test("a finding that is not about a clause, and that the old object was not found to have, counts", () => {
    const labelled = networkPolicy({
      metadata: { labels: { a: "b" } },
      spec: { podSelector: selector({ version: "1" }) },
    });
    const before = networkPolicy({ spec: { podSelector: selector({ version: "1" }) } });
    const findings = evaluate(policySubject(labelled), ruleset, "enforce");
    expect(relax(findings, policySubject(labelled), [], policySubject(before)).map(({ mode }) => mode)).toContain(
      "enforce",
    );
  });
});

describe("workloads and Namespaces", () => {
  const strict = resolveRuleset(
    networkRuleset("restricted", {
      rules: {
        "no-host-network": { mode: "enforce" },
        "require-workload-labels": { options: { labels: ["app", "team"], values: { team: ["web", "db"] } } },
      },
    }),
    rulesets,
  );
  const subjectOf = (object: KubernetesObject) => {
    const subject = toSubject({ group: groupOf(object.apiVersion ?? ""), kind: object.kind ?? "" }, object);
    if (subject === undefined) throw new Error("no rule is on this");
    return subject;
  };
  /** What becomes of an update, as `mode key` for each finding. */
  const outcome = (old: KubernetesObject, object: KubernetesObject): string[] => {
    const [before, now] = [subjectOf(old), subjectOf(object)];
    const findings = relax(evaluate(now, strict, "enforce"), now, evaluate(before, strict, "enforce"), before);
    return findings.map(({ mode, path }) => `${mode} ${path.split("/").at(-1)}`);
  };
  const both = (one: PodTweak, other: PodTweak) =>
    [
      ["a Pod", pod(one), pod(other)],
      ["a Deployment", deployment(one, { replicas: 1 }), deployment(other, { replicas: 5 })],
      ["a CronJob", cronJob(one, { suspend: true }), cronJob(other, { suspend: false })],
    ] as const;

  test.each(both({ labels: {} }, { labels: {} }))("%s: what it lacked it may lack", (_name, old, object) => {
    expect(outcome(old, object)).toEqual(["warn app", "warn team"]);
  });
  test.each(both({ labels: {}, hostNetwork: true }, { labels: { app: "web" }, hostNetwork: true }))(
    "%s: one of three faults may be repaired",
    (_name, old, object) => {
      expect(outcome(old, object)).toEqual(["warn team", "warn hostNetwork"]);
    },
  );
  test.each(both({ labels: { app: "web", team: "web" } }, { labels: { app: "web" } }))(
    "%s: a label that was there may not go",
    (_name, old, object) => {
      expect(outcome(old, object)).toEqual(["enforce team"]);
    },
  );
  test.each(both({ labels: { app: "web", team: "ops" } }, { labels: { app: "x", team: "ops" } }))(
    "%s: a value that was not allowed may stay",
    (_name, old, object) => {
      expect(outcome(old, object)).toEqual(["warn team"]);
    },
  );
  test.each(both({ labels: { app: "web", team: "ops" } }, { labels: { app: "web", team: "hr" } }))(
    "%s: another one may not come",
    (_name, old, object) => {
      expect(outcome(old, object)).toEqual(["enforce team"]);
    },
  );
  test.each(both({ labels: { app: "web", team: "web" } }, { labels: { app: "web", team: "web" }, hostNetwork: true }))(
    "%s: hostNetwork may not come",
    (_name, old, object) => {
      expect(outcome(old, object)).toEqual(["enforce hostNetwork"]);
    },
  );
  test("a rule that has been switched on since counts against new labels only", () => {
    const [before, now] = [deployment({ labels: {} }), deployment({ labels: {} }, { replicas: 3 })].map(subjectOf);
    if (before === undefined || now === undefined) throw new Error("no rule is on this");
    const found = evaluate(now, strict, "enforce");
    expect(relax(found, now, [], before).map(({ mode }) => mode)).toEqual(["warn", "warn"]);
  });
  test("a Namespace may lack what it lacked, and nothing else", () => {
    const [bare, some] = [{ tenant: "x" }, { tenant: "x", environment: "test" }];
    expect(outcome(namespace(bare), namespace(bare))).toEqual(["warn environment", "warn domain"]);
    expect(outcome(namespace(bare), namespace(some))).toEqual(["warn domain"]);
    expect(outcome(namespace(bare), namespace({ ...bare, "drawbridge.dev/mode": "enforce" }))).toEqual([
      "warn environment",
      "warn domain",
    ]);
    expect(outcome(namespace(some), namespace(bare))).toEqual(["enforce environment", "warn domain"]);
  });
});

describe("modes", () => {
  const finding = (mode: Finding["mode"]): Finding => ({
    rule: "no-x",
    severity: "low",
    message: "m",
    path: "/spec",
    fix: "f",
    mode,
  });
  test.each([
    ["enforce", "warn"],
    ["warn", "warn"],
    ["audit", "audit"],
  ] as const)("%s becomes %s, never more", (mode, expected) => {
    const object = networkPolicy();
    expect(relax([finding(mode)], policySubject(object), [], policySubject(object))).toEqual([finding(expected)]);
    const changed = networkPolicy({ metadata: { labels: { a: "b" } } });
    expect(relax([finding(mode)], policySubject(changed), [finding("enforce")], policySubject(object))).toEqual([
      finding(expected),
    ]);
  });
  test("another rule is another fault, the same in other words is not", () => {
    const [old, object] = [networkPolicy(), networkPolicy({ metadata: { labels: { a: "b" } } })];
    const known = { ...finding("enforce"), path: "/spec/policyTypes" };
    const other = { ...known, rule: "no-y" };
    const inOtherWords = { ...known, message: "n" };
    const relaxed = relax([other, inOtherWords], policySubject(object), [known], policySubject(old));
    expect(relaxed.map(({ mode }) => mode)).toEqual(["enforce", "warn"]);
  });
});
