import { mkdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { assertNodeVersion } from "../src/node-version.ts";
import { generatedFiles } from "./generated.ts";

assertNodeVersion();
for (const [file, text] of Object.entries(await generatedFiles())) {
  const path = new URL(`../${file}`, import.meta.url);
  await mkdir(dirname(path.pathname), { recursive: true });
  await writeFile(path, text);
}
