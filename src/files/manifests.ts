import { readdir, readFile, realpath, stat } from "node:fs/promises";
import { join } from "node:path";
import { InputError } from "../model/errors.ts";

/** A file that may hold manifests. */
export interface ManifestFile {
  /** As it was named, or found under the folder that was named. */
  readonly file: string;
  readonly isNamed: boolean;
  readonly text: string;
}

export interface ManifestFiles {
  readonly files: readonly ManifestFile[];
  /** Folders within those that were named which are passed over, with all that is in them. */
  readonly notRead: readonly string[];
}

const STDIN = "-";

/** All of it is held in memory: what is not a regular file can be read once only, and others may change meanwhile. */
const MAX_BYTES = 256 * 1024 * 1024;

const MANIFEST = /\.(?:ya?ml|json)$/i;

/**
 * Reads the files that are named, and of folders all `*.yaml`, `*.yml` and `*.json` under them; `-` is standard input.
 * Each once, by however many names.
 * @throws InputError unreadable-file
 */
export async function readManifests(
  paths: readonly string[],
  stdin: AsyncIterable<Buffer>,
  maxBytes = MAX_BYTES,
): Promise<ManifestFiles> {
  const files = new Map<string, ManifestFile>();
  const notRead: string[] = [];
  let left = maxBytes;
  const add = async (key: string, file: string, isNamed: boolean, content: () => Promise<Buffer>): Promise<void> => {
    if (files.has(key)) return;
    const bytes = await content();
    left -= bytes.length;
    if (left < 0) throw tooLarge(file, maxBytes);
    files.set(key, { file, isNamed, text: bytes.toString("utf8") });
  };
  // What is named counts as named, also where a folder that holds it comes first.
  const kinds = await Promise.all(
    paths.map(async (path) => ({ path, isFolder: path !== STDIN && (await isFolder(path)) })),
  );
  for (const { path } of kinds.filter((one) => !one.isFolder)) {
    if (path === STDIN) await add(STDIN, "<stdin>", true, () => readStream(stdin, maxBytes));
    else await add(await realpath(path), path, true, () => read(path, left, maxBytes));
  }
  for (const { path } of kinds.filter((one) => one.isFolder)) {
    const found = await manifestsUnder(path);
    notRead.push(...found.notRead);
    for (const file of found.files) await add(await realpath(file), file, false, () => read(file, left, maxBytes));
  }
  return { files: [...files.values()], notRead };
}

/**
 * The manifests under a folder. Links are followed to files (a ConfigMap in a Pod is full of them), not to folders,
 * which may lead in circles; what is no file, such as a pipe, is passed over.
 * @throws InputError unreadable-file, also where there are none
 */
export async function manifestsUnder(folder: string): Promise<{ files: string[]; notRead: string[] }> {
  const files: string[] = [];
  const notRead: string[] = [];
  const walk = async (inner: string): Promise<void> => {
    const entries = await readdir(inner, { withFileTypes: true });
    for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
      const path = join(inner, entry.name);
      if (!entry.isDirectory()) {
        if (MANIFEST.test(entry.name) && (await stat(path)).isFile()) files.push(path);
      } else if (entry.name === "node_modules") notRead.push(path);
      else if (entry.name !== ".git") await walk(path);
    }
  };
  try {
    await walk(folder);
  } catch (cause) {
    throw unreadable(folder, "Name a folder all of which can be read", cause);
  }
  if (files.length > 0) return { files, notRead };
  const advice = "Name a folder that has some, or the file itself";
  throw new InputError("unreadable-file", `${folder} holds no *.yaml, *.yml or *.json. ${advice}.`);
}

/** @throws InputError unreadable-file */
export async function readText(file: string): Promise<string> {
  return (await read(file, MAX_BYTES, MAX_BYTES)).toString("utf8");
}

async function read(file: string, left: number, maxBytes: number): Promise<Buffer> {
  try {
    if ((await stat(file)).size <= left) return await readFile(file);
  } catch (cause) {
    throw unreadable(file, "Make it readable, or leave it out", cause);
  }
  throw tooLarge(file, maxBytes);
}

async function readStream(stream: AsyncIterable<Buffer>, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > maxBytes) throw tooLarge("Standard input", maxBytes);
  }
  const bytes = Buffer.concat(chunks);
  // Whatever should have written it has failed, and a pipe hides that.
  if (bytes.toString("latin1").trim() !== "") return bytes;
  throw new InputError("unreadable-file", "Standard input is empty. See what the command before the pipe says.");
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (cause) {
    throw unreadable(path, "Name a file or folder that can be read", cause);
  }
}

function tooLarge(path: string, maxBytes: number): InputError {
  const most = `${Math.floor(maxBytes / 1024 / 1024)} MiB`;
  return new InputError(
    "unreadable-file",
    `${path} is too large: all together may be ${most}. Lint it in several parts.`,
  );
}

function unreadable(path: string, advice: string, cause: unknown): InputError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new InputError("unreadable-file", `${path} cannot be read: ${why}. ${advice}.`, { cause });
}
