import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { freePort } from "../cluster/harness/net.ts";
import { type BuiltStage, build, parseDockerfile } from "../helpers/dockerfile.ts";
import { eventually } from "../helpers/eventually.ts";

const TOP = join(import.meta.dirname, "../..");
test("the image is small and runs as nobody", () => {
  const [first, final] = parseDockerfile(readFileSync(join(TOP, "Dockerfile"), "utf8"));
  expect(first?.base).toMatch(/^node:24-slim$/);
  expect(final?.base).toMatch(/^gcr\.io\/distroless\/nodejs24-.*:nonroot$/);
  expect(final?.steps.map(({ instruction }) => instruction)).not.toContain("USER");
});

describe("the steps of the Dockerfile, without an engine", () => {
  const target = mkdtempSync(join(tmpdir(), "drawbridge-image-"));
  let final: BuiltStage;
  let app: string;
  beforeAll(async () => {
    // As in the base image: Node 24 comes first, and brings npm's interpreter.
    const path = [dirname(process.execPath), ...(process.env["PATH"] ?? "").split(delimiter)]
      .filter((folder) => !folder.includes("node_modules") || folder === dirname(process.execPath))
      .join(delimiter);
    final = (await build(TOP, target, path)).at(-1) as BuiltStage;
    app = join(final.root, final.workdir);
  }, 300_000);
  afterAll(() => rmSync(target, { recursive: true, force: true }));

  const files = (): string[] =>
    readdirSync(final.root, { recursive: true, encoding: "utf8", withFileTypes: true })
      .filter((entry) => !entry.isDirectory())
      .map((entry) => join(entry.parentPath, entry.name));

  /** ENTRYPOINT and these arguments in the place of CMD, as Kubernetes does it. */
  const container = (args: readonly string[]) => {
    const [node, ...program] = final.entrypoint;
    expect(node).toBe("/nodejs/bin/node");
    return { file: process.execPath, args: [...program, ...args] };
  };

  test("leave the program, what it depends on and its policies, and nothing else", () => {
    expect(readdirSync(app).toSorted()).toEqual(["dist", "node_modules", "package.json", "policies"]);
    expect(readdirSync(join(app, "dist")).filter((name) => name.endsWith(".js"))).toContain("cli.js");
    const ours = files().filter((file) => !file.includes("/node_modules/"));
    expect(ours.filter((file) => !/\/(dist\/.*\.js|package\.json|policies\/.*\.(yaml|md))$/.test(file))).toEqual([]);
    const { packages } = JSON.parse(readFileSync(join(TOP, "package-lock.json"), "utf8")) as {
      packages: Readonly<Record<string, { readonly dev?: boolean; readonly optional?: boolean }>>;
    };
    const locked = Object.entries(packages).filter(([path]) => path !== "");
    expect(locked.filter(([path, { dev }]) => dev === true && existsSync(join(app, path)))).toEqual([]);
    const needed = locked.filter(([, { dev, optional }]) => dev !== true && optional !== true);
    expect(needed.filter(([path]) => !existsSync(join(app, path)))).toEqual([]);
    const bytes = files().reduce((sum, file) => sum + lstatSync(file).size, 0);
    // About 50 MB; of that the API client is half.
    expect(bytes).toBeLessThan(70e6);
  });

  test("its command serves, and writes nothing", async () => {
    const before = files();
    const [port, health] = [await freePort(), await freePort()];
    expect(final.exposed).toEqual([8443, 8080]);
    const here = ["--host", "127.0.0.1", "--port", String(port), "--health-port", String(health)];
    const { file, args } = container([...final.command, ...here]);
    const server = spawn(file, args, { cwd: app, stdio: "ignore" });
    try {
      const answer = await eventually(() => fetch(`http://127.0.0.1:${health}/healthz`));
      expect(await answer.json()).toEqual({ alive: true });
      await eventually(async () => expect((await fetch(`http://127.0.0.1:${health}/readyz`)).status).toBe(200));
    } finally {
      server.kill("SIGTERM");
    }
    expect(await once(server, "exit")).toEqual([0, null]);
    expect(files()).toEqual(before);
  });

  test("the Deployment's arguments are understood: outside a Pod it says that this is none", async () => {
    const { file, args } = container([
      "serve",
      "--in-cluster",
      "--service=drawbridge-system/drawbridge",
      "--mode=audit",
    ]);
    const { KUBERNETES_SERVICE_HOST: _, ...env } = process.env;
    await expect(promisify(execFile)(file, args, { cwd: app, env })).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringContaining("(invalid-service-account)"),
    });
  });
});
