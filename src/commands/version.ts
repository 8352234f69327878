import { readFileSync } from "node:fs";
import type { Command } from "commander";
import { packaged } from "../files/package.ts";

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
  const { version } = JSON.parse(readFileSync(packaged("package.json"), "utf8")) as { readonly version: string };
  return `drawbridge ${version} (Node.js ${process.version})`;
}
