import type { AdmissionRequest } from "../../src/server/review.ts";
import { admissionReview } from "../server/reviews.ts";
import { mutateValue } from "./mutate.ts";
import { mutateText } from "./mutate-text.ts";
import { createRandom } from "./random.ts";
import { startingPoints } from "./reviews.ts";

export type Path = keyof typeof startingPoints;

/** Case `number` of `seed`: the body of a request. Most are sound envelopes around an object that is not. */
export function admissionBody(path: Path, seed: number, number: number): Buffer {
  const random = createRandom(seed, number);
  const all = startingPoints[path];
  const start = random.from(all) ?? all[0];
  const donors = [random.from(all)?.object, random.from(all)];
  const mutated = (value: unknown) => mutateValue(value, random, donors);
  if (start === undefined) throw new Error(`nothing to start from for ${path}`);
  switch (random.below(10)) {
    case 0:
      return bytes(mutated(admissionReview(start)));
    case 1:
      return mutateText(JSON.stringify(admissionReview(start), null, random.below(3)), random, [
        JSON.stringify(donors),
      ]);
    case 2:
      return bytes(
        admissionReview({ ...start, oldObject: start.oldObject && mutated(start.oldObject) } as AdmissionRequest),
      );
    case 3:
      return bytes(
        admissionReview({
          ...start,
          options: mutated(start.options ?? {}),
          object: start.object && mutated(start.object),
        } as AdmissionRequest),
      );
    case 4: {
      const object = mutated(start.object ?? {}) as Record<string, unknown>;
      return bytes(
        admissionReview({
          ...start,
          object: { ...object, metadata: mutated(object["metadata"] ?? {}) },
        } as AdmissionRequest),
      );
    }
    default: {
      const object = mutated(start.object ?? {}) as Record<string, unknown>;
      return bytes(
        admissionReview({ ...start, object: { ...object, spec: mutated(object["spec"] ?? {}) } } as AdmissionRequest),
      );
    }
  }
}

function bytes(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}
