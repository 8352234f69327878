import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { assertNodeVersion } from "../src/node-version.ts";
import type { SubjectKind } from "../src/rules/rule.ts";

/**
 * `npm run new-rule no-such-thing Workload`: writes the rule, its test and its place in the list and the rulesets. What
 * is written fails its own tests until it is filled in; `npm run generate` then makes its page.
 */
assertNodeVersion();
const KINDS: readonly SubjectKind[] = ["NetworkPolicy", "Workload", "Namespace"];
const { positionals } = parseArgs({ allowPositionals: true });
const [id, word = "NetworkPolicy", ...rest] = positionals;
const kind = KINDS.find((one) => one === word);
if (id === undefined || kind === undefined || rest.length > 0 || !/^(no|require)(-[a-z0-9]+)+$/.test(id)) {
  console.error(`Usage: npm run new-rule <id> [<kind>]
  <id> begins with \`no-\` (forbids) or \`require-\` (demands): no-open-dns
  <kind> is what it judges, one of ${KINDS.join(", ")}; NetworkPolicy if left out`);
  process.exit(2);
}
const name = id.replaceAll(/-([a-z0-9])/g, (_match, letter: string) => letter.toUpperCase());

await create(
  `src/rules/${id}.ts`,
  `import type { Rule } from "./rule.ts";

export const ${name}: Rule${kind === "NetworkPolicy" ? "" : `<object, "${kind}">`} = {
  id: "${id}",
  on: "${kind}",
  severity: "medium",
  title: "",
  why: "",
  remedy: "",
  options: {},
  examples: [],

  check() {
    return [];
  },
};
`,
);
await create(
  `test/rules/${id}.test.ts`,
  `import { ${name} } from "../../src/rules/${id}.ts";
import { testRule } from "../helpers/test-rule.ts";

testRule(${name}, {
  passes: [],
  fails: [],
});
`,
);
await change("src/rules/index.ts", (text) =>
  text
    .replace(/^(import \{.*\n)+/, (imports) => inOrder(`${imports}import { ${name} } from "./${id}.ts";\n`))
    .replace(/\n\];\n$/, `\n  ${name},\n];\n`),
);
for (const [ruleset, mode] of [
  ["default", "warn"],
  ["restricted", "enforce"],
] as const) {
  await change(`policies/rulesets/${ruleset}.yaml`, (text) =>
    text.replace(/(?=\n +#[^\n]*\n( +#[^\n]*\n)* {2}exceptions:\n)/, `\n    ${id}: { mode: ${mode} }`),
  );
}
console.log(`Fill in src/rules/${id}.ts and test/rules/${id}.test.ts, set its modes in policies/rulesets, then run
  npm run format:write && npm run generate && npm test`);

/** By the files' names, as the folder lists them. */
function inOrder(imports: string): string {
  const fileOf = (line: string): string => line.slice(line.indexOf('"'));
  const lines = imports.trimEnd().split("\n");
  return `${lines.toSorted((a, b) => (fileOf(a) < fileOf(b) ? -1 : 1)).join("\n")}\n`;
}

function pathOf(file: string): string {
  return fileURLToPath(new URL(`../${file}`, import.meta.url));
}

async function create(file: string, text: string): Promise<void> {
  try {
    await writeFile(pathOf(file), text, { flag: "wx" });
  } catch (error) {
    console.error(`${file} cannot be written: ${error instanceof Error ? error.message : String(error)}`);
    process.exit(2);
  }
  console.log(`created ${file}`);
}

async function change(file: string, by: (text: string) => string): Promise<void> {
  const before = await readFile(pathOf(file), "utf8");
  const after = by(before);
  if (after === before) throw new Error(`${file} does not look as expected: nothing was changed`);
  await writeFile(pathOf(file), after);
  console.log(`changed ${file}`);
}
