import { expect, test } from "vitest";
import { isRecord, type JsonObject } from "../../src/model/json.ts";
import type { AdmissionRequest } from "../../src/server/review.ts";
import { admissionReview } from "../server/reviews.ts";
import { mutateValue } from "./mutate.ts";
import { createRandom, type Random } from "./random.ts";
import { policyRequests } from "./reviews.ts";
import { send } from "./server.ts";

const CASES = 3_000;
const SEED = 20_263;
const LIMIT_MS = 300_000;

/** Pairs of requests of which more is known than that each has an answer. */
type Law = (request: AdmissionRequest, random: Random) => readonly [AdmissionRequest, AdmissionRequest];

async function isAllowed(request: AdmissionRequest): Promise<boolean> {
  const { status, text } = await send("/validate", JSON.stringify(admissionReview(request)));
  expect(status).toBe(200);
  return (JSON.parse(text) as { response: { allowed: boolean } }).response.allowed;
}

/** How often the first of a pair was refused: where nothing ever is, nothing is tested. */
async function refusals(law: Law, holds: (first: boolean, second: boolean) => boolean): Promise<number> {
  let refused = 0;
  for (let number = 0; number < CASES; number++) {
    const random = createRandom(SEED, number);
    const request = random.from(policyRequests);
    if (request === undefined) continue;
    const [first, second] = law(request, random);
    const [a, b] = [await isAllowed(first), await isAllowed(second)];
    if (!a) refused++;
    if (!holds(a, b))
      throw new Error(`case ${number}: ${a}, then ${b}\n${JSON.stringify([first, second]).slice(0, 6_000)}`);
  }
  return refused;
}

const same = (a: boolean, b: boolean) => a === b;
const noLaxer = (a: boolean, b: boolean) => a || !b;

test(
  "what nobody judges makes no refused policy good",
  async () => {
    const law: Law = (request, random) => {
      const plain = withoutTraces(request);
      return [plain, { ...plain, ...besides(plain, random) }];
    };
    expect(await refusals(law, noLaxer)).toBeGreaterThan(CASES / 10);
  },
  LIMIT_MS,
);

test(
  "the order of keys and of lists makes no difference",
  async () => {
    const law: Law = (request, random) => {
      const mutated = withSpec(request, (spec) => mutateValue(spec, random, policyRequests));
      return [mutated, withSpec(mutated, (spec) => shuffled(spec, random))];
    };
    expect(await refusals(law, same)).toBeGreaterThan(CASES / 10);
  },
  LIMIT_MS,
);

test(
  "a clause more makes no refused policy good",
  async () => {
    const law: Law = (request, random) => {
      const created: AdmissionRequest = { ...request, operation: "CREATE", oldObject: null };
      const direction = random.pick(["ingress", "egress"]);
      const other = specOf(random.from(policyRequests))[direction];
      const more = random.from(Array.isArray(other) ? (other as unknown[]) : [{}]) ?? {};
      return [created, withSpec(created, (spec) => ({ ...spec, [direction]: [...listOf(spec[direction]), more] }))];
    };
    expect(await refusals(law, noLaxer)).toBeGreaterThan(CASES / 10);
  },
  LIMIT_MS,
);

test(
  "in a namespace of mode warn or audit no policy is refused",
  async () => {
    const law: Law = (request, random) => {
      const mutated = withSpec(request, (spec) => mutateValue(spec, random, policyRequests));
      const namespace = random.pick(["warned", "audited"]);
      const metadata = { ...mutated.object?.metadata, namespace };
      return [mutated, { ...mutated, namespace, object: { ...mutated.object, metadata } }];
    };
    expect(await refusals(law, (_, inMilder) => inMilder)).toBeGreaterThan(CASES / 10);
  },
  LIMIT_MS,
);

test(
  "no deletion is refused",
  async () => {
    const law: Law = (request) => [
      request,
      { ...request, operation: "DELETE", object: null, oldObject: request.object ?? null },
    ];
    expect(await refusals(law, (_, deleted) => deleted)).toBeGreaterThan(CASES / 10);
  },
  LIMIT_MS,
);

/** Without what an apply leaves for require-policy-types to see, which is judged. */
function withoutTraces(request: AdmissionRequest): AdmissionRequest {
  const metadata = without((request.object?.metadata ?? {}) as JsonObject, ["managedFields"]);
  return { ...request, options: null, object: { ...request.object, metadata } };
}

/** Another envelope, other fields of the server's, other fields that nobody knows. */
function besides(request: AdmissionRequest, random: Random): Partial<AdmissionRequest> {
  const object = (request.object ?? {}) as JsonObject;
  const metadata = isRecord(object["metadata"]) ? object["metadata"] : {};
  const kept = ["name", "namespace", "labels", "annotations"];
  const others = {
    uid: "1",
    generation: 1,
    finalizers: ["a/b"],
    ownerReferences: [{ kind: "x" }],
    deletionTimestamp: "x",
  };
  const odd = mutateValue({ ...others, ...without(metadata, kept) }, random, [request]) as JsonObject;
  const judged = Object.fromEntries(Object.entries(metadata).filter(([key]) => kept.includes(key)));
  const unknown = without(mutateValue({ status: { a: 1 }, x: {} }, random, [request]) as JsonObject, [
    "spec",
    "metadata",
  ]);
  return {
    name: random.pick(["", "other"]),
    dryRun: random.oneIn(2),
    userInfo: { username: random.pick(["", "system:admin", "drawbridge"]) },
    options: mutateValue({ fieldManager: "x", dryRun: ["All"], force: true }, random) as JsonObject,
    object: { ...unknown, ...object, metadata: { ...without(odd, kept), ...judged } },
  };
}

function without(object: JsonObject, keys: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([key]) => !keys.includes(key)));
}

function withSpec(request: AdmissionRequest, change: (spec: JsonObject) => unknown): AdmissionRequest {
  return {
    ...request,
    object: { ...request.object, spec: change(specOf(request)) } as AdmissionRequest["object"] & {},
  };
}

function specOf(request: AdmissionRequest | undefined): JsonObject {
  const spec = (request?.object as JsonObject | undefined)?.["spec"];
  return isRecord(spec) ? spec : {};
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function shuffled(value: unknown, random: Random): unknown {
  if (Array.isArray(value)) return inAnyOrder(value, random).map((item) => shuffled(item, random));
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    inAnyOrder(Object.entries(value), random).map(([key, inner]) => [key, shuffled(inner, random)]),
  );
}

function inAnyOrder<T>(list: readonly T[], random: Random): T[] {
  return list
    .map((item) => ({ item, at: random.below(1_000_000) }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ item }) => item);
}
