import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { NetworkException } from "../../src/config/exception.ts";
import type { NetworkRuleset } from "../../src/config/ruleset.ts";
import { configure } from "../../src/engine/configuration.ts";
import { ALLOWED } from "../../src/engine/decide.ts";
import { DocumentSet } from "../../src/engine/document-set.ts";
import { readEmbeddedPolicies } from "../../src/files/policies.ts";
import { parseManifest } from "../../src/manifest/read.ts";
import type { KubernetesObject, Labels } from "../../src/model/objects.ts";
import { validate } from "../../src/server/validate.ts";
import { egress, ipBlock, networkException, networkRuleset } from "../helpers/build.ts";
import { admissionRequest } from "./reviews.ts";

const embedded = await readEmbeddedPolicies();

interface World {
  readonly now?: string;
  readonly documents?: readonly (NetworkException | NetworkRuleset)[];
  readonly labels?: Labels;
}

async function ask(
  kind: "NetworkPolicy" | "NetworkException",
  object: KubernetesObject,
  old?: KubernetesObject,
  world: World = {},
) {
  const { now = "2026-11-21T12:00:00Z", documents = [], labels = {} } = world;
  const own = new DocumentSet();
  for (const document of documents) own.set(document);
  const configuration = configure("enforce", embedded, own);
  const namespace = object.metadata?.namespace ?? "shop";
  const request = admissionRequest(kind, {
    namespace,
    object,
    ...(old !== undefined && { operation: "UPDATE", oldObject: old }),
  });
  const deps = {
    configuration: () => configuration,
    namespaceLabels: async () => labels,
    exceptionsIn: (name: string) => own.exceptionsIn(name),
    policiesIn: () => [],
    newestExceptionsIn: async (name: string) => own.exceptionsIn(name),
    isGoing: async () => false,
    canBind: async () => true,
    isOwn: () => false,
    now: () => Date.parse(now),
  };
  return validate(request, deps, 1000);
}

const HTTPS = { to: [ipBlock("10.1.2.0/30")], ports: [{ protocol: "TCP", port: 443 }] };
const OPEN = egress({});

describe("a policy", () => {
  const verdict = async (object: KubernetesObject, old: KubernetesObject | undefined, world: World) => {
    const { decision, findings } = await ask("NetworkPolicy", object, old, world);
    const mode = findings.find(({ rule }) => rule === "no-open-egress")?.mode ?? "none";
    const warned = decision.warnings.some((text) => text.startsWith("drawbridge: no-open-egress:"));
    const text = `${decision.message ?? ""} ${decision.warnings.join(" ")}`;
    return { allowed: decision.allowed, mode, warned, isNamed: text.includes("NetworkException legacy") };
  };
  const LIVE = { documents: [networkException()] };
  const ENDED = { ...LIVE, now: "2026-12-01T00:00:00Z" };

  const REFUSED = { allowed: false, mode: "enforce", warned: false };
  const WARNED = { allowed: true, mode: "warn", warned: true };
  const RECORDED = { allowed: true, mode: "audit", warned: false, isNamed: false };
  const labelled = { ...OPEN, metadata: { ...OPEN.metadata, labels: { touched: "yes" } } };
  const annotated = { ...OPEN, metadata: { ...OPEN.metadata, annotations: { touched: "yes" } } };

  test.each<[string, KubernetesObject, KubernetesObject | undefined, World, object]>([
    ["without an exception", OPEN, undefined, {}, { ...REFUSED, isNamed: false }],
    ["with one", OPEN, undefined, LIVE, RECORDED],
    ["with one that ended", OPEN, undefined, ENDED, { ...REFUSED, isNamed: true }],
    [
      "with one of another namespace",
      OPEN,
      undefined,
      { documents: [networkException({}, { namespace: "bank" })] },
      { ...REFUSED, isNamed: false },
    ],
    ["widened under one", egress(HTTPS, {}), egress(HTTPS), LIVE, RECORDED],
    ["not changed after its end", OPEN, OPEN, ENDED, { ...WARNED, isNamed: true }],
    ["annotated after its end", annotated, OPEN, ENDED, { ...WARNED, isNamed: true }],
    ["labelled after its end", labelled, OPEN, ENDED, { ...WARNED, isNamed: true }],
    [
      "with another fault repaired after its end",
      OPEN,
      egress({}, { to: [ipBlock("0.0.0.0/0")] }),
      ENDED,
      { ...WARNED, isNamed: true },
    ],
    ["widened after its end", egress({}), egress({ ports: [{ port: 443 }] }), ENDED, { ...REFUSED, isNamed: true }],
    [
      "with the open clause beside others after its end",
      egress(HTTPS, {}),
      egress(HTTPS),
      ENDED,
      { ...REFUSED, isNamed: true },
    ],
    [
      "closed after its end",
      egress(HTTPS),
      OPEN,
      ENDED,
      { allowed: true, mode: "none", warned: false, isNamed: false },
    ],
    ["not changed after it was deleted", OPEN, OPEN, {}, { ...WARNED, isNamed: false }],
  ])("%s", async (_, object, old, world, expected) => {
    expect(await verdict(object, old, world)).toMatchObject(expected);
  });

  test("of a namespace with another ruleset, which does not allow it", async () => {
    const labels = { "drawbridge.dev/ruleset": "restricted" };
    const { decision } = await ask("NetworkPolicy", OPEN, undefined, { ...LIVE, labels });
    expect(decision.message).toContain(
      "(NetworkException legacy does not count: ruleset restricted allows no exception to no-open-egress). Fix: ",
    );
  });

  test("of an exception that was given before the ruleset was tightened", async () => {
    const tightened = networkRuleset("default", { exceptions: { maxDays: 7 } });
    const { decision } = await ask("NetworkPolicy", OPEN, undefined, { documents: [networkException(), tightened] });
    expect(decision.message).toContain("ruleset default allows 7 days from its creation, so until 2026-11-08");
  });
});

test("a permanent exception is found by the labels of the namespace", async () => {
  const permanent = [
    { rules: ["no-open-egress"], namespaces: { selector: { matchLabels: { team: "db" } } }, owner: "o", reason: "r" },
  ];
  const documents = [networkRuleset("default", { exceptions: { permanent } })];
  expect((await ask("NetworkPolicy", OPEN, undefined, { documents })).decision.allowed).toBe(false);
  const { decision, findings } = await ask("NetworkPolicy", OPEN, undefined, { documents, labels: { team: "db" } });
  expect(decision.allowed).toBe(true);
  expect(findings).toContainEqual(
    expect.objectContaining({ rule: "no-open-egress", mode: "audit", exception: "ruleset default, of o: r" }),
  );
});

describe("an exception that would not count is refused where it is written", () => {
  const NO_RULE = networkException({ rules: ["no-open-egress", "no-dead-clause"] });
  const TOO_LONG = networkException({ expires: "2027-01-31" });
  const relabelled = (exception: NetworkException) => ({
    ...exception,
    metadata: { ...exception.metadata, labels: { touched: "yes" } },
  });
  const TIGHT = { documents: [networkRuleset("default", { exceptions: { maxDays: 7 } })] };

  test.each<[string, NetworkException, NetworkException | undefined, World, RegExp]>([
    [
      "to a rule that may not be excepted",
      NO_RULE,
      undefined,
      {},
      /^NetworkException legacy does not count: ruleset default allows no exception to no-dead-clause\nIt allows exceptions to no-unstable-label, .*no-host-network\.$/,
    ],
    [
      "where nothing may be",
      networkException(),
      undefined,
      { documents: [networkRuleset("default", { exceptions: { rules: [] } })] },
      /no-open-egress\nIt allows no exceptions\.$/,
    ],
    [
      "for too long",
      TOO_LONG,
      undefined,
      {},
      /^NetworkException legacy does not count: it is until 2027-01-31, and ruleset default allows 90 days from its creation, so until 2027-01-30$/,
    ],
    [
      "renewed by its date",
      TOO_LONG,
      networkException({ expires: "2027-01-30" }),
      { now: "2027-01-20T00:00:00Z" },
      /until 2027-01-30$/,
    ],
    ["for more rules than before", NO_RULE, networkException(), {}, /no exception to no-dead-clause/],
    [
      "in a ruleset that was tightened, changed in part",
      networkException({ reason: "Still." }),
      networkException(),
      TIGHT,
      /allows 7 days/,
    ],
    [
      "by the ruleset of its namespace",
      networkException(),
      undefined,
      { labels: { "drawbridge.dev/ruleset": "restricted" } },
      /ruleset restricted allows no exception to no-open-egress/,
    ],
    [
      "that is not valid",
      { ...networkException(), spec: { ...networkException().spec, expires: "2026-02-30" } },
      undefined,
      {},
      /^NetworkException legacy is not valid:\n {2}spec\.expires is "2026-02-30"/,
    ],
  ])("%s", async (_, exception, old, world, message) => {
    const { decision } = await ask("NetworkException", exception, old, world);
    expect(decision).toMatchObject({ allowed: false, warnings: [] });
    expect(decision.message).toMatch(message);
  });

  test.each<[string, NetworkException, NetworkException | undefined, World, RegExp | undefined]>([
    ["one that counts", networkException(), undefined, {}, undefined],
    ["the latest day", networkException({ expires: "2027-01-30" }), undefined, {}, undefined],
    ["a date edited within its days", networkException({ expires: "2027-01-30" }), networkException(), {}, undefined],
    [
      "one that has expired, as GitOps tools apply it again",
      networkException(),
      undefined,
      { now: "2027-01-01T00:00:00Z" },
      /has expired: it was until 2026-11-30/,
    ],
    [
      "labels, in a ruleset that was tightened",
      relabelled(networkException()),
      networkException(),
      TIGHT,
      /does not count: .* allows 7 days/,
    ],
    [
      "a shorter life, in a ruleset that was tightened",
      networkException({ expires: "2026-11-08" }),
      networkException(),
      { ...TIGHT, now: "2026-11-07T00:00:00Z" },
      undefined,
    ],
  ])("but not %s", async (_, exception, old, world, warning) => {
    const { decision } = await ask("NetworkException", exception, old, world);
    expect(decision.allowed).toBe(true);
    expect(decision.warnings).toEqual(warning === undefined ? [] : [expect.stringMatching(warning)]);
  });

  test("and not one that is being deleted, whatever it says: its finalizers must be able to go", async () => {
    const old = { ...TOO_LONG, metadata: { ...TOO_LONG.metadata, deletionTimestamp: "2026-11-21T11:00:00Z" } };
    expect((await ask("NetworkException", TOO_LONG, old)).decision.allowed).toBe(true);
  });
});

describe("docs/exceptions.md", () => {
  const page = readFileSync(new URL("../../docs/exceptions.md", import.meta.url), "utf8");
  const [example] = parseManifest(/```yaml\n([\s\S]*?)```/.exec(page)?.[1] ?? "", "docs/exceptions.md");
  const exception = example?.value as NetworkException;
  const metadata = { ...exception.metadata, creationTimestamp: "2026-11-21T12:00:00Z" };

  test("gives one that counts", async () => {
    expect((await ask("NetworkException", { ...exception, metadata })).decision).toEqual(ALLOWED);
  });
  test("shows what is said of one that is too long", async () => {
    const long = { ...exception, metadata, spec: { ...exception.spec, expires: "2028-01-31" } };
    const { message = "missing" } = (await ask("NetworkException", long)).decision;
    expect(page).toContain(`\n${message}\n`);
  });
});
