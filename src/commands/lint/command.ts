import { type Command, InvalidArgumentError, Option } from "commander";
import { CAPS } from "../../config/mode.ts";
import type { LintOptions } from "./run.ts";
import { dnsLabelProblem } from "../../model/syntax.ts";

export function addLintCommand(program: Command): void {
  program
    .command("lint")
    .description("judge manifests as the cluster would; exits with 1 where something would be refused")
    .argument("<path...>", "files or folders of YAML and JSON; - is standard input")
    .option("-n, --namespace <name>", "namespace of objects that name none", toNamespace, "default")
    .option("--policies <folder>", "NetworkRulesets that count instead of those that the paths hold")
    .addOption(
      new Option("--mode <mode>", "how strong rules may be in namespaces without a mode label")
        .choices([...CAPS])
        .default("enforce"),
    )
    .addOption(new Option("--format <format>", "how to print what is found").choices(["text", "json"]).default("text"))
    .action(async (paths: string[], options: LintOptions) => {
      const { runLint } = await import("./run.ts");
      await runLint(paths, options);
    });
}

/** What a shell makes of an unset variable is no namespace, and a misspelt one would have no labels and no exceptions. */
function toNamespace(text: string): string {
  if (dnsLabelProblem(text) !== undefined) {
    throw new InvalidArgumentError("It must be a name of at most 63 lower case letters, digits and -.");
  }
  return text;
}
