import { describe, expect, test } from "vitest";
import { type Path, admissionBody } from "./cases.ts";
import { type Answered, judge, send } from "./server.ts";

/** About 25 s of work in all, on a machine that may have other work. */
const LIMIT_MS = 600_000;

/** `FUZZ_CASE=SEED:NUMBER` runs that one alone. */
const [onlySeed, onlyNumber] = (process.env["FUZZ_CASE"] ?? "").split(":").map(Number);

const PATHS: readonly [path: Path, seed: number, cases: number, outcomes: readonly string[]][] = [
  ["/validate", 20_261, 50_000, ["400", "allowed", "denied", "warned"]],
  ["/mutate", 20_262, 50_000, ["400", "allowed", "patched"]],
  ["/gate", 20_269, 10_000, ["400", "allowed", "denied"]],
];

describe.each(onlyNumber === undefined ? PATHS : [])("%s, seed %i", (path, seed, cases, outcomes) => {
  test(
    `gives ${cases} odd bodies an answer each, and the same one again`,
    async () => {
      const kept: { readonly body: Buffer; readonly answered: Answered }[] = [];
      const faults = new Faults(seed);
      const seen = new Map<string, number>();
      for (let number = 0; number < cases; number++) {
        const body = admissionBody(path, seed, number);
        const { fault, answered } = await judge(path, body);
        if (fault !== undefined) faults.add(fault, number, body);
        const outcome = outcomeOf(answered);
        seen.set(outcome, (seen.get(outcome) ?? 0) + 1);
        if (number % 50 === 0) kept.push({ body, answered });
      }
      expect(faults.report()).toBe("");
      // In another order, so that nothing that came between may have left a trace.
      for (const { body, answered } of kept.toReversed()) expect(await send(path, body)).toEqual(answered);
      // Cases that are all refused at the door, or all the same, would find nothing.
      expect([...seen.keys()].toSorted()).toEqual(outcomes);
      expect(seen.get("400")).toBeLessThan(cases / 5);
      for (const outcome of outcomes) expect(seen.get(outcome)).toBeGreaterThan(cases / 50);
    },
    LIMIT_MS,
  );
});

if (onlyNumber !== undefined) {
  test.each(PATHS.filter(([, seed]) => seed === onlySeed))("the case that was asked for, of %s", async (path, seed) => {
    const body = admissionBody(path, seed, onlyNumber);
    const { fault, answered } = await judge(path, body);
    process.stderr.write(`${body.toString()}\n${answered.status} ${answered.text}\n`);
    expect(fault).toBeUndefined();
  });
}

function outcomeOf({ status, text }: Answered): string {
  if (status !== 200) return String(status);
  const { response } = JSON.parse(text) as { response: { allowed: boolean; warnings?: unknown; patch?: unknown } };
  if (!response.allowed) return "denied";
  if (response.patch !== undefined) return "patched";
  return response.warnings === undefined ? "allowed" : "warned";
}

/** One of each kind, with how to have it again: a bug is often hit a thousand times. */
class Faults {
  readonly #seed: number;
  readonly #byKind = new Map<string, string>();

  constructor(seed: number) {
    this.#seed = seed;
  }

  add(fault: string, number: number, body: Buffer): void {
    const kind = fault.replaceAll(/\d+/g, "N").slice(0, 80);
    if (this.#byKind.has(kind)) return;
    this.#byKind.set(kind, `${fault}\n  FUZZ_CASE=${this.#seed}:${number} ${body.toString().slice(0, 3_000)}`);
  }

  report(): string {
    return [...this.#byKind.values()].join("\n\n");
  }
}
