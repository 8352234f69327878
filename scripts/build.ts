import { chmod } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";
import { assertNodeVersion } from "../src/node-version.ts";

/**
 * dist/: the program as plain JavaScript, because Node strips types only outside node_modules. In a few files, one for
 * each set of modules that are loaded together: to open 180 small ones took a fifth of the time of `lint`. What we
 * depend on is not taken in: it stays where those look who audit and update it.
 */
assertNodeVersion();
const top = fileURLToPath(new URL("..", import.meta.url));
const isOurs = (id: string): boolean => id.startsWith(".") || id.startsWith("/");
const bundle = await rolldown({ cwd: top, input: "src/cli.ts", platform: "node", external: (id) => !isOurs(id) });
await bundle.write({ dir: "dist", cleanDir: true });
await bundle.close();
await chmod(`${top}/dist/cli.js`, 0o755);
