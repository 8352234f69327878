import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { configure, governanceOf } from "../src/engine/configuration.ts";
import { type Decision, decide } from "../src/engine/decide.ts";
import { evaluate } from "../src/engine/evaluate.ts";
import { policySubject } from "../src/engine/subject.ts";
import { readEmbeddedPolicies } from "../src/files/policies.ts";
import { parseManifest } from "../src/manifest/read.ts";
import type { NetworkPolicy } from "../src/model/network-policy.ts";
import { mean, percentile } from "./statistics.ts";
import { ALLOWED_POLICY, generatedPolicies } from "./policies.ts";

export interface EvaluationResult {
  readonly of: string;
  readonly objects: number;
  readonly refused: number;
  readonly warned: number;
  readonly meanUs: number;
  readonly p99Us: number;
}

/** How long one object takes from parsed JSON to decision, with the default ruleset in mode enforce. `corpus`: a YAML file. */
export async function measureEvaluation(passes: number, corpus: string | undefined): Promise<EvaluationResult[]> {
  const judge = await createJudge();
  const sets = [
    { of: "the policy of the requests above", objects: Array.from({ length: 500 }, () => ALLOWED_POLICY) },
    { of: "generated policies", objects: generatedPolicies(1_000) },
    ...(corpus === undefined ? [] : [{ of: `policies of ${basename(corpus)}`, objects: readPoliciesOf(corpus) }]),
  ];
  const texts = sets.map(({ of, objects }) => ({ of, texts: objects.map((object) => JSON.stringify(object)) }));
  // All of them before the first is measured: a server, too, has met objects of every shape.
  for (let i = 0; i < passes; i += 1) for (const set of texts) for (const text of set.texts) judgeTimed(text, judge);
  return texts.map((set) => measure(set.of, set.texts, passes, judge));
}

type Judge = (object: NetworkPolicy) => Decision;

async function createJudge(): Promise<Judge> {
  const embedded = await readEmbeddedPolicies();
  const configuration = configure("enforce", embedded, { rulesets: new Map(), baselines: new Map() });
  const { ruleset, cap } = governanceOf({}, configuration);
  return (object) => {
    const subject = policySubject(object);
    return decide(subject.policy.ref, ruleset.name, evaluate(subject, ruleset, cap));
  };
}

function measure(of: string, texts: readonly string[], passes: number, judge: Judge): EvaluationResult {
  const judged = Array.from({ length: passes }, () => texts.map((text) => judgeTimed(text, judge))).flat();
  const microseconds = judged.map(({ us }) => us);
  return {
    of,
    objects: texts.length,
    // Counted from the decisions, so that none of them is work that could be left out.
    refused: judged.filter(({ isRefused }) => isRefused).length / passes,
    warned: judged.filter(({ isWarned }) => isWarned).length / passes,
    meanUs: mean(microseconds),
    p99Us: percentile(microseconds, 99),
  };
}

/** As a server meets it, each object is new: parsed a moment ago (which does not count here), never seen before. */
function judgeTimed(text: string, judge: Judge): { us: number; isRefused: boolean; isWarned: boolean } {
  const object: NetworkPolicy = JSON.parse(text);
  const start = performance.now();
  const { allowed, warnings } = judge(object);
  return { us: (performance.now() - start) * 1000, isRefused: !allowed, isWarned: warnings.length > 0 };
}

function readPoliciesOf(corpus: string): NetworkPolicy[] {
  return parseManifest(readFileSync(corpus, "utf8"), corpus)
    .map(({ value }) => value as NetworkPolicy)
    .filter(({ kind }) => kind === "NetworkPolicy");
}
