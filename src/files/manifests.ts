import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { InputError } from "../model/errors.ts";

/** A file that may hold manifests, not yet read. */
export interface ManifestFile {
  /** As it was named, or found under the folder that was named. */
  readonly file: string;
  readonly isNamed: boolean;
  readonly read: () => Promise<string>;
}

const STDIN = "-";

/** More cannot be held in memory as one text. */
const MAX_BYTES = 256 * 1024 * 1024;

/**
 * The files that are named, of folders all `*.yaml`, `*.yml` and `*.json` under them; `-` is standard input.
 * @throws InputError unreadable-file
 */
export async function findManifests(paths: readonly string[], stdin: AsyncIterable<Buffer>): Promise<ManifestFile[]> {
  const found: ManifestFile[] = [];
  let input: Promise<string> | undefined;
  for (const path of paths) {
    if (path === STDIN) {
      found.push({ file: "<stdin>", isNamed: true, read: () => (input ??= readStream(stdin)) });
    } else if (await isFolder(path)) {
      const files = await manifestsUnder(path);
      if (files.length === 0) {
        const advice = "Name a folder that has some, or the file itself";
        throw new InputError("unreadable-file", `${path} holds no *.yaml, *.yml or *.json. ${advice}.`);
      }
      found.push(...files.map((file) => ({ file, isNamed: false, read: () => readText(file) })));
    } else {
      found.push({ file: path, isNamed: true, read: () => readText(path) });
    }
  }
  return found;
}

/** Links are followed to files (a ConfigMap in a Pod is full of them), not to folders, which may lead in circles. */
export async function manifestsUnder(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    const candidates = entries
      .filter((entry) => /\.(ya?ml|json)$/.test(entry.name) && !entry.isDirectory())
      .map((entry) => ({ path: join(entry.parentPath, entry.name), isLink: entry.isSymbolicLink() }))
      .filter(({ path }) => !/(^|\/)(node_modules|\.git)\//.test(path.slice(folder.length)));
    const files = await Promise.all(
      candidates.map(async ({ path, isLink }) => (isLink && (await isFolder(path)) ? [] : [path])),
    );
    return files.flat().toSorted();
  } catch (cause) {
    throw unreadable(folder, "Name a folder that can be read", cause);
  }
}

/** @throws InputError unreadable-file */
export async function readText(file: string): Promise<string> {
  try {
    const { size } = await stat(file);
    if (size > MAX_BYTES) throw new Error(`it is larger than ${MAX_BYTES / 1024 / 1024} MiB`);
    return await readFile(file, "utf8");
  } catch (cause) {
    throw unreadable(file, "Make it readable, or leave it out", cause);
  }
}

async function readStream(stream: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > MAX_BYTES) {
      const cause = new Error(`it is larger than ${MAX_BYTES / 1024 / 1024} MiB`);
      throw unreadable("Standard input", "Give it in several parts", cause);
    }
  }
  return Buffer.concat(chunks).toString("utf8");
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (cause) {
    throw unreadable(path, "Name a file or folder that can be read", cause);
  }
}

function unreadable(path: string, advice: string, cause: unknown): InputError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new InputError("unreadable-file", `${path} cannot be read: ${why}. ${advice}.`, { cause });
}
