import { execFile } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const top = fileURLToPath(new URL("..", import.meta.url));

/** Packs this project and installs it into a folder, as users do: without development tools and install scripts. */
export async function installPackage(folder: string): Promise<{ readonly command: string; readonly tarball: string }> {
  const { stdout } = await run("npm", ["pack", "--json", "--pack-destination", folder], { cwd: top });
  const tarball = /"filename": *"([^"]+)"/.exec(stdout)?.[1] ?? "";
  const options = ["--prefix", folder, "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund"];
  await run("npm", ["install", ...options, join(folder, tarball)]);
  return { command: join(folder, "node_modules/.bin/drawbridge"), tarball };
}
