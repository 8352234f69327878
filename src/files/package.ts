import { findPackageJSON } from "node:module";
import { dirname, join } from "node:path";

/** A file that comes with the program, wherever in the package the code that asks has been built to. */
export function packaged(path: string): string {
  const manifest = findPackageJSON(import.meta.url);
  if (manifest === undefined) throw new Error(`${import.meta.url} is in no package`);
  return join(dirname(manifest), path);
}
