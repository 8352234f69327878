import { X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import { generate } from "selfsigned";
import { DAY_MS } from "../model/dates.ts";

/** A certificate and its private key, both PEM. */
export interface KeyPair {
  readonly cert: string;
  readonly key: string;
}

const HOUR_MS = 60 * 60 * 1000;
const CA_LIFE_MS = 365 * DAY_MS;

/** A new certificate authority: EC P-256, one year. Its name is unique, so that two generations can stand side by side. */
export async function issueCa(now: Date): Promise<KeyPair> {
  // Letters and digits only: selfsigned would read a comma in a name as the start of another attribute.
  const name = `drawbridge-ca-${now.getTime().toString(36)}`;
  const { cert, private: key } = await generate([{ name: "commonName", value: name }], {
    ...KEY,
    ...validity(now, CA_LIFE_MS),
    extensions: [
      { name: "basicConstraints", cA: true, critical: true },
      { name: "keyUsage", keyCertSign: true, cRLSign: true, critical: true },
    ],
  });
  return { cert, key };
}

/**
 * A server certificate for these DNS names and IP addresses, signed by `ca`: EC P-256. It ends with its CA, because a
 * running server does not renew it yet: a shorter life would be an outage.
 */
export async function issueLeaf(ca: KeyPair, names: readonly string[], now: Date): Promise<KeyPair> {
  const lifeMs = new X509Certificate(ca.cert).validToDate.getTime() - now.getTime();
  const { cert, private: key } = await generate([{ name: "commonName", value: "drawbridge" }], {
    ...KEY,
    ...validity(now, lifeMs),
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

/** From an hour ago: a client whose clock is behind must not find a certificate that is not valid yet. */
function validity(now: Date, lifeMs: number) {
  return { notBeforeDate: new Date(now.getTime() - HOUR_MS), notAfterDate: new Date(now.getTime() + lifeMs) };
}
