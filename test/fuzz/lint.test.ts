import { describe, expect, test } from "vitest";
import { faultOf, lint } from "./lint-answers.ts";
import { manifestBytes, STYLES, type Style } from "./manifests.ts";

const CASES = 25_000;
/** About 10 s of work each, on a machine that may have other work. */
const LIMIT_MS = 300_000;
/** No text here is larger than some 300,000 characters; each takes a few milliseconds. */
const HANGS_MS = 10_000;

/** `FUZZ_CASE=SEED:NUMBER` runs that one alone. */
const [onlySeed, onlyNumber] = (process.env["FUZZ_CASE"] ?? "").split(":").map(Number);
const SEEDS = STYLES.map((style, i): [Style, number] => [style, 20_265 + i]);

if (onlyNumber === undefined) {
  describe.each(SEEDS)("%s, seed %i", (style, seed) => {
    test(
      `${CASES} odd files are judged, and the same way again`,
      () => {
        const faults = new Map<string, string>();
        const seen = { passed: 0, found: 0, invalid: 0 };
        for (let number = 0; number < CASES; number++) {
          const { fault, outcome } = judge(manifestBytes(style, seed, number).toString(), number % 10 === 0);
          seen[outcome]++;
          const kind = fault?.replaceAll(/\d+/g, "N").slice(0, 80);
          if (kind !== undefined && !faults.has(kind)) faults.set(kind, `${fault}\n  FUZZ_CASE=${seed}:${number}`);
        }
        expect([...faults.values()].join("\n\n")).toBe("");
        // Cases that are all refused, or all the same, would find nothing.
        for (const count of Object.values(seen)) expect(count).toBeGreaterThan(CASES / 100);
      },
      LIMIT_MS,
    );
  });
} else {
  test.each(SEEDS.filter(([, seed]) => seed === onlySeed))("the case that was asked for, of %s", (style, seed) => {
    const text = manifestBytes(style, seed, onlyNumber).toString();
    process.stderr.write(`${text}\n${lint(text).texts.join("")}`);
    expect(judge(text, true).fault).toBeUndefined();
  });
}

interface Judged {
  readonly fault: string | undefined;
  readonly outcome: "passed" | "found" | "invalid";
}

function judge(text: string, isAgain: boolean): Judged {
  const start = performance.now();
  try {
    const answered = lint(text);
    const { findings } = answered;
    const isInvalid = findings.some(({ rule }) => rule === "invalid-manifest");
    const outcome = isInvalid ? "invalid" : findings.length > 0 ? "found" : "passed";
    const took = performance.now() - start;
    if (took > HANGS_MS) return { fault: `it took ${took} ms`, outcome };
    if (isAgain) expect(lint(text)).toEqual(answered);
    return { fault: faultOf(text, answered), outcome };
  } catch (error) {
    return { fault: error instanceof Error ? (error.stack ?? error.message) : String(error), outcome: "invalid" };
  }
}
