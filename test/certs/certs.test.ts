import { X509Certificate } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { inFolder, inMemory } from "../../src/certs/files.ts";
import { issueCa, issueLeaf } from "../../src/certs/issue.ts";
import { InputError } from "../../src/model/errors.ts";

const NOW = new Date();
const DAY_MS = 24 * 60 * 60 * 1000;
const later = (days: number): Date => new Date(NOW.getTime() + days * DAY_MS);

describe("issued certificates", () => {
  test("are EC P-256 with SHA-256, backdated, and the leaf is signed by the CA and lives no longer", async () => {
    const ca = await issueCa(NOW);
    const leaf = await issueLeaf(ca, ["drawbridge.example", "127.0.0.1", "::1"], NOW);
    const [caCert, leafCert] = [new X509Certificate(ca.cert), new X509Certificate(leaf.cert)];
    for (const certificate of [caCert, leafCert]) {
      expect(certificate.publicKey.asymmetricKeyDetails).toEqual({ namedCurve: "prime256v1" });
      expect(certificate.signatureAlgorithm).toBe("ecdsa-with-SHA256");
      expect(NOW.getTime() - certificate.validFromDate.getTime()).toBeGreaterThanOrEqual(60 * 60 * 1000 - 1000);
    }
    expect(caCert.ca).toBe(true);
    expect(leafCert.ca).toBe(false);
    expect(leafCert.checkIssued(caCert)).toBe(true);
    expect(leafCert.verify(caCert.publicKey)).toBe(true);
    expect(leafCert.validToDate.getTime()).toBeLessThanOrEqual(caCert.validToDate.getTime());
    expect(leafCert.subjectAltName).toBe("DNS:drawbridge.example, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1");
    expect(leafCert.keyUsage).toEqual(["1.3.6.1.5.5.7.3.1"]);
  });

  test("of two generations have different names, also of one moment", async () => {
    const names = await Promise.all(
      [NOW, NOW].map(async (date) => new X509Certificate((await issueCa(date)).cert).subject),
    );
    expect(new Set(names).size).toBe(2);
  });

  test("a leaf lives a week, and where its CA ends before that, as long as the CA", async () => {
    const ca = await issueCa(NOW);
    const lastsUntil = async (now: Date) =>
      new X509Certificate((await issueLeaf(ca, ["localhost"], now)).cert).validToDate.getTime();
    const seconds = (date: Date) => Math.floor(date.getTime() / 1000) * 1000;
    expect(await lastsUntil(NOW)).toBe(seconds(later(7)));
    expect(await lastsUntil(later(364))).toBe(new X509Certificate(ca.cert).validToDate.getTime());
  });

  test("in memory: the CA that is told to clients is the one that signed", async () => {
    const { leaf, ca } = await inMemory(["localhost"], NOW);
    expect(new X509Certificate(leaf.cert).verify(new X509Certificate(ca.cert).publicKey)).toBe(true);
  });
});

describe("certificates in a folder", () => {
  let folder: string;
  beforeEach(async () => {
    folder = join(await mkdtemp(join(tmpdir(), "drawbridge-certs-")), "certs");
  });
  afterEach(() => rm(join(folder, ".."), { recursive: true }));

  const read = (file: string) => readFile(join(folder, file), "utf8");

  test("are written whole, the keys for their owner only, and used again", async () => {
    const first = await inFolder(folder, ["localhost"], NOW);
    expect((await readdir(folder)).toSorted()).toEqual(["ca.crt", "ca.key", "tls.crt", "tls.key"]);
    expect((await stat(join(folder, "ca.key"))).mode & 0o777).toBe(0o600);
    expect((await stat(join(folder, "tls.key"))).mode & 0o777).toBe(0o600);
    expect(await read("ca.crt")).toBe(first.ca.cert);
    expect(await inFolder(folder, ["localhost"], later(1))).toEqual(first);
  });

  test.each([
    ["another name", ["localhost", "other.example"], NOW],
    ["an IP address", ["localhost", "127.0.0.1"], NOW],
  ])("the leaf alone is made anew for %s", async (_what, names, now) => {
    const first = await inFolder(folder, ["localhost"], NOW);
    const second = await inFolder(folder, names, now);
    expect(second.ca.cert).toBe(first.ca.cert);
    expect(second.leaf).not.toEqual(first.leaf);
  });

  test("all are made anew in the last third of their life, and before it begins", async () => {
    const first = await inFolder(folder, ["localhost"], NOW);
    expect((await inFolder(folder, ["localhost"], later(240))).ca.cert).toBe(first.ca.cert);
    const second = await inFolder(folder, ["localhost"], later(250));
    expect(second.ca.cert).not.toBe(first.ca.cert);
    expect((await inFolder(folder, ["localhost"], later(-300))).ca.cert).not.toBe(second.ca.cert);
  });

  test.each(["ca.key", "ca.crt", "tls.key", "tls.crt"])("a spoilt %s is replaced", async (file) => {
    await inFolder(folder, ["localhost"], NOW);
    await writeFile(join(folder, file), "spoilt");
    const { leaf, ca } = await inFolder(folder, ["localhost"], NOW);
    expect(new X509Certificate(leaf.cert).verify(new X509Certificate(ca.cert).publicKey)).toBe(true);
    expect(await read(file)).not.toBe("spoilt");
  });

  test("a key that belongs to another certificate is replaced", async () => {
    await inFolder(folder, ["localhost"], NOW);
    const other = await issueCa(NOW);
    await writeFile(join(folder, "ca.key"), other.key);
    const { leaf, ca } = await inFolder(folder, ["localhost"], NOW);
    expect(new X509Certificate(leaf.cert).verify(new X509Certificate(ca.cert).publicKey)).toBe(true);
    expect(await read("ca.key")).not.toBe(other.key);
  });

  test("a folder that cannot be made is bad input that names the option", async () => {
    await inFolder(folder, ["localhost"], NOW);
    const error: unknown = await inFolder(join(folder, "ca.crt", "x"), ["localhost"], NOW).catch(
      (caught: unknown) => caught,
    );
    expect(error).toBeInstanceOf(InputError);
    expect(error).toMatchObject({ code: "invalid-certificate", message: expect.stringContaining("--cert-dir ") });
  });
});
