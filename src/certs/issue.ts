import { randomBytes, X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import { generate } from "selfsigned";
import type { KeyPair } from "./inspect.ts";
import { LIVES, type Lives } from "./lives.ts";

/**
 * A new certificate authority: EC P-256. No two have the same name: generations stand side by side in a bundle, and as
 * selfsigned writes no key identifiers, a verifier finds the right one by its name.
 */
export async function issueCa(now: Date, lives: Lives = LIVES): Promise<KeyPair> {
  // Letters and digits only: selfsigned would read a comma in a name as the start of another attribute.
  const name = `drawbridge-ca-${now.getTime().toString(36)}-${randomBytes(4).toString("hex")}`;
  const { cert, private: key } = await generate([{ name: "commonName", value: name }], {
    ...KEY,
    ...validity(now.getTime(), now.getTime() + lives.caMs, lives),
    extensions: [
      { name: "basicConstraints", cA: true, critical: true },
      { name: "keyUsage", keyCertSign: true, cRLSign: true, critical: true },
    ],
  });
  return { cert, key };
}

/** A server certificate for these DNS names and IP addresses, signed by `ca`: EC P-256. It never outlives its CA. */
export async function issueLeaf(
  ca: KeyPair,
  names: readonly string[],
  now: Date,
  lives: Lives = LIVES,
): Promise<KeyPair> {
  const end = Math.min(now.getTime() + lives.leafMs, new X509Certificate(ca.cert).validToDate.getTime());
  const { cert, private: key } = await generate([{ name: "commonName", value: "drawbridge" }], {
    ...KEY,
    ...validity(now.getTime(), end, lives),
    ca,
    extensions: [
      { name: "basicConstraints", cA: false, critical: true },
      { name: "keyUsage", digitalSignature: true, critical: true },
      { name: "extKeyUsage", serverAuth: true },
      {
        name: "subjectAltName",
        altNames: names.map((name) =>
          isIP(name) ? { type: 7 as const, ip: name } : { type: 2 as const, value: name },
        ),
      },
    ],
  });
  return { cert, key };
}

/** selfsigned's own defaults are RSA and SHA-1; CA and leaf must be of one key type. */
const KEY = { keyType: "ec", curve: "P-256", algorithm: "sha256" } as const;

function validity(now: number, end: number, { backdateMs }: Lives) {
  return { notBeforeDate: new Date(now - backdateMs), notAfterDate: new Date(end) };
}
