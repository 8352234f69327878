import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { post, RECORDED, withRecordings } from "../../demo/recorded.ts";
import { runTour } from "../../demo/runner.ts";
import { recordedPart, TOUR, type TourCommand } from "../../demo/tour.ts";
import type { NetworkPolicy } from "../../src/model/network-policy.ts";
import type { AdmissionReview } from "../../src/server/review.ts";
import { type Drawbridge, startDrawbridge } from "../cluster/harness/drawbridge.ts";

const CHECKOUT = join(import.meta.dirname, "../..");
const POLICIES = join(CHECKOUT, "demo/policies");
const commands = TOUR.flatMap((step) => step.commands);
const recordings = commands.flatMap((command) => (command.recorded === undefined ? [] : [command.recorded]));

test("every recording and every manifest is part of the tour", () => {
  expect(readdirSync(RECORDED).toSorted()).toEqual(recordings.map((name) => `${name}.json`).toSorted());
  const used = commands.flatMap((command) => fileOf(command) ?? []);
  expect(readdirSync(POLICIES).map((name) => `demo/policies/${name}`)).toEqual([...new Set(used)].toSorted());
});

test.each(readdirSync(POLICIES))("%s begins with what is right or wrong with it", (name) => {
  expect(readFileSync(join(POLICIES, name), "utf8")).toMatch(/^# (Wrong|Right|Fine): .+\.\n[^#]*$/);
});

describe.each(recordings)("%s", (name) => {
  const command = commands.find(({ recorded }) => recorded === name);
  const { apiVersion, kind, request } = review(name);

  test("is what an API server sends of today's manifest", () => {
    expect([apiVersion, kind]).toEqual(["admission.k8s.io/v1", "AdmissionReview"]);
    expect(request.operation).toBe("CREATE");
    expect(request.userInfo.username).toBe(command?.as);
    expect(request.dryRun).toBe(command?.kubectl.includes("--dry-run=server"));
    expect(request.options?.["fieldManager"]).toBe(
      command?.kubectl.includes("--server-side") ? "kubectl" : "kubectl-client-side-apply",
    );
    const manifest = parse(
      readFileSync(join(CHECKOUT, command ? (fileOf(command) ?? "") : ""), "utf8"),
    ) as NetworkPolicy;
    expect(request.object).toMatchObject({ ...manifest, metadata: { ...manifest.metadata, namespace: "shop" } });
  });

  test("has the defaults filled in, as no author writes them", () => {
    expect(JSON.stringify(request.object)).toContain('"protocol":"TCP"');
  });
});

describe("judged by a server", () => {
  const directory = mkdtempSync(join(tmpdir(), "drawbridge-recorded-"));
  const servers: Drawbridge[] = [];
  const serve = async (...args: string[]) => {
    const server = await startDrawbridge({ args: ["--cert-dir", directory, "--drain-seconds", "0", ...args] });
    servers.push(server);
    return server.url;
  };
  const ca = () => readFileSync(join(directory, "ca.crt"), "utf8");
  let enforcing = "";

  beforeAll(async () => {
    enforcing = await serve();
  });
  afterAll(async () => {
    await Promise.all(servers.map((server) => server.stop()));
    rmSync(directory, { recursive: true });
  });

  test("all is as told", async () => {
    expect(await tourAt(enforcing)).toMatchObject({ failures: 0 });
  });

  test("where the server does not refuse, the tour notices each time", async () => {
    const { failures, output } = await tourAt(await serve("--mode", "audit"));
    expect(failures).toBe(6);
    expect(output.match(/it was accepted/g)).toHaveLength(6);
  });

  test("what is no AdmissionReview is no outcome", async () => {
    await expect(post(`${enforcing}/validate`, ca(), "{}")).rejects.toThrow("the webhook answered with HTTP 400");
  });

  async function tourAt(url: string): Promise<{ failures: number; output: string }> {
    const lines: string[] = [];
    const failures = await runTour(recordedPart(TOUR), withRecordings(url, ca()), (text) => lines.push(text));
    return { failures, output: lines.join("\n") };
  }
});

function review(name: string): AdmissionReview & { apiVersion: string; kind: string } {
  return JSON.parse(readFileSync(join(RECORDED, `${name}.json`), "utf8"));
}

function fileOf({ kubectl }: TourCommand): string | undefined {
  return /-f (\S+)/.exec(kubectl)?.[1];
}
