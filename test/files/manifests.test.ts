import { execFileSync } from "node:child_process";
import { linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { Readable } from "node:stream";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { manifestsUnder, readManifests, readText } from "../../src/files/manifests.ts";

const top = mkdtempSync(join(tmpdir(), "drawbridge-manifests-"));
afterAll(() => rmSync(top, { recursive: true }));

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(top, "case-"));
});

function write(name: string, text = name): string {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  return path;
}

const stdin = (...pieces: readonly (string | Buffer)[]) => Readable.from(pieces.map((piece) => Buffer.from(piece)));
const nobody = () => stdin();

/** What is read, each as `name: text`. */
async function reading(paths: readonly string[], input = nobody(), maxBytes?: number): Promise<string[]> {
  const { files } = await readManifests(paths, input, maxBytes);
  return files.map(({ file, text }) => `${relative(folder, file)}: ${text}`);
}

const refusal = (message: RegExp) =>
  expect.objectContaining({ code: "unreadable-file", message: expect.stringMatching(message) });

describe("a folder", () => {
  test("all YAML and JSON under it, in the order of names, whatever its letters and depth", async () => {
    for (const name of ["b.yaml", "a.yml", "c/d/e.json", "c/B.YAML", ".github/x.yml", ".hidden.yaml"]) write(name);
    for (const name of ["yaml", "a.yaml.orig", "b.txt", "kustomization"]) write(name);
    expect(await reading([folder])).toEqual(
      [".github/x.yml", ".hidden.yaml", "a.yml", "b.yaml", "c/B.YAML", "c/d/e.json"].map((name) => `${name}: ${name}`),
    );
  });

  test("but not what others put there: .git, and node_modules, which is said", async () => {
    for (const name of ["a.yaml", ".git/b.yaml", "node_modules/b.yaml", "c/node_modules/b.yaml"]) write(name);
    const { files, notRead } = await readManifests([folder], nobody());
    expect(files.map(({ text }) => text)).toEqual(["a.yaml"]);
    expect(notRead.map((path) => relative(folder, path))).toEqual(["c/node_modules", "node_modules"]);
  });

  test("unless it is named itself", async () => {
    write("node_modules/chart/b.yaml");
    expect(await reading([join(folder, "node_modules")])).toHaveLength(1);
  });

  test("links to files are followed, links to folders are not: they may lead in circles", async () => {
    write("..data/a.txt", "of a ConfigMap");
    symlinkSync("..data/a.txt", join(folder, "a.yaml"));
    symlinkSync(".", join(folder, "circle"));
    symlinkSync(".", join(folder, "circle.yaml"));
    expect(await reading([folder])).toEqual(["a.yaml: of a ConfigMap"]);
  });

  test("a pipe in it is passed over: nobody might ever write to it", async () => {
    execFileSync("mkfifo", [join(folder, "pipe.yaml")]);
    write("a.yaml");
    expect(await reading([folder])).toEqual(["a.yaml: a.yaml"]);
  });

  test.each([
    ["nothing", []],
    ["nothing that is YAML or JSON", ["README.md", "node_modules/a.yaml"]],
  ])("with %s in it is a mistake", async (_what, names) => {
    for (const name of names) write(name);
    await expect(manifestsUnder(folder)).rejects.toEqual(refusal(/ holds no \*\.yaml, \*\.yml or \*\.json\. Name a /));
  });

  test("with a link that leads nowhere cannot be read: it might have been what matters", async () => {
    write("a.yaml");
    symlinkSync("nowhere", join(folder, "b.yaml"));
    await expect(manifestsUnder(folder)).rejects.toEqual(refusal(/ cannot be read: ENOENT.*b\.yaml/));
  });
});

describe("what is named", () => {
  test("is read whatever its name, before what is found in folders", async () => {
    write("c/a.yaml");
    const named = write("policy.txt");
    const { files } = await readManifests([join(folder, "c"), named], nobody());
    expect(files.map(({ text, isNamed }) => [text, isNamed])).toEqual([
      ["policy.txt", true],
      ["c/a.yaml", false],
    ]);
  });

  test("is read once, by however many names, and is named where one of them is", async () => {
    const [file, hard, soft] = [write("a.yaml"), join(folder, "b.yaml"), join(folder, "c.yaml")];
    linkSync(file, hard);
    symlinkSync(file, soft);
    expect(await reading([folder])).toEqual(["a.yaml: a.yaml"]);
    expect(await reading([soft, file, hard, soft, folder, `${folder}/./`])).toEqual(["c.yaml: a.yaml"]);
    const { files } = await readManifests([folder, file], nobody());
    expect(files).toEqual([{ file, isNamed: true, text: "a.yaml" }]);
  });

  test("may be a pipe, as of <(helm template .), which can be read once only", async () => {
    const pipe = join(folder, "pipe");
    execFileSync("mkfifo", [pipe]);
    const [texts] = await Promise.all([reading([pipe, pipe]), writeFile(pipe, "from a pipe")]);
    expect(texts).toEqual(["pipe: from a pipe"]);
  });

  test("is all there is: one that cannot be read is a mistake", async () => {
    await expect(readManifests([write("a.yaml"), join(folder, "nowhere")], nobody())).rejects.toEqual(
      refusal(/nowhere cannot be read: ENOENT.*\. Name a file or folder that can be read\.$/),
    );
    await expect(readText(folder)).rejects.toEqual(
      refusal(/ cannot be read: EISDIR.*\. Make it readable, or leave it/),
    );
  });

  test("a file called - is read by its path", async () => {
    write("-", "a file");
    expect(await reading([join(folder, "-")])).toEqual(["-: a file"]);
  });
});

describe("standard input", () => {
  test("has a name of its own, and is read once", async () => {
    const input = stdin("kind: ", Buffer.from([0xc3]), Buffer.from([0xa9]));
    const { files } = await readManifests(["-", "-"], input);
    expect(files).toEqual([{ file: "<stdin>", isNamed: true, text: "kind: é" }]);
  });

  test.each([
    ["nothing", []],
    ["white space", [" \n", "\t\r\n"]],
  ])("of %s is what a failed command leaves", async (_, pieces) => {
    await expect(readManifests(["-"], stdin(...pieces))).rejects.toEqual(
      refusal(/^Standard input is empty\. See what the command before the pipe says\.$/),
    );
  });
});

describe("more than is held in memory", () => {
  const MIB = 1024 * 1024;

  test("is a mistake, be it one or all together", async () => {
    const [a, b] = [write("a.yaml", "a".repeat(MIB)), write("b.yaml", "b".repeat(MIB))];
    expect(await reading([a, b], nobody(), 2 * MIB)).toHaveLength(2);
    await expect(readManifests([a, b], nobody(), 2 * MIB - 1)).rejects.toEqual(
      refusal(/b\.yaml is too large: 1 MiB may be read at once\. Lint in several parts\.$/),
    );
  });

  test("is not waited for where it has no end", async () => {
    function* endless(): Generator<Buffer> {
      for (;;) yield Buffer.alloc(MIB, "a");
    }
    await expect(readManifests(["-"], Readable.from(endless()), 4 * MIB)).rejects.toEqual(
      refusal(/^Standard input is too large: 4 MiB/),
    );
    await expect(readManifests(["/dev/zero"], nobody(), 4 * MIB)).rejects.toEqual(refusal(/^\/dev\/zero is too large/));
  });
});
