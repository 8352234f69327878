import { describe, expect, test } from "vitest";
import { type Ensured, gate } from "../../src/server/gate.ts";
import { toReview } from "../../src/server/review.ts";
import { pod } from "../helpers/build.ts";
import { admissionRequest } from "./reviews.ts";

const request = admissionRequest("Pod", { object: pod(), namespace: "shop" });
const answering = (ensured: Ensured) => ({ ensureBaseline: async () => ensured });
const failing = { ensureBaseline: () => Promise.reject(new Error("no answer within 4500 ms")) };
const CONFLICT: Ensured = { outcome: "conflict", baseline: "web", conflicts: ["drawbridge-a", "drawbridge-b"] };

describe("gate", () => {
  test.each<Ensured["outcome"]>(["complete", "unmarked", "ungoverned"])("%s: admitted", async (outcome) => {
    const passage = await gate(request, answering({ outcome } as Ensured), 1_000);
    expect(passage).toEqual({ answer: { allowed: true }, decision: "admitted" });
  });

  test("a namespace that is going, or gone, takes none", async () => {
    expect(await gate(request, answering({ outcome: "absent" }), 1_000)).toEqual({
      answer: {
        allowed: false,
        code: 403,
        message: "namespace shop takes no Pods yet: it is being deleted, or is gone.",
      },
      decision: "refused",
    });
  });

  test("policies that are in the way are named, with what to do about them", async () => {
    const { answer, decision } = await gate(request, answering(CONFLICT), 1_000);
    expect({ allowed: answer.allowed, code: answer.code, decision }).toEqual({
      allowed: false,
      code: 403,
      decision: "refused",
    });
    expect(answer.message).toMatch(
      /NetworkBaseline web.*\n.*\n {2}drawbridge-a\n {2}drawbridge-b\nRename or delete them/,
    );
  });

  test("what cannot be done now is refused with its reason, as something that may be tried again", async () => {
    const { answer, decision } = await gate(request, failing, 1_000);
    expect(decision).toBe("failed");
    expect(toReview("1", answer)).toMatchObject({
      response: {
        allowed: false,
        status: {
          code: 503,
          reason: "ServiceUnavailable",
          message: expect.stringContaining(
            "cannot be applied now: no answer within 4500 ms.\nNothing is wrong with the Pod",
          ),
        },
      },
    });
  });

  test("nor is it admitted where this server cannot tell what its policies are to say: another may know", async () => {
    const unarmed = answering({ outcome: "unarmed", why: "where the cluster's DNS answers is not known: it is gone" });
    const { answer, decision } = await gate(request, unarmed, 1_000);
    expect({ allowed: answer.allowed, code: answer.code, decision }).toEqual({
      allowed: false,
      code: 503,
      decision: "failed",
    });
    expect(answer.message).toContain(
      "cannot be applied now: where the cluster's DNS answers is not known: it is gone.\n",
    );
  });

  test.each([
    ["a dry run", { dryRun: true }, "dry_run"],
    ["what is no creation", { operation: "UPDATE" }, "admitted"],
    ["what is no Pod", { kind: { group: "apps", version: "v1", kind: "Deployment" } }, "admitted"],
  ] as const)("%s is allowed, and nothing is done for it", async (_name, tweak, decision) => {
    expect(await gate({ ...request, ...tweak }, failing, 1_000)).toEqual({ answer: { allowed: true }, decision });
  });

  test("it may wait as long as the API server does, and no longer", async () => {
    const waits: number[] = [];
    const deps = {
      ensureBaseline: async (_namespace: string, waitMs: number): Promise<Ensured> => {
        waits.push(waitMs);
        return { outcome: "complete" };
      },
    };
    await gate(request, deps, 4_500);
    expect(waits).toEqual([4_500]);
  });
});
