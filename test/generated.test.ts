import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { generatedFiles } from "../scripts/generated.ts";

const TOP = join(import.meta.dirname, "..");
const generated = await generatedFiles();

test.each(Object.keys(generated))("%s is up to date (else: npm run generate)", async (file) => {
  expect(await readFile(join(TOP, file), "utf8")).toBe(generated[file]);
});

test.each(["deploy/crds", "docs/rules"])("%s holds nothing that is no longer generated", async (folder) => {
  const found = (await readdir(join(TOP, folder))).map((name) => `${folder}/${name}`);
  expect(found.filter((file) => generated[file] === undefined)).toEqual([]);
});
