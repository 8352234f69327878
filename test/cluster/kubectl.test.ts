import { spawnSync } from "node:child_process";
import { describe, expect, inject, test } from "vitest";
import { FIELDS, OBJECT, STREAMS } from "../manifest/kubectl-cases.ts";

const kubectl = inject("binaries")?.kubectl;

/** The objects that kubectl reads, without a cluster; "refused" where it does not. */
function objectsIn(text: string): readonly Record<string, unknown>[] | "refused" {
  const args = ["patch", "--local", "--type=merge", "-p", "{}", "-f", "-", "-o", "json"];
  const { status, stdout } = spawnSync(kubectl ?? "", args, { input: text, encoding: "utf8", timeout: 20_000 });
  return status === 0 ? JSON.parse(`[${stdout.replaceAll(/^\}\n(?=\{)/gm, "},")}]`) : "refused";
}

describe.skipIf(kubectl === undefined)("the table of what kubectl reads is what kubectl reads", () => {
  test.each(FIELDS)("$name", ({ text, reads }) => {
    const objects = objectsIn(OBJECT + text);
    if (objects === "refused") return expect(reads).toBe("refused");
    const { apiVersion, kind, metadata, ...fields } = objects[0] ?? {};
    expect({ apiVersion, kind, metadata }).toEqual({
      apiVersion: "example.com/v1",
      kind: "Thing",
      metadata: { name: "it" },
    });
    return expect(fields).toEqual(reads);
  });
  test.each(STREAMS)("$name", ({ text, reads }) => {
    expect(objectsIn(text)).toEqual(reads);
  });
});
