#!/usr/bin/env node
import { Command, CommanderError } from "commander";
import { InputError } from "./model/errors.ts";
import { assertNodeVersion } from "./node-version.ts";

/** Exit codes: 0 done, 1 something would be refused (lint), 2 could not be done as asked (a message says why), 70 a bug of ours (a stack trace). */
const EXIT_USAGE = 2;
const EXIT_BUG = 70;

/** Chooses a command. What it needs is loaded only then, so that a small command does not pay for a server. */
async function main(argv: readonly string[]): Promise<void> {
  assertNodeVersion();
  const program = new Command("drawbridge")
    .description("Keeps a Kubernetes cluster's network zero-trust: admission webhook, controller and CLI.")
    .exitOverride()
    .showHelpAfterError("(drawbridge --help shows the commands and options)");
  const { addCommands } = await import("./commands/index.ts");
  addCommands(program);
  await program.parseAsync(argv);
}

try {
  await main(process.argv);
} catch (error) {
  process.exitCode = report(error);
}

function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT_USAGE;
  if (error instanceof InputError) {
    process.stderr.write(`drawbridge: ${error.message} (${error.code})\n`);
    return EXIT_USAGE;
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(`drawbridge: this is a bug, please report it:\n${text}\n`);
  return EXIT_BUG;
}
