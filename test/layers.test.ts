import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { expect, test } from "vitest";

const SRC = join(import.meta.dirname, "../src");

/** Which folder of src may import which. docs/architecture.md explains it; this is where it holds. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  model: [],
  manifest: ["model"],
  apiserver: ["model"],
  telemetry: [],
  config: ["model"],
  rules: ["model", "config"],
  engine: ["model", "config", "rules"],
  baseline: ["model", "config"],
  linter: ["model", "manifest", "apiserver", "config", "rules", "engine"],
  report: ["model", "config", "rules", "engine", "linter"],
  files: ["model", "manifest", "config", "engine"],
  cluster: ["model"],
  certs: ["model"],
  server: ["model", "config", "rules", "engine", "baseline", "telemetry"],
  controllers: ["model", "config", "engine", "baseline", "cluster", "telemetry"],
  commands: [
    "model",
    "config",
    "manifest",
    "engine",
    "linter",
    "report",
    "files",
    "cluster",
    "certs",
    "server",
    "controllers",
    "telemetry",
  ],
  "cli.ts": ["commands", "model", "node-version.ts"],
  "node-version.ts": ["model"],
};

/** These decide, so they take all they need as arguments: no files, no clock, no chance, no logger, no client. */
const PURE = ["model", "manifest", "apiserver", "config", "rules", "engine", "baseline", "linter", "report"];
const PURE_PACKAGES = ["ajv", "ip-address", "typebox", "yaml"];
const IMPURE = /\bDate\.now\b|new Date\(\)|Math\.random|process\.|performance\.|setTimeout|setInterval|fetch\(/;

const files = readdirSync(SRC, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ts"));

function roomOf(file: string): string {
  return relative(SRC, join(SRC, file)).split("/")[0] ?? "";
}

function importsOf(file: string): string[] {
  const text = readFileSync(join(SRC, file), "utf8");
  const imports = text.matchAll(/^(?:import|export)\b[^;]*? from "([^"]+)";|\bimport\("([^"]+)"\)/gm);
  return [...imports].map(([, fixed, lazy]) => fixed ?? lazy ?? "");
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
