import type { NetworkRuleset } from "../config/ruleset.ts";
import { resolveRuleset } from "../engine/ruleset.ts";
import { InputError } from "../model/errors.ts";
import { nearest } from "../model/nearest.ts";
import { RULES } from "../rules/index.ts";
import type { AnyRule, OptionSchema } from "../rules/rule.ts";

type Rulesets = ReadonlyMap<string, NetworkRuleset>;

/** Every rule on one line: what it is on, how bad it is, its mode in each ruleset. */
export function catalogueText(rulesets: Rulesets): string {
  const names = [...rulesets.keys()];
  const rows = RULES.map(({ id, on, severity }) => [
    id,
    on,
    severity,
    ...names.map((name) => modeIn(id, name, rulesets)),
  ]);
  const header = ["RULE", "ON", "SEVERITY", ...names.map((name) => name.toUpperCase())];
  const widths = header.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]?.length ?? 0)));
  const lines = [header, ...rows].map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join("  ")
      .trimEnd(),
  );
  return `${lines.join("\n")}\n\ndrawbridge rules ID says more about one of them.\n`;
}

/** All that there is to say about one. @throws InputError unknown-rule */
export function ruleText(id: string, rulesets: Rulesets): string {
  const rule = RULES.find((one) => one.id === id);
  if (rule === undefined) {
    const meant = nearest(
      id,
      RULES.map((one) => one.id),
    );
    const advice = meant === undefined ? "" : `Did you mean ${meant}? `;
    throw new InputError("unknown-rule", `${id} is not a rule. ${advice}drawbridge rules lists them.`);
  }
  const modes = [...rulesets.keys()].map((name) => `${modeIn(id, name, rulesets)} in ruleset ${name}`);
  return [
    `${id}\n\nThis rule ${rule.title}`,
    `On ${rule.on}; severity ${rule.severity}; ${modes.join(", ")}.`,
    ...(rule.isCrossObject ? [CROSS_OBJECT] : []),
    `Why: ${rule.why}`,
    `What to do: ${rule.remedy}`,
    ...rule.examples.map(
      ({ title, among, bad, good }) =>
        `Example: ${title}\n\n${among === undefined ? "" : `Where there are:\n\n${indented(among)}\n\n`}Reported:\n\n${indented(bad)}\n\nFine:\n\n${indented(good)}`,
    ),
    `Options:${optionsText(rule)}`,
  ]
    .join("\n\n")
    .concat("\n");
}

/** Of rules that look at more than one object, here and on their pages. */
export const CROSS_OBJECT =
  "It looks at other objects too. At admission these come one by one, so there it warns at most, whatever its mode; " +
  "`drawbridge lint`, which has the whole set, counts it in full.";

function modeIn(id: string, name: string, rulesets: Rulesets): string {
  const document = rulesets.get(name);
  const settings = document === undefined ? [] : resolveRuleset(document, rulesets).settings;
  return settings.find(({ rule }) => rule.id === id)?.mode ?? "disabled";
}

function optionsText({ options }: AnyRule): string {
  const schemas: readonly [string, OptionSchema][] = Object.entries(options);
  if (schemas.length === 0) return " none.";
  return schemas
    .map(([name, schema]) => `\n  ${name}: ${schema.description}\n    Default: ${JSON.stringify(schema.default)}`)
    .join("");
}

function indented(yaml: string): string {
  return yaml.trim().replaceAll(/^(?=.)/gm, "    ");
}
