import { execFile } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, join, matchesGlob, posix, relative } from "node:path";
import { promisify } from "node:util";

export interface Stage {
  readonly name: string;
  readonly base: string;
  readonly steps: readonly Step[];
}

interface Step {
  readonly instruction: string;
  readonly text: string;
}

/** What a stage has come to: its files under `root`, and how a container of it would begin. */
export interface BuiltStage {
  readonly root: string;
  readonly workdir: string;
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
  readonly exposed: readonly number[];
}

export function parseDockerfile(text: string): Stage[] {
  const stages: { name: string; base: string; steps: Step[] }[] = [];
  for (const line of text
    .replaceAll("\\\n", " ")
    .split("\n")
    .filter((each) => /^[A-Z]/.test(each))) {
    const [, instruction = "", rest = ""] = /^([A-Z]+)\s+(.*)$/.exec(line) ?? [];
    const from = /^(?<base>\S+)(?: AS (?<name>\S+))?$/.exec(rest)?.groups;
    if (instruction === "FROM" && from?.["base"]) {
      stages.push({ base: from["base"], name: from["name"] ?? String(stages.length), steps: [] });
    } else stages.at(-1)?.steps.push({ instruction, text: rest });
  }
  return stages;
}

/**
 * Does what an engine would do, as far as that needs no engine: each stage is a folder under `target`, without the files
 * of its base image; RUN runs here, with `path` as its PATH. An instruction that it does not know is an error.
 */
export async function build(context: string, target: string, path: string): Promise<BuiltStage[]> {
  const isIgnored = dockerIgnore(readFileSync(join(context, ".dockerignore"), "utf8"));
  const built = new Map<string, BuiltStage>();
  for (const { name, steps } of parseDockerfile(readFileSync(join(context, "Dockerfile"), "utf8"))) {
    let stage: BuiltStage = { root: join(target, name), workdir: "/", entrypoint: [], command: [], exposed: [] };
    for (const { instruction, text } of steps) {
      const here = join(stage.root, stage.workdir);
      mkdirSync(here, { recursive: true });
      if (instruction === "WORKDIR") stage = { ...stage, workdir: posix.resolve(stage.workdir, text) };
      else if (instruction === "COPY") {
        const [, from, files = ""] = /^(?:--from=(\S+) )?(.*)$/.exec(text) ?? [];
        const source = from === undefined ? context : built.get(from)?.root;
        if (source === undefined) throw new Error(`COPY from a stage that is not there: ${text}`);
        copy(source, files.split(" "), here, from === undefined ? isIgnored : () => false);
      } else if (instruction === "RUN") {
        const { NODE_ENV: _, ...env } = process.env;
        const options = { cwd: here, env: { ...env, PATH: path, npm_config_prefer_offline: "true" } };
        await promisify(execFile)("/bin/sh", ["-c", text], options);
      } else if (instruction === "ENTRYPOINT") stage = { ...stage, entrypoint: JSON.parse(text) as string[] };
      else if (instruction === "CMD") stage = { ...stage, command: JSON.parse(text) as string[] };
      else if (instruction === "EXPOSE") stage = { ...stage, exposed: text.split(" ").map(Number) };
      else throw new Error(`no idea what ${instruction} does`);
    }
    built.set(name, stage);
  }
  return [...built.values()];
}

/** The last pattern that a path, or a folder that it is in, matches decides; with `!` it is not ignored. */
function dockerIgnore(text: string): (path: string) => boolean {
  const patterns = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return (path) => {
    const above = path.split("/").map((_, index, all) => all.slice(0, index + 1).join("/"));
    const last = patterns.findLast((pattern) => above.some((each) => matchesGlob(each, pattern.replace(/^!/, ""))));
    return last !== undefined && !last.startsWith("!");
  };
}

/** As COPY: a folder's content goes to the destination, a file into it (or to it, if that ends with no slash). */
function copy(source: string, args: readonly string[], here: string, isIgnored: (path: string) => boolean): void {
  const destination = args.at(-1) ?? "";
  for (const each of args.slice(0, -1)) {
    const from = join(source, each);
    const isFile = statSync(from).isFile();
    const filter = (path: string): boolean => (path === from && !isFile ? true : !isIgnored(relative(source, path)));
    if (isFile && !filter(from)) throw new Error(`.dockerignore keeps ${each} from the build`);
    const to = join(here, destination, isFile && /(^\.?|\/)$/.test(destination) ? basename(each) : "");
    mkdirSync(dirname(to), { recursive: true });
    cpSync(from, to, { recursive: true, verbatimSymlinks: true, filter });
    if (!isFile && readdirSync(to).length === 0) throw new Error(`.dockerignore keeps all of ${each} from the build`);
  }
}
