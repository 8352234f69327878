import { execFile } from "node:child_process";
import { chmod, rm } from "node:fs/promises";
import { promisify } from "node:util";
import { fileURLToPath } from "node:url";
import { assertNodeVersion } from "../src/node-version.ts";

/** dist/: the program as plain JavaScript, because Node strips types only outside node_modules. */
assertNodeVersion();
const top = fileURLToPath(new URL("..", import.meta.url));
await rm(`${top}/dist`, { recursive: true, force: true });
await promisify(execFile)("tsc", ["-p", "tsconfig.build.json"], { cwd: top }).catch((error: { stdout?: string }) => {
  console.error(error.stdout);
  process.exit(1);
});
await chmod(`${top}/dist/cli.js`, 0o755);
