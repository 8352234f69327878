import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { findBinaries, readVersions } from "./harness/binaries.ts";

const ENVTEST = ["etcd", "kube-apiserver", "kubectl"];
const ALL = [...ENVTEST, "kube-controller-manager"];
const { kubernetes, go } = readVersions();

let root: string;
let lines: string[];

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "drawbridge-binaries-"));
  lines = [];
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

describe("order of choice", () => {
  test("KUBEBUILDER_ASSETS comes before the PATH, and may lack the controller manager", async () => {
    const env = { KUBEBUILDER_ASSETS: programs("assets", ENVTEST), PATH: programs("path", ALL) };
    expect(await find(env)).toEqual({
      etcd: join(root, "assets/etcd"),
      kubeApiserver: join(root, "assets/kube-apiserver"),
      kubectl: join(root, "assets/kubectl"),
    });
  });

  test("an incomplete KUBEBUILDER_ASSETS is an error that names what is missing", async () => {
    const env = { KUBEBUILDER_ASSETS: programs("assets", ["etcd"]), PATH: programs("path", ALL) };
    await expect(find(env)).rejects.toThrow(/lacks kube-apiserver, kubectl/);
  });

  test("the PATH comes before the cache, and its folders add up", async () => {
    programs(cacheFolder(), ALL);
    const PATH = [programs("first", ["etcd", "kubectl"]), "/nowhere", programs("second", ALL)].join(":");
    expect(await find({ PATH })).toEqual({
      etcd: join(root, "first/etcd"),
      kubeApiserver: join(root, "second/kube-apiserver"),
      kubectl: join(root, "first/kubectl"),
      kubeControllerManager: join(root, "second/kube-controller-manager"),
    });
  });

  test("the cache is chosen when the PATH lacks one", async () => {
    programs(cacheFolder(), ALL);
    const found = await find({ PATH: programs("path", ["etcd", "kubectl"]) });
    expect(found?.kubectl).toBe(join(root, cacheFolder(), "kubectl"));
  });

  test("the cache is per version", async () => {
    programs("cache/drawbridge/kubernetes-0.0.1", ALL);
    expect(await find({}, false)).toBeUndefined();
  });

  test.each([
    ["incomplete", () => programs(cacheFolder(), ENVTEST)],
    ["not executable", () => chmodSync(join(programs(cacheFolder(), ALL), "etcd"), 0o644)],
    ["empty", () => writeFileSync(join(programs(cacheFolder(), ALL), "etcd"), "")],
  ])("a cache that is %s does not count", async (_, fill) => {
    fill();
    expect(await find({}, false)).toBeUndefined();
    expect(lines.join()).toContain("building was not asked for");
  });
});

describe("build", () => {
  test("without Go there is nothing, and the log says why", async () => {
    expect(await find({})).toBeUndefined();
    expect(lines.join()).toContain('there is no "go" on the PATH');
  });

  test("an old Go is not asked to build", async () => {
    expect(await find({ PATH: fakeGo("go1.9.7") })).toBeUndefined();
    expect(lines.join()).toMatch(/Go 1\.\S+ or newer is needed, here is go1\.9\.7/);
  });

  test("fills the cache, and the next time finds it there", async () => {
    const first = await find({ PATH: fakeGo() });
    expect(first?.etcd).toBe(join(root, cacheFolder(), "etcd"));
    expect(lines[0]).toContain(`Kubernetes ${kubernetes}`);
    expect(lines[1]).toContain("about 6 minutes");
    expect(await find({}, false)).toEqual(first);
    expect(leftInCache()).toEqual([`kubernetes-${kubernetes}`]);
  });

  test("a build that fails throws what Go said, and leaves nothing", async () => {
    const failing = fakeGo(`go${go}`, "echo 'server.go:1:1: no such thing' >&2; exit 1");
    await expect(find({ PATH: failing })).rejects.toThrow(/exit code 1[^]*no such thing/);
    expect(leftInCache()).toEqual([]);
  });

  test("two at once build once", async () => {
    const env = { PATH: fakeGo() };
    const [one, other] = await Promise.all([find(env), find(env)]);
    expect(one).toEqual(other);
    expect(lines.filter((line) => line.startsWith("Building"))).toHaveLength(1);
    expect(lines.join()).toContain(`Waiting for process ${process.pid}`);
  });

  test("what a crashed build left behind is taken over and removed", async () => {
    const leftover = programs(`${cacheFolder()}.building-crashed`, ["kubectl"]);
    // No system has a process with this id.
    writeFileSync(join(root, `${cacheFolder()}.lock`), "2147483646 crashed\n");
    expect(await find({ PATH: fakeGo() })).toBeDefined();
    expect(existsSync(leftover)).toBe(false);
    expect(leftInCache()).toEqual([`kubernetes-${kubernetes}`]);
  });
});

function find(env: NodeJS.ProcessEnv, build = true) {
  const alone = { PATH: "/nowhere", XDG_CACHE_HOME: join(root, "cache"), ...env };
  return findBinaries({ env: alone, build, log: (line) => lines.push(line) });
}

function cacheFolder(): string {
  return `cache/drawbridge/kubernetes-${kubernetes}`;
}

function leftInCache(): string[] {
  return readdirSync(join(root, "cache/drawbridge"));
}

function programs(folder: string, names: readonly string[]): string {
  mkdirSync(join(root, folder), { recursive: true });
  for (const name of names) writeFileSync(join(root, folder, name), "#!/bin/sh\n", { mode: 0o755 });
  return join(root, folder);
}

/** Answers `go env GOVERSION`, and `go build ... -o TARGET package...` by writing a program per package. */
function fakeGo(version = `go${go}`, beforeBuild = "sleep 0.2"): string {
  const script = `#!/bin/sh
PATH=/usr/bin:/bin
[ "$1" = env ] && { echo ${version}; exit; }
${beforeBuild}
while [ "$1" != -o ]; do shift; done
target=$2; shift 2
for package; do
  case $target in */) file=$target\${package##*/};; *) file=$target;; esac
  echo program > "$file"; chmod +x "$file"
done
`;
  mkdirSync(join(root, "go"), { recursive: true });
  writeFileSync(join(root, "go/go"), script, { mode: 0o755 });
  return join(root, "go");
}
