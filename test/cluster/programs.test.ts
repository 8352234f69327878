import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { readVersions } from "./harness/binaries.ts";
import { findProgram, programNames, readProgram } from "./harness/programs.ts";

const ALL = programNames();
const { version, go } = readProgram("kwok");
const CACHED = `cache/drawbridge/kwok-${version}/kwok`;

let root: string;
let lines: string[];

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "drawbridge-programs-"));
  lines = [];
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

test.each(ALL)("%s has an exact version, and needs no newer Go than Kubernetes does", (name) => {
  expect(readProgram(name).version).toMatch(/^\d+\.\d+\.\d+$/);
  expect(readProgram(name).go).toBe(readVersions().go);
});

test("the scheduler is of the API server's version", () => {
  expect(readProgram("kube-scheduler").version).toBe(readVersions().kubernetes);
});

describe("order of choice", () => {
  test("the PATH comes before the cache", async () => {
    write(CACHED);
    expect(await find({ PATH: join(root, "path") })).toBe(join(root, CACHED));
    write("path/kwok");
    expect(await find({ PATH: join(root, "path") })).toBe(join(root, "path/kwok"));
  });

  test("what is neither there nor in the cache is built, once", async () => {
    const PATH = fakeGo();
    const [one, other] = await Promise.all([find({ PATH }), find({ PATH })]);
    expect([one, other]).toEqual([join(root, CACHED), join(root, CACHED)]);
    expect(lines.filter((line) => line.startsWith("Building"))).toEqual([`Building kwok ${version} with Go.`]);
    expect(await find({})).toBe(join(root, CACHED));
  });

  test("without Go there is nothing, and the log says why", async () => {
    expect(await find({})).toBeUndefined();
    expect(lines.join()).toContain(`kwok ${version} cannot be built: there is no "go" on the PATH`);
  });
});

function find(env: NodeJS.ProcessEnv) {
  const alone = { PATH: "/nowhere", XDG_CACHE_HOME: join(root, "cache"), ...env };
  return findProgram("kwok", { env: alone, log: (line) => lines.push(line) });
}

function write(path: string): void {
  mkdirSync(join(root, path, ".."), { recursive: true });
  writeFileSync(join(root, path), "#!/bin/sh\n", { mode: 0o755 });
}

/** Answers `go env GOVERSION`, and `go build ... -o TARGET package` by writing a program there. */
function fakeGo(): string {
  const script = `#!/bin/sh
PATH=/usr/bin:/bin
[ "$1" = env ] && { echo go${go}; exit; }
while [ "$1" != -o ]; do shift; done
echo program > "$2"; chmod +x "$2"
`;
  mkdirSync(join(root, "go"));
  writeFileSync(join(root, "go/go"), script, { mode: 0o755 });
  return join(root, "go");
}
