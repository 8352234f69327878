import { describe, expect, test } from "vitest";
import { authoritiesIn, leafOf, type Signer, signerOf } from "../../src/certs/inspect.ts";
import { issueCa, issueLeaf } from "../../src/certs/issue.ts";
import type { Generations } from "../../src/certs/rotation.ts";
import { generationsIn, type Secret, secretOf } from "../../src/certs/secret.ts";

const NOW = new Date("2026-11-21T12:00:00.000Z");
const make = async (): Promise<Signer> => signerOf(await issueCa(NOW));
const [a, b, c, d] = [await make(), await make(), await make(), await make()];
const { key: _c, ...oldC } = c;
const { key: _d, ...oldD } = d;
const all: Generations = { ca: a, next: b, previous: [oldC, oldD], since: NOW.getTime() };

describe("generations in a Secret", () => {
  test.each<[string, Generations]>([
    ["one CA", { ca: a, previous: [], since: NOW.getTime() }],
    ["all there can be", all],
  ])("%s: what was written is read", (_name, generations) => {
    const secret = secretOf("here", generations);
    expect(secret).toMatchObject({
      apiVersion: "v1",
      kind: "Secret",
      type: "Opaque",
      metadata: { name: "drawbridge-ca", namespace: "here", labels: { "app.kubernetes.io/managed-by": "drawbridge" } },
    });
    expect(generationsIn(secret)).toEqual(generations);
  });

  test("no key of a CA that signs no more is in it", () => {
    const text = JSON.stringify(secretOf("here", { ...all, previous: [c, d] }));
    expect(text).not.toContain(Buffer.from(c.key).toString("base64"));
  });

  test("what others have written to its metadata stays, and so do type and version", () => {
    const metadata = { uid: "1", resourceVersion: "7", labels: { team: "x" }, annotations: { note: "y" } };
    expect(secretOf("here", all, { type: "example.com/ca", metadata })).toMatchObject({
      type: "example.com/ca",
      metadata,
    });
  });

  const damaged = (data: Readonly<Record<string, string | undefined>>): Secret => {
    const secret = secretOf("here", all);
    const merged = { ...secret.data, ...data };
    const left = Object.entries(merged).filter((entry): entry is [string, string] => entry[1] !== undefined);
    return { ...secret, data: Object.fromEntries(left) };
  };
  const base64 = (text: string) => Buffer.from(text).toString("base64");
  test.each<[string, Record<string, string | undefined>, RegExp]>([
    ["nothing", { "ca.crt": undefined }, /^ca\.crt and ca\.key: the certificate is missing or not PEM$/],
    ["no key", { "ca.key": undefined }, /^ca\.crt and ca\.key: the private key is missing or not PEM$/],
    ["no base64", { "ca.crt": "%%%" }, /^ca\.crt .*missing or not PEM$/],
    [
      "a key that is not its own",
      { "ca.key": base64(b.key) },
      /^ca\.crt and ca\.key: the private key is not that of drawb/,
    ],
    ["half a next one", { "next.key": undefined }, /^next\.crt and next\.key: the private key is missing/],
    ["a cut certificate", { "next.crt": base64(b.cert.slice(0, 300)) }, /^next\.crt and next\.key: /],
    [
      "garbage among the previous",
      { "previous.crt": base64(`${oldC.cert}-----BEGIN X`) },
      /^previous\.crt: it is not made of/,
    ],
    ["a key among the previous", { "previous.crt": base64(oldC.cert + c.key) }, /^previous\.crt: it is not made of/],
  ])("%s is an error that names the place", (_name, data, message) => {
    expect(() => generationsIn(damaged(data))).toThrow(message);
  });

  test("without our annotation it began when it was created, or else when the CA did", () => {
    const { data } = secretOf("here", all);
    expect(
      generationsIn({ ...(data && { data }), metadata: { creationTimestamp: "2026-11-20T00:00:00Z" } }).since,
    ).toBe(Date.UTC(2026, 10, 20));
    expect(generationsIn({ ...(data && { data }) }).since).toBe(a.notBefore);
  });
});

describe("what is looked at before it is used", async () => {
  const leaf = await issueLeaf(a, ["drawbridge.example"], NOW);
  test.each([
    ["a leaf for no CA", () => signerOf(leaf), /CN=|drawbridge is not the certificate of a CA/],
    ["a leaf by another CA", () => leafOf(leaf, b, ["drawbridge.example"]), /was not signed by drawbridge-ca-/],
    [
      "a leaf with another key",
      () => leafOf({ ...leaf, key: a.key }, a, []),
      /the private key is another certificate's/,
    ],
    ["a leaf for other names", () => leafOf(leaf, a, ["drawbridge.example", "::1"]), /is not for ::1$/],
  ])("%s is refused", (_name, look, message) => {
    expect(look).toThrow(message);
  });

  test("a bundle is read whatever stands around its certificates", () => {
    const bundle = `# ours\n${a.cert}\n\n${leaf.cert}nonsense\n${b.cert}-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----`;
    expect(authoritiesIn(bundle).map(({ id }) => id)).toEqual([a.id, b.id]);
  });
});
