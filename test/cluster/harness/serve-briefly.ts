/**
 * `drawbridge serve` with certificates that live for seconds: its first argument is their lives as JSON, the others are
 * the command's. A program of its own, so that the real one needs no way to weaken itself.
 */
import { Command } from "commander";
import type { Lives } from "../../../src/certs/lives.ts";
import { addServeCommand } from "../../../src/commands/serve/command.ts";
import type { ServeOptions } from "../../../src/commands/serve/options.ts";
import { runServer } from "../../../src/commands/serve/run.ts";

const [lives = "", ...args] = process.argv.slice(2);
const program = new Command();
addServeCommand(program);
program.commands[0]?.action((options: ServeOptions) => runServer(options, JSON.parse(lives) as Lives));
await program.parseAsync(args, { from: "user" });
