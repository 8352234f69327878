import { execFile } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { decide } from "../../src/engine/decide.ts";
import { DAY_MS } from "../../src/model/dates.ts";
import type { Finding } from "../../src/engine/evaluate.ts";
import { parseManifest } from "../../src/manifest/read.ts";
import { isRecord, type JsonObject } from "../../src/model/json.ts";
import type { ObjectRef } from "../../src/model/objects.ts";
import { RULES } from "../../src/rules/index.ts";
import { CASES } from "../apiserver/cases.ts";
import { eventually } from "../helpers/eventually.ts";
import { NAMESPACE_CONTRACT, networkRuleset } from "../helpers/build.ts";
import { VALID_POLICIES } from "../helpers/mutate.ts";
import { COLLECTIONS } from "./harness/collections.ts";
import { describeCluster } from "./harness/context.ts";
import { type Drawbridge, startDrawbridge } from "./harness/drawbridge.ts";
import { type ApiAnswer, type ApiClient, connectHttp } from "./harness/http.ts";

const TOP = join(import.meta.dirname, "../..");
const AT_ONCE = 8;

/** Labels of the namespaces in which everything is judged. */
const NAMESPACES: Readonly<Record<string, Record<string, string>>> = {
  plain: {},
  strict: { "drawbridge.dev/ruleset": "restricted" },
  warned: { "drawbridge.dev/mode": "warn" },
  audited: { "drawbridge.dev/mode": "audit" },
  every: { "drawbridge.dev/ruleset": "every-rule" },
  excepted: { "drawbridge.dev/ruleset": "every-rule" },
};

/** All of them are in the cluster and in the set of files alike. */
const SURROUNDINGS: readonly object[] = [
  ...Object.entries(NAMESPACES).map(([name, labels]) => ({
    apiVersion: "v1",
    kind: "Namespace",
    metadata: { name, labels: { ...NAMESPACE_CONTRACT, ...labels } },
  })),
  networkRuleset("every-rule", {
    rules: Object.fromEntries(RULES.map(({ id }) => [id, { mode: "enforce" as const }])),
    exceptions: { rules: ["no-broad-cidr", "no-open-egress", "require-ports"], maxDays: 30 },
  }),
  {
    apiVersion: "drawbridge.dev/v1alpha1",
    kind: "NetworkException",
    metadata: { name: "migration", namespace: "excepted" },
    spec: {
      rules: ["no-broad-cidr", "no-open-egress", "require-ports"],
      policies: { selector: {} },
      reason: "The old data centre is still in use.",
      owner: "team-network@example.com",
      expires: new Date(Date.now() + 20 * DAY_MS).toISOString().slice(0, 10),
    },
  },
];

interface ParityCase {
  readonly name: string;
  readonly object: JsonObject;
}

/** Every example of every rule, every demonstration and every valid fixture, in each namespace. */
function judgedCases(): ParityCase[] {
  const examples = RULES.flatMap(({ id, examples: all }) =>
    all.flatMap(({ title, bad, good }) => [
      { name: `${id}, ${title}, bad`, object: only(bad) },
      { name: `${id}, ${title}, good`, object: only(good) },
    ]),
  );
  const demos = readdirSync(join(TOP, "demo/policies")).flatMap((file) =>
    parseManifest(readFileSync(join(TOP, "demo/policies", file), "utf8"), file).map(({ value }) => ({
      name: file,
      object: value as JsonObject,
    })),
  );
  const fixtures = VALID_POLICIES.map((object, i) => ({ name: `valid policy ${i}`, object: object as JsonObject }));
  // A name that the API server makes up is another one each time, and cannot be applied.
  const named = fixtures.filter(({ object }) => isRecord(object["metadata"]) && "name" in object["metadata"]);
  return [...examples, ...demos, ...named].flatMap(({ name, object }, i) =>
    Object.entries(NAMESPACES).map(([namespace, labels]) => ({
      name: `${name}, in ${namespace}`,
      object:
        object["kind"] === "Namespace" ? labelled(object, labels, `${namespace}-${i}`) : placed(object, namespace),
    })),
  );
}

/** facts of the API server: it refuses these before it asks any webhook. */
function refusedCases(): ParityCase[] {
  return Object.values(CASES)
    .flat()
    .flatMap(([name, object, ...paths]) =>
      paths.length > 0 && isRecord(object) && object["apiVersion"] === "networking.k8s.io/v1" ? [{ name, object }] : [],
    )
    .filter(({ object }) => object["kind"] === "NetworkPolicy");
}

function only(yaml: string): JsonObject {
  const [document] = parseManifest(yaml, "example.yaml");
  return document?.value as JsonObject;
}

function placed(object: JsonObject, namespace: string): JsonObject {
  return { ...object, metadata: { ...(object["metadata"] as object), namespace } };
}

/** Each with a name of its own: two of one name with other labels contradict each other. */
function labelled(object: JsonObject, more: object, name: string): JsonObject {
  const { labels, ...metadata } = object["metadata"] as { labels?: object };
  return { ...object, metadata: { ...metadata, name, labels: { ...labels, ...more } } };
}

/** What `drawbridge lint --format json` prints of a finding, as far as this test reads it. */
interface Printed extends Finding {
  readonly file: string;
  readonly object?: ObjectRef;
  readonly ruleset?: string;
}

/** The CLI over all of them, each in a file of its own, as a person runs it. */
async function lint(cases: readonly ParityCase[], folder: string): Promise<Map<string, Printed[]>> {
  mkdirSync(folder);
  writeFileSync(join(folder, "surroundings.json"), SURROUNDINGS.map((object) => JSON.stringify(object)).join("\n"));
  cases.forEach(({ object }, i) => writeFileSync(join(folder, `${i}.json`), JSON.stringify(object)));
  const args = [join(TOP, "src/cli.ts"), "lint", "--format", "json", folder];
  // It ends with 1: there are findings.
  const { stdout } = await promisify(execFile)(process.execPath, args, { maxBuffer: 1 << 28 }).catch(
    (error: { stdout: string; code: number }) => (error.code === 1 ? error : Promise.reject(error)),
  );
  const { findings } = JSON.parse(stdout) as { readonly findings: readonly Printed[] };
  return Map.groupBy(findings, ({ file }) => file.slice(folder.length + 1));
}

const WAYS = {
  "server-side apply": (client: ApiClient, object: JsonObject) =>
    client.send("PATCH", pathOf(object, true, "kubectl", "&force=true"), object, "application/apply-patch+yaml"),
  "client-side apply": (client: ApiClient, object: JsonObject) =>
    client.send(
      "POST",
      pathOf(object, false, "kubectl-client-side-apply"),
      withLastApplied(object),
      "application/json",
    ),
  create: (client: ApiClient, object: JsonObject) =>
    client.send("POST", pathOf(object, false, "kubectl-create"), object, "application/json"),
} as const;

/** The only difference: a plain POST bears no witness to what its author left out, so this rule is silent. */
const UNKNOWABLE_IN_CREATE = "require-policy-types";

function pathOf(object: JsonObject, isNamed: boolean, fieldManager: string, more = ""): string {
  const { name = "", namespace } = isRecord(object["metadata"]) ? object["metadata"] : {};
  const collection =
    COLLECTIONS[String(object["kind"])]?.replace(
      "NS",
      encodeURIComponent(typeof namespace === "string" && namespace !== "" ? namespace : "default"),
    ) ?? "";
  return `${collection}${isNamed ? `/${String(name)}` : ""}?fieldManager=${fieldManager}&dryRun=All&fieldValidation=Strict${more}`;
}

function withLastApplied(object: JsonObject): JsonObject {
  const { annotations, ...metadata } = object["metadata"] as { annotations?: object };
  const applied = { "kubectl.kubernetes.io/last-applied-configuration": JSON.stringify(object) };
  return { ...object, metadata: { ...metadata, annotations: { ...annotations, ...applied } } };
}

/** What a cluster would say, by what the CLI found. */
function expected(findings: readonly Printed[], way: keyof typeof WAYS): { refusal: string; warnings: string[] } {
  const known = findings
    .filter(({ rule }) => way !== "create" || rule !== UNKNOWABLE_IN_CREATE)
    .toSorted((a, b) => orderOf(a) - orderOf(b));
  const [{ object, ruleset } = {}] = known;
  if (object === undefined) return { refusal: "", warnings: [] };
  const { allowed, message = "", warnings } = decide(object, ruleset ?? "", known);
  return { refusal: allowed ? "" : message, warnings: warnings.toSorted() };
}

/** The CLI sorts by place, the webhook by rule. */
function orderOf({ rule }: Finding): number {
  return RULES.findIndex(({ id }) => id === rule);
}

function said({ status, body, warnings }: ApiAnswer): { refusal: string; warnings: string[] } {
  const refusal =
    status < 300 ? "" : (body.message ?? "").replace(/^admission webhook "[^"]+" denied the request: /, "");
  return {
    refusal: sortedLines(refusal),
    warnings: warnings.filter((text) => !NO_FINDING.test(text)).toSorted(),
  };
}

/** What a new namespace would get besides is no fault of its manifest. */
const NO_FINDING = /^drawbridge: (in mode enforce )?this namespace (would|will) get the policies/;

/** Of the same rule the CLI may name two places in another order. */
function sortedLines(text: string): string {
  const [first = "", ...lines] = text.split("\n");
  return [first, ...lines.toSorted()].join("\n");
}

async function atOnce<T>(cases: readonly T[], work: (one: T, index: number) => Promise<void>): Promise<void> {
  const queue = cases.entries();
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (const [index, one] of queue) await work(one, index);
    }),
  );
}

describeCluster("the same verdict from files and from the API server", (cluster) => {
  const judged = judgedCases();
  const refused = refusedCases();
  let drawbridge: Drawbridge;
  let client: ApiClient;
  let found: Map<string, Printed[]>;

  beforeAll(async () => {
    drawbridge = await startDrawbridge({ cluster: cluster() });
    client = connectHttp(cluster());
    for (const object of SURROUNDINGS) await cluster().ok(["create", "-f", "-"], { input: JSON.stringify(object) });
    for (const name of ["every-rule", "migration"]) {
      await eventually(() =>
        expect(drawbridge.log).toContainEqual(expect.objectContaining({ msg: "configuration changed", name })),
      );
    }
    found = await lint([...judged, ...refused], join(cluster().directory, "manifests"));
  }, 60_000);
  afterAll(async () => {
    await client?.close();
    await drawbridge?.stop();
  });

  test("there are enough cases, and the CLI read them all", () => {
    expect(judged.length).toBeGreaterThan(250);
    expect(refused.length).toBeGreaterThan(100);
    expect([...found.keys()]).not.toContain("surroundings.json");
  });

  test.each(Object.keys(WAYS) as (keyof typeof WAYS)[])("%s", { timeout: 60_000 }, async (way) => {
    const differences: object[] = [];
    const verdicts = new Set<string>();
    await atOnce(judged, async ({ name, object }, i) => {
      const { refusal, warnings } = expected(found.get(`${i}.json`) ?? [], way);
      const wanted = { refusal: sortedLines(refusal), warnings };
      const got = said(await WAYS[way](client, object));
      verdicts.add(got.refusal !== "" ? "refused" : got.warnings.length > 0 ? "warned" : "allowed");
      if (JSON.stringify(got) !== JSON.stringify(wanted)) differences.push({ name, got, wanted });
    });
    expect(differences.slice(0, 5), `${differences.length} of ${judged.length} differ`).toEqual([]);
    expect([...verdicts].toSorted()).toEqual(["allowed", "refused", "warned"]);
  });

  test("what the API server refuses before any webhook is asked, the CLI refuses as an invalid manifest", async () => {
    const differences: object[] = [];
    await atOnce(refused, async ({ name, object }, i) => {
      const findings = found.get(`${judged.length + i}.json`) ?? [];
      const isInvalid = findings.some(({ rule, mode }) => rule === "invalid-manifest" && mode === "enforce");
      const { status, body } = await WAYS.create(client, object);
      if (!isInvalid || status < 400 || status >= 500) differences.push({ name, status, body, findings });
    });
    expect(differences).toEqual([]);
  });
});
