import type { Command } from "commander";
import { addLintCommand } from "./lint/command.ts";
import { addRulesCommand } from "./rules.ts";
import { addServeCommand } from "./serve/command.ts";
import { addVersionCommand } from "./version.ts";

/** In the order in which `--help` lists them. Each loads what it needs only when it is chosen. */
export function addCommands(program: Command): void {
  addLintCommand(program);
  addServeCommand(program);
  addRulesCommand(program);
  addVersionCommand(program);
}
