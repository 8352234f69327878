import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { checkDocument } from "../../src/engine/check-document.ts";
import { readPolicies } from "../../src/files/policies.ts";
import type { KubernetesObject } from "../../src/model/objects.ts";
import { networkException } from "../helpers/build.ts";

const top = mkdtempSync(join(tmpdir(), "drawbridge-policies-"));
afterAll(() => rmSync(top, { recursive: true }));

describe("exceptions in a folder of policies", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(top, "case-"));
  });
  const write = (file: string, ...objects: readonly KubernetesObject[]) =>
    writeFileSync(join(folder, file), objects.map((object) => JSON.stringify(object)).join("\n---\n"));
  const namesIn = async (namespace: string) =>
    (await readPolicies(folder, checkDocument)).exceptionsIn(namespace).map(({ metadata }) => metadata.name);

  test("are of the namespace that they name, else of default", async () => {
    const { namespace: _, ...metadata } = networkException().metadata;
    write("a.yaml", networkException(), { ...networkException(), metadata: { ...metadata, name: "nowhere" } });
    expect([await namesIn("shop"), await namesIn("default"), await namesIn("bank")]).toEqual([
      ["legacy"],
      ["nowhere"],
      [],
    ]);
  });
  test("may have one name in two namespaces", async () => {
    write("a.yaml", networkException(), networkException({}, { namespace: "bank" }));
    expect([await namesIn("shop"), await namesIn("bank")]).toEqual([["legacy"], ["legacy"]]);
  });
  test("twice in one namespace are one too many", async () => {
    write("a.yaml", networkException());
    write("b.yaml", networkException({ expires: "2026-11-20" }));
    await expect(readPolicies(folder, checkDocument)).rejects.toThrow(
      /b\.yaml:1: NetworkException shop\/legacy is there twice; keep one/,
    );
  });
  test("that are not valid keep the server from starting", async () => {
    write("a.yaml", networkException({ rules: ["no-egress"], expires: "2026-02-30" }));
    await expect(readPolicies(folder, checkDocument)).rejects.toThrow(
      /a\.yaml:1: spec\.expires is "2026-02-30"; there is no such day/,
    );
  });
});
