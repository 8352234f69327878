import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "node:tls";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { post } from "../../demo/recorded.ts";
import type { NetworkException } from "../../src/config/exception.ts";
import { type Drawbridge, startDrawbridge } from "../cluster/harness/drawbridge.ts";
import { eventually } from "../helpers/eventually.ts";
import { egress, networkException } from "../helpers/build.ts";
import { admissionRequest, admissionReview } from "../server/reviews.ts";

describe("a server without a cluster, whose folder of policies holds exceptions", () => {
  const folder = mkdtempSync(join(tmpdir(), "drawbridge-serve-"));
  const inDays = (days: number) => new Date(Date.now() + days * 24 * 60 * 60 * 1000).toISOString().slice(0, 10);
  let server: Drawbridge;
  beforeAll(async () => {
    const made = (name: string, spec: Partial<NetworkException["spec"]>, namespace = "shop") => {
      const { creationTimestamp: _, ...metadata } = networkException().metadata;
      return { ...networkException(spec), metadata: { ...metadata, name, namespace } };
    };
    const documents = [
      made("live", { policies: { names: ["live"] }, expires: inDays(30) }),
      made("ended", { policies: { names: ["ended"] }, expires: "2026-01-01" }),
      made("long", { policies: { names: ["long"] }, expires: inDays(900) }),
      made("elsewhere", { policies: { names: ["elsewhere"] }, expires: inDays(30) }, "bank"),
    ];
    writeFileSync(join(folder, "exceptions.yaml"), documents.map((one) => JSON.stringify(one)).join("\n---\n"));
    server = await startDrawbridge({ args: ["--cert-dir", join(folder, "certs"), "--policies", folder] });
  });
  afterAll(async () => {
    await server?.stop();
    rmSync(folder, { recursive: true });
  });

  test.each([
    ["live", true, undefined],
    ["ended", false, "NetworkException ended has expired: it was until 2026-01-01"],
    ["long", false, "NetworkException long does not count: it is until "],
    ["elsewhere", false, undefined],
  ])("%s", async (name, allowed, text) => {
    const open = egress({});
    const object = { ...open, metadata: { ...open.metadata, name } };
    const review = JSON.stringify(admissionReview(admissionRequest("NetworkPolicy", { object, namespace: "shop" })));
    const answer = JSON.stringify(
      await post(`${server.url}/validate`, readFileSync(join(folder, "certs/ca.crt"), "utf8"), review),
    );
    expect(answer).toContain(`"allowed":${allowed}`);
    if (text === undefined) expect(answer).not.toContain("(NetworkException");
    else expect(answer).toContain(text);
  });
});

test("a server that is alone renews its certificate by the same CA, and keeps it in its folder", async () => {
  const folder = mkdtempSync(join(tmpdir(), "drawbridge-serve-"));
  const lives = { caMs: 3_600_000, leafMs: 3_000, settleMs: 0, backdateMs: 3_600_000 };
  const server = await startDrawbridge({ args: ["--cert-dir", folder], lives });
  try {
    const ca = readFileSync(join(folder, "ca.crt"), "utf8");
    const shown = async (): Promise<string> => {
      const socket = connect({ host: "127.0.0.1", port: Number(new URL(server.url).port), ca });
      await once(socket, "secureConnect");
      const { fingerprint256 } = socket.getPeerCertificate();
      socket.destroy();
      return fingerprint256;
    };
    const seen = new Set<string>();
    await eventually(async () => {
      seen.add(await shown());
      expect(seen.size).toBe(3);
    }, 20_000);
    expect(readFileSync(join(folder, "ca.crt"), "utf8")).toBe(ca);
    await eventually(async () =>
      expect(new X509Certificate(readFileSync(join(folder, "tls.crt"))).fingerprint256).toBe(await shown()),
    );
    expect(await server.metrics()).toMatch(/^drawbridge_certificate_expiry_seconds\{what="leaf"\} \d{10}$/m);
  } finally {
    await server.stop();
    rmSync(folder, { recursive: true });
  }
});
