import { readFileSync } from "node:fs";
import type { Command } from "commander";

export function addVersionCommand(program: Command): void {
  program
    .command("version")
    .description("print the version of Drawbridge and of Node.js")
    .action(() => {
      // Beside src/ in a checkout, beside dist/ in the package.
      const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
      const { version } = JSON.parse(text) as { readonly version: string };
      process.stdout.write(`drawbridge ${version} (Node.js ${process.version})\n`);
    });
}
