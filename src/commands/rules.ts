import type { Command } from "commander";

export function addRulesCommand(program: Command): void {
  program
    .command("rules")
    .description("print the rules, or one with why it is there, what to do, examples and options")
    .argument("[id]", "of one rule, such as no-broad-cidr")
    .action(async (id: string | undefined) => {
      const { createOutput } = await import("./output.ts");
      const { readEmbeddedPolicies } = await import("../files/policies.ts");
      const { catalogueText, ruleText } = await import("../report/rules.ts");
      const { rulesets } = await readEmbeddedPolicies();
      const output = createOutput(process.stdout);
      await output.print(id === undefined ? catalogueText(rulesets) : ruleText(id, rulesets));
      await output.flush();
    });
}
