import { randomUUID } from "node:crypto";
import { linkSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

const POLL = 500;
const HEARTBEAT = 5_000;
/** A process id can be given to somebody else after a crash; a lock whose holder is alive is touched all the time. */
const STALE_AFTER = 60_000;

/** Runs `body` while no other process that locks the same path does. A lock whose holder crashed is taken over. */
export async function withLock<T>(path: string, log: (line: string) => void, body: () => Promise<T>): Promise<T> {
  const content = `${process.pid} ${randomUUID()}\n`;
  for (let attempt = 0; !tryLock(path, content); attempt += 1) {
    const holder = read(path);
    if (holder === undefined) continue;
    if (isStale(path, holder)) removeStale(path, holder);
    else {
      if (attempt === 0) log(`Waiting for process ${holder.split(" ")[0]}, which holds ${path}.`);
      await sleep(POLL);
    }
  }
  const heartbeat = setInterval(() => touch(path), HEARTBEAT).unref();
  try {
    return await body();
  } finally {
    clearInterval(heartbeat);
    if (read(path) === content) rmSync(path, { force: true });
  }
}

/** link() fails when the path exists, and unlike open() it never shows an empty lock. */
function tryLock(path: string, content: string): boolean {
  const own = `${path}.${randomUUID()}`;
  writeFileSync(own, content);
  try {
    linkSync(own, path);
    return true;
  } catch (error) {
    if (!isCode(error, "EEXIST")) throw error;
    return false;
  } finally {
    rmSync(own, { force: true });
  }
}

/** Somebody else may have taken the stale lock over since we looked at it: then theirs is put back. */
function removeStale(path: string, content: string): void {
  const aside = `${path}.${randomUUID()}`;
  try {
    renameSync(path, aside);
    if (read(aside) !== content) linkSync(aside, path);
  } catch (error) {
    if (!isCode(error, "ENOENT") && !isCode(error, "EEXIST")) throw error;
  } finally {
    rmSync(aside, { force: true });
  }
}

function isStale(path: string, content: string): boolean {
  try {
    if (Date.now() - statSync(path).mtimeMs > STALE_AFTER) return true;
    process.kill(Number.parseInt(content, 10), 0);
    return false;
  } catch (error) {
    // EPERM: it lives, and belongs to somebody else. ENOENT: the lock has just been given back.
    return isCode(error, "ESRCH");
  }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (isCode(error, "ENOENT")) return undefined;
    throw error;
  }
}

function touch(path: string): void {
  try {
    utimesSync(path, new Date(), new Date());
  } catch {
    // Gone: at worst somebody else builds the same.
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
