import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { expect, test } from "vitest";

const SRC = join(import.meta.dirname, "../src");

/** Which folder of src may import which: the table of docs/architecture.md. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = Object.fromEntries(
  [...readFileSync(join(SRC, "../docs/architecture.md"), "utf8").matchAll(/^\| `(.+)` \| .+ \| (.+) \|$/gm)].map(
    ([, room = "", others = ""]) => [room, others === "–" ? [] : others.split(", ")],
  ),
);

/** These decide, so they take all they need as arguments: no files, no clock, no chance, no logger, no client. */
const PURE = ["model", "manifest", "apiserver", "config", "rules", "engine", "baseline", "linter", "report"];
/** Of node:crypto only hashes: that they are no more is seen by IMPURE. */
const PURE_PACKAGES = ["node:crypto", "ajv", "ip-address", "typebox", "yaml"];
const IMPURE =
  /\bDate\.now\b|new Date\(\)|Math\.random|process\.|performance\.|setTimeout|setInterval|fetch\(|random(Bytes|UUID|Int)/;

const files = readdirSync(SRC, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ts"));

function roomOf(file: string): string {
  return relative(SRC, join(SRC, file)).split("/")[0] ?? "";
}

function importsOf(file: string): string[] {
  const text = readFileSync(join(SRC, file), "utf8");
  return [...loadedBy(file), ...matches(text, /^(?:im|ex)port type [^;]*? from "([^"]+)";|\bimport\("([^"]+)"\)/gm)];
}

/** What is loaded with a file: neither types nor what is imported only when it is needed. */
function loadedBy(file: string): string[] {
  return matches(readFileSync(join(SRC, file), "utf8"), /^(?:im|ex)port (?!type )[^;]*? from "([^"]+)";/gm);
}

function matches(text: string, pattern: RegExp): string[] {
  return [...text.matchAll(pattern)].map(([, ...groups]) => groups.find((group) => group !== undefined) ?? "");
}

test.each(files)("%s imports only from where its folder may", (file) => {
  const room = roomOf(file);
  const others = importsOf(file)
    .filter((target) => target.startsWith("."))
    .map((target) => roomOf(relative(SRC, join(SRC, dirname(file), target))))
    .filter((other) => other !== room);
  expect(MAY_IMPORT[room], `${room} is not in the table`).toBeDefined();
  expect(others.filter((other) => !MAY_IMPORT[room]?.includes(other))).toEqual([]);
});

test.each(files.filter((file) => PURE.includes(roomOf(file))))("%s is pure", (file) => {
  const packages = importsOf(file).filter((target) => !target.startsWith("."));
  expect(packages.filter((name) => !PURE_PACKAGES.includes(name))).toEqual([]);
  expect(IMPURE.exec(readFileSync(join(SRC, file), "utf8"))?.[0]).toBeUndefined();
});

test("imports are seen at all", () => {
  expect(importsOf("cli.ts")).toEqual(
    expect.arrayContaining(["commander", "./model/errors.ts", "./commands/index.ts"]),
  );
});

test("the table has no room that is gone", () => {
  expect(Object.keys(MAY_IMPORT).toSorted()).toEqual([...new Set(files.map(roomOf))].toSorted());
});

test("to lint loads no library but those for YAML and addresses: the others take longer to load than most runs take", () => {
  const packages = new Set<string>();
  const seen = new Set<string>();
  const visit = (file: string): void => {
    if (seen.has(file)) return;
    seen.add(file);
    for (const target of loadedBy(file)) {
      if (target.startsWith(".")) visit(relative(SRC, join(SRC, dirname(file), target)));
      else if (!target.startsWith("node:")) packages.add(target);
    }
  };
  visit("commands/lint/run.ts");
  expect(seen.size).toBeGreaterThan(50);
  expect([...packages].toSorted()).toEqual(["ip-address", "yaml"]);
});
