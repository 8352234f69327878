import { readdirSync, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { cacheHome, type FindOptions, isProgram } from "./binaries.ts";
import { buildTools, readTools } from "./build.ts";
import { print, printLoudly } from "./loud.ts";

/** What test/cluster/programs/NAME/go.mod says of its one tool. */
export interface Program {
  readonly name: string;
  /** Of the module that the tool is part of: "0.8.0". */
  readonly version: string;
  /** The version of Go that it needs. */
  readonly go: string;
}

/** When Go's own cache holds Kubernetes and nothing else, on 2 cores that do nothing else; and what is compiled then. */
const COSTS: Readonly<Record<string, { readonly duration: string; readonly packages: number }>> = {
  helm: { duration: "1 minute", packages: 250 },
  "kustomize-controller": { duration: "2 minutes", packages: 1_090 },
  "kube-scheduler": { duration: "15 seconds", packages: 100 },
  kwok: { duration: "1 minute", packages: 130 },
};
const PROGRAMS = join(import.meta.dirname, "../programs");

/**
 * A program that only some tests need, by the name of its folder in test/cluster/programs. The first that has it: the
 * PATH, the cache folder, a Go build into the cache folder. `undefined` when there is nothing and nothing can be built;
 * `log` has said why.
 */
export async function findProgram(name: string, options: FindOptions = {}): Promise<string | undefined> {
  const { build = true, log = () => {}, env = process.env } = options;
  const folders = (env["PATH"] ?? "").split(delimiter).filter(Boolean);
  const onPath = folders.map((folder) => join(folder, name)).find(isProgram);
  if (onPath) return onPath;

  const module = join(PROGRAMS, name);
  const { version, go } = readProgram(name);
  const folder = join(cacheHome(env), "drawbridge", `${name}-${version}`);
  const path = join(folder, name);
  const isBuilt = () => isProgram(path);
  if (!isBuilt() && build) {
    await buildTools({
      module,
      folder,
      what: `${name} ${version}`,
      ...(COSTS[name] ?? { duration: "2 minutes", packages: 1_000 }),
      go,
      env,
      log,
      isBuilt,
      calls: (tools, output) => [["-ldflags", "-s -w", "-o", join(output, name), ...tools]],
    });
  }
  return isBuilt() ? path : undefined;
}

export function programNames(): readonly string[] {
  return readdirSync(PROGRAMS).toSorted();
}

/**
 * For the top of a test file, whose describeCluster() then has `needs: [await findForTests(NAME)]`. Says loudly that
 * tests are skipped without it; with CI=true that is an error.
 */
export async function findForTests(name: string): Promise<string | undefined> {
  let why = "there is none";
  const log = (line: string) => {
    why = line;
    print(line);
  };
  const found = await findProgram(name, { log });
  if (found !== undefined) return found;
  if (process.env["CI"] === "true") throw new Error(`With CI=true no cluster test may be skipped: ${why}`);
  printLoudly(`TESTS WITH ${name} ARE SKIPPED: ${why}`);
  return undefined;
}

export function readProgram(name: string): Program {
  const { go, tool, modules } = readGoMod(name);
  const version = modules.find(({ path }) => tool === path || tool.startsWith(`${path}/`))?.version;
  if (!go || !version) throw new Error(`test/cluster/programs/${name}/go.mod names no version of Go or of its tool`);
  return { name, version, go };
}

/** Of a module that the program is made of. */
export function versionIn(name: string, module: string): string {
  const version = readGoMod(name).modules.find(({ path }) => path === module)?.version;
  if (!version) throw new Error(`test/cluster/programs/${name}/go.mod does not name ${module}`);
  return version;
}

function readGoMod(name: string) {
  const module = join(PROGRAMS, name);
  const goMod = readFileSync(join(module, "go.mod"), "utf8");
  const required = [...goMod.matchAll(/^\s*(?:require )?(\S+) v(\S+)/gm)];
  return {
    go: /^go (\S+)/m.exec(goMod)?.[1],
    tool: readTools(module)[0] ?? "",
    modules: required.map(([, path = "", version = ""]) => ({ path, version })),
  };
}
