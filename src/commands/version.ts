import { readFileSync } from "node:fs";
import type { Command } from "commander";

export function addVersionCommand(program: Command): void {
  const text = versionText();
  program
    .version(text, "--version", "print the version, as the command does")
    .command("version")
    .description("print the version of Drawbridge and of Node.js")
    .action(() => {
      process.stdout.write(`${text}\n`);
    });
}

function versionText(): string {
  // Beside src/ in a checkout, beside dist/ in the package.
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  const { version } = JSON.parse(text) as { readonly version: string };
  return `drawbridge ${version} (Node.js ${process.version})`;
}
