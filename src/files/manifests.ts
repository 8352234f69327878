import { type BigIntStats, createReadStream } from "node:fs";
import { readdir, stat } from "node:fs/promises";
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
 * Each once, by however many names; what is named itself comes first.
 * @throws InputError unreadable-file, also where there is nothing in any of them, which kubectl refuses too
 */
export async function readManifests(
  paths: readonly string[],
  stdin: AsyncIterable<Buffer>,
  maxBytes = MAX_BYTES,
): Promise<ManifestFiles> {
  const isFolder = await Promise.all(paths.map(async (path) => path !== STDIN && (await statOf(path)).isDirectory()));
  const named = paths.filter((_, i) => !isFolder[i]);
  const folders = await Promise.all(paths.filter((_, i) => isFolder[i]).map(manifestsUnder));
  const found = folders.flatMap(({ files }) => files);

  const files = new Map<string, ManifestFile>();
  let left = maxBytes;
  for (const [i, path] of [...named, ...found].entries()) {
    const isStdin = path === STDIN;
    const key = isStdin ? STDIN : await identityOf(path);
    if (files.has(key)) continue;
    const bytes = isStdin ? await readStdin(stdin, left) : await read(path, left);
    if (bytes === undefined) throw tooLarge(isStdin ? "Standard input" : path, maxBytes);
    left -= bytes.length;
    const file = isStdin ? "<stdin>" : path;
    files.set(key, { file, isNamed: i < named.length, text: bytes.toString("utf8") });
  }
  const all = [...files.values()];
  if (!all.some(({ text }) => SOMETHING.test(text))) {
    const where = all.length > 3 ? `any of the ${all.length} files` : all.map(({ file }) => file).join(", ");
    throw new InputError("unreadable-file", `Nothing is in ${where}. See what was to write it.`);
  }
  return { files: all, notRead: folders.flatMap(({ notRead }) => notRead) };
}

/** A line that is more than white space, a comment or a separator. */
const SOMETHING = /^(?!---[ \t\r]*(?:#.*)?$)[ \t\r\uFEFF]*[^\s#]/m;

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
  const bytes = await read(file, MAX_BYTES);
  if (bytes === undefined) throw tooLarge(file, MAX_BYTES);
  return bytes.toString("utf8");
}

/** Undefined where it has more than so many bytes. */
async function read(file: string, most: number): Promise<Buffer | undefined> {
  try {
    const { size } = await stat(file);
    // A pipe has no size, and need not have an end.
    return size > most ? undefined : await readStream(createReadStream(file), most);
  } catch (cause) {
    throw unreadable(file, "Make it readable, or leave it out", cause);
  }
}

async function readStdin(stdin: AsyncIterable<Buffer>, most: number): Promise<Buffer | undefined> {
  const bytes = await readStream(stdin, most);
  // Whatever should have written it has failed, and a pipe hides that: an error also where there are other files.
  if (bytes !== undefined && bytes.toString("latin1").trim() === "") {
    throw new InputError("unreadable-file", "Standard input is empty. See what the command before the pipe says.");
  }
  return bytes;
}

async function readStream(stream: AsyncIterable<Buffer>, most: number): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > most) return undefined;
  }
  return Buffer.concat(chunks);
}

/** The same of all names and links of a file. */
async function identityOf(path: string): Promise<string> {
  const { dev, ino } = await statOf(path);
  return `${dev}:${ino}`;
}

async function statOf(path: string): Promise<BigIntStats> {
  try {
    return await stat(path, { bigint: true });
  } catch (cause) {
    throw unreadable(path, "Name a file or folder that can be read", cause);
  }
}

function tooLarge(path: string, most: number): InputError {
  const limit = `${Math.floor(most / 1024 / 1024)} MiB`;
  return new InputError(
    "unreadable-file",
    `${path} is too large: ${limit} may be read at once. Lint in several parts.`,
  );
}

function unreadable(path: string, advice: string, cause: unknown): InputError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new InputError("unreadable-file", `${path} cannot be read: ${why}. ${advice}.`, { cause });
}
