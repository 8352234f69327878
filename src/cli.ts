#!/usr/bin/env node
import { Command, CommanderError } from "commander";
import { InputError } from "./model/errors.ts";
import { printable } from "./model/printable.ts";
import { assertNodeVersion } from "./node-version.ts";

/** Exit codes: 0 done, 1 something would be refused (lint), 2 could not be done as asked (a message says why), 70 a bug of ours (a stack trace). */
const EXIT_USAGE = 2;
const EXIT_BUG = 70;
/** As a shell reports a program that wrote into a closed pipe (128 + SIGPIPE): `| head` is no fault of ours. */
const EXIT_CLOSED_PIPE = 141;

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

for (const stream of [process.stdout, process.stderr]) stream.on("error", endUnwritten);

try {
  await main(process.argv);
} catch (error) {
  process.exitCode = report(error);
}

/** Half a report must not pass for a whole one. */
function endUnwritten({ code, message }: NodeJS.ErrnoException): never {
  if (code === "EPIPE") process.exit(EXIT_CLOSED_PIPE);
  process.stderr.write(`drawbridge: the output cannot be written: ${message}\n`);
  process.exit(EXIT_USAGE);
}

function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT_USAGE;
  if (error instanceof InputError) {
    process.stderr.write(`drawbridge: ${error.message.split("\n").map(printable).join("\n")} (${error.code})\n`);
    return EXIT_USAGE;
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(`drawbridge: this is a bug, please report it:\n${text}\n`);
  return EXIT_BUG;
}
